"""`chapter-offline whatif` as a person uses it, and figures that a brief can't have."""

import json
import re
from pathlib import Path

import pytest
from commands import Ran, run, user_brief
from systems import rate_limiter

from chapter_offline.errors import ExitCode
from chapter_offline.knowledge.briefs import brief_toml, load_brief

pytestmark = pytest.mark.process


def order(*arguments: str | Path, folder: Path, model: Path) -> Ran:
    small = ("--model", model, "--window=2048", "--parts=14", "--depth=quick", "--quiet")
    return run("write", "Parking service", *small, *arguments, folder=folder)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A folder with one part of a chapter in `now`, by the tiny model."""
    folder = tmp_path_factory.mktemp("what-if")
    (folder / "mine.toml").write_bytes(user_brief())
    ran = order("--brief=mine.toml", "--out=now", folder=folder, model=tiny_model)
    assert (ran.code, ran.err) == (ExitCode.OK, "")
    return folder


def test_figures_decisions_and_sections_that_move_are_shown(place: Path) -> None:
    ran = run("whatif", "now", "--set=users=100x", folder=place)
    assert (ran.code, ran.err) == (ExitCode.OK, "")
    assert re.search(r"^users +.* 5 million +500 million$", ran.out, re.M)
    assert re.search(r"^\.\.\. and \d+ more; --all shows them$", ran.out, re.M)
    assert re.search(r"^Decisions that turn:\n(.*\n)*  One partition or several \(", ran.out, re.M)
    sections = re.search(r"^\d+ of \d+ sections would read otherwise:\n  (.+)$", ran.out, re.M)
    assert sections
    assert {name[:4] for name in sections[1].split(", ")} == {"p14."}  # all that was written
    longer = run("whatif", "now", "--set=users=100x", "--all", folder=place)
    assert "more; --all" not in longer.out
    assert len(longer.out) > len(ran.out)


def test_the_chapter_itself_is_not_written_over(place: Path) -> None:
    page = (place / "now" / "chapter.md").read_bytes()
    ran = run(*("whatif", "now", "--set=users=2x", "--write=./now"), folder=place)
    assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert "that is the chapter itself" in ran.err
    assert (place / "now" / "chapter.md").read_bytes() == page


def test_what_cannot_be_true_together_is_said_and_nothing_is_written(place: Path) -> None:
    ran = run(*("whatif", "now", "--set=timeout=5 s", "--write=broken"), folder=place)
    assert ran.code == ExitCode.BAD_INPUT
    assert "What can't be true together then:" in ran.out
    assert "15 s" in ran.out
    assert not (place / "broken" / "chapter.md").exists()
    asked = run("whatif", "now", "--set=timeout=5 s", folder=place)
    assert asked.code == ExitCode.INCOMPLETE


def test_the_chapter_as_it_would_be_is_written_by_the_same_settings(
    place: Path, tiny_model: Path
) -> None:
    ran = run(
        *("whatif", "now", "--set=users=100x", "--write=then", "--model", tiny_model), folder=place
    )
    assert ran.code == ExitCode.OK
    now, then = (
        json.loads((place / name / "manifest.json").read_text()) for name in ("now", "then")
    )
    assert now["settings"] == then["settings"]
    brief = load_brief(place / "then" / "brief.toml")
    assert (brief.figures["users"].value, brief.figures["users"].why) == (
        500_000_000,
        "what if: users=100x",
    )
    assert "| 500 million | assumed: what if: users=100x |" in (
        place / "then" / "chapter.md"
    ).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("nowhere", "--set=users=2x"), ExitCode.USAGE, "nowhere: no manifest.json there"),
        (("now",), ExitCode.USAGE, "Missing option '--set'"),
        (("now", "--set=peak_rps=2x"), ExitCode.USAGE, "it is derived; set one of"),
        (("now", "--set=users=1e400"), ExitCode.USAGE, "1e400 is too much of anything"),
        (("now", "--set=users=2x", "--model=x"), ExitCode.USAGE, "only with --write"),
        (("now", "--set=fill=130%"), ExitCode.BAD_INPUT, "130 % makes no sense; write 0 to 100"),
        (("now", "--set=users=2x", "--write=x"), ExitCode.USAGE, "has no pin; give its file"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(
    place: Path, arguments: tuple[str, ...], code: ExitCode, told: str
) -> None:
    ran = run("whatif", *arguments, folder=place)
    assert ran.code == code
    assert told in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{}", '{"settings": 3}', '{"settings": {"parts": 5}}', "{" * 100_000]
)
def test_a_damaged_manifest_is_named(place: Path, tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    (tmp_path / "brief.toml").write_bytes(brief_toml(rate_limiter()))
    ran = run("whatif", ".", "--set=users=2x", folder=tmp_path)
    assert (ran.code, ran.out) == (ExitCode.BAD_INPUT, "")
    assert "manifest.json" in ran.err
    assert "Traceback" not in ran.err


FIGURES = [
    ({"users": {"value": -5}}, r"users.value: Input should be greater than or equal to 0"),
    ({"fill": {"value": 130}}, r"fill: 130 % makes no sense; write 0 to 100"),
    ({"peak_factor": {"value": 0.5}}, r"peak_factor: 0.5 makes no sense; write 1 to"),
    ({"users": {"value": 1e300}}, r"users: 1e\+300 makes no sense; write 0 to 1e\+15"),
    ({"users": {"value": "many"}}, r"users.value: Input should be a valid number"),
]


@pytest.mark.parametrize(("figures", "told"), FIGURES, ids=lambda each: str(each)[:30])
def test_a_figure_that_makes_no_sense_is_refused_with_its_line(
    figures: dict[str, object], told: str, tmp_path: Path, tiny_model: Path
) -> None:
    (tmp_path / "mine.toml").write_bytes(user_brief(figures=figures))
    name = next(iter(figures))
    lines = (tmp_path / "mine.toml").read_text().splitlines()
    line = lines.index(f"[figures.{name}]") + 1
    ran = order("--brief=mine.toml", "--dry-run", folder=tmp_path, model=tiny_model)
    assert ran.code == ExitCode.BAD_INPUT
    assert re.search(told, ran.err), ran.err
    found = re.search(r"mine\.toml:(\d+): ", ran.err)
    assert found
    assert line <= int(found[1]) <= line + 1


def test_a_unit_that_is_none_is_refused_with_its_line(tmp_path: Path, tiny_model: Path) -> None:
    strange = {"reach": {"given": 3, "unit": "parsec", "actor": "service", "label": "reach"}}
    (tmp_path / "mine.toml").write_bytes(user_brief(extra_figures=strange))
    ran = order("--brief=mine.toml", "--dry-run", folder=tmp_path, model=tiny_model)
    assert ran.code == ExitCode.BAD_INPUT
    assert re.search(r"mine\.toml:\d+: figure 'reach': unit 'parsec' is not known", ran.err)


def test_figures_that_contradict_each_other_are_refused(tmp_path: Path, tiny_model: Path) -> None:
    table = {"figures": {"timeout": {"value": 5000}}}
    (tmp_path / "mine.toml").write_bytes(user_brief(**table))
    ran = order("--brief=mine.toml", "--dry-run", folder=tmp_path, model=tiny_model)
    assert ran.code == ExitCode.BAD_INPUT
    assert "15 s ≈ 15.1 s is not below 1.9 s (tries)" in ran.err
    assert re.search(r"^Change one of .*timeout.*; they are used in p\d\d\.", ran.err, re.M)
