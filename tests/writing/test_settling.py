"""The last pass: a sentence that two pieces share stays in the first."""

from chapter_offline.chapter.document import Attempt, Pieces
from chapter_offline.writing.settling import settled

SHARED = "Retries make a slow store slower still."


def test_the_later_of_two_attempts_gives_way() -> None:
    first = Attempt("Why?", ("A queue hides it for a while.", SHARED))
    second = Attempt("How?", (SHARED.upper().capitalize(), "Callers give up in the end, too."))
    found = settled(Pieces(attempts={1: first, 9: second}))
    assert found.attempts[1] == first
    assert found.attempts[9].sentences == ("Callers give up in the end, too.",)
    assert found.left_out == (("p09.attempt", "attempt", "said before, in another section"),)


def test_short_sentences_may_come_twice() -> None:
    pieces = Pieces(
        attempts={1: Attempt("Why?", ("Nobody knows.",)), 2: Attempt("Why?", ("Nobody knows.",))}
    )
    assert settled(pieces) == pieces


def test_a_weak_answer_with_nothing_of_its_own_is_left_out() -> None:
    pieces = Pieces(
        attempts={1: Attempt("Why?", (SHARED,))},
        weak={"storms": SHARED, "clocks": "We use the clocks of all machines."},
    )
    assert dict(settled(pieces).weak) == {"clocks": "We use the clocks of all machines."}


def test_a_free_section_keeps_what_is_its_own() -> None:
    pieces = Pieces(
        free={"p01.scope": (SHARED,), "p09.storms": (SHARED, "A budget of retries holds them.")}
    )
    assert settled(pieces).free["p09.storms"] == ("A budget of retries holds them.",)


def test_what_the_plan_says_needs_no_model() -> None:
    pieces = Pieces(attempts={1: Attempt("Why?", (SHARED, "Callers give up in the end, too."))})
    assert settled(pieces, [SHARED]).attempts[1].sentences == ("Callers give up in the end, too.",)
