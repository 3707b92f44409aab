"""A sentence is whole: it begins, it ends, it is of reasonable length and in Latin script."""

from collections.abc import Sequence

FEWEST_WORDS = 4
MOST_WORDS = 60


def complete(sentence: str, accepted: Sequence[str]) -> str | None:
    words = sentence.split()
    if not sentence or sentence[-1] not in ".?!":
        return "no end"
    if not sentence[0].isupper() and not sentence[0].isdigit():
        return "no beginning"
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS:
        return "length"
    if sentence.count("(") != sentence.count(")") or sentence.count('"') % 2:
        return "unbalanced"
    letters = [char for char in sentence if char.isalpha()]
    if not letters or sum(char.isascii() for char in letters) < 0.95 * len(letters):
        return "script"
    return None
