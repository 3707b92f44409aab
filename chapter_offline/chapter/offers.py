"""What each section may say of one system: the claims that hold, in order, with their lengths."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chapter_offline.chapter.choosing import Menu, Offer, Said
from chapter_offline.chapter.examples import example_for, worked
from chapter_offline.chapter.length import (
    count,
    entry_words,
    heading_words,
    idea_words,
    rows_words,
    rule_words,
    table_words,
)
from chapter_offline.chapter.render import LeftOut, Page
from chapter_offline.chapter.tables import table_of
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.claims import Claim, Example, SectionText
from chapter_offline.knowledge.library import FACET_PART
from chapter_offline.knowledge.spec import Part, Requirement

Origin = Literal["library", "brief", "model"]
Held = tuple[Claim, Origin]
Omitted = list[tuple[str, str]]

RULE_RANK, EXAMPLE_RANK = 7.0, 20.0
"""A section's rule is chosen like a claim of this weight, its worked example before any claim."""
_OWN, _TRAIT = 3.0, 2.0
"""By how much a claim of the brief, or one that goes through its lists, and one that needs a trait, is
before one of any system."""
_TOGETHER = "p15."
"""Sections that go through one list: each design is described, praised and refused."""
_FEWEST = {"list": 2, "dialogue": 4}
"""Entries that a section of some form has, unless the chapter is too short for them."""
_LEAST = {"dialogue": 2}


@dataclass(frozen=True)
class Statement:
    """A claim as rendered. origin: who wrote it; "model" where a model said it again. id: of its claim."""

    id: str
    text: str
    lead: str
    ask: str
    join: bool
    origin: Origin


@dataclass(frozen=True)
class Slot:
    """A section before it is written. frame, rule, example: templates. held: the claims that hold, in order."""

    key: str
    part: Part
    requirement: Requirement
    component: str
    frame: str
    table: tuple[str, ...]
    rule: str
    example: Example | None
    held: tuple[Held, ...]

    @property
    def places(self) -> tuple[int, int]:
        """The places of the rule and of the example among what the section may say, behind its claims."""
        rule = len(self.held)
        return rule, rule + bool(self.rule)


def told(page: Page, part: Part) -> tuple[str, str]:
    """Templates of the answer to a part's question, and of its rule. Raises BadInputError."""
    claims = page.library.claims
    try:
        answer = _own(page, f"{part.key}.answer", claims.answers[part.number])
        return answer, _own(page, f"{part.key}.rule", claims.rules[part.number])
    except KeyError:
        raise BadInputError(f"claims: Part {part.number} lacks its answer or its rule") from None


def _own(page: Page, at: str, general: str) -> str:
    """The brief's text for a place; the library's, where it has none or its figures don't allow it."""
    own = page.brief.own_texts.get(at, "")
    where = at if at.endswith((".answer", ".rule")) else f"{at}.frame"
    return own if own and page.sayable(own, where) else general


def slots(page: Page, omitted: Omitted) -> Iterator[Slot]:
    """All sections of a chapter, in order. Raises BadInputError where nothing is known for one."""
    for part in page.library.spec.part:
        if part.key == FACET_PART:
            for component in page.brief.component:
                for requirement in part.requirement:
                    key = f"{part.key}.{component.role}.{requirement.id}"
                    yield _slot(page, part, requirement, key, component.name, omitted)
        else:
            for requirement in part.requirement:
                key = f"{part.key}.{requirement.id}"
                yield _slot(page, part, requirement, key, "", omitted)


def _slot(
    page: Page, part: Part, requirement: Requirement, key: str, component: str, omitted: Omitted
) -> Slot:
    known = page.library.claims.sections.get(key)
    if known is None:
        raise BadInputError(f"claims: nothing is known for the section {key}")
    held = _without_loose_ends(key, _in_order(_held(page, key, known, omitted)), omitted)
    return Slot(
        key,
        part,
        requirement,
        component,
        _own(page, key, known.frame),
        tuple(name for name in known.table if can_stand(page, name)),
        _own(page, f"{key}.rule", known.rule),
        example_for(page, key),
        tuple(held),
    )


def can_stand(page: Page, name: str) -> bool:
    """Whether a figure may stand in a table: not if it came out negative or endless."""
    figure = page.figures.get(name)
    return figure is None or figure.definition.origin != "derived" or figure.usable


def _held(page: Page, key: str, known: SectionText, omitted: Omitted) -> Iterator[Held]:
    """The claims whose conditions hold, special before general."""
    candidates: list[Held] = [(c, "brief") for c in page.brief.claims if c.at == key]
    candidates += [(c, "library") for c in known.claims]
    for claim, origin in candidates:
        name = f"{key}.{claim.id}"
        if origin == "library" and name in page.brief.replaces:
            omitted.append((name, "the brief replaces it"))
        elif failed := page.holds(claim.needs):
            omitted.append((name, f"needs {failed}"))
        elif claim.when and not page.figures.compare(claim.when, f"{name}: when"):
            omitted.append((name, f"holds when {claim.when}"))
        else:
            yield claim, origin


def _in_order(held: Iterable[Held]) -> list[Held]:
    """Claims with an anchor go right behind it, those of one anchor in their own order."""
    given = list(held)
    here = {claim.id for claim, _ in given}
    waiting = [pair for pair in given if pair[0].after in here]
    ordered = [pair for pair in given if pair[0].after not in here]
    while waiting:
        ids = [claim.id for claim, _ in ordered]
        ready = [pair for pair in waiting if pair[0].after in ids]
        if not ready:  # anchors in a circle: each stays where it was written
            return given
        for pair in reversed(ready):
            ordered.insert(ids.index(pair[0].after) + 1, pair)
        waiting = [pair for pair in waiting if pair not in ready]
    return ordered


def _without_loose_ends(key: str, held: list[Held], omitted: Omitted) -> list[Held]:
    """A claim that goes on in the paragraph before needs one: at a section's start it has none."""
    while held and held[0][0].join:
        omitted.append((f"{key}.{held[0][0].id}", "there is nothing before it to go on from"))
        held = held[1:]
    return held


def connective(held: Sequence[Held], kept: Sequence[int], place: int) -> str:
    """The words that join a kept claim to what stands before it, or "".

    kept: places of the kept claims, in order. With an anchor, that is what must stand before it;
    without one, the claim before it in the section.
    """
    claim = held[kept[place]][0]
    if not claim.connective or not place:
        return ""
    before = held[kept[place - 1]][0].id
    wanted = claim.after or held[kept[place] - 1][0].id
    return claim.connective if before == wanted else ""


def statements(
    page: Page, key: str, held: Held, omitted: Omitted, joined: str = ""
) -> Iterator[Statement]:
    """A claim as it is said here: once, or once for each of what it is repeated over.

    joined: the connective that stands before it, a template. What can't be said is left out with
    the reason.
    """
    claim, origin = held
    where = f"{key}.{claim.id}"
    for extra in page.each(claim.each) if claim.each else [{}]:
        try:
            yield _statement(page, claim, origin, where, extra, joined)
        except LeftOut as reason:
            omitted.append((where, str(reason)))


def _statement(
    page: Page, claim: Claim, origin: Origin, where: str, extra: Mapping[str, Any], joined: str
) -> Statement:
    lead = page.render(claim.lead, where, extra)
    ask = page.render(claim.ask, where, extra)
    before = page.render(joined, where, extra) if joined else ""
    text = page.render(claim.text, where, extra)
    return Statement(claim.id, page.begun(before, text), lead, ask, claim.join, origin)


# ---------------------------------------------------------------------- lengths


def menu(page: Page, slot: Slot, omitted: Omitted) -> Menu:
    """What a section may say, with lengths. page: a page of its own, on which nothing stands yet."""
    form, figures = slot.requirement.form, bool(slot.table)
    offers = [_offer(page, slot, held, omitted) for held in slot.held]
    if slot.rule:
        offers.append(_rule(page, slot, omitted))
    if slot.example:
        offers.append(_worked(page, slot, slot.example))
    leads = any(held[0].lead for held in slot.held)
    said = measured(page, [slot.frame], f"{slot.key}.frame")
    table = rows_words([row(page, name) for name in slot.table]) + table_words(form, leads, figures)
    beside = table_of(page, slot.key)
    table += beside.words if beside else 0
    table += idea_words(page.must(slot.requirement.idea, f"{slot.key}: idea"))
    first = dict(said.first) | {f"figure {name}": 0 for name in slot.table}
    return Menu(
        heading=heading_words(slot.requirement.heading),
        said=Said(said.words + table, first),
        offers=tuple(offers),
        fewest=_FEWEST.get(form, 1),
        least=2 if slot.key.startswith(_TOGETHER) else _LEAST.get(form, 1),
        whole=slot.requirement.whole,
    )


def measured(page: Page, templates: Iterable[str], where: str) -> Said:
    """The length of texts that a chapter can't do without. Raises BadInputError."""
    _forget(page)
    return _said(page, sum(count(page.must(text, where)) for text in templates))


def _offer(page: Page, slot: Slot, held: Held, omitted: Omitted) -> Offer:
    claim, origin = held
    form, labels = slot.requirement.form, len(slot.requirement.labels)
    _forget(page)
    made = list(statements(page, slot.key, held, omitted, claim.connective))
    words = sum(entry_words(form, s.lead, s.ask, s.text, labels, bool(slot.table)) for s in made)
    special = page.library.names.special(claim.needs)
    own = origin == "brief" or claim.each is not None
    return Offer(
        _said(page, words),
        rank=claim.weight + (_OWN if own else _TRAIT if special else 0),
        entries=len(made),
        joins=claim.join,
        bundle=f"{_TOGETHER}{claim.lead}" if slot.key.startswith(_TOGETHER) else "",
    )


def _rule(page: Page, slot: Slot, omitted: Omitted) -> Offer:
    _forget(page)
    words = rule_words(rule_text(page, slot, omitted))
    return Offer(_said(page, words), RULE_RANK, entries=0, covers=False)


def _worked(page: Page, slot: Slot, example: Example) -> Offer:
    _forget(page)
    made = worked(page, example, slot.key)
    words = _said(page, made.words if made else 0)
    return Offer(words, EXAMPLE_RANK, entries=0, covers=False, early=True)


def rule_text(page: Page, slot: Slot, omitted: Omitted) -> str:
    """A section's rule, or "" where it can't be said."""
    try:
        return page.render(slot.rule, f"{slot.key}.rule")
    except LeftOut as reason:
        omitted.append((f"{slot.key}.rule", str(reason)))
        return ""


def _forget(page: Page) -> None:
    page.glossed.clear()
    page.shown.clear()
    page.told.clear()


def _said(page: Page, words: int) -> Said:
    """A length, with what was said in full for the first time taken apart."""
    terms, figures = page.library.terms, page.figures
    first = {f"term {name}": count(terms[name].gloss) for name in page.glossed}
    for name in page.shown:
        first[f"figure {name}"] = count(figures.equation(name)) - count(figures[name].text)
    return Said(words - sum(first.values()), first)


def row(page: Page, name: str) -> tuple[str, str, str]:
    """A row of a table of figures: label, value, where it comes from. Raises BadInputError."""
    if name not in page.figures:
        raise BadInputError(f"figure {name!r} is not defined in names.toml or the brief")
    definition = page.figures.definition(name)
    label = page.must(definition.label, f"figure {name}: label")
    if definition.origin == "derived":
        origin = page.figures.derivation(name) + (", rounded up" if definition.round_up else "")
    else:
        origin = {"given": "assumed", "chosen": "chosen", "simulated": "simulated"}[
            definition.origin
        ]
        if definition.simulation:
            simulation = page.library.simulations[definition.simulation]
            origin += ": " + page.must(simulation.label, f"simulation {definition.simulation}")
        if definition.why:
            origin += ": " + page.must(definition.why, f"figure {name}: why")
    return label, page.figures[name].text, origin
