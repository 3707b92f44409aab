"""Echoes: two texts of different sections that say nearly the same, found by shared word n-grams."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

N = 5
SHARE = 0.15
"""Of the shorter text's n-grams: so much in common is an echo.

In the library as it was when this was set, 863 texts rendered for one system, 0.1% of all pairs shared a
run of five words at all. Two claims that print the same figure ("gives up after 2 s") came to at most
0.15; the one pair of claims above it, at 0.17, said a thing twice.
"""


@dataclass(frozen=True)
class Echo:
    """Two texts by name, with the share of the shorter one's n-grams that the other has too."""

    one: str
    other: str
    share: float
    words: str


def words_of(text: str) -> list[str]:
    """Words without marks, in small letters."""
    return re.findall(r"[^\W_]+(?:[.,'’][^\W_]+)*", text.lower())


def grams(words: list[str], n: int) -> list[tuple[str, ...]]:
    """All runs of n words."""
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def echoes(texts: Mapping[str, str], least: float = SHARE) -> list[Echo]:
    """The pairs of different sections that share so much, most alike first.

    texts: by name; a name's section is what stands before its last dot.
    """
    sets = {name: frozenset(grams(words_of(text), N)) for name, text in texts.items()}
    holders: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, found in sets.items():
        for gram in found:
            holders[gram].append(name)
    shared: dict[tuple[str, str], list[tuple[str, ...]]] = defaultdict(list)
    for gram, names in holders.items():
        for at, one in enumerate(names):
            for other in names[at + 1 :]:
                if one.rpartition(".")[0] != other.rpartition(".")[0]:
                    shared[one, other].append(gram)
    pairs = [
        Echo(one, other, len(common) / min(len(sets[one]), len(sets[other])), " ".join(min(common)))
        for (one, other), common in shared.items()
    ]
    return sorted((p for p in pairs if p.share >= least), key=lambda p: (-p.share, p.one, p.other))
