"""A sentence in the chapter's language, which is English: told by the small words that every sentence has."""

import re
from collections.abc import Sequence

_ENGLISH = frozenset(
    """
    a after all also an and any are as at be because been before but by can do does each every for from had has have how if in into is
    it its more no not of on one only or our so such than that the their them then there these they
    this to two under until up was we what when where which while who why will with would you your
    """.split()
)
_OTHERS = frozenset(
    """
    der das und ist nicht ein eine einen dem von zu mit auf wird werden sind
    le les des une est pas dans avec qui du au aux ne sont
    el los las una y por para es que al se su
    il lo gli di che sono nel della
    een het niet voor zijn wordt os uma não
    """.split()
)
"""Small words of German, French, Spanish, Italian, Dutch and Portuguese that are none in English."""
_FEWEST = 8
"""Shorter sentences need not have any of the small words."""


def language(sentence: str, accepted: Sequence[str]) -> str | None:
    words = re.findall(r"[^\W\d_]+", sentence.lower())
    english = sum(word in _ENGLISH for word in words)
    others = sum(word in _OTHERS for word in words)
    if others > english or (len(words) >= _FEWEST and english == 0):
        return "language"
    return None
