"""Chapters in worker processes: the bytes that they have alone, whoever dies meanwhile."""

from pathlib import Path

import pytest
from batches import Batches, Hearing, without

from chapter_offline.batch.crew import write_here
from chapter_offline.batch.devices import Group
from chapter_offline.batch.report import earlier
from chapter_offline.batch.run import run
from chapter_offline.batch.workers import Workers
from chapter_offline.errors import ExitCode, UsageError

pytestmark = pytest.mark.process
CPU = Group()


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Batches:
    return Batches(tmp_path_factory.mktemp("batches"))


def test_chapters_that_share_waves_have_the_bytes_that_they_have_alone(batches: Batches) -> None:
    out, hearing = batches.folder / "shared", Hearing()
    made = run(batches.entries(out), out, write_here, hearing)
    assert batches.differing(out) == []
    assert made.left == ()
    begun = [event.kind for event in hearing.events][:3]
    assert begun == ["begun"] * 3  # three at a time


def test_two_workers_share_the_chapters(batches: Batches) -> None:
    out, hearing = batches.folder / "two", Hearing()
    run(batches.entries(out), out, Workers((CPU, CPU), 1), hearing)
    assert batches.differing(out) == []
    assert {event.worker for event in hearing.of("ended")} == {"1 cpu", "2 cpu"}


def test_a_worker_that_is_killed_is_replaced_and_its_chapters_go_on(batches: Batches) -> None:
    out, hearing = batches.folder / "killed", Hearing([("group-chat", "job")], at_most=1)
    made = run(batches.entries(out), out, Workers((CPU,), 1), hearing)
    assert batches.differing(out) == []
    assert made.left == ()
    lost = {event.name: event.text for event in hearing.of("lost")}
    assert lost["group-chat"] == "its worker was killed (SIGKILL)"
    going_on = [
        event.text for event in hearing.of("stage") if "pieces are there already" in event.text
    ]
    assert any(str(out / "group-chat") in text for text in going_on)
    assert {each.name: each.lost for each in made.outcomes} == {
        name: int(name in lost) for name in batches.alone
    }


def test_a_chapter_over_which_workers_keep_dying_is_named_and_the_others_are_written(
    batches: Batches,
) -> None:
    out, hearing = batches.folder / "deadly", Hearing([("group-chat", "begun")])
    made = run(batches.entries(out), out, Workers((CPU,), 1), hearing)
    (left,) = made.left
    assert (left.name, left.state, left.lost) == ("group-chat", "failed", 4)
    assert left.message.startswith("4 workers died over it; the last one was killed (SIGKILL)")
    assert "group-chat: 4 workers died over it" in made.report.read_text()
    again = run(batches.entries(out), out, Workers((CPU,), 1), Hearing())
    assert again.left == ()
    assert batches.differing(out) == []


def test_what_is_whole_is_not_looked_at_again(batches: Batches) -> None:
    out = batches.folder / "again"
    run(batches.entries(out)[:2], out, write_here, Hearing())
    hearing = Hearing()
    made = run(batches.entries(out), out, write_here, hearing)
    assert [each.before for each in made.outcomes] == [True, True, False, False]
    assert {event.name for event in hearing.of("begun")} == {"url-shortener", "news-feed"}
    page = out / "group-chat" / "chapter.md"
    page.write_text(page.read_text() + "a note of my own\n")
    once_more = run(batches.entries(out), out, write_here, Hearing())
    assert [each.before for each in once_more.outcomes] == [True, False, True, True]
    assert (out / "group-chat" / "chapter.edited-1.md").is_file()
    assert batches.differing(out) == []


def test_a_chapter_that_fails_is_reported_and_the_others_are_written(batches: Batches) -> None:
    out = batches.folder / "failing"
    found = batches.entries(out)
    found[1] = without(found[1], brief=batches.folder / "none.toml")
    (out / "url-shortener").mkdir(parents=True)
    (out / "url-shortener" / "own").write_text("a file of my own")
    (out / "report.json").write_text("{}")
    made = run(found, out, write_here, Hearing())
    assert {each.name: (each.state, each.code) for each in made.left} == {
        "group-chat": ("failed", ExitCode.BAD_INPUT),
        "url-shortener": ("failed", ExitCode.USAGE),
    }
    report = made.report.read_text()
    assert "2 of 4 chapters are whole" in report
    assert "none.toml: No such file or directory" in report
    assert earlier(out)["news-feed"].state == "whole"


def test_a_job_that_cannot_be_done_fails_its_own_chapter_alone(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found only while jobs of other chapters are underway: a wave that one of them spoils."""
    from chapter_offline.engine import loaded

    script = loaded.Script

    def spoiled(job, *others):  # type: ignore[no-untyped-def]
        if "News feed" in "".join(message.text for message in job.messages):
            raise UsageError("no such job")
        return script(job, *others)

    monkeypatch.setattr(loaded, "Script", spoiled)
    out = batches.folder / "spoiled"
    made = run(batches.entries(out), out, write_here, Hearing())
    assert {each.name: each.message for each in made.left} == {"news-feed": "no such job"}
    monkeypatch.undo()
    run(batches.entries(out), out, write_here, Hearing())
    assert batches.differing(out) == []


def test_a_folder_that_holds_other_files_is_refused(batches: Batches, tmp_path: Path) -> None:
    (tmp_path / "own").write_text("a file of my own")
    with pytest.raises(UsageError, match="holds other files"):
        run(batches.entries(tmp_path), tmp_path, write_here, Hearing())
    assert [each.name for each in tmp_path.iterdir()] == ["own"]


def test_shards_leave_a_report_each_and_together_the_list(batches: Batches) -> None:
    out = batches.folder / "shards"
    for number in (1, 2):
        run(batches.entries(out)[number - 1 :: 2], out, write_here, Hearing(), (number, 2))
    assert {each.name for each in out.glob("report*")} == {
        f"report-{number}-of-2.{kind}" for number in (1, 2) for kind in ("md", "json")
    }
    assert {name: each.state for name, each in earlier(out).items()} == dict.fromkeys(
        batches.alone, "whole"
    )
    assert batches.differing(out) == []


def test_workers_that_cannot_begin_are_not_started_for_ever(
    batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chapter_offline.batch import workers
    from chapter_offline.errors import IncompleteError

    monkeypatch.setattr(workers, "_main", _die)
    out = batches.folder / "stillborn"
    with pytest.raises(
        IncompleteError, match="no worker stays alive: the last one ended by itself"
    ):
        run(batches.entries(out), out, Workers((CPU,), 1), Hearing())
    assert [each.message for each in earlier(out).values()] == ["not begun"] * 4


def _die(*_: object) -> None:
    raise SystemExit(9)


@pytest.mark.model
def test_real_chapters_in_a_batch_one_worker_killed_have_the_bytes_that_they_have_alone(
    real_model: Path, tmp_path: Path
) -> None:
    """Four short chapters by the 135M."""
    batches = Batches(tmp_path, real_model)
    out, hearing = tmp_path / "out", Hearing([("group-chat", "stage")], at_most=1)
    made = run(batches.entries(out), out, Workers((CPU,), 1), hearing)
    assert batches.differing(out) == []
    assert made.left == ()
    assert len(hearing.of("lost")) >= 1
    assert min(each.tokens for each in made.outcomes) > 20
