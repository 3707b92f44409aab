"""Nothing is lost: runs that are killed, stopped or out of room, and the same bytes in the end."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from interrupted import Runs, Trouble
from systems import OTHER_SYSTEM

from chapter_offline.errors import BadInputError, ExitCode
from chapter_offline.output import folder
from chapter_offline.replaying import replay
from chapter_offline.reproducing import reproduce
from chapter_offline.writing.journal import JOURNAL, Journal
from chapter_offline.writing.progress import Silent

pytestmark = pytest.mark.process

KILLED = -signal.SIGKILL
ROUND = 5  # interruptions before a run is let through


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("interrupted"))


def test_an_undisturbed_run_is_the_same_again_and_by_two_threads(runs: Runs) -> None:
    for threads in (1, 2):
        out = runs.folder / f"threads {threads}"
        assert runs.run(out, Trouble(order={"threads": threads})) == ExitCode.OK
        assert runs.differing(out) == []


def kill(runs: Runs, out: Path, dice: random.Random) -> int:
    """Kills a run before one of its moments, or some time after; 1 if it came to that."""
    after = dice.choice((0, dice.uniform(0, 2 * runs.pause)))
    moment = (dice.randint(1, runs.moments), after)
    return int(runs.run(out, Trouble(kill_at=moment)) == KILLED)


def interrupt(runs: Runs, count: int, seed: int) -> None:
    """Kills runs until so many have died, and lets one through after every few."""
    dice = random.Random(seed)
    died = 0
    while died < count:
        out = runs.folder / f"killed {seed} {died}"
        for _ in range(ROUND):
            died += kill(runs, out, dice)
        assert runs.run(out) == ExitCode.OK
        assert runs.differing(out) == []
        left = [*out.rglob(".writing*"), *out.rglob("*.edited*"), *out.rglob("before*")]
        assert left == []


@pytest.mark.timeout(1800)  # a minute or two on a machine that has nothing else to do
def test_a_run_killed_at_a_hundred_moments_ends_in_the_same_bytes(runs: Runs) -> None:
    interrupt(runs, 100, seed=1)


@pytest.mark.model
def test_a_real_chapter_that_was_killed_can_be_made_again_and_read_again(
    real_model: Path, tmp_path: Path
) -> None:
    """By the 135M: killed three times, then reproduced and replayed."""
    runs = Runs(tmp_path, real_model, parts=(3,))
    out = tmp_path / "killed"
    for share in (0.4, 0.6, 0.8):
        moment = (int(share * runs.moments), runs.pause)
        assert runs.run(out, Trouble(kill_at=moment)) in (KILLED, ExitCode.OK)
    assert runs.run(out) == ExitCode.OK
    assert runs.differing(out) == []
    assert b"*An attempt by " in runs.files["chapter.md"]
    again = reproduce(out, str(real_model), 1, Silent())
    assert (again.different, again.circumstances) == ((), ())
    read = replay(out, str(real_model), None, Silent())
    assert (read.strange, read.other_draws, read.moved, read.reason) == ((), 0, 0.0, "")
    assert read.tokens > 50


@pytest.mark.slow
@pytest.mark.timeout(18_000)
def test_a_run_killed_at_a_thousand_moments_ends_in_the_same_bytes(runs: Runs) -> None:
    interrupt(runs, 1000, seed=2)


def test_what_was_done_before_a_kill_is_not_done_again(runs: Runs) -> None:
    out = runs.folder / "half"
    process = runs.start(out)
    while process.is_alive() and done(out) < 3:
        time.sleep(0.005)
    process.kill()
    process.join()
    before = done(out)
    assert before >= 3
    assert runs.run(out) == ExitCode.OK
    assert runs.differing(out) == []
    assert f"{before} of 12 pieces are there already" in runs.said


def done(out: Path) -> int:
    """Rows of the journal."""
    if not (out / JOURNAL).is_file():
        return 0
    try:
        with Journal(out / JOURNAL, read_only=True) as journal:
            return journal.count()
    except Exception:  # it is being made
        return 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_run_that_is_told_to_stop_stops_and_can_be_gone_on_with(
    runs: Runs, number: signal.Signals
) -> None:
    out = runs.folder / number.name
    process = runs.start(out)
    while process.is_alive() and done(out) < 2:
        time.sleep(0.005)
    assert process.pid
    os.kill(process.pid, number)
    process.join(60)
    assert process.exitcode == ExitCode.INTERRUPTED
    assert runs.run(out) == ExitCode.OK
    assert runs.differing(out) == []


FULL = [Trouble(file_bytes=size) for size in (0, 1, 4096, 20_000, 60_000)]
FULL += [Trouble(full_after=jobs) for jobs in (1, 2, 7, 12)]


@pytest.mark.parametrize("full", FULL, ids=lambda t: f"{t.file_bytes} {t.full_after}")
def test_a_disk_that_is_full_is_said_and_nothing_is_lost(runs: Runs, full: Trouble) -> None:
    out = runs.folder / f"full {full.file_bytes} {full.full_after}"
    assert runs.run(out, full) == ExitCode.DOES_NOT_FIT
    assert "no space is left on this disk; free some and run again" in runs.said
    assert runs.run(out) == ExitCode.OK
    assert runs.differing(out) == []


def test_a_folder_that_becomes_unwritable_is_said_and_nothing_is_lost(runs: Runs) -> None:
    out = runs.folder / "read-only"
    assert runs.run(out, Trouble(kill_at=(runs.moments // 2, 0))) == KILLED
    assert runs.run(out, Trouble(nobody=True)) == ExitCode.USAGE
    assert "can't be written" in runs.said
    assert runs.run(out) == ExitCode.OK
    assert runs.differing(out) == []


def test_a_second_run_says_who_has_the_folder(runs: Runs) -> None:
    out = runs.folder / "held"
    process = runs.start(out)
    while not (out / folder.HOLDER).is_file():
        time.sleep(0.005)
    assert runs.run(out) == ExitCode.IN_USE
    assert f"another run (process {process.pid}) is writing there" in runs.said
    process.join()
    assert process.exitcode == ExitCode.OK
    assert runs.differing(out) == []


def test_a_journal_cut_at_any_page_is_refused_by_name_or_gone_on_with(runs: Runs) -> None:
    out = runs.folder / "cut"
    assert runs.run(out) == ExitCode.OK
    path = out / JOURNAL
    whole = path.read_bytes()
    page = int.from_bytes(whole[16:18], "big")
    for size in range(page, len(whole), page):
        path.write_bytes(whole[:size])
        with pytest.raises(BadInputError, match="the journal is damaged"):
            Journal(path)
    assert runs.run(out) == ExitCode.BAD_INPUT
    assert f"{path}: the journal is damaged" in runs.said
    assert "--fresh starts anew and keeps it aside" in runs.said
    assert runs.differing(out) == []
    for name in (JOURNAL, f"{JOURNAL}-wal", f"{JOURNAL}-shm"):
        (out / name).unlink(missing_ok=True)
    path.touch()  # nothing at all is a run that has not begun
    assert runs.run(out) == ExitCode.OK
    assert runs.differing(out) == []


def test_a_log_of_the_journal_that_is_cut_anywhere_is_gone_on_with(runs: Runs) -> None:
    """What a machine that lost power may have: the last rows are lost, and nothing else."""
    killed = runs.folder / "killed early"
    process = runs.start(killed)
    while process.is_alive() and done(killed) < 4:
        time.sleep(0.005)
    process.kill()
    process.join()
    log = (killed / f"{JOURNAL}-wal").read_bytes()
    assert len(log) > 4096
    for part in range(6):
        out = runs.folder / f"log {part}"
        shutil.copytree(killed, out)
        (out / f"{JOURNAL}-wal").write_bytes(log[: len(log) * part // 6])
        (out / f"{JOURNAL}-shm").unlink(missing_ok=True)
        assert runs.run(out) == ExitCode.OK
        assert runs.differing(out) == []


def test_fresh_starts_anew_and_keeps_what_was_there(runs: Runs) -> None:
    out = runs.folder / "fresh"
    assert runs.run(out, Trouble(order={"seed": 2})) == ExitCode.OK
    before = {p.name: p.read_bytes() for p in out.iterdir() if p.name in runs.files}
    (out / JOURNAL).write_bytes(b"damaged" * 1000)
    assert runs.run(out) == ExitCode.BAD_INPUT
    assert runs.run(out, Trouble(order={"fresh": True})) == ExitCode.OK
    assert runs.differing(out) == []
    aside = out / "before-1"
    assert {name: (aside / name).read_bytes() for name in before} == before
    assert (aside / JOURNAL).read_bytes() == b"damaged" * 1000


def test_the_undisturbed_run_is_a_chapter(runs: Runs) -> None:
    """The bytes that all others are held against have words of the model in them."""
    assert runs.files["chapter.md"].startswith(f"# {OTHER_SYSTEM}\n".encode())
    assert b"An attempt by tiny.gguf" in runs.files["chapter.md"]
