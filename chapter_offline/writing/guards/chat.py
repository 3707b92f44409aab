"""A sentence speaks of the system, not to somebody and not of itself or its prompt."""

import re
from collections.abc import Sequence

_OPENINGS = re.compile(
    r"(?i)^(sure|certainly|of course|absolutely|great|okay|ok|hello|hi|here (is|are|'s)|i hope|i'm sorry|i am sorry|i apologi[sz]e|as an ai|note that this (section|answer)|"
    r"in this (section|chapter|answer|article|part|document)(?=,| we\b| i\b| you\b)|this (section|chapter|article|document) (is|will|explains|describes|covers|discusses|provides|aims|outlines|focuses|explores|presents|introduces)|"
    r"the (following|next|previous) (section|chapter|part)s? |let me|let's|let us|in (conclusion|summary)|overall,|to (summarize|summarise|sum up|conclude)|i (can|can't|cannot|will|would|think|believe)\b|"
    r"we will (now )?(discuss|explore|look|cover|explain|describe)|feel free|please (let|note|feel|provide)|happy to|thank you|thanks for|remember(,| that)|dear )"
    r"(?![\w-])"
)
_ANYWHERE = re.compile(
    r"(?i)\b(as an ai|(large |ai )?language model|(this|the|your|my) (prompt|instructions?)\b|the (statement|user's question|sentence|claim) (says|states|given|above|below|means|mentions|describes|is about)|"
    r"the (given|above|following) (statement|text|question|claim|sentence)|system prompt|exam question|your (answer|question|request)|my (answer|response|apologies)|"
    r"(let me know|hope this helps|if you have any (other |further )?questions)|<\|?[a-z_]+\|?>|in (your|my) own words|rewrit(e|ten) (sentence|statement))"
)


def chat(sentence: str, accepted: Sequence[str]) -> str | None:
    if _OPENINGS.search(sentence):
        return "chat"
    return "prompt leak" if _ANYWHERE.search(sentence) else None
