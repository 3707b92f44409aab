"""The calculator of a page: assumptions to be changed, and the figures and decisions that follow.

Formulas are generated from those that the chapter was derived by. Without a script the page doesn't
show it, since nothing would follow.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby

from markupsafe import Markup

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import Plan, Row
from chapter_offline.chapter.render import Page
from chapter_offline.knowledge.library import Library
from chapter_offline.knowledge.rules import Constraint, Decision
from chapter_offline.output.html.inline import Places, Text
from chapter_offline.sizing import expressions, javascript
from chapter_offline.sizing.figures import Figures

_MARK = re.compile("\ue000([^\ue001]+)\ue001")


@dataclass(frozen=True)
class Assumption:
    """A figure that can be set. value: as it is assumed, in `unit`, as a field takes it."""

    name: str
    label: Markup
    value: str
    unit: str


@dataclass(frozen=True)
class Turn:
    """A decision with what is chosen on either side; figures in its texts follow."""

    id: str
    about: Markup
    label: Markup
    figure: str
    limit: str
    today: str
    until: str
    below: Markup
    above: Markup
    why: Markup
    passed: bool


@dataclass(frozen=True)
class Broken:
    """What must hold between figures. left, right: its sides, as they are reckoned."""

    id: str
    left: Markup
    right: Markup
    why: Markup


@dataclass(frozen=True)
class Calculator:
    """groups: (whose, assumptions). script: what the page's script reckons with."""

    groups: tuple[tuple[Markup, tuple[Assumption, ...]], ...]
    turns: tuple[Turn, ...]
    constraints: tuple[Broken, ...]
    script: str


def calculator_of(plan: Plan, library: Library, places: Places) -> Calculator:
    """The calculator of a chapter."""
    page = Page(library, plan.brief, plan.figures)
    text = Text(places, {})
    turns = tuple(_turn(page, rule, text) for rule in _decisions(page))
    constraints = tuple(_constraints(page))
    names = _names(plan, page, constraints)
    return Calculator(
        groups=tuple(_groups(plan, text)),
        turns=turns,
        constraints=tuple(_broken(page, rule, text) for rule in constraints),
        script=_script(plan, page, names, constraints),
    )


def _names(plan: Plan, page: Page, constraints: Iterable[Constraint]) -> tuple[str, ...]:
    """Assumptions and derived figures that the page or a rule speaks of, with their sources."""
    shown = [row.name for row in (*plan.given, *plan.chosen, *plan.derived)]
    for rule in constraints:
        shown += expressions.names(rule.holds)
        shown += expressions.names(rule.when) if rule.when else ()
    for decision in _decisions(page):
        shown += (decision.figure, decision.limit)
        for line in (decision.below, decision.above, decision.why):
            shown += (name for name, _ in _marked(page, line))
    wanted = set(plan.figures.sources(shown))
    return tuple(n for n in plan.figures if n in wanted and not _is_simulated(plan.figures, n))


def _is_simulated(figures: Figures, name: str) -> bool:
    return bool(figures.definition(name).simulation)


def _decisions(page: Page) -> Iterator[Decision]:
    for rule in page.library.rules.decision:
        if not page.holds(rule.needs):
            yield rule


def _constraints(page: Page) -> Iterator[Constraint]:
    for rule in (*page.library.rules.constraint, *page.brief.constraint):
        if not page.holds(rule.needs):
            yield rule


def _groups(plan: Plan, text: Text) -> Iterator[tuple[Markup, tuple[Assumption, ...]]]:
    """Assumptions by whose they are; the label of a row in the appendix begins with that."""
    rows = sorted((*plan.given, *plan.chosen), key=lambda row: row.label.partition(": ")[0])
    for actor, of_actor in groupby(rows, key=lambda row: row.label.partition(": ")[0]):
        yield _unlinked(text(actor)), tuple(_assumption(plan, row, text) for row in of_actor)


def _assumption(plan: Plan, row: Row, text: Text) -> Assumption:
    figure = plan.figures[row.name]
    value = figure.definition.value
    assert value is not None  # only these are given or chosen
    label = _unlinked(text(row.label.partition(": ")[2]))
    field = str(int(value)) if value == int(value) else repr(value)
    return Assumption(row.name, label, field, figure.definition.unit)


def _unlinked(made: Markup) -> Markup:
    """What names a control holds no link: one click would mean two things."""
    return Markup(re.sub("<a [^>]*>|</a>", "", made))


class _Marks:
    """Figures that a template prints as marks, to be put in when the page is read."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def __getattr__(self, name: str) -> "_Mark":
        if name.startswith("_"):
            raise AttributeError(name)
        return _Mark(self._figures, name)


class _Mark:
    def __init__(self, figures: Figures, name: str) -> None:
        self._figures, self._name = figures, name

    def __str__(self) -> str:
        return _mark(self._name, "text")

    def of(self, noun: str) -> str:
        """As `FigureView.of`."""
        return _mark(self._name, "of", noun)

    @property
    def word(self) -> str:
        """As `FigureView.word`."""
        return _mark(self._name, "word")

    @property
    def value(self) -> float:
        """As it is assumed: a template's own tests don't follow."""
        return self._figures[self._name].magnitude


def _mark(*parts: str) -> str:
    return f"\ue000{json.dumps(parts)}\ue001"


def _line(page: Page, template: str) -> str:
    """A text with marks for its figures."""
    marks = {"n": _Marks(page.figures), "eq": lambda name: _mark(name, "text")}
    return page.render(template, "rules", marks)


def _marked(page: Page, template: str) -> Iterator[tuple[str, str]]:
    for found in _MARK.finditer(_line(page, template)):
        parts = json.loads(found[1])
        yield parts[0], parts[1]


def _live(page: Page, template: str, text: Text) -> Markup:
    """A text as HTML, in which each figure is an element that follows."""
    marks: list[str] = []

    def kept(found: re.Match[str]) -> str:
        marks.append(found[1])
        return f"\ue000{len(marks) - 1}\ue001"

    made = str(text(_MARK.sub(kept, _line(page, template))))
    return Markup(_MARK.sub(lambda found: _element(page, marks[int(found[1])]), made))


def _element(page: Page, mark: str) -> str:
    name, *_ = json.loads(mark)
    return f'<span class="live" data-live="{escape(mark)}">{escape(page.figures[name].text)}</span>'


def _turn(page: Page, rule: Decision, text: Text) -> Turn:
    figure, limit = page.figures[rule.figure], page.figures[rule.limit]
    return Turn(
        id=rule.id,
        about=_live(page, rule.about, text),
        label=text(page.must(figure.definition.label, rule.id)),
        figure=rule.figure,
        limit=rule.limit,
        today=figure.text,
        until=limit.text,
        below=_live(page, rule.below, text),
        above=_live(page, rule.above, text),
        why=_live(page, rule.why, text),
        passed=page.figures.compare(rule.condition, rule.id),
    )


def _broken(page: Page, rule: Constraint, text: Text) -> Broken:
    left, right = expressions.sides(rule.holds)
    why = _live(page, rule.why, text)
    return Broken(rule.id, _side(page, left), _side(page, right), why)


def _side(page: Page, expression: str) -> Markup:
    """A side of a comparison, with its figures: "3 × 0.8 s"."""
    marks = {name: _mark(name, "text") for name in expressions.names(expression)}
    try:
        line = expressions.shown(expression, marks)
    except expressions.ExpressionError:
        return Markup(escape(expression))
    return Markup("").join(
        Markup(_element(page, piece)) if at % 2 else Markup(escape(piece))
        for at, piece in enumerate(_MARK.split(line))
    )


def _script(
    plan: Plan,
    page: Page,
    names: tuple[str, ...],
    constraints: tuple[Constraint, ...],
) -> str:
    """The object `model` that calculator.js reads."""
    figures = plan.figures
    simulated = {row.name: _assumed(figures, row.name) for row in plan.simulated}
    labels = {row.name: plain(row.label) for row in (*plan.given, *plan.chosen, *plan.derived)}
    rules = ",\n".join(
        f"{{id: {javascript.literal(rule.id)}, holds: {javascript.formula(rule.holds)}, "
        f"when: {javascript.formula(rule.when) if rule.when else 'null'}}}"
        for rule in constraints
    )
    return (
        f"const model = {{\nderive: figures({javascript.definitions(figures, names)},\n"
        f"{javascript.units(figures, names)}),\n"
        f"labels: {javascript.literal(labels)},\nsimulated: {javascript.literal(simulated)},\nrules: [{rules}]\n}};\n"
    )


def _assumed(figures: Figures, name: str) -> list[str]:
    """The assumptions that a simulated figure rests on."""
    return [n for n in figures.sources([name]) if figures.definition(n).value is not None]
