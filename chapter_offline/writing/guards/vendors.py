"""No vendor or product: the names are in `prompts/vendors.txt`."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from chapter_offline.errors import BadInputError

Guard = Callable[[str, Sequence[str]], str | None]


def vendor_names(prompts: Path) -> tuple[str, ...]:
    """The listed names. Raises BadInputError where the list is missing."""
    path = prompts / "vendors.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from None
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def vendors(names: Sequence[str]) -> Guard:
    """A guard against these names; one that is all small matches any capitalisation."""
    exact = "|".join(re.escape(name) for name in names if name != name.lower())
    any_case = "|".join(re.escape(name) for name in names if name == name.lower())
    pattern = re.compile(rf"(?<![\w-])(?:{exact or '(?!)'}|(?i:{any_case or '(?!)'}))(?![\w-])")

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        return "vendor" if pattern.search(sentence) else None

    return guard
