"""Where statements are quoted: near sections by words, one of them by likelihood, or none."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from systems import PROMPTS, rate_limiter_plan

from chapter_offline.chapter.notes import Note, Notes, Unquoted
from chapter_offline.engine.interface import Engine, Scored, ScoreJob
from chapter_offline.errors import DoesNotFitError
from chapter_offline.knowledge.headings import load_headings
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.notes.nearness import Nearness, roots
from chapter_offline.writing.notes.placing import MOST_ASKED, Placing

ALL = tuple(range(1, 19))
PLAN = rate_limiter_plan("quick")
HEADINGS = load_headings(PROMPTS).requirements
STORM = "Clients retried at once without any backoff, and the retry storm kept the store down."
CAKE = "Maria from the office next door brought a marvellous cake along."
REPLICAS = "Replication to the standby is asynchronous and may lose the last second."


def notes_of(*texts: str) -> Notes:
    told = tuple(Note(file="n.md", line=10 * n, text=text) for n, text in enumerate(texts, start=1))
    html = Unquoted(file="n.md", line=15, why="HTML")
    return Notes(files={"n.md": "00" * 32}, statements=told, skipped=(html,))


Open = Callable[[int], Engine]


@pytest.fixture
def placing(engine_with: Open) -> Callable[..., Placing]:
    engine = engine_with(2048)
    return lambda *texts: Placing(engine, PLAN, load_asking(PROMPTS), notes_of(*texts), HEADINGS)


def scored(jobs: Sequence[ScoreJob], likely: Mapping[str, float]) -> dict[str, Scored]:
    """Likelihoods by section; -3 for those that are not named."""
    return {
        job.key: Scored(job.key, likely.get(job.key.partition("|")[2], -3.0), 10, 10)
        for job in jobs
    }


def test_forms_of_a_word_have_one_root() -> None:
    assert set(roots("retries retried retry Retrying")) == {"retry"}
    assert roots("the clocks and a clock") == ["clock", "clock"]


def test_sections_are_ranked_by_words_that_they_share() -> None:
    nearness = Nearness(PLAN.sections(), HEADINGS)
    assert nearness.ranked(STORM)[0][1] == "p09.retry_storms"
    assert nearness.ranked(REPLICAS)[0][1] == "p12.replication"
    assert nearness.ranked(CAKE)[0][0] == 0.0


def test_the_model_is_asked_of_few_sections_and_some_to_compare_with(
    placing: Callable[..., Placing],
) -> None:
    jobs = placing(STORM, CAKE).jobs(ALL)
    assert 3 <= len(jobs) <= 6
    assert len({job.key for job in jobs}) == len(jobs)
    assert {job.text for job in jobs} == {STORM}
    assert jobs[0].key == "note 1 of n.md:10|p09.retry_storms"
    assert "Retry" in jobs[0].messages[-1].text


def test_a_statement_stands_where_it_is_likeliest(placing: Callable[..., Placing]) -> None:
    at = placing(STORM, CAKE)
    found = at.placed(ALL, scored(at.jobs(ALL), {"p09.retry_storms": -2.0}))
    assert {name: [n.text for n in notes] for name, notes in found.sections.items()} == {
        "p09.retry_storms": [STORM]
    }
    assert [(each.line, each.why) for each in found.left_out] == [
        (15, "HTML"),
        (20, "no section shares enough words with it"),
    ]


def test_one_that_no_section_makes_likelier_stands_nowhere(
    placing: Callable[..., Placing],
) -> None:
    at = placing(STORM)
    found = at.placed(ALL, scored(at.jobs(ALL), {}))
    assert not found.sections
    assert found.left_out[0].why == "no section makes it likelier than others do"


def test_a_section_takes_the_two_that_fit_best_in_the_order_of_the_notes(
    placing: Callable[..., Placing],
) -> None:
    at = placing(*(f"{STORM} So it was in {year}." for year in (2021, 2022, 2023)))
    jobs = at.jobs(ALL)
    scores = scored(jobs, {"p09.retry_storms": -2.0})
    worst = next(job.key for job in jobs if job.key.startswith("note 2 ") and "retry" in job.key)
    scores[worst] = Scored(worst, -2.5, 10, 10)
    found = at.placed(ALL, scores)
    assert [note.line for note in found.sections["p09.retry_storms"]] == [10, 30]
    assert found.left_out[-1].why == "2 other statements fit its section better"


def test_a_part_has_the_same_alone_as_in_the_whole(placing: Callable[..., Placing]) -> None:
    texts = (STORM, REPLICAS, CAKE)
    likely = {"p09.retry_storms": -2.0, "p12.replication": -1.0}
    whole, alone = placing(*texts), placing(*texts)
    everything = whole.placed(ALL, scored(whole.jobs(ALL), likely))
    part = alone.placed((12,), scored(alone.jobs((12,)), likely))
    assert list(everything.sections) == ["p09.retry_storms", "p12.replication"]
    assert part.sections == {"p12.replication": everything.sections["p12.replication"]}
    assert part.left_out[0].why == "it fits a part that was not asked for"
    assert len(alone.jobs((12,))) < len(whole.jobs(ALL))


def test_of_many_statements_those_are_asked_of_that_are_nearest(
    placing: Callable[..., Placing],
) -> None:
    texts = [f"{STORM} It was number {n}." for n in range(MOST_ASKED)]
    at = placing("We saw a retry.", *texts)
    jobs = at.jobs(ALL)
    assert {job.key.split()[1] for job in jobs} == {str(n) for n in range(2, MOST_ASKED + 2)}
    found = at.placed(ALL, scored(jobs, {}))
    assert found.left_out[0].why == "40 other statements share more words with the chapter"


def test_a_window_that_is_too_small_is_said_before_anything_is_asked(engine_with: Open) -> None:
    engine = engine_with(256)
    at = Placing(engine, PLAN, load_asking(PROMPTS), notes_of(STORM), HEADINGS)
    with pytest.raises(DoesNotFitError, match=r"note 1 of n\.md:10\|p.*\nUse --window"):
        at.jobs(ALL)
