"""Which claims a chapter of so many words has: a budget over the whole chapter.

Every section is covered first, then the heaviest claims come in, each further one of a section
counting a little less, until the words are reached. Knows lengths and ranks, and no texts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

THIN = 40
"""A section with fewer words under its heading is thin."""
NEAR = 0.999
"""From this share of the words on, nothing lighter is looked for to fill the rest."""
SPARE = 30
"""So many words more than the shortest cover of a section may a heavier one have where room is scarce."""
FURTHER = 1.0
"""By how much each claim that a section has already makes its next one count less."""

Pick = tuple[int, int]
"""The section's place in the chapter and the offer's place in the section."""


@dataclass(frozen=True)
class Said:
    """A length. words: without what is said in full at its first use only.

    first: the words of that (a term's gloss, a figure's derivation), by its name.
    """

    words: int = 0
    first: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Offer:
    """What a section may say. entries: how many bullets, questions or paragraphs it comes to.

    joins: goes on from the offer before it, and never stands without it. bundle: said together with
    all offers of the same bundle, or not at all. covers: whether the section is covered by it. early:
    whether it comes in before sections are covered by their heaviest.
    """

    said: Said
    rank: float
    entries: int = 1
    joins: bool = False
    bundle: str = ""
    covers: bool = True
    early: bool = False


@dataclass(frozen=True)
class Menu:
    """All that a section may say. heading: its words; said: what it says in any case.

    fewest: entries that it should have; least: entries that it must have. whole: it says all or nothing.
    """

    heading: int
    said: Said
    offers: tuple[Offer, ...]
    fewest: int = 1
    least: int = 1
    whole: bool = False


@dataclass(frozen=True)
class Bounds:
    """Words of the shortest chapter that covers everything, and of the longest one."""

    least: int
    most: int


class Choosing:
    """The choice for one chapter. outside: what it says beside its sections."""

    def __init__(self, menus: Sequence[Menu], outside: Said) -> None:
        self._menus, self._outside = menus, outside
        self._bundles: dict[str, set[Pick]] = {}
        for at, menu in enumerate(menus):
            for number, offer in enumerate(menu.offers):
                if offer.bundle:
                    self._bundles.setdefault(offer.bundle, set()).add((at, number))
        groups = list(self._groups())
        self._light = [self._cover(group, spare=0) for group in groups]
        self._middle = [self._cover(group, spare=SPARE) for group in groups]
        self._heavy = [self._cover(group, spare=None) for group in groups]

    def bounds(self) -> Bounds:
        """What can be asked for."""
        return Bounds(self.length(set().union(*self._light)), self.length(self._all()))

    def choose(self, words: int) -> frozenset[Pick]:
        """The picks of a chapter of so many words, within the bounds; the same for the same words."""
        picks = self._covers(words)
        said, seen = self.length(picks), self._seen(picks)
        for pick in self._by_value():
            more = self._with(pick) - picks
            cost = self._cost(more, seen)
            if said + cost > words:
                if said >= NEAR * words:
                    break
                continue  # it is too long for what is left; a shorter one may fit
            picks |= more
            said += cost
            seen |= {name for other in more for name in self._offer(other).said.first}
        return frozenset(picks)

    def length(self, picks: Iterable[Pick]) -> int:
        """Words of a chapter with these picks."""
        kept = list(picks)
        fixed = [self._outside, *(menu.said for menu in self._menus)]
        words = sum(said.words for said in fixed) + sum(menu.heading for menu in self._menus)
        seen: dict[str, int] = {}
        for said in (*fixed, *(self._offer(pick).said for pick in kept)):
            seen |= said.first
        return words + sum(self._offer(pick).said.words for pick in kept) + sum(seen.values())

    # ------------------------------------------------------------------ covering every section

    def _covers(self, words: int) -> set[Pick]:
        """Each section's cover: its heaviest, one hardly longer than the shortest, or the shortest.

        As room shrinks, the heaviest give way to what is early, that to the middle ones, and these
        to the shortest.
        """
        early = self._words(pick for pick in self._all() if self._offer(pick).early)
        chosen = self._shortened(self._heavy, self._middle, words - early)
        chosen = self._shortened(chosen, self._light, words)
        return set().union(*chosen)

    def _shortened(
        self, covers: Sequence[set[Pick]], shorter: Sequence[set[Pick]], words: int
    ) -> list[set[Pick]]:
        """Covers that come to so many words, if they can: those that lose least for each word
        that they save become short first.
        """
        chosen = list(covers)
        swaps = []
        for group, (long, short) in enumerate(zip(covers, shorter, strict=True)):
            saved = self._words(long) - self._words(short)
            if saved > 0:
                swaps.append(((self._rank(long) - self._rank(short)) / saved, group))
        for _, group in sorted(swaps):
            if self.length(set().union(*chosen)) <= words:
                break
            chosen[group] = shorter[group]
        return chosen

    def _groups(self) -> Iterator[list[int]]:
        """Sections, those that share a bundle together."""
        groups: list[tuple[set[str], list[int]]] = []
        for at, menu in enumerate(self._menus):
            bundles = {offer.bundle for offer in menu.offers if offer.bundle}
            for known, members in groups:
                if known & bundles:
                    known |= bundles
                    members.append(at)
                    break
            else:
                groups.append((bundles, [at]))
        for _, members in groups:
            yield members

    def _cover(self, group: Sequence[int], *, spare: int | None) -> set[Pick]:
        """Picks that cover these sections: the heaviest; with `spare`, the heaviest of those that have
        at most so many words more than the shortest.
        """
        light = spare is not None
        picks: set[Pick] = set()
        for at in group:
            menu = self._menus[at]
            offers = [(at, n) for n, offer in enumerate(menu.offers) if offer.covers]
            if menu.whole:
                picks |= self._closed(offers)
                continue
            order = sorted(offers, key=lambda pick: (-self._offer(pick).rank, pick))
            if spare is not None:
                order = self._short(at, offers, picks, spare) + order
            for pick in order:
                if self._covered(at, picks, light):
                    break
                picks |= self._with(pick)
        return picks

    def _short(self, at: int, offers: Sequence[Pick], picks: set[Pick], spare: int) -> list[Pick]:
        """Offers that cover a section alone and have at most `spare` words more than the shortest."""
        words = {pick: self._words(self._with(pick)) for pick in offers}
        enough = [p for p in offers if self._covered(at, picks | self._with(p), light=True)]
        most = min((words[pick] for pick in enough), default=0) + spare
        near = [pick for pick in enough if words[pick] <= most]
        return sorted(
            near, key=lambda pick: (-self._offer(pick).rank if spare else 0.0, words[pick], pick)
        )

    def _covered(self, at: int, picks: set[Pick], light: bool) -> bool:
        menu = self._menus[at]
        own = [menu.offers[n] for section, n in picks if section == at and menu.offers[n].covers]
        entries = sum(offer.entries for offer in own)
        words = menu.said.words + sum(offer.said.words for offer in own)
        return words >= THIN and entries >= (menu.least if light else menu.fewest)

    # ------------------------------------------------------------------ picks

    def _by_value(self) -> list[Pick]:
        """All picks, the most valuable first: by rank, less what the section has already."""
        valued: list[tuple[float, int, int, int]] = []
        for at, menu in enumerate(self._menus):
            ranked = sorted(range(len(menu.offers)), key=lambda n: (-menu.offers[n].rank, n))
            place = 0
            for n in ranked:
                offer = menu.offers[n]
                valued.append((FURTHER * place - offer.rank, place, at, n))
                place += offer.covers
        return [(at, n) for _, _, at, n in sorted(valued)]

    def _with(self, pick: Pick) -> set[Pick]:
        """A pick and all that has to be said with it."""
        return self._closed([pick])

    def _closed(self, picks: Iterable[Pick]) -> set[Pick]:
        found: set[Pick] = set()
        waiting = list(picks)
        while waiting:
            at, n = waiting.pop()
            if (at, n) in found:
                continue
            found.add((at, n))
            offer = self._menus[at].offers[n]
            if offer.joins and n:
                waiting.append((at, n - 1))
            waiting += self._bundles.get(offer.bundle, ())
        return found

    def _all(self) -> set[Pick]:
        return {(at, n) for at, menu in enumerate(self._menus) for n in range(len(menu.offers))}

    def _offer(self, pick: Pick) -> Offer:
        return self._menus[pick[0]].offers[pick[1]]

    def _words(self, picks: Iterable[Pick]) -> int:
        return sum(self._offer(pick).said.words for pick in picks)

    def _rank(self, picks: Iterable[Pick]) -> float:
        return sum(self._offer(pick).rank for pick in picks)

    def _seen(self, picks: Iterable[Pick]) -> set[str]:
        fixed = [self._outside, *(menu.said for menu in self._menus)]
        seen = {name for said in fixed for name in said.first}
        return seen | {name for pick in picks for name in self._offer(pick).said.first}

    def _cost(self, more: Iterable[Pick], seen: set[str]) -> int:
        """Words that these picks add to what has been said."""
        first: dict[str, int] = {}
        words = 0
        for pick in more:
            said = self._offer(pick).said
            words += said.words
            first |= {name: count for name, count in said.first.items() if name not in seen}
        return words + sum(first.values())
