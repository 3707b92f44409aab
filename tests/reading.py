"""A written chapter, as a stranger reads it: from its files, with no help of the program."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from chapter_offline.workflow import Made, Order, write
from chapter_offline.writing.progress import Silent


@dataclass(frozen=True)
class OnDisk:
    """A written chapter. manifest, run: their JSON. made: what the program says of it."""

    folder: Path
    page: str
    manifest: dict[str, Any]
    run: dict[str, Any]
    made: Made


@dataclass(frozen=True)
class Read:
    """A section as an independent reader finds it. path: headings from the part down.

    paragraphs: text of its paragraphs, items and cells, without Markdown; no diagrams.
    """

    path: tuple[str, ...]
    paragraphs: tuple[str, ...]

    @property
    def words(self) -> int:
        return sum(len(paragraph.split()) for paragraph in self.paragraphs)


def sections_of(page: str) -> list[Read]:
    """All sections of a page, each with its own text only: the program's check is not used."""
    found: list[Read] = []
    path: list[str] = []
    level = 0
    paragraphs: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(page):
        if token.type == "heading_open":
            if path:
                found.append(Read(tuple(path), tuple(paragraphs)))
            level, paragraphs = int(token.tag[1]), []
            del path[level - 1 :]
        elif token.type == "inline":
            text = "".join(
                " " if child.type == "softbreak" else child.content
                for child in token.children or []
            )
            if level:
                path.append(text)
                level = 0
            else:
                paragraphs.append(text)
    found.append(Read(tuple(path), tuple(paragraphs)))
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def written(order: Order) -> OnDisk:
    made = write(order, Silent())
    return OnDisk(
        made.folder,
        made.page.read_text(encoding="utf-8"),
        json.loads((made.folder / "manifest.json").read_text(encoding="utf-8")),
        json.loads((made.folder / "run.json").read_text(encoding="utf-8")),
        made,
    )
