"""No number that the chapter's figures don't know: a model invents them fluently."""

import re
from collections.abc import Callable, Iterable, Sequence

Guard = Callable[[str, Sequence[str]], str | None]

_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_NAMES = re.compile(
    r"\b(P\d\d(\.\d+)?|HTTP/?\d(\.\d)?\b|HTTP \d{3}|[45]\d\d (error|response|status)\w*|24/7|[LV]\d|(UTF|SHA|AES|IPv|OAuth|TLS|RFC)[- ]?\d+(\.\d+)?)\b"
)
_SMALL = 10


def _found(text: str) -> list[str]:
    """The numbers of a text; a comma after one is the sentence's."""
    return [number.rstrip(",") for number in _NUMBER.findall(text)]


def numbers(figures: Iterable[str], *, small: bool = True) -> Guard:
    """A guard that lets only numbers of these texts pass, and with `small` counts up to ten."""
    known = {number for text in figures for number in _found(text)}

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        for number in _found(_NAMES.sub("", sentence)):
            if number in known or (small and number.isdigit() and int(number) <= _SMALL):
                continue
            return "unknown figure"
        return None

    return guard
