"""The budget: exact tokens, the richest way that fits, and an error that says which window would do."""

import re
from collections.abc import Callable

import pytest
from systems import (
    PROMPTS,
    all_roles,
    even_fit,
    few_choices,
    library,
    made_brief,
    rate_limiter_plan,
)

from chapter_offline.chapter.document import Voice
from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.engine.interface import Engine, Given, Message, Span
from chapter_offline.errors import DoesNotFitError
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.author import Author
from chapter_offline.writing.budget import Need, check_fits, fit
from chapter_offline.writing.decide import decide
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.progress import Silent

pytestmark = pytest.mark.whole

EngineAt = Callable[[int], Engine]
ALL_PARTS = tuple(range(1, 19))
LONG = (Message("system", "You explain."), Message("user", "Say it at length, please. " * 8))
SHORT = (Message("system", "You explain."), Message("user", "Say it."))


def author(engine: Engine, plan: Plan, voice: Voice = "quoted") -> Author:
    return Author(engine, plan, voice, load_asking(PROMPTS), vendor_names(PROMPTS), "tiny")


def window_in(error: pytest.ExceptionInfo[DoesNotFitError]) -> int:
    """The window that an error recommends."""
    found = re.search(r"Use --window (\d+) or more\.", str(error.value))
    assert found
    return int(found[1])


def test_the_richest_way_is_taken_where_it_fits(engine_with: EngineAt) -> None:
    engine = engine_with(2048)
    fitted = fit(engine, [lambda: LONG, lambda: SHORT], 100)
    assert (fitted.messages, fitted.way) == (LONG, 0)
    assert fitted.prompt_tokens == engine.count(LONG)


def test_a_way_that_fits_to_the_token_is_taken(engine_with: EngineAt) -> None:
    needed = engine_with(2048).count(LONG) + 100
    assert fit(engine_with(needed), [lambda: LONG, lambda: SHORT], 100).way == 0
    assert fit(engine_with(needed - 1), [lambda: LONG, lambda: SHORT], 100).way == 1


def test_text_in_the_models_turn_counts(engine_with: EngineAt) -> None:
    needed = engine_with(2048).count(LONG) + 100
    assert fit(engine_with(needed), [lambda: LONG, lambda: SHORT], 100, "Why").way == 1


def test_the_barest_way_is_the_last_resort(engine_with: EngineAt) -> None:
    assert fit(engine_with(64), [lambda: LONG, lambda: SHORT], 100).way == 1


def test_the_largest_need_is_named_with_a_window_for_all(engine_with: EngineAt) -> None:
    needs = [Need("p01.attempt", 300), Need("p02.attempt", 700), Need("p03.attempt", 500)]
    with pytest.raises(DoesNotFitError, match=r"p02\.attempt: 700 tokens") as error:
        check_fits(engine_with(256), needs)
    assert window_in(error) == 768


def test_what_fits_is_let_pass(engine_with: EngineAt) -> None:
    check_fits(engine_with(256), [Need("p01.attempt", 256)])
    check_fits(engine_with(256), [])


@pytest.mark.parametrize(("voice", "parts"), [("quoted", ALL_PARTS), ("free", (1, 4, 18))])
def test_the_window_that_an_error_names_does(
    engine_with: EngineAt, voice: Voice, parts: tuple[int, ...]
) -> None:
    with pytest.raises(DoesNotFitError) as error:
        author(engine_with(64), rate_limiter_plan(), voice).tasks(parts)
    enough = window_in(error)
    assert author(engine_with(enough), rate_limiter_plan(), voice).tasks(parts)


def test_it_does_for_the_weighing_too(engine_with: EngineAt) -> None:
    with pytest.raises(DoesNotFitError) as error:
        author(engine_with(64), rate_limiter_plan()).tasks((1,))
    written = author(engine_with(window_in(error)), rate_limiter_plan()).write((1,), Silent())
    assert len(written.jobs) == 8


def test_questions_about_a_system_name_a_window_that_does(engine_with: EngineAt) -> None:
    with pytest.raises(DoesNotFitError) as error:
        decide(engine_with(64), "Lift control", few_choices(), "tiny", library().traits, even_fit)
    engine = engine_with(window_in(error))
    decided = decide(engine, "Lift control", few_choices(), "tiny", library().traits, even_fit)
    assert decided.answers.system == "Lift control"
    plan = make_plan(library(), made_brief("Lift control", roles=all_roles()))
    assert author(engine, plan).tasks(ALL_PARTS)


@pytest.mark.parametrize(("voice", "parts"), [("quoted", ALL_PARTS), ("free", (1, 4, 18))])
def test_every_job_fits_the_window_with_its_output(
    engine_with: EngineAt, voice: Voice, parts: tuple[int, ...]
) -> None:
    engine = engine_with(1536)
    for task in author(engine, rate_limiter_plan(), voice).tasks(parts):
        given = "".join(step.text for step in task.job.steps if isinstance(step, Given))
        output = sum(step.max_tokens for step in task.job.steps if isinstance(step, Span))
        assert engine.count(task.job.messages, given) + output <= 1536, task.job.key


def test_a_narrow_window_makes_prompts_barer_and_no_job_less(engine_with: EngineAt) -> None:
    wide = author(engine_with(2048), rate_limiter_plan()).tasks(ALL_PARTS)
    narrow = author(engine_with(768), rate_limiter_plan()).tasks(ALL_PARTS)
    assert [task.job.key for task in narrow] == [task.job.key for task in wide]
    assert sum(len(t.job.messages) for t in narrow) < sum(len(t.job.messages) for t in wide)


def test_the_load_says_what_will_be_asked(engine_with: EngineAt) -> None:
    one = author(engine_with(2048), rate_limiter_plan())
    tasks, load = one.tasks((2, 15)), one.load((2, 15))
    assert load.writes == {part: sum(t.part == part for t in tasks) for part in (2, 15)}
    assert load.longest_key in {task.job.key for task in tasks}
    assert 0 < load.longest <= 2048
    written = one.write((2, 15), Silent())
    assert len(written.jobs) == len(tasks)
    assert sum(job.output_tokens for job in written.jobs) <= load.written
    assert all(job.prompt_tokens + job.output_tokens <= load.longest for job in written.jobs)
