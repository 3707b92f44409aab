"""Runs of `write` in processes that can be killed at any moment, and what a chapter must be in the end.

The processes are forked from a server that has imported the program and made the plan once, as that
takes seconds and nothing of it is at stake here: so a hundred runs take a minute. All else is real.
"""

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
from tiny_gguf import write_tiny_gguf

from chapter_offline import desk
from chapter_offline.errors import ChapterOfflineError, ExitCode
from chapter_offline.stopping import stopping
from chapter_offline.workflow import Order, write
from chapter_offline.writing.progress import Happened, Silent

SAME = ("chapter.md", "manifest.json", "brief.toml", "transcript.json")
"""Files that are the same bytes after any number of interruptions."""

NOBODY = 65534

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["planned"])


@dataclass(frozen=True)
class Trouble:
    """What befalls a run. kill_at: at which of its moments it is killed, and how many seconds after.

    file_bytes: the most that a file may have: a full disk. full_after: the same, and no byte, after so
    many jobs. nobody: it may write nothing that is ours. order: what is asked otherwise.
    """

    kill_at: tuple[int, float] | None = None
    file_bytes: int | None = None
    full_after: int | None = None
    nobody: bool = False
    order: Mapping[str, object] = field(default_factory=dict)


class Runs:
    """Runs of one order. model: its file; None for a tiny one. folder: where chapters may be written.

    files: what an undisturbed run leaves. moments: it opened, renamed or removed a file, or ended a job,
    so many times. pause: seconds between them.
    """

    def __init__(
        self, folder: Path, model: Path | None = None, parts: tuple[int, ...] = (3, 15)
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:  # the server finds no module of ours otherwise
            patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
            forkserver.ensure_running()
        self.folder = folder
        self.model = model or write_tiny_gguf(folder / "tiny.gguf", layers=1, heads=1)
        self._parts = parts
        (folder / "said").touch()
        (folder / "said").chmod(0o666)  # by nobody, too
        whole = folder / "whole"
        begun = time.monotonic()
        assert self.run(whole) == 0
        self.moments = int((folder / "moments").read_text())
        self.pause = (time.monotonic() - begun) / self.moments
        self.files = {name: (whole / name).read_bytes() for name in SAME}

    def start(self, out: Path, trouble: Trouble | None = None) -> multiprocessing.Process:
        trouble = trouble or Trouble()
        asked = {"model": str(self.model), "parts": self._parts, "out": out} | dict(trouble.order)
        process = _SERVER.Process(target=_write, args=(self.folder, asked, trouble))
        process.start()
        return process  # type: ignore[return-value]

    def run(self, out: Path, trouble: Trouble | None = None) -> int:
        """Runs to the end; the exit code, or minus the signal that ended it."""
        process = self.start(out, trouble)
        process.join(300)
        assert process.exitcode is not None, "the run did not end"
        return process.exitcode

    @property
    def said(self) -> str:
        """What the last run said: its stages, and its error."""
        return (self.folder / "said").read_text()

    def differing(self, out: Path) -> list[str]:
        """The files that are not those of the undisturbed run."""
        return [name for name in SAME if (out / name).read_bytes() != self.files[name]]


class _Telling(Silent):
    """Keeps what is said, tells of every job, and fills the disk after some of them."""

    def __init__(self, job_ended: Callable[[], None], full_after: int | None) -> None:
        self.said: list[str] = []
        self._job_ended = job_ended
        self._full_after = full_after

    def stage(self, what: str, total: int) -> None:
        self.said.append(what)

    def happened(self, event: Happened) -> None:
        self._job_ended()
        if event.done == self._full_after:
            _fill_disk(0)


def _write(folder: Path, asked: dict[str, Any], trouble: Trouble) -> None:
    """One run, as the command line has it: errors become exit codes."""
    import planned

    desk.load_library = lambda _prompts: planned.LIBRARY
    desk.make_plan = planned.plan
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    system = {"system": planned.SMALL.brief.name, "brief": planned.SMALL.brief, "depth": "quick"}
    order = Order(**system | {"window": 2048, "threads": 1} | asked)
    out = asked["out"]
    moments = _Moments(out, trouble.kill_at)
    telling = _Telling(moments.pass_one, trouble.full_after)
    if trouble.file_bytes is not None:
        _fill_disk(trouble.file_bytes)
    if trouble.nobody:
        _become_nobody(out)
    code = ExitCode.OK
    try:
        with stopping():
            write(order, telling)
    except ChapterOfflineError as error:
        telling.said.append(str(error))
        code = error.exit_code
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    _fill_disk(resource.RLIM_INFINITY)
    (folder / "said").write_text("\n".join(telling.said))
    if not (folder / "moments").exists():
        (folder / "moments").write_text(str(moments.passed))
    sys.exit(int(code))


def _fill_disk(size: int) -> None:
    """From now on no file can have more bytes than this."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


class _Moments:
    """Counts when a file in the folder is opened, renamed or removed, and what it is told.

    kill_at: the moment before which this process is killed, or after which, by so many seconds.
    """

    def __init__(self, out: Path, kill_at: tuple[int, float] | None) -> None:
        self.passed = 0
        self._kill_at = kill_at

        def hear(event: str, args: tuple[object, ...]) -> None:
            heard = event in {"open", "os.rename", "os.remove", "os.mkdir", "sqlite3.connect"}
            if heard and str(out) in str(args[0]):
                self.pass_one()

        sys.addaudithook(hear)

    def pass_one(self) -> None:
        self.passed += 1
        if self._kill_at is not None and self._kill_at[0] == self.passed:
            if not self._kill_at[1]:
                _kill()
            timer = threading.Timer(self._kill_at[1], _kill)
            timer.daemon = True  # a run that ends before is not held up
            timer.start()


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _become_nobody(out: Path) -> None:
    """Gives up the right to write in the folder."""
    common = Path(tempfile.gettempdir())
    for path in (*out.parents, out):
        if path.is_relative_to(common) and path != common and path.stat().st_uid == os.getuid():
            path.chmod(0o755)
    if os.getuid() == 0:
        os.setuid(NOBODY)
    else:
        out.chmod(0o555)
