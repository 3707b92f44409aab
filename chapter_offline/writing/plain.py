"""Text of a page as a model should read it: without Markdown."""

import html
import re


def plain(text: str) -> str:
    """Emphasis and escapes taken away."""
    bare = re.sub(r"(?<!\\)\*+", "", text)
    return html.unescape(re.sub(r"\\([\\`*_\[\]|#~])", r"\1", bare))
