"""A stranger's words on a page: escaped, so that they stay words.

A system's name may hold quotes, braces, HTML, Markdown or Mermaid; it is data everywhere.
"""

import html
import re
import unicodedata

_MARKDOWN = re.compile(r"([\\`*_\[\]|#~])")
_ESCAPED = re.compile(r"\\([\\`*_\[\]|#~.)+-])")
_BLOCK = re.compile(r"^([-+]|\d+(?=[.)]))")


def clean(text: str) -> str:
    """One line without control characters, in normal form."""
    visible = "".join(" " if unicodedata.category(c).startswith(("C", "Z")) else c for c in text)
    return " ".join(unicodedata.normalize("NFC", visible).split())


def markdown(text: str) -> str:
    """Text that reads the same when Markdown is rendered, and is no HTML."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _MARKDOWN.sub(r"\\\1", text)
    return _BLOCK.sub(_no_list, text)


def _no_list(found: re.Match[str]) -> str:
    """What would begin a list, if it stood at the beginning of a line."""
    sign = found.group(1)
    return "\\" + sign if sign in "-+" else sign + "\\"


def plain(text: str) -> str:
    """Text of a page without Markdown: emphasis and escapes taken away."""
    bare = re.sub(r"(?<!\\)\*+", "", text)
    return html.unescape(_ESCAPED.sub(r"\1", bare))


def mermaid(text: str) -> str:
    """Text for a quoted Mermaid label, by Mermaid's own entity codes."""
    kept = []
    for char in clean(text):
        if char.isalnum() or char in " .,'-+/×÷=%?!":
            kept.append(char)
        else:
            kept.append(f"#{ord(char)};")
    return "".join(kept)
