"""An index of words, small enough to be read by a browser from a file."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from chapter_offline.chapter.escape import plain
from chapter_offline.output.book.entries import Bound
from chapter_offline.output.markdown import section_text
from chapter_offline.sizing.javascript import literal

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_FENCE = re.compile(r"^```mermaid\n.*?^```$", re.M | re.S)


def folded(text: str) -> Iterator[str]:
    """The words of a text as they are searched: small letters without accents."""
    bare = unicodedata.normalize("NFKD", text.lower())
    for found in _WORD.finditer("".join(c for c in bare if not unicodedata.combining(c))):
        yield found[0]


def index(bound: Iterable[Bound]) -> str:
    """A JavaScript object: {chapters: [title, file], places: [chapter, id, heading], words: {word: numbers}}.

    numbers: of places, each as its distance from the one before, so that the index stays small.
    """
    chapters: list[tuple[str, str]] = []
    places: list[tuple[int, str, str]] = []
    found: dict[str, list[int]] = {}
    for each in bound:
        chapters.append((each.title, each.file))
        for section in each.chapter.plan.sections(each.chapter.parts):
            name = plain(section.component)
            heading = f"{name}: {section.heading}" if name else section.heading
            text = _FENCE.sub("", section_text(each.chapter, section))
            for word in dict.fromkeys(folded(f"{heading} {plain(text)}")):
                found.setdefault(word, []).append(len(places))
            places.append((len(chapters) - 1, section.id, f"Part {section.part}: {heading}"))
    words = {word: _distances(numbers) for word, numbers in sorted(found.items())}
    return literal({"chapters": chapters, "places": places, "words": words})


def _distances(numbers: Iterable[int]) -> list[int]:
    before, made = 0, []
    for number in numbers:
        made.append(number - before)
        before = number
    return made
