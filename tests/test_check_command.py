"""`chapter-offline check` as a person runs it: what it prints, and its exit code."""

import json
from pathlib import Path

import pytest
from commands import run

from chapter_offline.errors import ExitCode

pytestmark = pytest.mark.process

PAGE = "# Shortener\n\n## Part 8: Consistency\n\n### Race conditions\n\nUse Kafka, as one does.\n"


def test_findings_are_printed_with_their_place_and_a_table(tmp_path: Path) -> None:
    (tmp_path / "their.md").write_text(PAGE)
    ran = run("check", "their.md", folder=tmp_path)
    assert ran.code == ExitCode.INCOMPLETE
    assert (
        'their.md:7: Race conditions: names a product or company: "Use Kafka, as one does."'
        in ran.out
    )
    assert "their.md:5: Part 8 / Race conditions: 5 words, fewer than 40" in ran.out
    assert "8. Consistency, Concurrency and Ordering" in ran.out
    assert "not judged: numbers were compared with each other only" in ran.out
    assert ran.err.startswith("chapter-offline: their.md: ")


def test_json_has_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "their.md").write_text(PAGE)
    ran = run("check", "their.md", "--json", folder=tmp_path)
    report = json.loads(ran.out)
    assert ran.code == ExitCode.INCOMPLETE
    assert {"kind": "vendor", "line": 7, "part": 8}.items() <= next(
        finding for finding in report["findings"] if finding["kind"] == "vendor"
    ).items()
    assert (report["covered"], report["of"], report["ours"]) == (0, 101, False)


def test_names_of_ones_own_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / "their.md").write_text(PAGE)
    (tmp_path / "mine.txt").write_text("one\n")
    ran = run("check", "their.md", "--vendors", "mine.txt", "--json", folder=tmp_path)
    assert sum(f["kind"] == "vendor" for f in json.loads(ran.out)["findings"]) == 1
    (tmp_path / "mine.txt").write_text("race conditions\nas one\n")
    ran = run("check", "their.md", "--vendors", "nowhere.txt", folder=tmp_path)
    assert (ran.code, "nowhere.txt: No such file" in ran.err) == (ExitCode.BAD_INPUT, True)


@pytest.mark.parametrize(
    ("name", "data", "code", "said"),
    [
        ("empty.md", b"", ExitCode.INCOMPLETE, "1 thing found"),
        ("binary.md", bytes(range(256)) * 9, ExitCode.BAD_INPUT, "it is no text"),
        ("large.md", b"word " * 10_000_000, ExitCode.BAD_INPUT, "50,000,000 bytes"),
        ("none.md", None, ExitCode.USAGE, "there is no such file"),
    ],
)
def test_odd_files(
    tmp_path: Path, name: str, data: bytes | None, code: ExitCode, said: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    ran = run("check", name, folder=tmp_path)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1
