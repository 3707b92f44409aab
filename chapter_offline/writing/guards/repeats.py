"""Nothing is said twice: not before in this span, and no phrase over and over within a sentence."""

import re
from collections.abc import Callable, Sequence

_LIKE = 0.6


def words_of(text: str) -> list[str]:
    """Words and numbers of a text, in lower case, without marks."""
    return re.findall(r"[a-z0-9']+", text.lower())


def grams(text: str, n: int = 3) -> frozenset[tuple[str, ...]]:
    """Word n-grams of a text, in lower case."""
    words = words_of(text)
    return frozenset(tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def alike(a: str, b: str) -> bool:
    """Whether most of the shorter text's word trigrams stand in the other."""
    first, second = grams(a), grams(b)
    fewer = min(len(first), len(second))
    return fewer > 0 and len(first & second) >= _LIKE * fewer


def repeats(sentence: str, accepted: Sequence[str]) -> str | None:
    words = words_of(sentence)
    if len(words) - 3 > len(grams(sentence, 4)) + 1:
        return "loop"
    return "said before" if any(alike(sentence, before) for before in accepted) else None


def beyond(question: str) -> Callable[[str, Sequence[str]], str | None]:
    """A guard for an answer: no sentence says the question again."""

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        return "the question again" if alike(sentence, question) else None

    return guard
