"""Voice `free`: the model writes every section, is tried again where it said little, and no more."""

from collections.abc import Callable

import pytest
from systems import PROMPTS, rate_limiter_plan

from chapter_offline.engine.interface import Engine, Written
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.voices.free import Free

PLAN = rate_limiter_plan()
FORTY = "word " * 39 + "end."


@pytest.fixture
def free(engine_with: Callable[[int], Engine]) -> Free:
    return Free(engine_with(2048), PLAN, load_asking(PROMPTS), vendor_names(PROMPTS))


def written(key: str, *sentences: str, refused: int = 0) -> Written:
    rejected = {"length": refused} if refused else {}
    return Written(key, {"text": " ".join(sentences)}, {"text": sentences}, rejected, 9, 9, 0)


def test_every_section_is_written_once(free: Free) -> None:
    tasks = free.tasks(range(1, 19))
    assert [task.job.key for task in tasks] == [section.id for section in PLAN.sections()]


def test_the_model_is_told_requirement_system_and_figures(free: Free) -> None:
    task = next(t for t in free.tasks([6]) if t.section == "p06.store.failure")
    system, user = (task.job.messages[place].text for place in (0, -1))
    assert PLAN.spec.role in system
    assert 'Write the section "Failure behavior" of the component counter store' in user
    assert "Describe how it fails and how it comes back." in user
    assert "distributed rate limiter" in user.lower()
    assert "Figures: " in user


def test_it_never_sees_another_sections_text(free: Free) -> None:
    for task in free.tasks([8]):
        said = " ".join(message.text for message in task.job.messages)
        for section in PLAN.sections((8,)):
            assert section.frame not in said
            assert not [s.text for s in section.statements if s.text in said]


def test_a_thin_section_is_tried_again_under_another_key(free: Free) -> None:
    tasks = free.tasks([8])
    results = {task.job.key: written(task.job.key, FORTY) for task in tasks}
    results["p08.clocks"] = written("p08.clocks", "It ticks.")
    again = free.again(tasks, results, 2)
    assert [task.job.key for task in again] == ["p08.clocks.2"]
    assert again[0].job.messages == next(t for t in tasks if t.section == "p08.clocks").job.messages


def test_nothing_is_tried_again_where_enough_was_said(free: Free) -> None:
    tasks = free.tasks([8])
    results = {task.job.key: written(task.job.key, FORTY) for task in tasks}
    assert free.again(tasks, results, 2) == []


def test_the_longest_try_is_kept(free: Free) -> None:
    tasks = [task for task in free.tasks([8]) if task.section == "p08.clocks"]
    results = {"p08.clocks": written("p08.clocks", "It ticks.")}
    more = free.again(tasks, results, 2)
    results["p08.clocks.2"] = written("p08.clocks.2", FORTY)
    assert free.pieces(tasks + more, results).free == {"p08.clocks": (FORTY,)}


def test_what_stays_thin_is_listed_with_all_that_was_refused(free: Free) -> None:
    tasks = [task for task in free.tasks([8]) if task.section == "p08.clocks"]
    results = {"p08.clocks": written("p08.clocks", "It ticks.", refused=2)}
    more = free.again(tasks, results, 2)
    results["p08.clocks.2"] = written("p08.clocks.2", refused=3)
    made = free.pieces(tasks + more, results)
    assert made.free == {"p08.clocks": ("It ticks.",)}
    assert made.left_out == (("p08.clocks", "section", "length (5)"),)
