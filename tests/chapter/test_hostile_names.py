"""Names that try to be more than names: on the page and in the diagrams they are text.

A page on a system with hostile names is compared with a page on the same system with harmless
ones: the same structure, and the same text but for the names.
"""

import re
from functools import lru_cache

import pytest
from drawings import elements, seen
from markdown_it import MarkdownIt
from markdown_it.token import Token
from systems import NOUNS, all_roles, made_brief, whole_plan

from chapter_offline.chapter.diagrams import DIAGRAMS
from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.plan import Plan
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.output.svg import render_diagrams
from chapter_offline.review.covering import covering_of_plan
from chapter_offline.review.page import read_page

pytestmark = pytest.mark.whole

ALL_PARTS = tuple(range(1, 19))
ALTERNATIVE = {
    "what": "It asks nobody.",
    "attraction": "It is quick.",
    "rejection": "It is wrong.",
    "right_when": "Nobody cares.",
}
HARMLESS = "xqzq"
# Each begins and ends as the harmless one does, so that articles and plurals are the same.
HOSTILE = {
    "templates": "x \"a\" 'b' {{ 7*7 }} {% raw %}{% endraw %} {{ n.users }} {{ self }} {# #} q",
    "code": 'x <script>alert(1)</script> <!-- --> &lt; "] --> y[ %%{init: {}}%% ;end q',
    "marks": "x ../../etc \\ \\\\ a|b||c *a* _b_ __c__ `d` [e](f) ![g][h] ~~i~~ $j$ q",
}
hostile_names = pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
# These would begin something else, if they stood at the beginning of a line.
AT_THE_BEGINNING = ["1. xq", "- xq", "# xq"]


@lru_cache(maxsize=4)
def parse(page: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page)


def structure(page: str) -> list[str]:
    return [token.type for token in parse(page)]


def text(page: str) -> str:
    """What a reader sees, block by block; diagrams are compared elsewhere."""
    return "\n".join(
        "".join(child.content for child in token.children or [])
        for token in parse(page)
        if token.type == "inline"
    )


def page_of(plan: Plan) -> str:
    """Its Markdown, before the model has written anything."""
    return chapter_markdown(Chapter(plan, "quoted", "a model", ALL_PARTS, Pieces()))


def renamed(page: str, name: str) -> str:
    """A harmless page's text with the hostile name in place of the harmless one."""
    return page.replace(HARMLESS, name).replace(HARMLESS.capitalize(), "X" + name[1:])


NAMED = {"p05.diagram", "p17.architecture", "p17.data_flow", "p17.failure"}
"""Diagrams that print a name that somebody chose."""


@lru_cache(maxsize=8)
def named(system: str) -> Plan:
    """A chapter on a system of this name."""
    return whole_plan(made_brief(system))


def brief_of(name: str) -> Brief:
    """A system in which everything that can be named has this name."""
    table = made_brief(name, roles=all_roles()).model_dump(by_alias=True, exclude_unset=True)
    table["nouns"] |= dict.fromkeys(set(NOUNS) - {"dependency"} | {"service", "operator"}, name)
    flows = {flow["name"] for flow in table["flow"]}
    for state in table["state"]:
        state["goes"] = [
            (end, what, *(name if cause in flows else cause for cause in by))
            for end, what, *by in state["goes"]
        ]
    for entry in (*table["component"], *table["external"], *table["flow"], *table["phase"]):
        entry["name"] = name
    for phase in table["phase"]:
        phase["label"], phase["components"] = name, [name, name]
    for component in table["component"]:
        component["domain"] = name
    table["alternative"] = [ALTERNATIVE | {"name": name}]
    return Brief.model_validate(table)


@lru_cache(maxsize=8)
def all_named(name: str) -> Plan:
    return whole_plan(brief_of(name))


@pytest.mark.parametrize("name", AT_THE_BEGINNING)
def test_a_name_begins_no_list_and_no_quotation(name: str) -> None:
    hostile = page_of(named(name))
    assert structure(hostile) == structure(page_of(named(HARMLESS)))
    assert text(hostile).splitlines()[0] == name


def uncounted(page: str) -> str:
    """A page without what it counts of its own words, of which a longer name has more."""
    return re.sub(r"Whose words:.*", "", page)


@hostile_names
def test_names_are_text_wherever_they_stand(name: str) -> None:
    harmless, hostile = page_of(all_named(HARMLESS)), page_of(all_named(name))
    assert structure(hostile) == structure(harmless)
    assert text(harmless).count(HARMLESS) > 500
    assert uncounted(text(hostile)) == renamed(uncounted(text(harmless)), name)


@hostile_names
def test_a_page_with_hostile_names_passes_its_own_check(name: str) -> None:
    """Only that its components are all called the same, which they may not be elsewhere."""
    plan = all_named(name)
    assert covering_of_plan(read_page(page_of(plan)), plan, ALL_PARTS).findings == ()


def test_no_html_is_ever_on_a_page() -> None:
    page = page_of(all_named(HOSTILE["code"]))
    kinds = {child.type for token in parse(page) for child in token.children or []}
    assert not {"html_inline", "html_block"} & (kinds | set(structure(page)))


def test_every_diagram_renders_and_shows_hostile_names() -> None:
    name = 'x"] --> y{z}; %% <script>`{{ 7*7 }}` &lt; \\ | #35; 1. end_q'
    drawn = render_diagrams(all_named(name), ALL_PARTS)
    assert set(DIAGRAMS) - set(drawn) <= {"p09.slow_dependencies", "p10.load_shedding"}
    for section, svg in drawn.items():
        if section in NAMED:
            assert "".join(name[1:].split()) in seen(svg), section
        assert "script" not in elements(svg)
