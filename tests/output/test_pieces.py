"""What a model wrote, read back from a page: the same pieces, or the first line that differs."""

from dataclasses import replace

import pytest
from chapters_at_hand import HOSTILE, harmless, pieces_for
from systems import rate_limiter_plan

from chapter_offline.chapter.document import Attempt, Chapter, Pieces
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.output.pieces import chapter_of

PLAN = rate_limiter_plan("quick")


def back(chapter: Chapter, page: str | None = None) -> tuple[Chapter, str]:
    page = chapter_markdown(chapter) if page is None else page
    return chapter_of(page, chapter.plan, chapter.voice, chapter.model, chapter.parts)


def test_a_chapter_comes_back_from_its_page() -> None:
    chapter, other = back(harmless())
    assert other == ""
    wanted = harmless().pieces
    assert chapter.pieces.questions == wanted.questions
    assert chapter.pieces.weak == wanted.weak
    assert chapter.pieces.what_if == wanted.what_if
    assert chapter.pieces.missed == wanted.missed
    assert len(wanted.missed) == 18
    assert {n: a.sentences for n, a in chapter.pieces.attempts.items()} == {
        n: a.sentences for n, a in wanted.attempts.items()
    }


def test_a_free_chapter_comes_back() -> None:
    pieces = Pieces(
        free={s.id: ("First *one*.", "- Then | two.") for s in PLAN.sections((4, 5, 6))}
    )
    chapter, other = back(Chapter(PLAN, "free", "m", (4, 5, 6), pieces))
    assert other == ""
    assert set(chapter.pieces.free) == set(pieces.free)
    assert chapter.pieces.free["p04.users"] == ("First *one*. - Then | two.",)


def test_a_chapter_of_some_parts_without_pieces_comes_back() -> None:
    chapter, other = back(Chapter(PLAN, "quoted", "m", (2, 9), Pieces()))
    assert (chapter.pieces, other) == (Pieces(), "")


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"control"}))
def test_hostile_pieces_come_back(name: str) -> None:
    pieces = pieces_for(PLAN, (1, 16, 18), [HOSTILE[name]])
    chapter, other = back(Chapter(PLAN, "quoted", "m", (1, 16, 18), pieces))
    assert other == ""
    assert chapter.pieces.attempts[1].sentences == (HOSTILE[name],)
    assert chapter.pieces.weak == pieces.weak


def test_a_piece_that_looks_like_the_page_does_not_deceive_it() -> None:
    sly = "*How a staff engineer begins:* all is well. > ## Part 2 *Check yourself:* Why?"
    pieces = Pieces(attempts={1: Attempt("", (sly,))}, questions={"p01.problem": sly})
    chapter, other = back(Chapter(PLAN, "quoted", "a model, unchecked:", (1,), pieces))
    assert other == ""
    assert chapter.pieces.attempts[1].sentences == (sly,)
    assert chapter.pieces.questions == {"p01.problem": sly}


@pytest.mark.parametrize("old", ["Part 3", "200,000", "**To carry away.**"])
def test_an_edited_page_is_found_out(old: str) -> None:
    page = chapter_markdown(harmless())
    assert old in page
    _, other = back(harmless(), page.replace(old, "something else", 1))
    assert "something else" in other


def test_a_page_that_goes_on_is_found_out() -> None:
    _, other = back(harmless(), chapter_markdown(harmless()) + "\nMore.\n")
    assert other


def test_another_plan_makes_another_page() -> None:
    page = chapter_markdown(harmless())
    _, other = back(replace(harmless(), plan=rate_limiter_plan("standard")), page)
    assert other
