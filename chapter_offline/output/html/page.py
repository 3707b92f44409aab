"""The page for readers: one HTML file that needs no network and no script, and runs nothing of others."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jinja2
from markupsafe import Markup

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import plain
from chapter_offline.knowledge.library import Library
from chapter_offline.output.html.calculator import calculator_of
from chapter_offline.output.html.inline import places_of
from chapter_offline.output.html.shapes import ChapterView
from chapter_offline.output.html.source import source_of
from chapter_offline.output.html.view import view_of
from chapter_offline.sizing import javascript

_STYLES = ("text.css", "drawings.css", "page.css", "print.css")
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_SIZING_PART = 4
"""The calculator stands at its end."""


@dataclass(frozen=True)
class Test:
    """A question to answer by oneself. model: whether the model asked it. place: where its answer stands."""

    question: str
    answer: str
    place: str
    heading: str
    model: bool


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Templates that escape everything but what was made as HTML."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("chapter_offline.output.html", "files"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def asset(name: str) -> str:
    """A file of this folder, as it is."""
    loader = environment().loader
    assert loader
    return loader.get_source(environment(), name)[0]


def sane(page: str) -> str:
    """A page without characters that neither HTML nor XML may hold."""
    return _FORBIDDEN.sub("\ufffd", page)


def policy_for(style: str, script: str) -> str:
    """A Content-Security-Policy that allows this style and this script, and nothing else."""
    styled, scripted = (_digest(text) for text in (style, script))
    return (
        f"default-src 'none'; style-src '{styled}'; script-src '{scripted}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def chapter_html(
    chapter: Chapter,
    library: Library,
    facts: Mapping[str, Any],
    drawings: Mapping[str, str],
    *,
    book: str = "",
) -> str:
    """The whole page.

    facts: the manifest, of which the page's own digest is left out. drawings: SVG by section id.
    book: the file with the index of all chapters, for a page that is bound with others.
    """
    view = view_of(chapter, drawings)
    style = "".join(map(asset, _STYLES))
    places = places_of(chapter.plan, chapter.parts, terms=chapter.composed)
    calculator = calculator_of(chapter.plan, library, places)
    script = asset("page.js") + _own(
        "\n".join((javascript.library(), calculator.script, asset("calculator.js")))
    )
    page = environment().get_template("page.html.jinja")
    made = page.render(
        chapter=view,
        book=book,
        summary=plain(chapter.plan.summary),
        hours=_hours(view.minutes),
        source=source_of(chapter, facts),
        tests=tuple(_tests(view)),
        style=Markup(style),
        script=Markup(script),
        policy=policy_for(style, script),
        calculator=calculator,
        calculator_after=_SIZING_PART if _SIZING_PART in chapter.parts else 0,
    )
    return sane(made)


def _own(script: str) -> str:
    """A script whose names are its own."""
    return f"(() => {{\n{script}\n}})();\n"


def _hours(minutes: int) -> str:
    if minutes < 90:
        return f"{minutes} minutes"
    return f"{minutes / 60:.1f} hours".replace(".0 ", " ")


def _tests(view: ChapterView) -> Iterator[Test]:
    """The parts' questions with their answers, and the model's with their places."""
    for part in view.parts:
        if part.question:
            yield Test(part.asks, part.answer, part.id, f"Part {part.number}: {part.title}", False)
        for component in part.components:
            for section in component.sections:
                if section.question:
                    yield Test(section.question, "", section.id, section.heading, True)
