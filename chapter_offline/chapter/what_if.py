"""What if an assumption were another: the same brief with other figures, and what that moves."""

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chapter_offline.chapter.figuring import with_values
from chapter_offline.chapter.plan import Plan, SectionPlan
from chapter_offline.chapter.rules import Standing
from chapter_offline.errors import UsageError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.library import Library
from chapter_offline.sizing.figure import Figure
from chapter_offline.sizing.figures import Figures
from chapter_offline.sizing.units import quantity, unit_of

_CHANGE = re.compile(r"([a-z]\w*)\s*=\s*([0-9][0-9_,]*(?:\.[0-9]+)?(?:e[0-9]+)?)\s*(.*)", re.ASCII)


@dataclass(frozen=True)
class Moved:
    """A figure with another value. All as printed; label: its row in the table of figures."""

    name: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class WhatIf:
    """moved: figures, the assumptions that were set first. turned: decisions, before and after.

    sections: those that would read otherwise.
    """

    moved: tuple[Moved, ...]
    turned: tuple[tuple[Standing, Standing], ...]
    sections: tuple[SectionPlan, ...]


def changed(brief: Brief, figures: Figures, library: Library, changes: Iterable[str]) -> Brief:
    """The brief with other assumptions. changes: "users=10x", "timeout=250 ms", "fill=30%".

    A number without a unit is in the figure's own; "10x" multiplies what it is now. Raises
    UsageError for what is no assumption of this system, or no value for it.
    """
    values: dict[str, tuple[float, str]] = {}
    for change in changes:
        name, value = _parsed(change, figures)
        values[name] = value, f"what if: {change}"
    return with_values(brief, values)


def _parsed(change: str, figures: Figures) -> tuple[str, float]:
    import pint

    found = _CHANGE.fullmatch(change.strip())
    if not found:
        raise UsageError(
            f"--set {change[:60]!r}: write NAME=VALUE, such as users=10x or timeout=250ms"
        )
    name, number, unit = found[1], float(found[2].replace(",", "").replace("_", "")), found[3]
    if name not in figures:
        near = difflib.get_close_matches(name, figures, n=3)
        hint = (
            f"the nearest are {', '.join(near)}" if near else "Appendix A of the chapter lists them"
        )
        raise UsageError(f"--set {name}: there is no such figure; {hint}")
    figure = figures[name]
    if figure.definition.origin not in {"given", "chosen"}:
        assumed = [n for n in figures.sources([name]) if not figures.used_by(n)]
        raise UsageError(f"--set {name}: it is derived; set one of {', '.join(assumed)}")
    declared = figure.definition.unit
    try:
        if unit in {"x", "×"}:
            value = figure.magnitude * number
        else:
            value = float(quantity(number, unit or declared).to(unit_of(declared)).magnitude)
    except (AttributeError, pint.DimensionalityError):
        raise UsageError(
            f"--set {name}: {unit[:20]!r} is no unit for it; it is measured in {declared or 'plain numbers'}"
        ) from None
    if not math.isfinite(value):
        raise UsageError(f"--set {name}: {found[2]} is too much of anything")
    return name, value


def what_if(before: Plan, after: Plan, parts: Sequence[int]) -> WhatIf:
    """What differs between two plans of one system. parts: whose sections are looked at."""
    once = {at.id: at for at in before.standings}
    turned = [(once[at.id], at) for at in after.standings if at.id in once]
    return WhatIf(
        moved=tuple(_moved(before, after)),
        turned=tuple((was, now) for was, now in turned if was.passed != now.passed),
        sections=tuple(_otherwise(before, after, parts)),
    )


def _moved(before: Plan, after: Plan) -> Iterator[Moved]:
    labels = {row.name: row.label for row in (*after.given, *after.chosen, *after.derived)}
    labels |= {row.name: row.label for row in (*before.given, *before.chosen, *before.derived)}
    names = [name for name in after.figures if name in labels]
    names.sort(key=lambda name: bool(after.figures.used_by(name)))
    for name in names:
        was, now = _text(before.figures[name]), _text(after.figures[name])
        if was != now:
            yield Moved(name, labels[name], was, now)


def _text(figure: Figure) -> str:
    """As printed; an excess below nothing, or what never ends, is none."""
    return figure.text if figure.usable else "none"


def _otherwise(before: Plan, after: Plan, parts: Sequence[int]) -> Iterator[SectionPlan]:
    once = {section.id: section for section in before.sections(parts)}
    for section in after.sections(parts):
        if section != once.get(section.id):
            yield section
