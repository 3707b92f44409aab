"""Reads a finished page for its numbers: each must stand in the appendix of figures.

Knows the page alone, not the figures it was made of. What a model wrote is marked on the page, and is passed over; so are diagrams and what is counted of the page itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chapter_offline.sizing.units import printed, quantity

_NUMBER = re.compile(
    r"(?<![\w.,])(\$?\d+(?:,\d{3})*(?:\.\d+)?(?: (?:million|billion|trillion)\b)?)"
    r"(%|/s|/day| (?:ppm|µs|ms|s|min|h|days?|years?|bytes?|kB|MB|GB|TB|PB)(?:/day|/s)?(?![\w/]))?"
)
_NAMES = re.compile(
    r"P\d\d(\.\d+)?|HTTP \d{3}|UTF-8|SHA-\d+|Part \d\d?\b|Parts \d\d?(?:(?:, | and )\d\d?(?![\d,.]*\d)(?! ?(?:%|[a-zµ]*s\b|min|h\b|[kMGTP]?B)))*|[Vv][12]\b|[Ww]rite [1-9]\b|[nm]\d?²|L[456]\b|IPv[46]|n\+1"
)
_BEFORE_ROUNDING = re.compile(r"≈ [^ ]+(?: \w+)?, rounded up")
_MODEL = ("> ", "*Check yourself:*", "Asked by the model")
_APART = ("*Simulated:*", "*Reckoned again:*")
_OF_THE_PAGE = ("*How to read this chapter.*", "*Whose words:*")
"""The first names the model, whose name may have a number; the second counts the page itself."""
_FIGURES, _TERMS = "## Appendix A", "## Appendix B"
_DISTANCE = re.compile(r"(?:passed|room for) (.+) times (?:over|as much)")
_MOMENT = re.compile(r"^\| \d(?: s)? (?=\|)")
"""The first cell of a row that tells what happens at the moments 0, 1, 2 …"""
_WORDS = {"million": 1e6, "billion": 1e9, "trillion": 1e12}


@dataclass(frozen=True)
class Unexplained:
    """A number that nothing explains. line: from 1. text: of its line."""

    line: int
    number: str
    text: str


def unexplained(page: str, small: int = 0) -> list[Unexplained]:
    """Numbers of the page that its appendix of figures does not have.

    A distance from a threshold stands in no appendix: it is reckoned again from its row. Tables of
    one simulated run, and of other assumptions, say so above and are passed over. small: whole
    numbers up to this pass where they have no unit.
    """
    body, _, rest = page.partition(_FIGURES)
    known: set[str] = set()
    for found in _NUMBER.finditer(rest.partition(_TERMS)[0]):
        known |= {found[0], found[1]}
    faults = []
    for number, line in _lines(body):
        text = _BEFORE_ROUNDING.sub("", _NAMES.sub("", _MOMENT.sub("", line)))
        for found in _NUMBER.finditer(text):
            counted = found[0].isdigit() and int(found[0]) <= small
            if found[0] not in known and not counted and not _is_distance(found[0], line):
                faults.append(Unexplained(number, found[0], line))
    return faults


def _is_distance(number: str, row: str) -> bool:
    """Whether a number is the distance of a row: its limit by today's figure, or the reverse."""
    cells = row.split(" | ")
    if len(cells) != 5 or not (told := _DISTANCE.fullmatch(cells[3])) or told[1] != number:
        return False
    today, limit = (_amount(cell) for cell in cells[1:3])
    factor = today / limit if cells[3].startswith("passed") else limit / today
    return number == printed(factor.to(""), "", scale=True).text


def _amount(cell: str) -> Any:
    """The last number of a cell, with its unit."""
    found = list(_NUMBER.finditer(cell))[-1]
    number, _, word = found[1].removeprefix("$").partition(" ")
    return quantity(
        float(number.replace(",", "")) * _WORDS.get(word, 1.0), (found[2] or "").strip()
    )


def _lines(body: str) -> Iterator[tuple[int, str]]:
    """Lines that the program wrote, with their numbers, without fences and what a model said."""
    fenced = asked = apart = False
    for number, line in enumerate(body.splitlines(), start=1):
        if line.startswith("```"):
            fenced = line == "```mermaid"
        apart = line.startswith(_APART) or (apart and (not line or line.startswith("|")))
        asked = line.startswith(_MODEL[2]) or (asked and (not line or line.startswith("- ")))
        if not (fenced or asked or apart or line.startswith((*_MODEL, *_OF_THE_PAGE))):
            yield number, line
