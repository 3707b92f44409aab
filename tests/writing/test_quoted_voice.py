"""Voice `quoted`: what is asked of the model, and what becomes of its answers."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import pytest
from systems import PROMPTS, rate_limiter_plan

from chapter_offline.chapter.document import Pieces
from chapter_offline.engine.interface import Engine, Written
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.guards.subject import stems
from chapter_offline.writing.voices.missed import NAMED, RAISED, key_statement
from chapter_offline.writing.voices.quoted import (
    ATTEMPT,
    GOOD_QUESTION,
    GOOD_WHAT_IF,
    QUESTION,
    WHAT_IF_SECTIONS,
    Quoted,
    Task,
)

PLAN = rate_limiter_plan()
SECTIONS = {section.id: section for section in PLAN.sections()}
WHY = "Why does a late clock let more requests through than were paid for?"


@pytest.fixture
def quoted(engine_with: Callable[[int], Engine]) -> Quoted:
    return Quoted(engine_with(2048), PLAN, load_asking(PROMPTS), vendor_names(PROMPTS))


def answered(
    task: Task, text: str, refused: dict[str, int] | None = None, sure: float = 0.0
) -> Written:
    """The result of a job whose accepted text is this. sure: the model's score of a sentence."""
    name = ATTEMPT if task.kind in {"attempt", "weak"} else QUESTION
    return Written(
        task.job.key,
        {name: text},
        {name: tuple(text.split(" | ")) if text else ()},
        refused or {},
        10,
        5,
        0,
        scores={name: (sure,) * len(text.split(" | ")) if text else ()},
    )


def pieces(
    quoted: Quoted,
    tasks: Sequence[Task],
    texts: dict[str, str],
    scores: dict[str, float],
    sure: float = 0.0,
) -> Pieces:
    written = {t.job.key: answered(t, texts.get(t.job.key, ""), {"length": 3}, sure) for t in tasks}
    return quoted.pieces(tasks, written, defaultdict(float, scores))


def test_every_part_begins_with_an_attempt(quoted: Quoted) -> None:
    tasks = quoted.tasks(range(1, 19))
    first = {part: next(t for t in tasks if t.part == part) for part in range(1, 19)}
    assert {task.kind for task in first.values()} == {"attempt"}
    assert sum(task.kind == "attempt" for task in tasks) == 18


def test_an_attempt_is_made_before_a_statement_is_seen(quoted: Quoted) -> None:
    statements = [s.text[:60] for section in PLAN.sections() for s in section.statements]
    for task in quoted.tasks(range(1, 19)):
        if task.kind == "attempt":
            said = " ".join(message.text for message in task.job.messages)
            assert not [text for text in statements if text in said]


def test_a_section_is_asked_about_once_and_a_component_by_its_failures(quoted: Quoted) -> None:
    asked = [t.section for t in quoted.tasks(range(1, 19)) if t.kind == "question"]
    assert len(set(asked)) == len(asked)
    assert [name for name in asked if name.startswith("p06")] == [
        f"p06.{component.role}.failure" for component in PLAN.brief.component
    ]
    others = {name for name in SECTIONS if not name.startswith("p06")}
    assert {name for name in asked if not name.startswith("p06")} == {
        name for name in others if key_statement(SECTIONS[name])
    }


def test_part_16_asks_for_a_weak_answer_to_each_of_its_questions(quoted: Quoted) -> None:
    weak = [task for task in quoted.tasks([16]) if task.kind == "weak"]
    asks = [s.id for s in SECTIONS["p16.staff_answers"].statements if s.ask]
    assert [task.section for task in weak] == asks
    assert len(weak) >= 8


def test_part_18_asks_what_if_about_sections_all_over_the_chapter(quoted: Quoted) -> None:
    supposed = [task for task in quoted.tasks([18]) if task.kind == "what_if"]
    assert [task.section for task in supposed] == list(WHAT_IF_SECTIONS)
    assert {task.part for task in supposed} == {18}


def test_keys_are_unique(quoted: Quoted) -> None:
    keys = [task.job.key for task in quoted.tasks(range(1, 19))]
    assert len(set(keys)) == len(keys)


def test_only_what_was_written_is_weighed(quoted: Quoted) -> None:
    tasks = quoted.tasks([18])
    written = {task.job.key: answered(task, "") for task in tasks}
    assert quoted.weights(tasks, written) == []
    supposed = next(t for t in tasks if t.kind == "what_if" and t.section == "p08.clocks")
    written["p08.clocks.what_if"] = answered(supposed, "What if a late clock is believed?")
    assert [job.key for job in quoted.weights(tasks, written)] == [
        "before what_if|p08.clocks",
        "what_if|p08.clocks",
    ]


def test_a_question_that_the_model_is_sure_of_is_asked(quoted: Quoted) -> None:
    made = pieces(quoted, quoted.tasks([8]), {"p08.clocks.question": WHY}, {}, GOOD_QUESTION)
    assert made.questions == {"p08.clocks": WHY}


def test_a_question_that_the_model_doubts_is_left_out(quoted: Quoted) -> None:
    doubt = GOOD_QUESTION - 0.01
    made = pieces(quoted, quoted.tasks([8]), {"p08.clocks.question": WHY}, {}, doubt)
    assert made.questions == {}
    assert (
        "p08.clocks",
        "question",
        f"the model itself is not sure of it ({GOOD_QUESTION - 0.01:.2f})",
    ) in (made.left_out)


def test_a_question_is_not_asked_twice(quoted: Quoted) -> None:
    texts = {"p08.ordering.question": WHY, "p08.clocks.question": WHY.replace("Why", "How")}
    made = pieces(quoted, quoted.tasks([8]), texts, {})
    assert made.questions == {"p08.ordering": WHY}
    assert ("p08.clocks", "question", "said before") in made.left_out


def test_a_what_if_stands_in_part_18_and_names_its_section(quoted: Quoted) -> None:
    supposed = "What if a process is frozen for longer than its lease?"
    scores = {
        "before what_if|p08.clocks": 0.0,
        "what_if|p08.clocks": GOOD_WHAT_IF,
    }
    made = pieces(quoted, quoted.tasks([18]), {"p08.clocks.what_if": supposed}, scores)
    assert made.what_if == ((supposed, "p08.clocks"),)


def test_an_attempt_stands_sentence_by_sentence(quoted: Quoted) -> None:
    made = pieces(quoted, quoted.tasks([8]), {"p08.attempt": "It waits. | It asks."}, {})
    assert made.attempts[8].sentences == ("It waits.", "It asks.")


def test_an_attempt_is_weighed_against_statements_that_share_few_words_with_it(
    quoted: Quoted,
) -> None:
    tasks = quoted.tasks([8])
    attempt = "Each request carries a key that its client invented, so a repeat is recognised."
    written = {task.job.key: answered(task, "") for task in tasks}
    written["p08.attempt"] = answered(tasks[0], attempt)
    jobs = quoted.weights(tasks, written)
    with_it = {job.key.partition("|")[2]: job for job in jobs if job.key.startswith("missed|")}
    assert len(jobs) == 2 * len(with_it) == 8
    shared = {
        name: len(stems(attempt) & stems(statement.text))
        for name in SECTIONS
        if name.startswith("p08.") and (statement := key_statement(SECTIONS[name]))
    }
    assert max(shared[name] for name in with_it) <= min(
        count for name, count in shared.items() if name not in with_it
    )
    assert all(attempt in job.messages[-1].text for job in with_it.values())
    assert sum(attempt in job.messages[-1].text for job in jobs) == 4


def test_the_statements_that_an_attempt_raises_least_are_named_in_the_parts_order(
    quoted: Quoted,
) -> None:
    attempt = "It waits."
    tasks = quoted.tasks([8])
    written = {t.job.key: answered(t, attempt if t.kind == "attempt" else "") for t in tasks}
    keys = [job.key for job in quoted.weights(tasks, written)]
    names = [key.partition("|")[2] for key in keys if key.startswith("missed|")]
    raised = dict(zip(names, (0.05, RAISED, -0.2, 0.0), strict=True))
    scores = {f"missed|{name}": by for name, by in raised.items()}
    made = pieces(quoted, tasks, {"p08.attempt": attempt}, scores)
    assert made.missed == {8: (names[2], names[3])}
    assert len(made.missed[8]) == NAMED
    none = pieces(quoted, tasks, {"p08.attempt": attempt}, dict.fromkeys(scores, RAISED))
    assert none.missed == {8: ()}


def test_an_attempt_that_failed_leaves_its_question(quoted: Quoted) -> None:
    made = pieces(quoted, quoted.tasks([8]), {}, {})
    assert made.attempts[8].question == PLAN.parts[7].question
    assert made.attempts[8].sentences == ()


def test_whatever_was_not_written_is_listed_with_the_reasons(quoted: Quoted) -> None:
    tasks = quoted.tasks([8, 16, 18])
    made = pieces(quoted, tasks, {}, {})
    assert len(made.left_out) == len(tasks)
    assert {reason for _, _, reason in made.left_out} == {"length (3)"}
