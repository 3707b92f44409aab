"""What a claim denies stays denied, and nothing else becomes so."""

from collections.abc import Sequence

from chapter_offline.writing.guards.clauses import IMPLIED, NEGATION, clauses, told
from chapter_offline.writing.guards.subject import Guard, stems

_SAID = 0.6
"""Of a clause's words of substance, so many stand in a clause that says it again."""


def negation(claim: str) -> Guard:
    """A guard for a sentence that rewrites this claim, a clause at a time."""
    parts = clauses(claim)
    denies = bool(NEGATION.search(claim) or IMPLIED.search(claim))

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        own = clauses(sentence)
        if not denies and any(NEGATION.search(piece) for piece in own):
            return "denies what the claim says"
        for part in parts:
            if NEGATION.search(part) and _lost(part, own, sentence):
                return "says what the claim denies"
        return None

    return guard


def _lost(part: str, own: Sequence[str], sentence: str) -> bool:
    """Whether a clause that denies is said again by one that does not."""
    if len(stems(part)) < 2 or NEGATION.search(sentence) or IMPLIED.search(sentence):
        return False
    return any(told(part, piece, _SAID) for piece in own)
