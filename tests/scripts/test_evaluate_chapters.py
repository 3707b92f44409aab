"""`scripts/evaluate --chapters`: how versions are measured, and the blind sheet there and back."""

import json
import re
import sys
from pathlib import Path

import pytest
from systems import PROMPTS

from chapter_offline.errors import BadInputError
from chapter_offline.review.chapter import Checker

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from evaluation.chapters import measured
from evaluation.sheet import key_of, score, write_sheet
from evaluation.versions import BY_PART, WHOLE, Result, Version, _told

SYSTEM = "Ride dispatch"
RACES = (
    "## Part 8: Consistency\n\n### Race conditions\n\n{}\n\n```mermaid\ngraph TD\n  A --> B\n```\n"
)
SAID = (
    "Two drivers take one ride, and the store settles who was first by a condition in the write. "
)


def version(way: str, seed: int = 1) -> Version:
    return Version(SYSTEM, "a-model", way, "quick", seed, 2048, 1)


def result(text: str) -> Result:
    return Result(text, 90.0, 500_000_000)


def test_a_plain_calls_page_is_measured() -> None:
    page = RACES.format(SAID * 3 + "Ask Kafka and")
    figures = measured(version(WHOLE), result(page), Checker(PROMPTS))
    assert (figures.covered, figures.repeated, figures.unfinished, figures.vendors) == (1, 2, 1, 1)
    assert (figures.diagrams, figures.invalid) == (1, 0)
    assert (figures.by_model, figures.minutes, figures.peak) == (1.0, 1.5, 0.5)
    assert figures.score == 0
    assert figures.eights > 0.4


def test_appendices_count_for_nothing() -> None:
    page = RACES.format(SAID)
    with_more = page + "\n## Appendix A: Figures\n\n" + SAID * 40
    checker = Checker(PROMPTS)
    assert measured(version("free"), result(with_more), checker) == measured(
        version("free"), result(page), checker
    )


def test_what_is_marked_is_the_models_share() -> None:
    page = RACES.format("Ten words stand here that the library has, and more.")
    page += "\n*Check yourself:* Why do two drivers take one ride?\n"
    figures = measured(version("quoted"), result(page), Checker(PROMPTS))
    assert figures.by_model == pytest.approx(9 / 19)


def test_a_prompt_lists_every_requirement_of_a_part() -> None:
    from chapter_offline.knowledge.spec import load_spec

    part = load_spec(PROMPTS).part[7]
    told = _told(part)
    assert told.startswith("Part 8: Consistency, Concurrency and Ordering\n- Strong")
    assert all(requirement.instruction in told for requirement in part.requirement)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    file = tmp_path / "sheet.md"
    marked = "*Check yourself:* Why is it so?\n\n" + SAID
    write_sheet(
        {version("quoted"): result(RACES.format(marked)), version(BY_PART): result(RACES.format("Locks are good for it."))},
        file,
    )  # fmt: skip
    return file


def test_a_sheet_does_not_say_who_wrote_what(sheet: Path) -> None:
    text = sheet.read_text()
    assert SAID.strip() in text
    assert "Locks are good for it." in text
    assert not re.search(r"a-model|quoted|call|Check yourself", text)
    key = json.loads(key_of(sheet).read_text())
    assert {entry["way"] for entry in key.values()} == {"quoted", BY_PART}


def test_a_filled_sheet_is_scored_by_version(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = sheet.read_text()
    first, second = text.split("\n### ")[1:]
    good, poor = ("5", "1") if SAID.strip() in first else ("1", "5")
    head = text.split("\n### ")[0]
    filled = [
        re.sub(r"(truth|depth|prose): ", rf"\1: {mark}", piece)
        for mark, piece in ((good, first), (poor, second))
    ]
    sheet.write_text("\n### ".join([head, *filled]))
    capsys.readouterr()
    score(sheet)
    rows = {line.split()[1]: line.split()[-3:] for line in capsys.readouterr().out.splitlines()[1:]}
    assert rows["quoted"] == ["5.0"] * 3
    assert rows["a"] == ["1.0"] * 3


def test_a_sheet_that_is_not_filled_in_is_named(sheet: Path) -> None:
    with pytest.raises(BadInputError, match="has no number from 1 to 5 for truth"):
        score(sheet)
    with pytest.raises(BadInputError, match="can't be read"):
        score(sheet.with_name("none.md"))
