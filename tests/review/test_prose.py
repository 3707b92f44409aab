"""How a chapter reads, in figures: on small pages that show one thing, and on whole chapters."""

import pytest
from systems import library, made_brief, rate_limiter_plan, whole_plan

from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.review.echoes import echoes, words_of
from chapter_offline.review.measures import repeated
from chapter_offline.review.prose import Prose, paragraphs, read_prose, sentences_of
from chapter_offline.review.samples import sample_briefs

pytestmark = pytest.mark.whole

PAGE = """# System

How to read it.

## Part 1: Foundations

> **First try it yourself.** What is it?

### What this is

A *frame* (that is glossed) says it.

- **Lead.** The first item is one sentence. Here is another.
  - *Inject:* nothing at all.

| Figure | Value | From |
| --- | --- | --- |
| Users | 5 | assumed |

*Check yourself:* What is it?

## Appendix A: Figures

Not read.
"""


def page_of(plan: Plan) -> str:
    return chapter_markdown(Chapter(plan, "quoted", "a model", tuple(range(1, 19)), Pieces()))


def read(*texts: str) -> Prose:
    return read_prose("## Part 1: Foundations\n\n" + "\n\n".join(texts))


def test_only_what_writers_wrote_is_read() -> None:
    assert list(paragraphs(PAGE)) == [
        "A frame (that is glossed) says it.",
        "The first item is one sentence. Here is another.",
        "Inject: nothing at all.",
    ]


def test_sentences_end_where_the_next_one_begins() -> None:
    assert sentences_of('It ends. "Why?" He asks e.g. This. It takes 1.5 s.') == [
        "It ends.",
        '"Why?',
        "He asks e.g. This.",
        "It takes 1.5 s.",
    ]


def test_a_sentence_said_twice_is_seen_and_a_short_question_may_be() -> None:
    said = "The store refuses it and says so."
    assert read(said, said, "What now?", "What now?").twice == (said,)


def test_three_in_a_row_of_one_shape_are_seen() -> None:
    two = "First: one thing. Second: another thing."
    assert read(two).runs == ()
    assert read(two + " Third: a third thing.").runs == ("First: one thing.",)
    assert read(two + " Third; a third thing.").runs == ()


def test_repeated_runs_are_counted_from_the_second() -> None:
    assert repeated("a b c d e a b c d".split(), 4) == pytest.approx(1 / 6)
    assert repeated("a b c".split(), 4) == 0.0


def test_short_repetitions_are_counted_in_a_window() -> None:
    fresh = " ".join(f"w{n}" for n in range(6000)) + "."
    stuck = "one two three four five six seven. " * 30
    far = read(fresh, stuck, fresh.replace("w", "v"))
    assert far.fours > 0.06
    assert any("runs of 4 words" in fault for fault in far.faults())


def test_words_are_compared_without_marks_and_figures_stay_whole() -> None:
    assert words_of('"It" takes *62,400/s*, isn\'t it?') == [
        "it",
        "takes",
        "62,400",
        "s",
        "isn't",
        "it",
    ]


def test_what_two_sections_share_is_an_echo_and_what_one_repeats_is_not() -> None:
    text = "a claim of ten words that stands in two sections at once"
    found = echoes({"p01.a.x": text, "p01.a.y": text, "p02.b.z": text})
    assert [(e.one, e.other, e.share) for e in found] == [
        ("p01.a.x", "p02.b.z", 1.0),
        ("p01.a.y", "p02.b.z", 1.0),
    ]


@pytest.mark.parametrize("name", ["distributed_rate_limiter", "parking", "timetable", "clicks"])
def test_a_chapter_of_standard_length_reads_well(name: str) -> None:
    plan = make_plan(library(), sample_briefs(library())[name])
    prose = read_prose(page_of(plan))
    assert list(prose.faults()) == []
    assert prose.sentences > 500


@pytest.mark.parametrize(
    "plan", [rate_limiter_plan(), whole_plan(made_brief())], ids=["default", "made"]
)
def test_every_term_is_glossed_once_and_stands_in_the_glossary(plan: Plan) -> None:
    page = page_of(plan)
    body, _, glossary = page.partition("## Appendix B: Terms")
    assert len(plan.terms) > 20
    for term, definition in plan.terms:
        assert body.count(f"* ({library().terms[term].gloss})") == 1, term
        assert glossary.count(f"- **{term[0].upper()}{term[1:]}.** {definition}") == 1
    assert glossary.count("- **") == len(plan.terms)
