"""A stranger's words stay words: on a page, in a diagram, and when a model reads them."""

import pytest
from markdown_it import MarkdownIt

from chapter_offline.chapter.escape import clean, markdown, mermaid, plain

HOSTILE = [
    "said \"quoted\" and 'quoted'",
    "{{ 7*7 }} {% raw %} {# no #}",
    "<script>alert(1)</script>",
    "<!-- gone --> <b>bold</b>",
    "&lt;b&gt; &amp; &#35; &copy;",
    '"] --> x[',
    "../../etc/passwd",
    "back\\slash \\* \\| \\",
    "a | b || c",
    "*stars* **two** _under_ __two__ ~~gone~~",
    "`code` ``more``",
    "[a](http://a.b) ![i](x) [a]: x [^1]",
    "http://a.example <http://a.example>",
    "# not a heading #",
    "1. one",
    "2) two",
    "- dash",
    "+ plus",
    "* star",
    "> quoted",
    "=== ---",
    "--- rule",
    "$x$ $$y$$",
    ":::note",
    "\\",
    "x**",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_paragraph_reads_as_what_was_said(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in tokens[1].children or []} <= {"text", "text_special"}
    assert "".join(child.content for child in tokens[1].children or []) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_heading_reads_as_what_was_said(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(f"# {markdown(text)}")
    assert [token.type for token in tokens] == ["heading_open", "inline", "heading_close"]
    assert "".join(child.content for child in tokens[1].children or []) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_of_a_table_reads_as_what_was_said(text: str) -> None:
    page = f"| a | b |\n| --- | --- |\n| {markdown(text)} | end |"
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    cells = [token for token in tokens if token.type == "inline"]
    assert ["".join(c.content for c in cell.children or []) for cell in cells] == [
        "a",
        "b",
        text,
        "end",
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_model_reads_what_was_said(text: str) -> None:
    assert plain(markdown(text)) == text


def test_emphasis_is_nothing_to_a_model() -> None:
    assert plain("A *quorum* (most of them) **must** agree.") == (
        "A quorum (most of them) must agree."
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_has_no_sign_that_mermaid_knows(text: str) -> None:
    assert not set(mermaid(text)) & set('"[](){}<>|`*_\\~^:&$@')


def test_a_label_keeps_its_letters() -> None:
    assert mermaid("Zähler für 3 Räume") == "Zähler für 3 Räume"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  two   words ", "two words"),
        ("line\nbreak\ttab", "line break tab"),
        ("bell\a and\x00null", "bell and null"),
        ("right\u202eto left", "right to left"),
        ("no\u00a0break", "no break"),
        ("e\u0301", "é"),
    ],
)
def test_a_name_is_one_line_without_control_characters(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
