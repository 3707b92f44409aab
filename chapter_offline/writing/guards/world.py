"""The closed world: no name and no acronym that neither brief, figures nor claims have, nor the field."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal

from chapter_offline.errors import BadInputError
from chapter_offline.writing.guards.numbers import numbers

Guard = Callable[[str, Sequence[str]], str | None]
Strictness = Literal["numbers", "names", "words"]
"""How closed a model's world is, each with what stands before it: no unknown number; no unknown name
or acronym; no number in words, and no count up to ten."""

_NAME = re.compile(r"(?<![\w.@/-])[A-Z][\w'’/&+-]*\w|(?<![\w.@/-])[A-Z](?![\w.])")
_SHAPED = re.compile(r"[A-Z]{2}|[a-z][A-Z]|[A-Z]\d")
"""Letters that no word of English has, wherever it stands: an acronym, or a name written as one word."""
_START = re.compile(r"^[\"“‘'(]*$|[.?!:][\"”’')]*\s+[\"“‘'(]*$|[\"“‘]$")
_ENDING = re.compile(r"(?:'s|’s|s'|s’|(?<=[A-Z])s)$")
_COUNTS = re.compile(
    r"\b(three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty|hundreds?|thousands?|millions?|billions?|dozens?)\b",
    re.I,
)


def common_terms(prompts: Path) -> frozenset[str]:
    """Names and acronyms of the field, from `common_terms.txt`. Raises BadInputError."""
    path = prompts / "common_terms.txt"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: can't be read: {error}") from None
    return frozenset(
        word for line in lines if not line.startswith("#") for word in line.strip().split()
    )


def names_in(sentence: str) -> list[str]:
    """What looks like a name: capitals where no sentence begins, and shapes that no word has."""
    found = []
    for match in _NAME.finditer(sentence):
        begins = _START.search(sentence[: match.start()]) is not None
        if match[0] not in {"I", "A"} and (not begins or _SHAPED.search(match[0])):
            found.append(match[0])
    return found


def known_words(texts: Iterable[str]) -> frozenset[str]:
    """Every word of these texts, and the pieces of what a hyphen or a stroke joins."""
    words = {word for text in texts for word in re.findall(r"[\w'’/&+-]+", text)}
    return frozenset(piece for word in words for piece in (word, *re.split(r"[-/]", word)))


def is_known(name: str, known: frozenset[str], common: frozenset[str]) -> bool:
    """Whether texts or the field have a name, as it stands, without its ending, or in pieces."""

    def has(word: str) -> bool:
        bare = _ENDING.sub("", word)
        return any(form in known or form in common for form in (word, bare, bare.lower()))

    return has(name) or all(has(piece) for piece in re.split(r"[-/]", name) if piece)


def closed_world(
    texts: Iterable[str], common: frozenset[str], strictness: Strictness = "names"
) -> Guard:
    """A guard for sentences about these texts: brief, figures and claims."""
    texts = tuple(texts)
    known, figures = known_words(texts), numbers(texts, small=strictness != "words")
    counts = frozenset(found[0].lower() for text in texts for found in _COUNTS.finditer(text))

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        if reason := figures(sentence, accepted):
            return reason
        if strictness == "numbers":
            return None
        if any(not is_known(name, known, common) for name in names_in(sentence)):
            return "unknown name"
        if strictness == "words":
            told = (found[0].lower() for found in _COUNTS.finditer(sentence))
            return "unknown figure" if any(count not in counts for count in told) else None
        return None

    return guard
