"""A sentence speaks of the system, not to somebody and not of itself or its prompt."""

import re
from collections.abc import Sequence

_OPENINGS = re.compile(
    r"(?i)^(sure|certainly|of course|absolutely|great|okay|ok|hello|hi|here (is|are)|i hope|i'm sorry|as an ai|note that this (section|answer)|"
    r"in this (section|chapter|answer|article)|this (section|chapter|article)|let me|let's|in (conclusion|summary)|overall|to summarize)\b"
)
_ANYWHERE = re.compile(
    r"(?i)\b(as an ai|language model|the (statement|prompt|instructions?|user's question)|the (given|above|following) (statement|text|question)|system prompt|exam question|your answer)\b"
)


def chat(sentence: str, accepted: Sequence[str]) -> str | None:
    if _OPENINGS.search(sentence):
        return "chat"
    return "prompt leak" if _ANYWHERE.search(sentence) else None
