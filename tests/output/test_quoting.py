"""What stands of a person's notes on a page: marked, escaped, apart from all else."""

from dataclasses import replace
from pathlib import Path

import pytest
from chapters_at_hand import HOSTILE, drawings, facts, harmless
from systems import PROMPTS, library

from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.escape import clean
from chapter_offline.chapter.notes import Note, Placed, Unquoted
from chapter_offline.output.html.page import chapter_html
from chapter_offline.output.markdown import chapter_markdown, thin_sections
from chapter_offline.output.numbers import unexplained
from chapter_offline.output.pieces import chapter_of
from chapter_offline.output.quoting import how_to_read, left_out
from chapter_offline.review.chapter import Checker
from chapter_offline.review.page import read_page
from chapter_offline.review.source import Known, Source

PARTS = (16,)
NAMES = {key: clean(text)[:60] for key, text in HOSTILE.items()} | {"plain": "postmortem.md"}
BARE = harmless(PARTS)


def noted(*texts: str, name: str = "a.md", section: str = "p16.mistakes") -> Chapter:
    """Part 16 with these statements in one section."""
    notes = tuple(Note(file=name, line=n, text=clean(text)) for n, text in enumerate(texts, 1))
    return replace(BARE, notes=Placed(sections={section: notes}))


@pytest.mark.parametrize("name", NAMES)
def test_a_strangers_words_and_file_stay_words(name: str) -> None:
    chapter = noted(*HOSTILE.values(), name=NAMES[name])
    page = chapter_markdown(chapter)
    blocks = [b for s in read_page(page) for b in s.blocks if b.label.startswith("From ")]
    assert [" ".join(b.text.split()) for b in blocks] == [
        f"“{clean(text)}”" for text in HOSTILE.values()
    ]
    assert {b.quoted for b in blocks} == {True}
    assert blocks[0].label == f"From {NAMES[name]}, line 1, not checked:"


def test_they_are_text_in_the_page_for_readers() -> None:
    chapter = noted(*HOSTILE.values(), name=NAMES["script"])
    html = chapter_html(chapter, library(), facts(), drawings("quick", PARTS))
    bare = chapter_html(BARE, library(), facts(), drawings("quick", PARTS))
    for tag in ("<script", "<img", "<iframe", "<svg", "onerror=alert(2)>"):
        assert html.count(tag) == bare.count(tag)
    assert html.count('<blockquote class="quoted" data-origin="notes">') == len(HOSTILE)


def test_a_page_with_them_is_read_back_as_it_was() -> None:
    chapter = noted(
        *HOSTILE.values(),
        "Asked by the model; the section that is named has what an answer needs:",
        "*Check yourself:* Why?",
    )
    found, other = chapter_of(
        chapter_markdown(chapter), BARE.plan, "quoted", BARE.model, PARTS, notes=chapter.notes
    )
    assert other == ""
    assert found.pieces.questions == BARE.pieces.questions
    assert not found.pieces.what_if


def test_in_voice_free_they_do_not_become_the_models() -> None:
    pieces = Pieces(free={"p16.mistakes": ("A mistake is made.",)})
    chapter = replace(noted("We made one."), voice="free", pieces=pieces)
    found, other = chapter_of(
        chapter_markdown(chapter), BARE.plan, "free", BARE.model, PARTS, notes=chapter.notes
    )
    assert (found.pieces.free, other) == (pieces.free, "")


def test_they_do_not_make_a_section_longer_than_thin() -> None:
    chapter = replace(noted("word " * 60), voice="free", pieces=Pieces())
    assert [s.id for s, _ in thin_sections(chapter)] == [
        s.id for s, _ in thin_sections(replace(chapter, notes=Placed()))
    ]
    known = Known(chapter.plan, PARTS, "free", chapter.notes)
    source = Source(Path("chapter.md"), chapter_markdown(chapter), known, ())
    report = Checker(PROMPTS).check(source)
    assert report.covered == 0
    assert {f.kind for f in report.findings if f.part == 16} == {"missing"}


def test_their_names_numbers_and_ends_are_nobodys_fault() -> None:
    said = "On AWS Lambda the Zorgon took 4,711 ms. As an AI I can't say why. It was the"
    chapter = noted(said, said)
    page = chapter_markdown(chapter)
    assert unexplained(page) == unexplained(chapter_markdown(BARE))

    def found(of: Chapter) -> list[tuple[str, str]]:
        known = Known(of.plan, PARTS, "quoted", of.notes)
        report = Checker(PROMPTS).check(Source(Path("c.md"), chapter_markdown(of), known, ()))
        return [(f.kind, f.where) for f in report.findings]

    assert found(chapter) == found(BARE)
    other = replace(chapter, notes=Placed(sections={"p16.mistakes": (chapter.notes.sections["p16.mistakes"][0],)}))  # fmt: skip
    known = Known(other.plan, PARTS, "quoted", Placed())
    assert "vendor" in {f.kind for f in Checker(PROMPTS).check(Source(Path("c.md"), page, known, ())).findings}  # fmt: skip


def test_what_is_left_out_is_said_once_a_reason_and_not_without_end() -> None:
    many = tuple(Unquoted(file="a.md", line=n, why="far") for n in range(1, 31))
    notes = Placed(left_out=(*many, Unquoted(file="b.md", line=2, why="html")))
    assert left_out(notes) == [
        ("far", ", ".join(f"a.md:{n}" for n in range(1, 21)) + " and 10 more"),
        ("html", "b.md:2"),
    ]
    page = chapter_markdown(replace(BARE, notes=notes))
    assert page.endswith(f"- Far: {left_out(notes)[0][1]}.\n- Html: b.md:2.\n")


def test_a_reader_is_told_at_the_beginning() -> None:
    assert how_to_read(Placed()) == ""
    assert "marked as from a.md stand as they were written" in how_to_read(noted("Said.").notes)
    assert "marked as from a.md stand" in chapter_markdown(noted("Said.")).split("\n")[2]
