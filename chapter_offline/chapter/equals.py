"""Claims that weigh the same where a chapter of standard length draws its line: some are said, some not.

Which come first there is no matter of weights. Knows what there is to choose from, and not who chooses.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.offers import Omitted, Slot, slots, statements
from chapter_offline.chapter.plan import choosing_of, words_of
from chapter_offline.chapter.render import Page
from chapter_offline.knowledge.briefs import Brief, Component, External
from chapter_offline.knowledge.library import Library

_Named = TypeVar("_Named", Component, External)


@dataclass(frozen=True)
class Equal:
    """A claim. name: in full ("p08.clocks.order"). text: with this system's figures, without glosses,
    and with "item", "worker" and the like for its own words: else a claim would seem to fit a garage
    because it says "garage worker".
    """

    name: str
    text: str


def equals(library: Library, brief: Brief, most: int) -> list[Equal]:
    """At most so many claims of equal weight, in the chapter's order. Raises BadInputError.

    Claims of equal weight in one section go together, so that none goes before another because it was
    left out here: small groups first, then in the chapter's order, as long as a whole one has room.
    """
    figures, omitted = figures_for(library, brief), Omitted()
    page = Page(library, brief, figures)
    all_slots = tuple(slots(page, omitted))
    choosing = choosing_of(Page(library, brief, figures, varied=page.varied), all_slots, omitted)
    taken: list[tuple[int, int]] = []
    for tie in sorted(choosing.ties(words_of("standard", choosing.bounds())), key=len):
        if len(taken) + len(tie) > most:
            break
        taken += tie
    plainly = Page(library, _in_plain_words(brief), figures)
    found = [_equal(plainly, all_slots, at, number) for at, number in sorted(taken)]
    return [each for each in found if each.text]


def _in_plain_words(brief: Brief) -> Brief:
    """The same with each noun and component called what it is to any system."""
    return brief.model_copy(
        update={
            "nouns": {name: name for name in brief.nouns},
            "component": _by_role(brief.component),
            "external": _by_role(brief.external),
        }
    )


def _by_role(named: Sequence[_Named]) -> tuple[_Named, ...]:
    return tuple(each.model_copy(update={"name": each.role}) for each in named)


def _equal(page: Page, all_slots: Sequence[Slot], at: int, number: int) -> Equal:
    slot = all_slots[at]
    held = slot.held[number]
    page.glossed = dict.fromkeys(page.library.terms)
    page.shown = set(page.figures)
    page.told = set()
    text = " ".join(each.text for each in statements(page, slot.key, held, []))
    return Equal(f"{slot.key}.{held[0].id}", plain(text))
