"""`chapter-offline batch` as a person uses it: interrupted, run again, in shards, with bad lists."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from batches import Batches
from commands import PROGRAM, Ran, run, surroundings

from chapter_offline.errors import ExitCode

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Batches:
    folder = tmp_path_factory.mktemp("commands") / "here"
    folder.mkdir()
    return Batches(folder)


def command(batches: Batches, out: Path, *more: str) -> list[str]:
    options = ("--window", "2048", "--parts", "15", "--threads", "1", *more)
    return ["batch", str(batches.list), "--out", str(out), "--model", str(batches.model), *options]


def ran(batches: Batches, out: Path, *more: str) -> Ran:
    return run(*command(batches, out, *more), folder=batches.folder)


def started(batches: Batches, out: Path) -> "subprocess.Popen[str]":
    """A batch underway: it has begun to write."""
    process = subprocess.Popen(
        [PROGRAM, *command(batches, out)],
        cwd=batches.folder,
        env=surroundings(batches.folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None and not list(out.glob("*/journal.sqlite")):
        time.sleep(0.01)
    return process


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that nobody has waited for yet doesn't."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(processes: Sequence[psutil.Process]) -> None:
    """Python's own tracker of resources ends a moment after its parent."""
    until = time.monotonic() + 60
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(alive, processes))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_batch_that_is_told_to_stop_stops_and_can_be_gone_on_with(
    batches: Batches, number: signal.Signals
) -> None:
    out = batches.folder / number.name
    process = started(batches, out)
    workers = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == ExitCode.INTERRUPTED, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    wait_until_gone(workers)
    states = {each["state"] for each in json.loads((out / "report.json").read_text())["chapters"]}
    assert "interrupted" in states
    again = ran(batches, out)
    assert (again.code, again.out.strip()) == (ExitCode.OK, str(out / "report.md")), again.err
    assert batches.differing(out) == []


def test_workers_of_a_batch_that_was_killed_end_and_let_go(batches: Batches) -> None:
    out = batches.folder / "orphans"
    process = started(batches, out)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    wait_until_gone(workers)
    assert ran(batches, out).code == ExitCode.OK
    assert batches.differing(out) == []


def test_shards_are_written_apart_and_make_up_the_batch(batches: Batches) -> None:
    out = batches.folder / "sharded"
    assert [ran(batches, out, "--shard", f"{n}/3").code for n in (1, 2, 3)] == [0, 0, 0]
    assert batches.differing(out) == []


def test_what_happens_is_said_as_json(batches: Batches) -> None:
    done = ran(batches, batches.folder / "json", "--json", "--shard", "2/4")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["kind"] for event in events if event["kind"] in {"begun", "ended"}] == [
        "begun",
        "ended",
    ]
    assert {event["name"] for event in events} == {"group-chat"}
    assert events[-1]["outcome"]["state"] == "whole"
    assert done.err == ""


def test_a_dry_run_shows_the_chapters_and_leaves_nothing(batches: Batches) -> None:
    done = ran(batches, batches.folder / "dry", "--dry-run")
    assert done.code == 0
    assert "url-shortener             URL shortener" in done.out
    assert "4 chapters" in done.out
    assert not (batches.folder / "dry").exists()


def test_a_chapter_that_is_not_whole_makes_the_batch_fail_and_is_named(batches: Batches) -> None:
    (batches.folder / "two.csv").write_text("system,brief\nGroup chat,\nNews feed,none.toml\n")
    out = batches.folder / "two"
    arguments = command(batches, out, "--quiet")
    arguments[1] = "two.csv"
    done = run(*arguments, folder=batches.folder)
    assert done.code == ExitCode.INCOMPLETE
    assert "1 of 2 chapters are not whole: news-feed: none.toml: No such file" in done.err
    assert done.out.strip() == str(out / "report.md")
    assert len(done.err.strip().splitlines()) == 2


BAD = [
    ("model,system\nnone,Group chat\n", (), ExitCode.USAGE, "a.csv:2: no model is named 'none'"),
    (
        "model,system\nsmollm2-135m,Group chat\n",
        (),
        ExitCode.NO_MODEL,
        "a.csv:2: smollm2-135m isn't here",
    ),
    ("model,system\nnone.gguf,Group chat\n", (), ExitCode.BAD_INPUT, "a.csv:2: none.gguf"),
    ("system\n", (), ExitCode.BAD_INPUT, "a.csv: no systems in it"),
    ("system\nGroup chat\n", ("--shard", "2/1"), ExitCode.USAGE, "--shard 2/1: write I/N"),
    ("system\nGroup chat\n", ("--devices", "gpu"), ExitCode.USAGE, "--devices 'gpu': take auto"),
    ("system\nGroup chat\n", ("--devices", "cuda:0"), ExitCode.USAGE, "there is none such here"),
    (
        "system\nGroup chat\n",
        ("--depth", "deep", "--words", "9000"),
        ExitCode.USAGE,
        "--depth and --words: both",
    ),
]


@pytest.mark.parametrize(("text", "options", "code", "said"), BAD, ids=[b[3][:40] for b in BAD])
def test_what_cannot_be_is_said_before_anything_is_begun(
    batches: Batches, text: str, options: tuple[str, ...], code: ExitCode, said: str
) -> None:
    (batches.folder / "a.csv").write_text(text)
    arguments = command(batches, batches.folder / "bad", *options)
    arguments[1] = "a.csv"
    done = run(*arguments, folder=batches.folder)
    assert (done.code, said in done.err) == (code, True), done.err
    assert "Traceback" not in done.err
    assert not (batches.folder / "bad").exists()
