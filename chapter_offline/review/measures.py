"""Measures of a text that `check` and `scripts/evaluate` share: length, repetition, variety."""

from collections.abc import Sequence

from chapter_offline.review.echoes import grams


def length_score(words: int, asked: int) -> float:
    """How near a text comes to the length that was asked for, 0 to 100: LongWriter's S_l.

    Too long loses 100 at four times the length, too short at a third of it.
    """
    if words <= 0:
        return 0.0
    if words > asked:
        return 100 * max(0.0, 1 - (words / asked - 1) / 3)
    return 100 * max(0.0, 1 - (asked / words - 1) / 2)


def repeated(words: Sequence[str], n: int) -> float:
    """The share of a text's runs of n words that stood in it before."""
    return 1 - distinct(words, n)


def distinct(words: Sequence[str], n: int) -> float:
    """The share of a text's runs of n words that are the first of their kind; 1 for none."""
    found = grams(list(words), n)
    return len(set(found)) / len(found) if found else 1.0
