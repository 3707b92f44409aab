"""A question that can be asked: one, short, and about something."""

import re
from collections.abc import Sequence

_START = re.compile(r"^(Why|How|What|When|Which|Who|Where|Under)\b")
_EMPTY = re.compile(
    r"(?i)\b(main idea|purpose of (this|the) (statement|text)|key (difference|takeaway|point)s?|statement|best practices?|importan(t|ce)|benefits? of|advantages? of|ensure)\b"
)
_POINTING = re.compile(
    r"(?i)\b(the|this|that) (phrase|sentence|scene|example|picture|drawing|diagram|(first|last) box)\b"
)
_BROKEN = re.compile(
    r"^Why (would|should)\b"  # of something that, more often than not, the text says isn't so
    r"|\b(does|do|did)\b.*\bhave (\w+ed|\w+en|chosen|been|had)\b"
    r"|, (and|but|so) "  # two assertions, of which one is asked about
    r"|^Why (is|are|was|were) \w+,|\bwhose\b"  # a small model gets lost in these
)
FEWEST_WORDS = 6
MOST_WORDS = 13
"""Longer ones are rarely good: of a small model's, one in five."""
MOST_SUPPOSED_WORDS = 28


def question(sentence: str, accepted: Sequence[str]) -> str | None:
    if not sentence.endswith("?") or sentence.count("?") > 1 or not _START.match(sentence):
        return "no question"
    if any(char.isdigit() for char in sentence):
        return "figure in a question"
    if not FEWEST_WORDS <= len(sentence.split()) <= MOST_WORDS:
        return "length"
    if _BROKEN.search(sentence):
        return "broken question"
    return "empty question" if _EMPTY.search(sentence) or _POINTING.search(sentence) else None


def what_if(sentence: str, accepted: Sequence[str]) -> str | None:
    """The same for a question that changes something."""
    if not sentence.startswith("What if ") or not sentence.endswith("?") or sentence.count("?") > 1:
        return "no question"
    return None if FEWEST_WORDS <= len(sentence.split()) <= MOST_SUPPOSED_WORDS else "length"
