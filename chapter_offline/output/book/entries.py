"""What an index needs to know of each chapter, and the indexes made of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.rules import Standing
from chapter_offline.output.html.inline import term_id
from chapter_offline.output.markdown import section_text, words


@dataclass(frozen=True)
class Bound:
    """A chapter with the name of its page in the folder."""

    file: str
    chapter: Chapter

    @property
    def title(self) -> str:
        """Its system, without Markdown."""
        return plain(self.chapter.plan.title)

    @property
    def summary(self) -> str:
        """What the system does, in a sentence."""
        return plain(self.chapter.plan.summary)

    @property
    def words(self) -> int:
        """Words of its sections."""
        plan = self.chapter.plan
        return sum(words(section_text(self.chapter, s)) for s in plan.sections(self.chapter.parts))


@dataclass(frozen=True)
class Side:
    """A chapter on one side of a decision, with the numbers that put it there."""

    title: str
    href: str
    today: str
    limit: str


@dataclass(frozen=True)
class DecisionEntry:
    """A decision over all chapters. below, above: those whose figure is not past its limit, and is."""

    about: str
    below: tuple[Side, ...]
    above: tuple[Side, ...]


def by_trait(bound: Iterable[Bound]) -> dict[str, list[Bound]]:
    """Chapters by the traits of their systems."""
    found: dict[str, list[Bound]] = {}
    for each in bound:
        for trait in each.chapter.plan.brief.traits:
            found.setdefault(trait.replace("_", " "), []).append(each)
    return dict(sorted(found.items()))


def by_term(bound: Iterable[Bound]) -> dict[str, list[tuple[str, str]]]:
    """(title, href) of the chapters that explain a term, by the term."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in bound:
        if each.chapter.composed:
            for term, _ in each.chapter.plan.terms:
                found.setdefault(term, []).append((each.title, f"{each.file}#{term_id(term)}"))
    return dict(sorted(found.items(), key=lambda entry: entry[0].lower()))


def by_decision(bound: Iterable[Bound]) -> list[DecisionEntry]:
    """Every decision that a chapter has to make, by what it is about."""
    found: dict[str, list[tuple[Bound, Standing]]] = {}
    for each in bound:
        for standing in each.chapter.plan.standings:
            found.setdefault(standing.id, []).append((each, standing))
    return [
        DecisionEntry(
            _about(entries),
            tuple(_side(each, at) for each, at in entries if not at.passed),
            tuple(_side(each, at) for each, at in entries if at.passed),
        )
        for entries in found.values()
    ]


def _about(entries: Iterable[tuple[Bound, Standing]]) -> str:
    """What a decision is about; its words may name something of one system, so all that differ stand there."""
    return "; ".join(dict.fromkeys(plain(at.about) for _, at in entries))


def _side(each: Bound, at: Standing) -> Side:
    there = 14 in each.chapter.parts
    return Side(each.title, each.file + ("#p14.stable" if there else ""), at.today, at.limit)


def files_for(titles: Iterable[str], slugs: Mapping[str, str]) -> list[str]:
    """A page's name for each chapter; of two on one system, the second has a number."""
    taken: set[str] = set()
    names = []
    for title in titles:
        name, n = f"{slugs[title]}.html", 2
        while name in taken:
            name, n = f"{slugs[title]}-{n}.html", n + 1
        taken.add(name)
        names.append(name)
    return names
