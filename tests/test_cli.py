"""The command line: what it says, what it leaves, and how it stops."""

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from commands import PROGRAM, Ran, run, surroundings, write
from systems import DEFAULT_SYSTEM as SYSTEM

from chapter_offline import __version__
from chapter_offline.errors import ExitCode

pytestmark = pytest.mark.process


# ---------------------------------------------------------------------- help, version, models


def test_help_comes_at_once(tmp_path: Path) -> None:
    def seconds() -> float:
        begun = time.monotonic()
        assert "write" in run("--help", folder=tmp_path).out
        return time.monotonic() - begun

    assert min(seconds() for _ in range(3)) < 0.5


@pytest.mark.parametrize("group", [(), ("models",), ("claims",), ("briefs",), ("bundle",)])
def test_help_says_what_each_command_is_for_in_whole_sentences(
    group: tuple[str, ...], tmp_path: Path
) -> None:
    _, _, listed = run(*group, "--help", folder=tmp_path).out.partition("Commands:\n")
    assert listed.rstrip().endswith(".")
    assert "...\n" not in listed


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    assert run("--version", folder=tmp_path).out == f"chapter-offline, version {__version__}\n"


def test_models_are_listed_with_whether_they_are_here(tmp_path: Path) -> None:
    listed = run("models", "list", folder=tmp_path)
    assert listed.code == 0
    assert re.search(r"^smollm2-135m +0\.10 GB +Apache-2.0 +8,192", listed.out, re.M)
    assert "auto takes none: none is here that fits" in listed.out
    assert max(map(len, listed.out.splitlines())) <= 80


@pytest.mark.parametrize("option", ["--voise", "--voice=sung", "--window=0"])
def test_an_option_that_is_not_there_is_a_usage_error(tmp_path: Path, option: str) -> None:
    ran = run("write", SYSTEM, option, folder=tmp_path)
    assert ran.code == ExitCode.USAGE
    assert option.partition("=")[0] in ran.err


# ---------------------------------------------------------------------- a run that succeeds


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Ran, Path]:
    """Part 1 on a system outside the library, whose name would like to be elsewhere."""
    folder = tmp_path_factory.mktemp("made")
    name = '../../etc/"lift" {{ 7*7 }} <b>'
    arguments = (name, "--model", tiny_model, "--window=2048", "--parts=1", "--depth=quick")
    return write(*arguments, folder=folder), folder


def test_a_run_says_where_the_chapter_is_and_nothing_else(made: tuple[Ran, Path]) -> None:
    ran, folder = made
    assert ran.code == ExitCode.OK, ran.err
    assert ran.out == "chapters/etc-lift-7-7-b/chapter.md\n"
    assert (folder / ran.out.strip()).is_file()


def test_without_a_terminal_there_is_a_line_a_part(made: tuple[Ran, Path]) -> None:
    ran, _ = made
    lines = ran.err.splitlines()
    assert [line for line in lines if line.startswith("Part ")] == [
        line for line in lines if re.match(r"Part 1: Foundations: \d+ pieces, \d+ sentences", line)
    ]
    assert re.match(r"[\d,]+ words in \d+ s; the model wrote [\d,]+ tokens", lines[-1])
    assert "\x1b" not in ran.err


def test_a_hostile_name_stays_in_its_folder(made: tuple[Ran, Path]) -> None:
    _, folder = made
    out = folder / "chapters" / "etc-lift-7-7-b"
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {
        (out / name).relative_to(folder).as_posix()
        for name in (
            ".chapter-offline.lock",
            "brief.toml",
            "chapter.html",
            "chapter.md",
            "journal.sqlite",
            "manifest.json",
            "run.json",
            "transcript.json",
        )
    }
    assert (out / "chapter.md").read_text().splitlines()[0] == (
        '# ../../etc/"lift" {{ 7\\*7 }} &lt;b&gt;'
    )


def test_a_made_brief_can_be_used_again_for_the_same_chapter(
    made: tuple[Ran, Path], tmp_path: Path, tiny_model: Path
) -> None:
    before = made[1] / "chapters" / "etc-lift-7-7-b"
    arguments = ("--model", tiny_model, "--window=2048", "--parts=1", "--depth=quick")
    again = write(
        '../../etc/"lift" {{ 7*7 }} <b>',
        *arguments,
        "--quiet",
        f"--brief={before / 'brief.toml'}",
        "--out=again",
        folder=tmp_path,
    )
    assert (again.code, again.out, again.err) == (ExitCode.OK, "again/chapter.md\n", "")
    assert (tmp_path / "again" / "chapter.md").read_bytes() == (before / "chapter.md").read_bytes()


def test_a_dry_run_shows_the_plan_and_writes_nothing(tmp_path: Path, tiny_model: Path) -> None:
    ran = write(
        SYSTEM, "--model", tiny_model, "--window=2048", "--parts=4,6", "--dry-run", folder=tmp_path
    )
    assert ran.code == ExitCode.OK
    rows = [line.split()[0] for line in ran.out.splitlines() if line[:1].isdigit()]
    assert rows == ["4.", "6."]
    assert re.search(r"^in all +37 ", ran.out, re.M)
    assert re.search(r"^the whole chapter: [\d,]+ words, of [\d,]+ to [\d,]+ that", ran.out, re.M)
    assert re.search(r"window 2,048 tokens, of which the longest piece \(p0\S+\) takes", ran.out)
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_shows_progress_that_goes_away(tmp_path: Path, tiny_model: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "write", SYSTEM, "--model", tiny_model, "--window=2048", "--parts=15"],
        cwd=tmp_path,
        env=surroundings(tmp_path) | {"TERM": "xterm"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "chapters/distributed-rate-limiter/chapter.md\n")
    text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode())
    assert "writing" in text
    assert "Part 15: Alternatives and Explicit Rejections: " in text
    assert re.search(r"[\d,]+ words in \d+ s", text)


# ---------------------------------------------------------------------- interrupted


@pytest.mark.model
@pytest.mark.parametrize("moment", ["writing", "Part 1: "])
def test_ctrl_c_stops_within_three_seconds(tmp_path: Path, real_model: Path, moment: str) -> None:
    process = subprocess.Popen(
        [PROGRAM, "write", SYSTEM, "--model", real_model, "--window=2048", "--threads=1"],
        cwd=tmp_path,
        env=surroundings(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    for line in process.stderr:
        if line.startswith(moment):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - pressed < 3
    assert process.returncode == ExitCode.INTERRUPTED
    assert err.splitlines()[-1] == "chapter-offline: interrupted"
    assert "Traceback" not in err
    assert not (tmp_path / "chapters" / "distributed-rate-limiter" / "chapter.md").exists()
