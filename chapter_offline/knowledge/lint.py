"""What is wrong with a text that a writer wrote: in the template, and as a reader gets it.

For tests and for `chapter-offline claims check`; a chapter is written without it.
"""

import re

_ALLOWED_DIGITS = re.compile(
    r"P\d\d(\.\d)?|HTTP \d{3}|UTF-8|SHA-\d+|[Vv][12]\b|[Ww]rite [1-9]\b|[nm]\d?²|L[456]\b|IPv[46]|n\+1"
)
_MOMENT = re.compile(r"(?<![\w.,])\d(?![\w%]|[.,]\d)")
_WORDY = re.compile(
    r"\b(it is important to|robust|leverag\w+|seamless\w*|crucial|utili[sz]e\w*|delve)\b", re.I
)
_SPLIT_TERM = re.compile(r"\{\{\s*t\([^}]*\}\}[a-z]+")
_TYPED_ARTICLE = re.compile(r"\b[Aa]n? \{\{\s*\w+\s*\}\}")
_ARTICLE = re.compile(r"\b(a [aeio]\w+|an [bcdfgjklmnpqrstvwxyz]\w+)")
_SOUNDS_LIKE_A_CONSONANT = re.compile(r"a (one|uni|eu|use)")
_SMALL_START = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!vs)[.!?] ([a-z]\w*)")
_DOUBLED = re.compile(r"\b(\w+) \1\b")
_MAY_DOUBLE = frozenset({"that", "had"})
_ENDS = ".!?\"”)'’:"
_EMPTY = re.compile(
    r"\(\s*\)|\*\*\s*\*\*|[{}]|(?<![.…])\.\.(?!\.)|\s[,.;:]\s|,,|\b(?:the|of|to|an?) [.,;:]"
)
"""Where something that was to be put in is missing."""


def without_marks(template: str) -> str:
    """A template's own words: without what is put in, and without its conditions."""
    return re.sub(r"{{.*?}}|{%.*?%}", "", template, flags=re.S)


def template_faults(text: str, *, moments: bool = False) -> list[str]:
    """Faults of a template: typed digits, articles before nouns, empty words.

    moments: single digits may be typed, as the moments and counts of a worked example are.
    """
    bare = without_marks(text)
    plain = _ALLOWED_DIGITS.sub("", bare)
    typed = re.findall(r"\d+", _MOMENT.sub("", plain) if moments else plain)
    faults = [f"typed digit {digits!r}" for digits in typed]
    faults += [f"article typed before a noun: {m!r}" for m in _TYPED_ARTICLE.findall(text)]
    faults += [f"a gloss would stand before the ending: {m!r}" for m in _SPLIT_TERM.findall(text)]
    faults += [f"says {m.group(0)!r}" for m in _WORDY.finditer(bare)]
    return faults


def rendered_faults(text: str, *, whole: bool = True) -> list[str]:
    """Faults of a text as it was rendered for one system: grammar that a program can see.

    whole: it should end as a sentence does.
    """
    faults = []
    found = _ARTICLE.search(text)
    if found and not _SOUNDS_LIKE_A_CONSONANT.match(found.group(0)):
        faults.append(f"article: {found.group(0)!r}")
    faults += [
        f"small letter after a full stop: {m.group(0)!r}" for m in _SMALL_START.finditer(text)
    ]
    faults += [
        f"doubled {m.group(0)!r}" for m in _DOUBLED.finditer(text) if m.group(1) not in _MAY_DOUBLE
    ]
    faults += [
        f"an empty place: …{text[max(0, m.start() - 20) : m.end() + 10]!r}"
        for m in _EMPTY.finditer(text)
    ]
    if whole and text and text[-1] not in _ENDS:
        faults.append(f"does not end a sentence: …{text[-30:]!r}")
    return faults
