"""How many a system's own name says that it serves: "Firmware update rollout for two million devices"."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chapter_offline.knowledge.nouns import Noun

_WORDS = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), 1
    )
} | {"a": 1, "half a": 0.5, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "k": 1e3,
    "m": 1e6,
    "bn": 1e9,
}
NUMBER_WORDS = frozenset(" ".join([*_WORDS, *_SCALES]).split())

_NUMBERS = "|".join(sorted(_WORDS, key=len, reverse=True)).replace(" ", "[ ]")
_COUNT = re.compile(
    rf"""(?<![\w.,-])(?P<number>\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?|{_NUMBERS})
    (?P<scales>(?:[ ]?(?:{"|".join(_SCALES)})\b)*)
    [ ](?:[a-z-]+[ ])?(?P<noun>[a-z]+)\b""",
    re.VERBOSE,
)
_LEAST, _MOST = 1e3, 1e10


@dataclass(frozen=True)
class Stated:
    """So many of something. role: what they are to the system."""

    number: float
    noun: str
    role: str


def stated_count(system: str, nouns: Mapping[str, Iterable[str]]) -> Stated | None:
    """The number before one of these nouns (in the singular, by role) in a name, if it is one of many.

    At most one word stands between the two ("50,000 connected meters"). Under a thousand, which a
    name rarely means as a load ("12 drivers"), and over all people there are: None.
    """
    known = {Noun(noun).pl: (noun, role) for role, each in nouns.items() for noun in each}
    for found in _COUNT.finditer(system.lower()):
        if found["noun"] not in known:
            continue
        spelled = found["number"].replace(",", "")
        number = _WORDS.get(spelled) or float(spelled)
        for scale in re.findall("|".join(_SCALES), found["scales"]):
            number *= _SCALES[scale]
        if _LEAST <= number <= _MOST:
            return Stated(number, *known[found["noun"]])
    return None
