"""The plan of one chapter: every section with its claims and figures, before a word is written.

A section is a function of library, brief and depth alone. What sections share (names, numbers, the
place where a term is glossed) comes from these, so any section can be made again by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from chapter_offline.chapter.artefacts import ARTEFACTS
from chapter_offline.chapter.choosing import THIN, Bounds, Choosing, Said
from chapter_offline.chapter.diagrams import DIAGRAMS
from chapter_offline.chapter.escape import markdown
from chapter_offline.chapter.examples import Worked, worked
from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.length import (
    count,
    entry_words,
    heading_words,
    idea_words,
    rows_words,
    rule_words,
    table_words,
)
from chapter_offline.chapter.offers import (
    Omitted,
    Slot,
    Statement,
    connective,
    measured,
    menu,
    row,
    rule_text,
    slots,
    statements,
    told,
)
from chapter_offline.chapter.render import LeftOut, Page
from chapter_offline.chapter.rules import Standing, Violation, standings, violations
from chapter_offline.chapter.tables import Table, table_of
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.library import Library, check_brief
from chapter_offline.knowledge.spec import Form, Part, Spec
from chapter_offline.sizing.figure import Origin
from chapter_offline.sizing.figures import Figures

__all__ = ["THIN", "Depth", "PartPlan", "Plan", "Row", "SectionPlan", "Statement", "make_plan"]

ORIGINS: tuple[Origin, ...] = ("given", "chosen", "derived", "simulated")
Depth = Literal["quick", "standard", "deep"]
WORDS: dict[Depth, int] = {"quick": 18_000, "standard": 24_000, "deep": 30_000}
"""Words of a chapter, or as near as a system comes to them."""


@dataclass(frozen=True)
class Row:
    """A row of a table of figures. origin: "assumed", "chosen", or the derivation. name: the figure's."""

    label: str
    value: str
    origin: str
    name: str


@dataclass(frozen=True)
class SectionPlan:
    """A requirement applied to the brief. id: "p08.clocks", in Part 6 "p06.store.failure".

    diagram: Mermaid text, or ""; idea: what it teaches. artefact: text for a fence, or "". example: a worked one, or None. component: the component of a facet, or "". rule: what to carry to
    another system, or "". labels: see `Requirement`. figures: those that it prints.
    """

    id: str
    part: int
    heading: str
    form: Form
    instruction: str
    frame: str
    statements: tuple[Statement, ...]
    rows: tuple[Row, ...] = ()
    diagram: str = ""
    component: str = ""
    rule: str = ""
    labels: tuple[str, ...] = ()
    table: Table | None = None
    idea: str = ""
    artefact: str = ""
    example: Worked | None = None
    figures: tuple[str, ...] = ()

    @property
    def component_heading(self) -> str:
        """The heading that the sections of its component stand under; "" where it has none."""
        return self.component[:1].upper() + self.component[1:]

    @property
    def words(self) -> int:
        """Words on the page, with the heading."""
        figures, leads = bool(self.rows), any(s.lead for s in self.statements)
        return (
            heading_words(self.heading)
            + count(self.frame)
            + rows_words((row.label, row.value, row.origin) for row in self.rows)
            + (self.table.words if self.table else 0)
            + table_words(self.form, leads, figures)
            + sum(
                entry_words(self.form, s.lead, s.ask, s.text, len(self.labels), figures)
                for s in self.statements
            )
            + idea_words(self.idea)
            + (self.example.words if self.example else 0)
            + rule_words(self.rule)
        )


@dataclass(frozen=True)
class PartPlan:
    """question: the part's hardest one, for the model's attempt. answer: how an expert begins.

    rule: what to carry away.
    """

    number: int
    title: str
    question: str
    answer: str
    rule: str
    sections: tuple[SectionPlan, ...]

    @property
    def words(self) -> int:
        """Words on the page, with all headings, without what a model adds."""
        names = dict.fromkeys(section.component for section in self.sections if section.component)
        return (
            _part_words(self.title)
            + count(self.question, self.answer, self.rule)
            + sum(map(heading_words, names))
            + sum(section.words for section in self.sections)
        )


@dataclass(frozen=True)
class Plan:
    """A whole chapter. title, summary: as they stand on a page. omitted: (claim, why it is not said here).

    depth: None where a number of words was asked for. aim: words that it was to have. terms: (term,
    definition). bounds: words that a chapter on this system may have.
    """

    title: str
    summary: str
    spec: Spec
    brief: Brief
    depth: Depth | None
    aim: int
    parts: tuple[PartPlan, ...]
    given: tuple[Row, ...]
    chosen: tuple[Row, ...]
    derived: tuple[Row, ...]
    simulated: tuple[Row, ...]
    terms: tuple[tuple[str, str], ...]
    omitted: tuple[tuple[str, str], ...]
    bounds: Bounds
    figures: Figures
    violations: tuple[Violation, ...]
    standings: tuple[Standing, ...]

    @property
    def words(self) -> int:
        """Words of the chapter, without what a model adds, diagrams, opening note and appendices."""
        return heading_words(self.title) + sum(part.words for part in self.parts)

    def assumptions(self, figures: Iterable[str]) -> tuple[str, ...]:
        """The given and chosen figures from which these are derived, in the order of their use."""
        return tuple(n for n in self.figures.sources(figures) if not self.figures.used_by(n))

    def where_used(self, figures: Iterable[str]) -> tuple[str, ...]:
        """Ids of the sections that print one of these figures."""
        wanted = set(figures)
        return tuple(s.id for s in self.sections() if wanted & set(s.figures))

    def texts(self) -> Iterator[str]:
        """Every frame, statement and rule, as it stands on a page."""
        for part in self.parts:
            yield from (part.question, part.answer, part.rule)
            for section in part.sections:
                yield from (section.frame, *(s.text for s in section.statements), section.rule)

    def sections(self, parts: Sequence[int] | None = None) -> Iterator[SectionPlan]:
        """All sections, or those of some parts, in order."""
        for part in self.parts:
            if parts is None or part.number in parts:
                yield from part.sections


def make_plan(
    library: Library, brief: Brief, depth: Depth = "standard", words: int | None = None
) -> Plan:
    """The plan of a brief's chapter, of so many words, or of a depth's.

    Raises BadInputError for a brief that names what is not there, and for a section that would have
    nothing to say; UsageError for a length that can't be had.
    """
    check_brief(library, brief, "brief")
    figures = figures_for(library, brief)
    page = Page(library, brief, figures)
    omitted: Omitted = []
    all_slots = tuple(slots(page, omitted))
    apart = Page(library, brief, figures, varied=page.varied)
    choosing = _choosing(apart, all_slots, omitted)
    bounds = choosing.bounds()
    aim = _aim(bounds, depth, words)
    picks: dict[int, list[int]] = {}
    for place, number in sorted(choosing.choose(aim)):
        picks.setdefault(place, []).append(number)
    parts: list[PartPlan] = []
    numbered = groupby(enumerate(all_slots), key=lambda entry: entry[1].part.number)
    for part, (_, entries) in zip(library.spec.part, numbered, strict=True):
        sections = [_section(page, slot, picks.get(place, []), omitted) for place, slot in entries]
        parts.append(_part(page, part, sections))
    rows = {origin: _used_rows(page, origin) for origin in ORIGINS}
    return Plan(
        title=markdown(brief.name),
        summary=page.must(brief.summary, "brief: summary"),
        spec=library.spec,
        brief=brief,
        depth=depth if words is None else None,
        aim=aim,
        parts=tuple(parts),
        given=rows["given"],
        chosen=rows["chosen"],
        derived=rows["derived"],
        simulated=rows["simulated"],
        terms=tuple(
            (term, library.terms[term].entry) for term in sorted(page.glossed, key=str.lower)
        ),
        omitted=tuple(omitted),
        bounds=bounds,
        figures=figures,
        violations=tuple(violations(page)),
        standings=tuple(standings(page)),
    )


def _choosing(page: Page, all_slots: Sequence[Slot], omitted: Omitted) -> Choosing:
    """The choice, with all lengths. page: one that nothing else is written on."""
    spec, brief = page.library.spec, page.brief
    words, first = heading_words(markdown(brief.name)), dict[str, int]()
    for part in spec.part:
        answer, rule = told(page, part)
        said = measured(page, [part.question, answer, rule], part.key)
        words += said.words + _part_words(part.title)
        first |= said.first
    for component in brief.component:
        words += heading_words(component.name)
    return Choosing([menu(page, slot, omitted) for slot in all_slots], Said(words, first))


def _part_words(title: str) -> int:
    """A part's heading, and what stands in bold before its question, its answer and its rule."""
    return count(title) + 18


def _aim(bounds: Bounds, depth: Depth, words: int | None) -> int:
    """The words to reach. Raises UsageError where the system has more or fewer."""
    if words is None:
        return min(max(WORDS[depth], bounds.least), bounds.most)
    if words < bounds.least:
        raise UsageError(
            f"--words {words}: what covers every requirement for this system has {bounds.least:,} words; "
            f"ask for {bounds.least} to {bounds.most}"
        )
    if words > bounds.most:
        raise UsageError(
            f"--words {words}: all that is known for this system comes to {bounds.most:,} words; "
            f"ask for {bounds.least} to {bounds.most}"
        )
    return words


def _part(page: Page, part: Part, sections: Sequence[SectionPlan]) -> PartPlan:
    answer, rule = told(page, part)
    return PartPlan(
        number=part.number,
        title=part.title,
        question=page.must(part.question, f"{part.key}.question"),
        answer=page.must(answer, f"{part.key}.answer"),
        rule=page.must(rule, f"{part.key}.rule"),
        sections=tuple(sections),
    )


def _section(page: Page, slot: Slot, kept: Sequence[int], omitted: Omitted) -> SectionPlan:
    """A section with the claims that were picked; what was not is noted with the reason."""
    before, page.used = page.used, {}
    frame = page.must(slot.frame, f"{slot.key}.frame")
    rows = tuple(_row(page, name) for name in slot.table)
    said: list[Statement] = []
    reasons = {name for name, _ in omitted}
    for n, held in enumerate(slot.held):
        name = f"{slot.key}.{held[0].id}"
        if n in kept:
            joined = connective(slot.held, kept, kept.index(n))
            said.extend(statements(page, slot.key, held, [], joined))
        elif name not in reasons:
            omitted.append((name, "no room in a chapter of this length"))
    table = table_of(page, slot.key)
    diagram = _diagram(page, slot.key)
    idea = page.must(slot.requirement.idea, f"{slot.key}: idea") if diagram else ""
    artefact = ARTEFACTS[slot.key](page) if slot.key in ARTEFACTS else ""
    at_rule, at_example = slot.places
    shown = slot.example if at_example in kept else None
    example = worked(page, shown, slot.key) if shown else None
    rule = rule_text(page, slot, []) if slot.rule and at_rule in kept else ""
    own, page.used = tuple(page.used), before | page.used
    return SectionPlan(
        id=slot.key,
        part=slot.part.number,
        heading=slot.requirement.heading,
        form=slot.requirement.form,
        instruction=slot.requirement.instruction,
        frame=frame,
        statements=tuple(said),
        rows=rows,
        table=table,
        diagram=diagram,
        idea=idea,
        artefact=artefact,
        example=example,
        component=markdown(slot.component),
        rule=rule,
        labels=slot.requirement.labels,
        figures=own,
    )


def _diagram(page: Page, key: str) -> str:
    try:
        return DIAGRAMS[key](page) if key in DIAGRAMS else ""
    except LeftOut as reason:
        raise BadInputError(f"brief: diagram of {key}: {reason}") from None


def _row(page: Page, name: str) -> Row:
    made = Row(*row(page, name), name)
    page.used.setdefault(name)
    page.shown.add(name)
    for part in page.figures.used_by(name):
        page.used.setdefault(part)
    return made


def _used_rows(page: Page, origin: str) -> tuple[Row, ...]:
    """The figures that the chapter uses, by actor, with all that they are derived from."""
    names = set(page.figures.sources(page.used))
    rows = []
    for name in page.figures:
        if (
            name in names
            and page.figures.definition(name).origin == origin
            and page.figures[name].usable
        ):
            label, value, came = row(page, name)
            actor = page.actor(page.figures.definition(name).actor)
            rows.append(Row(f"{actor.Cap}: {label}", value, came, name))
    return tuple(rows)
