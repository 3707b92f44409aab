"""Everything that is known, as one system's readers would get it: all claims that hold, in order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.offers import Slot, Statement, slots, statements, told
from chapter_offline.chapter.render import LeftOut, Page
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.library import Library, check_brief


@dataclass(frozen=True)
class Entry:
    """A frame, claim or rule as rendered. name: "p08.clocks.order", with "frame", "example" or "rule" last.

    origin: "library" or "brief". failed: what is wrong, or "". unsayable: a figure that makes no
    sense here. listed: whether it is repeated over the brief's lists. glossed: terms that are first used in it; figures: those that it prints.
    """

    name: str
    slot: Slot
    origin: str
    statements: tuple[Statement, ...]
    failed: str = ""
    unsayable: str = ""
    listed: bool = False
    glossed: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All its sentences."""
        return " ".join(statement.text for statement in self.statements)


@dataclass(frozen=True)
class Reading:
    """All entries of a system. omitted: (claim, condition that does not hold)."""

    entries: tuple[Entry, ...]
    omitted: tuple[tuple[str, str], ...]


def read_all(library: Library, brief: Brief) -> Reading:
    """Renders all that holds. Raises BadInputError where the brief itself is wrong."""
    check_brief(library, brief, "brief")
    page = Page(library, brief, figures_for(library, brief))
    omitted: list[tuple[str, str]] = []
    made: list[Entry] = []
    for _, part in groupby(list(slots(page, omitted)), key=lambda slot: slot.part.number):
        for slot in part:
            made += _entries(page, slot)
        for what, text in zip(("answer", "rule"), told(page, slot.part), strict=True):
            name = f"{slot.part.key}.{what}"
            origin = "brief" if name in brief.own_texts else "library"
            made.append(replace(_text(page, slot, what, text, origin), name=name))
    return Reading(tuple(made), tuple(omitted))


def _entries(page: Page, slot: Slot) -> Iterator[Entry]:
    own = "brief" if slot.key in page.brief.own_texts else "library"
    yield _text(page, slot, "frame", slot.frame, own)
    for held in slot.held:
        glossed, used = set(page.glossed), page.used
        page.used = {}
        name, unsayable = f"{slot.key}.{held[0].id}", list[tuple[str, str]]()
        try:
            made, failed = (
                tuple(statements(page, slot.key, held, unsayable, held[0].connective)),
                "",
            )
        except BadInputError as error:
            made, failed = (), str(error)
        why = unsayable[0][1] if unsayable else ""
        new = tuple(term for term in page.glossed if term not in glossed)
        listed = held[0].each is not None
        yield Entry(name, slot, held[1], made, failed, why, listed, new, tuple(page.used))
        page.used = used | page.used
    if slot.example:
        yield _text(page, slot, "example", slot.example.said)
    if slot.rule:
        own = "brief" if f"{slot.key}.rule" in page.brief.own_texts else "library"
        yield _text(page, slot, "rule", slot.rule, own)


def _text(page: Page, slot: Slot, what: str, template: str, origin: str = "library") -> Entry:
    name = f"{slot.key}.{what}"
    try:
        text = page.render(template, name)
    except LeftOut as reason:
        return Entry(name, slot, origin, (), unsayable=str(reason))
    except BadInputError as error:
        return Entry(name, slot, origin, (), failed=str(error))
    return Entry(name, slot, origin, (Statement(what, text, "", "", False, "library"),))
