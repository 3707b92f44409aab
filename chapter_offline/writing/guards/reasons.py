"""A claim's reasons: none is added, none is lost. A small model explains fluently, and mostly wrongly."""

import re
from collections.abc import Sequence

from chapter_offline.writing.guards.subject import Guard, stems

_GIVES = (
    r"\b(?:because|since|therefore|thus|hence|thereby|so that|which (?:means|leads|causes|ensures|allows|makes|results)|that is why"
    r"|due to|owing to|thanks to|as a (?:result|consequence)|consequently|in order to|leads? to|leading to|results? in|resulting in"
    r"|caus(?:es?|ed|ing)|(?:this|that|it) (?:means|ensures|allows|enables|leads|causes|makes|prevents|is (?:because|why))"
    r"|ensur(?:es|ing)|to (?:ensure|prevent|avoid|allow|make sure))\b|(?:^|[,;] |\band )so\b"
)
_REASON = re.compile(_GIVES, re.I)
_HAS = re.compile(
    _GIVES + r"|[:;]|, (?:for|as)\b|\b(?:so|or|otherwise|unless|if|when|once|where)\b", re.I
)
"""What gives a reason in an expert's claim: a colon, a condition or a threat does as well."""
_LINK = re.compile(r",? \b(?:because|so that|so|unless|therefore)\b |, since ", re.I)
"""Where a claim says that one half is why the other is."""
_KEPT = re.compile(
    _GIVES
    + r"|[:;]|\b(?:so|as|or|otherwise|unless|if|when|once|until|by|for|reason|why|needs?|must|only)\b",
    re.I,
)
_SHARE = 0.5
_FEWEST = 3
"""Words of substance that a reason must have to be told from the claim's own."""


def reasons(claim: str) -> Guard:
    """A guard for a sentence that rewrites this claim: a reason needs one in the claim, and its words."""
    has, known = _HAS.search(claim) is not None, stems(claim)

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        for found in _REASON.finditer(sentence):
            if not has:
                return "new reason"
            given = stems(re.split(r"[,;:]", sentence[found.end() :])[0])
            if len(given) >= _FEWEST and len(given & known) < _SHARE * len(given):
                return "new reason"
        return None

    return guard


def keeps_reason(claim: str) -> Guard:
    """A guard for the sentence that completes a rewrite of this claim.

    Where a claim's two halves are both told by now, something has to say that one is why the other is.
    """
    halves = [half for half in _LINK.split(claim) if half]

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        text = " ".join((*accepted, sentence))
        if len(halves) < 2 or _KEPT.search(text):
            return None
        said = stems(text)
        told = [
            len(stems(half) & said) >= _SHARE * len(stems(half)) for half in halves if stems(half)
        ]
        return "reason lost" if len(told) >= 2 and all(told) else None

    return guard
