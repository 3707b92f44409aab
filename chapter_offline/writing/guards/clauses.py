"""Pieces of a claim, and which of them a sentence says: what the guards of a rewritten claim share."""

import re
from collections.abc import Sequence

from chapter_offline.writing.guards.subject import stems

NEGATION = re.compile(
    r"\b(?:no|not|never|nothing|nobody|none|neither|nor|without|cannot)\b|n't\b", re.I
)
IMPLIED = re.compile(
    r"\b(?:un(?:able|available|aware|known|acknowledged|answered|changed|likely|safe|less|til)|impossible|in(?:valid|visible|ability)"
    r"|fail(?:s|ed|ing|ure)?|refus\w+|reject\w*|den(?:y|ies|ied)|lacks?|lacking|missing|lost|loses?|prevent\w*|avoid\w*|forbid\w*"
    r"|prohibit\w*|stop(?:s|ped)?|exclud\w*|ignor\w+|drop(?:s|ped)?|only|hardly|rarely|seldom|few(?:er)?|less|instead|rather|otherwise"
    r"|absent|free of|harmless|stateless|zero|too|but)\b",
    re.I,
)
"""Words that deny without saying "not"; a rewrite may exchange the one for the other."""
SENTENCE_END = re.compile(r"(?<=[.?!]) ")
CLAUSE_END = re.compile(
    r"(?<=[.?!,;:()]) ?|\s+(?=(?:because|so that|so|while|whereas|although|unless|until|since|but|and then)\b)"
)


def clauses(text: str) -> list[str]:
    """A text's clauses, as far as commas and conjunctions tell them."""
    return [piece for piece in CLAUSE_END.split(text) if piece]


def nearest(sentence: str, pieces: Sequence[str]) -> str:
    """The piece that shares most words of substance with the sentence; the shortest of equals."""
    own = stems(sentence)
    return max(pieces, key=lambda piece: (len(stems(piece) & own), -len(piece)))


def told(piece: str, text: str, share: float = 0.5) -> bool:
    """Whether a text has so much of a piece's words of substance, and at least one."""
    wanted = stems(piece)
    return bool(wanted) and len(wanted & stems(text)) >= share * len(wanted)
