"""How near a statement is to a section, by the words that both have: the cheap choice before a model's.

Okapi BM25 over the sections (Robertson and Zaragoza, 2009, section 3), with the words of a section's
heading counted besides. Rare words weigh more than those that most sections have.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import SectionPlan
from chapter_offline.writing.guards.subject import stems

FEWEST_WORDS = 3
"""Words that a statement and a section share, at least, where none is of the section's heading."""
_HEADING = 2.0
_SATURATION, _LENGTH = 1.2, 1.0
_IDLE = frozenset(
    """day end first made make must never next place run see take took time times""".split()
)
_WORD = re.compile(r"[a-z][a-z-]{2,}")
_ENDING = re.compile(r"(?:ing|ed|es|s|ers?|ly|al|ions?|ment)$")


def roots(text: str) -> list[str]:
    """Words of substance without their endings, so that forms of one word meet: "retries", "retried"."""
    words = (w for w in _WORD.findall(text.lower()) if w not in _IDLE and stems(w))
    return [_root(word) for word in words]


def _root(word: str) -> str:
    word = re.sub(r"(?:ies|ied)$", "y", word)
    return (_ENDING.sub("", word) if len(word) > 5 else word.removesuffix("s"))[:7]


@dataclass(frozen=True)
class _Words:
    """A section's. heading: its roots. body: how often it has each; length: of all."""

    heading: frozenset[str]
    body: Mapping[str, int]
    length: int


class Nearness:
    """Sections that statements are held against. headings: other words for what a heading says, by requirement."""

    def __init__(
        self, sections: Iterable[SectionPlan], headings: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._words = {s.id: _words(s, headings.get(requirement(s), ())) for s in sections}
        count = len(self._words)
        held = Counter(root for words in self._words.values() for root in words.body)
        self._weight = {
            root: math.log(1 + (count - n + 0.5) / (n + 0.5)) for root, n in held.items()
        }
        self._mean = sum(words.length for words in self._words.values()) / max(1, count)

    def ranked(self, text: str) -> list[tuple[float, str]]:
        """All sections, the nearest first; 0 for those that share too little with the text."""
        own = frozenset(roots(text))
        near = [(self._near(own, words), name) for name, words in self._words.items()]
        return sorted(near, key=lambda pair: (-pair[0], pair[1]))

    def _near(self, own: frozenset[str], words: _Words) -> float:
        shared = own & words.body.keys()
        named = own & words.heading
        if not named and len(shared) < FEWEST_WORDS:
            return 0.0
        long = 1 - _LENGTH + _LENGTH * words.length / self._mean
        near = math.fsum(
            self._weight[r]
            * words.body[r]
            * (_SATURATION + 1)
            / (words.body[r] + _SATURATION * long)
            for r in shared
        )
        return near + _HEADING * math.fsum(self._weight[r] for r in named)


def requirement(section: SectionPlan) -> str:
    """The requirement that a section belongs to: "p06.failure" of "p06.store.failure"."""
    part, _, rest = section.id.partition(".")
    return f"{part}.{rest.rpartition('.')[2]}"


def _words(section: SectionPlan, others: Iterable[str]) -> _Words:
    said = " ".join(f"{s.lead} {s.ask} {s.text}" for s in section.statements)
    heading = plain(" ".join([section.heading, *others]))
    text = plain(
        f"{heading} {section.component} {section.instruction} {section.frame} {section.rule} {said}"
    )
    body = Counter(roots(text))
    return _Words(frozenset(roots(heading)), body, body.total())
