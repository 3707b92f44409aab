"""A sentence said again has just the numbers of the one it says, no fewer and no others."""

import re
from collections.abc import Callable, Sequence

Guard = Callable[[str, Sequence[str]], str | None]

_NUMBER = re.compile(r"\d[\d,.]*\d|\d")


def same_figures(original: str) -> Guard:
    """A guard that lets only a sentence with just this one's numbers pass."""
    wanted = sorted(_NUMBER.findall(original))

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        return None if sorted(_NUMBER.findall(sentence)) == wanted else "other figures"

    return guard
