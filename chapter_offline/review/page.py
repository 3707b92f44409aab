"""A page of Markdown as a reader finds it: sections, their blocks and sentences, each with its line.

Knows Markdown and nothing of how a page was made; parsed by markdown-it-py.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from chapter_offline.engine.sentences import split_sentences

if TYPE_CHECKING:
    from markdown_it.token import Token

Where = Literal["paragraph", "item", "cell"]
_LABEL_ENDS = (":", ".", "?", "!")
_PART = re.compile(r"(?i)part \d")
_BOLD_PART, _BOLD = 9, 10
"""Levels of headings that are only bold: below all real ones, which go from 1 to 6."""


@dataclass(frozen=True)
class Block:
    """A paragraph, a list item's or a cell's text, without marks; line breaks as they stand.

    label: what stands in bold or italics before it ("Lead."). row: cells of one row share it.
    quoted: whether it stands in a quotation.
    """

    line: int
    where: Where
    text: str
    label: str = ""
    row: int = 0
    quoted: bool = False

    @property
    def words(self) -> int:
        return len(f"{self.label} {self.text}".split())

    def sentences(self) -> Iterator[tuple[int, str]]:
        """Its sentences, each with its line. What is left at the end is one too."""
        place = 0
        for sentence in split_sentences(self.text):
            place = self.text.index(sentence, place)
            yield self.line + self.text.count("\n", 0, place), " ".join(sentence.split())
            place += len(sentence)

    @property
    def ends(self) -> bool:
        """Whether its last sentence does."""
        said = self.text or self.label
        return said.rstrip("\"'”’*_)] ").endswith((".", "?", "!", ":"))


@dataclass(frozen=True)
class Fence:
    """A fenced block. language: "mermaid", or whatever stands behind the fence. closed: see its end."""

    line: int
    language: str
    text: str
    closed: bool


@dataclass
class Section:
    """A heading with what stands under it, up to the next heading. level: 0 for what precedes all.

    path: its headings from the top, its own last.
    """

    level: int
    heading: str
    line: int
    path: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)
    fences: list[Fence] = field(default_factory=list)

    @property
    def words(self) -> int:
        """Words outside fences."""
        return sum(block.words for block in self.blocks)


def read_page(text: str, *, bold_headings: bool = False) -> list[Section]:
    """The sections of a page, in order; the first is what stands before any heading.

    bold_headings: a paragraph or item that is bold as a whole is a heading as well, below all real
    ones; so many models write them.
    """
    from markdown_it import MarkdownIt

    lines = text.splitlines()
    reader = _Reader(bold_headings)
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        reader.take(token, lines)
    return reader.sections


class _Reader:
    """Takes Markdown's tokens one by one."""

    def __init__(self, bold_headings: bool) -> None:
        self._bold_headings = bold_headings
        self.sections = [Section(0, "", 1, ())]
        self._levels: list[tuple[int, str]] = []
        self._heading = self._depth = self._quotes = self._row = self._line = 0
        self._cell = False

    def take(self, token: "Token", lines: Sequence[str]) -> None:
        if token.map:
            self._line = token.map[0] + 1
        name, change = token.type, token.nesting
        if name == "heading_open":
            self._heading = int(token.tag[1])
        elif name in {"list_item_open", "list_item_close"}:
            self._depth += change
        elif name in {"blockquote_open", "blockquote_close"}:
            self._quotes += change
        elif name == "tr_open":
            self._row = self._line
        elif name in {"td_open", "th_open", "td_close", "th_close"}:
            self._cell = change > 0
        elif name == "fence":
            self._fence(token, lines)
        elif name == "inline":
            self._inline(token)

    def _fence(self, token: "Token", lines: Sequence[str]) -> None:
        first, end = token.map or (0, 0)
        last = lines[end - 1].strip(" >") if first < end <= len(lines) else ""
        closed = end - first > 1 and last.startswith(token.markup[:3])
        language = token.info.split()[0].lower() if token.info.split() else ""
        self.sections[-1].fences.append(Fence(first + 1, language, token.content, closed))

    def _inline(self, token: "Token") -> None:
        text, label, whole = _said(token)
        if self._heading:
            self._open(self._heading, text or label)
            self._heading = 0
        elif self._bold_headings and whole and not self._cell and len(label.split()) <= 14:
            self._open(_BOLD_PART if _PART.match(label) else _BOLD, label)
        else:
            where: Where = "cell" if self._cell else "item" if self._depth else "paragraph"
            self.sections[-1].blocks.append(
                Block(
                    self._line,
                    where,
                    text,
                    label,
                    self._row if self._cell else 0,
                    self._quotes > 0,
                )
            )

    def _open(self, level: int, heading: str) -> None:
        while self._levels and self._levels[-1][0] >= level:
            self._levels.pop()
        self._levels.append((level, " ".join(heading.split())))
        path = tuple(name for _, name in self._levels)
        self.sections.append(Section(level, path[-1], self._line, path))


def _said(token: "Token") -> tuple[str, str, bool]:
    """An inline token's text, the label before it, and whether it is bold as a whole."""
    pieces: list[str] = []
    label = ""
    open_at = -1
    strong = False
    for child in token.children or []:
        if child.type in {"strong_open", "em_open"} and not "".join(pieces).strip() and not label:
            open_at, strong = len(pieces), child.type == "strong_open"
        elif child.type in {"strong_close", "em_close"} and open_at >= 0:
            label, pieces, open_at = "".join(pieces).strip(), [], -1
        elif child.type in {"softbreak", "hardbreak"}:
            pieces.append("\n")
        elif child.type in {"text", "code_inline", "text_special", "image"}:
            pieces.append(child.content)
    text = "".join(pieces)
    if not text.strip(" :") and label:
        return "", label, strong
    if label and text.startswith(":"):
        label, text = label + ":", text[1:]
    if label and not label.endswith(_LABEL_ENDS):
        return f"{label}{text}".strip(), "", False  # only a word in italics
    return text.strip(), label, False


def plain_heading(heading: str) -> str:
    """A heading without what numbers it: "Part 3:", "1.2", "(a)"."""
    return re.sub(r"(?i)^\W*(?:part\s+\w+\s*[:.–—-]*|(?:\d+\.?)+\)?|\(?[a-z]\))\s*", "", heading)
