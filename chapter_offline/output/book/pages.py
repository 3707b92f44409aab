"""The folder's own pages: the index, and the search."""

from collections.abc import Sequence
from functools import lru_cache

import jinja2
from markupsafe import Markup

from chapter_offline.output.book.entries import Bound, by_decision, by_term, by_trait
from chapter_offline.output.book.search import index
from chapter_offline.output.html.page import asset, policy_for, sane


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("chapter_offline.output.book", "files"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def index_html(bound: Sequence[Bound]) -> str:
    """All chapters by system, trait, decision and term. Works without a script."""
    return _page(
        "index.html.jinja",
        "",
        bound=sorted(bound, key=lambda each: each.title.lower()),
        traits=by_trait(bound),
        decisions=by_decision(bound),
        terms=by_term(bound),
    )


def search_html(bound: Sequence[Bound]) -> str:
    """A page that finds sections by their words, without a server."""
    script = f"const index = {index(bound)};\n{_file('search.js')}"
    return _page("search.html.jinja", f"(() => {{\n{script}}})();\n", chapters=len(bound))


def _page(template: str, script: str, **values: object) -> str:
    style = asset("text.css") + asset("page.css") + _file("book.css") + asset("print.css")
    made = _environment().get_template(template)
    return sane(
        made.render(
            style=Markup(style), script=Markup(script), policy=policy_for(style, script), **values
        )
    )


def _file(name: str) -> str:
    loader = _environment().loader
    assert loader
    return loader.get_source(_environment(), name)[0]
