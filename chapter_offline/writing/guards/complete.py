"""A sentence is whole: it begins, it ends, it is of reasonable length and in Latin script."""

from collections.abc import Sequence

FEWEST_WORDS = 3
MOST_WORDS = 60
_OPENERS, _CLOSERS = "\"“‘'($", "\"”’')"


def complete(sentence: str, accepted: Sequence[str]) -> str | None:
    words = sentence.split()
    if sentence.rstrip(_CLOSERS)[-1:] not in {".", "?", "!"}:
        return "no end"
    first = sentence.lstrip(_OPENERS)[:1]
    if not first.isupper() and not first.isdigit():
        return "no beginning"
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
        return "length"
    if sentence.count("(") != sentence.count(")") or sentence.count('"') % 2:
        return "unbalanced"
    letters = [char for char in sentence.replace("µs", "") if char.isalpha()]
    if not letters or sum(char.isascii() for char in letters) < 0.95 * len(letters):
        return "script"
    return None
