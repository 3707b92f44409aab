"""No vendor or product: the names are in `prompts/vendors.txt`."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from chapter_offline.errors import BadInputError

Guard = Callable[[str, Sequence[str]], str | None]

WORD = " (word)"
"""The end of a line whose name is also a word."""

_DOES = (
    r"(?='s\b| (?:offers?|provides?|supports?|handles?|stores?|runs?|scales?|lets|allows|charges|uses|works|integrates|excels"
    r"|clusters?|topics?|brokers?|consumers?|functions?|jobs?|tables?|buckets?|queries|(?:is|are|was) (?:an? |the )?(?:\w+ ){0,3}"
    r"(?:service|database|tool|platform|framework|library|system|engine|proxy|cache|product|company))\b)"
)
"""What follows a name at a sentence's beginning where it is a product's."""
_INSIDE = r"(?<=[\w,;)\"'’”] )"


def vendor_names(prompts: Path) -> tuple[str, ...]:
    """The listed names. Raises BadInputError where the list is missing."""
    return names_of(prompts / "vendors.txt")


def names_of(path: Path) -> tuple[str, ...]:
    """The names of a list, one a line. Raises BadInputError where it can't be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: it is no text in UTF-8: {error}") from None
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def vendor_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """What finds these names; one that is all small matches any capitalisation."""
    words = [name.removesuffix(WORD) for name in names if name.endswith(WORD)]
    others = [name for name in names if not name.endswith(WORD)]
    exact = _any_of(name for name in others if name != name.lower())
    any_case = _any_of(name for name in others if name == name.lower())
    word = _any_of(words)
    return re.compile(
        rf"(?<![\w-])(?:{exact}|(?i:{any_case})|{_INSIDE}(?:{word})|(?:{word}){_DOES})(?![\w-])"
    )


def _any_of(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, names)) or "(?!)"


def vendors(names: Sequence[str]) -> Guard:
    """A guard against these names."""
    pattern = vendor_pattern(names)

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        return "vendor" if pattern.search(sentence) else None

    return guard
