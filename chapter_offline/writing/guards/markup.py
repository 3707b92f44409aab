"""The model fills paragraphs; lists, headings, tables, code and HTML are the program's own."""

import re
from collections.abc import Sequence

_MARKUP = re.compile(
    r"[`*#|<>{}\[\]\\~]|^\s*([-•+]|\d+[.)])\s|https?:|\n|__|\$\$|[A-Za-z]+_[A-Za-z]+|\w\(\)"
)


def markup(sentence: str, accepted: Sequence[str]) -> str | None:
    return "markup" if _MARKUP.search(sentence) else None
