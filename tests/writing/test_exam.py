"""The exam: its tasks on a tiny model, what it demands, and which voice a result earns."""

from collections.abc import Callable

import pytest
from systems import PROMPTS, choices, library

from chapter_offline.engine.interface import Engine
from chapter_offline.knowledge.labelled import load_labelled
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.demands import Instruction, Object
from chapter_offline.writing.exam import Candidate, Exam
from chapter_offline.writing.exam_paper import Passed, Result, load_paper
from chapter_offline.writing.fidelity import load_labelled_rewrites
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.progress import Silent

pytestmark = pytest.mark.whole

PAPER = load_paper(PROMPTS)


@pytest.fixture
def exam(engine_with: Callable[[int], Engine]) -> Exam:
    who = Candidate(
        engine=engine_with(2048),
        name="tiny",
        sha256="00",
        asking=load_asking(PROMPTS),
        vendors=vendor_names(PROMPTS),
        labelled=load_labelled_rewrites(PROMPTS / "rewrites.json")[::6],
        traits=library().traits.known,
        systems=load_labelled(PROMPTS / "labelled.toml", library().traits).asked,
        question=choices().traits,
    )
    return Exam(PAPER, who, Silent())


def test_random_words_pass_nothing_but_stay_quoted(exam: Exam) -> None:
    result = exam.take()
    assert result.voice == "quoted"
    assert result.reasons
    assert set(result.tasks) == {
        *("rewriting", "questions", "choices", "openings", "explaining", "instructions", "schema")
    }
    assert result.tasks["rewriting"].passed == 0
    assert 50 <= sum(each.of for each in result.tasks.values()) <= 70
    assert Result.model_validate_json(result.model_dump_json()) == result
    assert "may write in voice quoted" in result.lines()[0]


def shares(exam: Exam, judging: float, **passed: int) -> tuple[str, tuple[str, ...]]:
    """The voice for so many of ten in each task; all that isn't named is whole."""
    names = ("rewriting", "questions", "openings", "explaining", "instructions", "schema")
    tasks = {name: Passed(passed=passed.get(name, 10), of=10) for name in names}
    voice, reasons = exam.earned(judging, tasks)
    return voice, reasons


def test_voices_are_earned_in_their_order(exam: Exam) -> None:
    assert shares(exam, 0.95)[0] == "free"
    assert shares(exam, 0.85)[0] == "revised"
    assert shares(exam, 0.85, instructions=5)[0] == "drafted"
    assert shares(exam, 0.85, rewriting=4) == (
        "quoted",
        ("drafted: rewriting 0.40, and 0.5 is needed",),
    )
    assert shares(exam, float("nan"))[0] == "quoted"


@pytest.mark.parametrize(
    ("item", "text", "kept"),
    [
        (Instruction(ask="", most_words=1), "Yes.", True),
        (Instruction(ask="", most_words=1), "Yes, they can.", False),
        (Instruction(ask="", begins="Because"), "Because it is near.", True),
        (Instruction(ask="", begins="Because"), "It is near.", False),
        (Instruction(ask="", excludes=("retry",)), "They try once more.", True),
        (Instruction(ask="", excludes=("retry",)), "They retry.", False),
        (Instruction(ask="", includes=("lease", "pause")), "Leases end in pauses.", True),
        (Instruction(ask="", sentences=2), "One is all.", False),
        (Instruction(ask=""), "", False),
    ],
)
def test_an_instruction_is_kept_or_not(item: Instruction, text: str, kept: bool) -> None:
    assert item.kept(text, (text,)) == kept


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('{"a": "Books", "b": "a loan"}', True),
        ('{"a": "Books", "b": "string"}', False),
        ('{"a": "Books"}', False),
        ('{"a": "Bo', False),
    ],
)
def test_an_object_is_filled_or_not(text: str, filled: bool) -> None:
    assert Object(ask="", fields=("a", "b"), among=("book", "loan")).filled(text) == filled
