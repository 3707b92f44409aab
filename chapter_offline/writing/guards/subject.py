"""A sentence is on the subject: it shares words of substance with what the section is about."""

import re
from collections.abc import Callable, Sequence

Guard = Callable[[str, Sequence[str]], str | None]

_EMPTY = frozenset(
    """
    a about above after again all also am an and any are as at be because been before being
    between both but by can could did do does doing down each even every few for from further
    had has have having he her here his how i if in into is it its just least let like many may
    me might more most much must my no nor not now of off on once one only or other our out over
    own same she should so some such than that the their them then there these they this those
    through to too two under until up use used uses very was way we well were what when where
    which while who why will with would you your system systems service thing things example
    important need needs make makes made also ensure ensures question statement answer
    """.split()
)


def stems(text: str) -> frozenset[str]:
    """Words of substance, without a final s and cut to six letters, so that forms of one word meet."""
    words = re.findall(r"[a-z][a-z'-]{2,}", text.lower())
    return frozenset(word.removesuffix("s")[:6] for word in words if word not in _EMPTY)


def subject(*texts: str) -> Guard:
    """A guard for a section about these texts."""
    known = stems(" ".join(texts))

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        return None if stems(sentence) & known else "off the subject"

    return guard


def grounded(*texts: str, share: float = 0.8) -> Guard:
    """A guard that wants most words of substance to come from these texts: nothing is brought in."""
    known = stems(" ".join(texts))

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        own = stems(sentence)
        return None if len(own & known) >= share * len(own) else "brings in something else"

    return guard
