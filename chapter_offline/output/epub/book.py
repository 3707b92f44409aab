"""EPUB 3: one XHTML file a part, contents, figures and terms, packed so that the same chapter gives the same bytes.

Packed here and not by a library: the one that is kept (EbookLib) is under the AGPL, and reads and
writes each file again, which breaks SVG. epubcheck is the judge.
"""

import io
import re
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jinja2

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import plain
from chapter_offline.output.html.page import asset, sane
from chapter_offline.output.html.source import source_of
from chapter_offline.output.html.view import view_of

_ID = re.compile(r'\bid="([^"]+)"')
_ANCHOR = re.compile(r'href="#([^"]+)"')
_ONE_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every packed file: a date of today would make other bytes tomorrow."""


@dataclass(frozen=True)
class Document:
    """A file of the book. within: (anchor, title) of what its contents list below it."""

    name: str
    title: str
    text: str
    within: tuple[tuple[str, str], ...] = ()

    @property
    def drawn(self) -> bool:
        """Whether there is a drawing in it, which the package has to say."""
        return "<svg" in self.text


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader("chapter_offline.output.epub", "files"),
                jinja2.PackageLoader("chapter_offline.output.html", "files"),
            ]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def chapter_epub(chapter: Chapter, facts: Mapping[str, Any], drawings: Mapping[str, str]) -> bytes:
    """The whole book. facts: the manifest. drawings: SVG by section id."""
    source = source_of(chapter, facts)
    documents = _joined(list(_documents(chapter, facts, drawings)))
    about = {
        "title": plain(chapter.plan.title),
        "summary": plain(chapter.plan.summary),
        "model": chapter.model,
        "identifier": uuid.uuid5(uuid.NAMESPACE_URL, f"sha256:{source.digest}").urn,
        "documents": documents,
    }
    style, drawn, own = asset("text.css"), asset("drawings.css"), _file("book.css")
    packed = {
        "META-INF/container.xml": _file("container.xml"),
        "book/package.opf": _made("package.opf.jinja", about),
        "book/contents.xhtml": _made("contents.xhtml.jinja", about),
        "book/style.css": style + drawn + own,
    }
    packed |= {f"book/{each.name}": each.text for each in documents}
    return _zipped(packed)


def _documents(
    chapter: Chapter, facts: Mapping[str, Any], drawings: Mapping[str, str]
) -> Iterator[Document]:
    view = view_of(chapter, drawings)
    title, summary = view.title, plain(chapter.plan.summary)
    yield _document("title", title, {"chapter": view, "summary": summary})
    for part in view.parts:
        below = [
            (component.id, component.name)
            if component.id
            else [(s.id, s.heading) for s in component.sections]
            for component in part.components
        ]
        flat = [
            entry
            for entries in below
            for entry in (entries if isinstance(entries, list) else [entries])
        ]
        name = f"Part {part.number}: {part.title}"
        yield _document("part", name, {"chapter": view, "part": part}, part.id, tuple(flat))
    yield _document("figures", "Figures", {"chapter": view})
    if view.terms:
        yield _document("terms", "Terms", {"chapter": view})
    source = source_of(chapter, facts)
    yield _document("source", "Where this book comes from", {"source": source})


def _document(
    kind: str,
    title: str,
    values: Mapping[str, Any],
    name: str = "",
    within: tuple[tuple[str, str], ...] = (),
) -> Document:
    text = _made("document.xhtml.jinja", {"kind": kind, "title": title, **values})
    return Document(f"{name or kind}.xhtml", title, text, within)


def _joined(documents: list[Document]) -> list[Document]:
    """The documents with every link leading to the file that has its anchor."""
    places = {place: each.name for each in documents for place in _ID.findall(each.text)}

    def led(found: re.Match[str]) -> str:
        place = found[1]
        return f'href="{places[place]}#{place}"' if place in places else found[0]

    return [
        Document(each.name, each.title, _ANCHOR.sub(led, each.text), each.within)
        for each in documents
    ]


def _made(template: str, values: Mapping[str, Any]) -> str:
    return sane(_environment().get_template(template).render(values))


def _file(name: str) -> str:
    loader = _environment().loader
    assert loader
    return loader.get_source(_environment(), name)[0]


def _zipped(packed: Mapping[str, str]) -> bytes:
    """An archive whose first file says what it is, unpacked, as the format wants it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        first = zipfile.ZipInfo("mimetype", _ONE_DATE)
        archive.writestr(first, "application/epub+zip", zipfile.ZIP_STORED)
        for name, text in packed.items():
            archive.writestr(zipfile.ZipInfo(name, _ONE_DATE), text, zipfile.ZIP_DEFLATED, 9)
    return made.getvalue()
