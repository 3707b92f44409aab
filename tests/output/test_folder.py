"""The output folder: ours or refused, and its files whole or not there."""

import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chapter_offline.errors import ChapterOfflineError, DoesNotFitError, InUseError, UsageError
from chapter_offline.output import folder

NOBODY = 65534


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder.prepare(tmp_path / "a" / "b")
    assert names(tmp_path / "a" / "b") == []


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    folder.prepare(tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", folder.OURS)
def test_a_folder_of_ours_is_taken_again(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("before")
    (tmp_path / "notes.txt").write_text("a reader's own")
    folder.prepare(tmp_path)
    assert (tmp_path / name).read_text() == "before"


def test_a_foreign_folder_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(UsageError, match="holds other files; name a new one"):
        folder.prepare(tmp_path)
    assert names(tmp_path) == ["thesis.doc"]


def test_a_run_that_was_cut_short_leaves_a_folder_of_ours(tmp_path: Path) -> None:
    """Diagrams are written first; a full disk or Ctrl-C may come before the page."""
    with folder.held(tmp_path):
        folder.write_whole(tmp_path / "diagrams" / "p05.diagram.svg", b"<svg/>")
    folder.prepare(tmp_path)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_file_in_the_way_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="there is a file in the way"):
        folder.prepare(tmp_path / place)


def test_a_name_that_is_too_long_for_the_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name another folder with --out"):
        folder.prepare(tmp_path / ("x" * 300))


def test_a_file_is_written_whole_with_its_digest(tmp_path: Path) -> None:
    digest = folder.write_whole(tmp_path / "deep" / "page.md", "Zähler\n".encode())
    assert digest == hashlib.sha256("Zähler\n".encode()).hexdigest()
    assert names(tmp_path / "deep") == ["page.md"]
    assert (tmp_path / "deep" / "page.md").stat().st_mode & 0o777 == 0o644


def test_a_file_is_replaced(tmp_path: Path) -> None:
    folder.write_whole(tmp_path / "page.md", b"before")
    folder.write_whole(tmp_path / "page.md", b"after")
    assert (tmp_path / "page.md").read_bytes() == b"after"


def test_what_stands_in_the_way_of_a_file_is_left(tmp_path: Path) -> None:
    (tmp_path / "page.md").mkdir()
    with pytest.raises(UsageError, match=r"page\.md: can't be written"):
        folder.write_whole(tmp_path / "page.md", b"after")
    assert names(tmp_path) == ["page.md"]


def told_by_a_child(act: Callable[[], None]) -> ChapterOfflineError | None:
    """What a function raises in a process of its own, which may give up its rights."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        said = "nothing"
        try:
            act()
        except ChapterOfflineError as error:
            said = f"{type(error).__name__}: {error}"
        except BaseException as error:
            said = f"unexpected {error!r}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        kind, _, message = pipe.read().partition(": ")
    kinds = {kind.__name__: kind for kind in (UsageError, DoesNotFitError, InUseError)}
    return kinds[kind](message) if kind in kinds else None


def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    def as_somebody_else() -> None:
        os.chdir(tmp_path)  # its parents may be closed to others
        if os.getuid() == 0:
            os.setuid(NOBODY)
        else:
            Path(".").chmod(0o555)
        folder.prepare(Path("."))

    told = told_by_a_child(as_somebody_else)
    tmp_path.chmod(0o755)
    assert isinstance(told, UsageError)
    assert "can't be written: Permission denied; name another folder" in str(told)


def test_a_full_disk_is_named_and_the_file_of_before_is_kept(tmp_path: Path) -> None:
    folder.write_whole(tmp_path / "page.md", b"before")

    def on_a_full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        folder.write_whole(tmp_path / "page.md", b"x" * 2000)

    told = told_by_a_child(on_a_full_disk)
    assert isinstance(told, DoesNotFitError)
    assert "no space is left on this disk" in str(told)
    assert (tmp_path / "page.md").read_bytes() == b"before"
    assert names(tmp_path) == ["page.md"]


def test_a_disk_that_is_full_already_is_noticed_before_the_work(tmp_path: Path) -> None:
    def on_a_full_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        folder.prepare(tmp_path / "new")

    assert isinstance(told_by_a_child(on_a_full_disk), DoesNotFitError)


def test_a_folder_is_held_by_one_run(tmp_path: Path) -> None:
    def second_run() -> None:
        with folder.held(tmp_path):
            pass

    with folder.held(tmp_path):
        told = told_by_a_child(second_run)
    assert isinstance(told, InUseError)
    assert f"another run (process {os.getpid()}) is writing there" in str(told)
    assert told_by_a_child(second_run) is None


def test_a_run_that_dies_lets_go_of_its_folder(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from chapter_offline.output.folder import held\n"
        "with held(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    dead = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert dead.returncode == -9
    with folder.held(tmp_path):
        pass


def test_all_that_a_run_or_render_leaves_is_set_aside(tmp_path: Path) -> None:
    left = (*folder.OURS, "chapter.html", "chapter.epub", "manifest.json.sig")
    for name in left:
        (tmp_path / name).touch()
    aside = folder.set_aside(tmp_path)
    assert aside is not None
    assert {path.name for path in aside.iterdir()} == {*left} - {folder.LOCK}
    assert {path.name for path in tmp_path.iterdir()} == {aside.name, folder.LOCK}
