"""The book: files that lead to each other, the same bytes each time, and nothing that epubcheck minds."""

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from functools import lru_cache
from pathlib import Path

import pytest
from chapters_at_hand import drawings, facts, harmless, hostile
from readers import epub_faults

from chapter_offline.output.epub.book import chapter_epub

PARTS = (4, 5, 6, 16)


@lru_cache(maxsize=4)
def book_of(kind: str) -> bytes:
    chapter = {"harmless": harmless, "hostile": hostile}[kind](PARTS)
    return chapter_epub(chapter, facts(), drawings("quick", PARTS))


def files(book: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("kind", ["harmless", "hostile"])
def test_every_file_is_whole_xml(kind: str) -> None:
    for name, text in files(book_of(kind)).items():
        if name.endswith((".xhtml", ".opf", ".xml")):
            ET.fromstring(text)


def test_every_link_leads_to_a_place_in_the_book() -> None:
    held = {n.removeprefix("book/"): t for n, t in files(book_of("harmless")).items()}
    count = 0
    for name, text in held.items():
        for file, place in re.findall(r'href="([^"#]*)#([^"]+)"', text):
            assert f'id="{place}"' in held[file or name], (name, file, place)
            count += 1
    assert count > 500


def test_what_it_is_comes_first_and_unpacked() -> None:
    with zipfile.ZipFile(io.BytesIO(book_of("harmless"))) as archive:
        first = archive.infolist()[0]
    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)


def test_the_same_chapter_makes_the_same_book() -> None:
    again = chapter_epub(harmless(PARTS), facts(), drawings("quick", PARTS))
    assert again == book_of("harmless")


def test_hostile_text_makes_no_element() -> None:
    for name, text in files(book_of("hostile")).items():
        if name.endswith(".xhtml"):
            tags = {node.tag.rpartition("}")[2] for node in ET.fromstring(text).iter()}
            assert not tags & {"script", "iframe", "img", "object"}


@pytest.mark.process
def test_epubcheck_finds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "chapter.epub"
    path.write_bytes(book_of("hostile"))
    assert epub_faults(path) == []
