"""The plan of one chapter: every section with its claims and figures, before a word is written.

A section is a function of library, brief and depth alone. What sections share (names, numbers, the
place where a term is glossed) comes from these, so any section can be made again by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from chapter_offline.chapter.diagrams import DIAGRAMS
from chapter_offline.chapter.escape import markdown
from chapter_offline.chapter.render import LeftOut, Page
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.claims import Claim
from chapter_offline.knowledge.library import FACET_PART, Library, check_brief
from chapter_offline.knowledge.spec import Form, Part, Requirement, Spec
from chapter_offline.sizing.expressions import ExpressionError
from chapter_offline.sizing.figures import Definition, Figures, derive

Depth = Literal["quick", "standard", "deep"]
THIN = 40
MOST_WORDS: dict[Depth, int] = {"quick": 50, "standard": 100, "deep": 100_000}
"""Words of claims in a section, as their templates count them; a list may have twice as many."""
_WHOLE = frozenset({"dialogue", "timeline"})
"""Forms that make sense only whole, at any depth."""
_TOGETHER = "p15."
"""Sections that go through one list: each design is described, praised and refused."""


@dataclass(frozen=True)
class Statement:
    """A claim as rendered. origin: "library" or "brief". id: of its claim."""

    id: str
    text: str
    lead: str
    ask: str
    join: bool
    origin: Literal["library", "brief"]


@dataclass(frozen=True)
class Row:
    """A row of a table of figures. origin: "assumed", "chosen", or the derivation."""

    label: str
    value: str
    origin: str


@dataclass(frozen=True)
class SectionPlan:
    """A requirement applied to the brief. id: "p08.clocks", in Part 6 "p06.store.failure".

    diagram: Mermaid text, or "". component: the component of a facet, or "".
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


@dataclass(frozen=True)
class PartPlan:
    """question: the part's hardest one, for the model's attempt. rule: what to carry away."""

    number: int
    title: str
    question: str
    rule: str
    sections: tuple[SectionPlan, ...]


@dataclass(frozen=True)
class Plan:
    """A whole chapter. title, summary: as they stand on a page. omitted: (claim, why it does not hold here). terms: (term, definition)."""

    title: str
    summary: str
    spec: Spec
    brief: Brief
    depth: Depth
    parts: tuple[PartPlan, ...]
    given: tuple[Row, ...]
    chosen: tuple[Row, ...]
    derived: tuple[Row, ...]
    terms: tuple[tuple[str, str], ...]
    omitted: tuple[tuple[str, str], ...]

    def sections(self, parts: Sequence[int] | None = None) -> Iterator[SectionPlan]:
        """All sections, or those of some parts, in order."""
        for part in self.parts:
            if parts is None or part.number in parts:
                yield from part.sections


def figures_for(library: Library, brief: Brief) -> Figures:
    """The figures of a brief: `names.toml` with its overrides and additions. Raises BadInputError."""
    definitions: dict[str, Definition] = {}
    for name, entry in (library.names.figures | brief.extra_figures).items():
        override = brief.figures.get(name)
        called = brief.relabel.get(name, entry)
        value = entry.given if entry.given is not None else entry.chosen
        definitions[name] = Definition(
            name=name,
            unit=entry.unit,
            label=called.label,
            actor=called.actor,
            origin="derived" if entry.is_ else "given" if entry.given is not None else "chosen",
            value=override.value if override else value,
            expression=entry.is_ or "",
            round_up=entry.round == "up",
            why=override.why if override else entry.why,
        )
    return derive(definitions)


def make_plan(library: Library, brief: Brief, depth: Depth = "standard") -> Plan:
    """The plan of a brief's chapter.

    Raises BadInputError for a brief that names what is not there, and for a section that would have
    nothing to say.
    """
    check_brief(library, brief, "brief")
    page = Page(library, brief, figures_for(library, brief))
    omitted: list[tuple[str, str]] = []
    parts = tuple(_part(page, part, depth, omitted) for part in library.spec.part)
    rows = {origin: _used_rows(page, origin) for origin in ("given", "chosen", "derived")}
    return Plan(
        title=markdown(brief.name),
        summary=_must(page, brief.summary, "brief: summary"),
        spec=library.spec,
        brief=brief,
        depth=depth,
        parts=parts,
        given=rows["given"],
        chosen=rows["chosen"],
        derived=rows["derived"],
        terms=tuple(
            (term, library.terms[term].entry) for term in sorted(page.glossed, key=str.lower)
        ),
        omitted=tuple(omitted),
    )


def _must(page: Page, template: str, where: str) -> str:
    """A text that a chapter can't do without. Raises BadInputError where it can't be said."""
    try:
        return page.render(template, where)
    except LeftOut as reason:
        raise BadInputError(f"{where}: {reason}") from None


def _part(page: Page, part: Part, depth: Depth, omitted: list[tuple[str, str]]) -> PartPlan:
    sections: list[SectionPlan] = []
    if part.key == FACET_PART:
        for component in page.brief.component:
            for requirement in part.requirement:
                key = f"{part.key}.{component.role}.{requirement.id}"
                sections.append(
                    _section(page, part, requirement, key, depth, omitted, component.name)
                )
    else:
        for requirement in part.requirement:
            key = f"{part.key}.{requirement.id}"
            sections.append(_section(page, part, requirement, key, depth, omitted))
    rule = page.library.claims.rules.get(part.number, "")
    return PartPlan(
        number=part.number,
        title=part.title,
        question=_must(page, part.question, f"{part.key}.question"),
        rule=_must(page, rule, f"{part.key}.rule"),
        sections=tuple(sections),
    )


def _section(
    page: Page,
    part: Part,
    requirement: Requirement,
    key: str,
    depth: Depth,
    omitted: list[tuple[str, str]],
    component: str = "",
) -> SectionPlan:
    known = page.library.claims.sections.get(key)
    if known is None:
        raise BadInputError(f"claims: nothing is known for the section {key}")
    frames = {frame.at: frame.text for frame in page.brief.frames}
    frame = _must(page, frames.get(key, known.frame), f"{key}.frame")
    rows = tuple(_row(page, name) for name in known.table if _can_stand(page, name))
    statements: list[Statement] = []
    chosen = _choose(page, key, requirement.form, frame, known.claims, depth, omitted)
    for claim, origin in chosen:
        statements.extend(_statements(page, key, claim, origin, omitted))
    return SectionPlan(
        id=key,
        part=part.number,
        heading=requirement.heading,
        form=requirement.form,
        instruction=requirement.instruction,
        frame=frame,
        statements=tuple(statements),
        rows=rows,
        diagram=_diagram(page, key),
        component=markdown(component),
    )


def _diagram(page: Page, key: str) -> str:
    try:
        return DIAGRAMS[key](page) if key in DIAGRAMS else ""
    except LeftOut as reason:
        raise BadInputError(f"brief: diagram of {key}: {reason}") from None


_Origin = Literal["library", "brief"]


def _choose(
    page: Page,
    key: str,
    form: Form,
    frame: str,
    universal: Sequence[Claim],
    depth: Depth,
    omitted: list[tuple[str, str]],
) -> list[tuple[Claim, _Origin]]:
    """The claims that hold, special before general, the heaviest ones if there are too many."""
    own: list[tuple[Claim, _Origin]] = [(c, "brief") for c in page.brief.claims if c.at == key]
    candidates = own + [(c, "library") for c in universal]
    holding: list[tuple[Claim, _Origin]] = []
    for claim, origin in candidates:
        name = f"{key}.{claim.id}"
        if origin == "library" and name in page.brief.replaces:
            omitted.append((name, "the brief replaces it"))
        elif failed := page.holds(claim.needs):
            omitted.append((name, f"needs {failed}"))
        elif claim.when and not _compare(page.figures, claim.when, name):
            omitted.append((name, f"holds when {claim.when}"))
        else:
            holding.append((claim, origin))
    if form in _WHOLE or key.startswith(_TOGETHER):
        return holding
    return _heaviest(page, key, holding, form, len(frame.split()), depth, omitted)


def _heaviest(
    page: Page,
    key: str,
    holding: list[tuple[Claim, _Origin]],
    form: Form,
    said: int,
    depth: Depth,
    omitted: list[tuple[str, str]],
) -> list[tuple[Claim, _Origin]]:
    """The claims that a depth has room for: the heaviest, the brief's own first.

    said: words of the section's frame; a section is never left thin for want of room.
    """
    room = MOST_WORDS[depth] * (2 if form == "list" else 1)
    fewest = 1 if depth == "quick" and form != "list" else 2
    rank = sorted(
        range(len(holding)),
        key=lambda i: (-holding[i][0].weight - 2 * (holding[i][1] == "brief"), i),
    )
    kept: set[int] = set()
    for i in rank:
        claim = holding[i][0]
        length = len(claim.text.split()) * len(page.each(claim.each) if claim.each else [0])
        if len(kept) >= fewest and said >= THIN and length > room:
            omitted.append((f"{key}.{claim.id}", f"no room at depth {depth}"))
            continue
        kept.add(i)
        room -= length
        said += length
    # What goes on in the paragraph of a claim that was left out would hang in the air.
    return [
        pair
        for i, pair in enumerate(holding)
        if i in kept and not (pair[0].join and i - 1 not in kept)
    ]


def _compare(figures: Figures, condition: str, where: str) -> bool:
    import pint

    try:
        return figures.holds(condition)
    except (ExpressionError, pint.DimensionalityError, ArithmeticError, TypeError) as error:
        raise BadInputError(f"{where}: when = {condition!r}: {error}") from None


def _statements(
    page: Page, key: str, claim: Claim, origin: _Origin, omitted: list[tuple[str, str]]
) -> Iterator[Statement]:
    where = f"{key}.{claim.id}"
    for extra in page.each(claim.each) if claim.each else [{}]:
        try:
            lead = page.render(claim.lead, where, extra)
            ask = page.render(claim.ask, where, extra)
            text = page.render(claim.text, where, extra)
        except LeftOut as reason:
            omitted.append((where, str(reason)))
            continue
        yield Statement(claim.id, text, lead, ask, claim.join, origin)


def _can_stand(page: Page, name: str) -> bool:
    """Whether a figure may stand in a table: not if it came out negative or endless."""
    figure = page.figures.get(name)
    return figure is None or figure.definition.origin != "derived" or figure.usable


def _row(page: Page, name: str) -> Row:
    if name not in page.figures:
        raise BadInputError(f"figure {name!r} is not defined in names.toml or the brief")
    page.used.setdefault(name)
    page.shown.add(name)
    for part in page.figures.used_by(name):
        page.used.setdefault(part)
    return _row_of(page, name)


def _row_of(page: Page, name: str) -> Row:
    definition = page.figures[name].definition
    label = _must(page, definition.label, f"figure {name}: label")
    if definition.origin == "derived":
        origin = page.figures.derivation(name) + (", rounded up" if definition.round_up else "")
    else:
        origin = {"given": "assumed", "chosen": "chosen"}[definition.origin]
        if definition.why:
            origin += ": " + _must(page, definition.why, f"figure {name}: why")
    return Row(label, page.figures[name].text, origin)


def _used_rows(page: Page, origin: str) -> tuple[Row, ...]:
    """The figures that the chapter uses, by actor, with all that they are derived from."""
    names = set(page.used)
    waiting = list(names)
    while waiting:
        for part in page.figures.used_by(waiting.pop()):
            if part not in names:
                names.add(part)
                waiting.append(part)
    rows = []
    for name in page.figures:
        if (
            name in names
            and page.figures[name].definition.origin == origin
            and page.figures[name].usable
        ):
            row = _row_of(page, name)
            actor = page.noun(page.figures[name].definition.actor)
            rows.append(Row(f"{actor.Cap}: {row.label}", row.value, row.origin))
    return tuple(rows)
