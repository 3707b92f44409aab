"""Hands chapters to a Dask scheduler, one a task. Who runs what where, and again, is the scheduler's to say.

A task has with it what lies in the chapter's folder, and brings back what lies there then, the journal
with it. A worker keeps the folder in its cache until then, so that a task that comes back to it goes on.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import platformdirs

from chapter_offline.batch.crew import attempt
from chapter_offline.batch.entries import Entry, digested
from chapter_offline.batch.happening import Event, Outcome, Tell
from chapter_offline.catalog.choose import ResolvedModel, resolve_model
from chapter_offline.catalog.pins import load_pins
from chapter_offline.catalog.store import is_here
from chapter_offline.errors import (
    BadInputError,
    ChapterOfflineError,
    ExitCode,
    NoModelError,
    NotTheSameError,
    UsageError,
)
from chapter_offline.filing import Made
from chapter_offline.output import folder
from chapter_offline.workflow import write
from chapter_offline.writing.progress import Silent

_RETRIES = 3
_CONNECT_SECONDS = 20

Files = Mapping[str, bytes]
"""A folder's files by their path in it."""


@dataclass(frozen=True)
class Task:
    """A chapter as it travels. model: the path of its file, where workers share one. files: what its folder has.

    brief: of its own, where it has one.
    """

    entry: Entry
    model: str
    sha256: str
    files: Files
    brief: bytes | None


class Cluster:
    """A Dask scheduler at an address. A call writes chapters there.

    models: by the names asked for. resources: that a task takes of its worker, such as {"GPU": 1}.
    """

    def __init__(
        self, address: str, models: Mapping[str, ResolvedModel], resources: Mapping[str, float]
    ) -> None:
        self._address, self._models, self._resources = address, models, dict(resources)

    def __call__(self, found: Sequence[Entry], tell: Tell) -> None:
        if not found:
            return
        client, as_completed = self._connect()
        with client:
            futures = {}
            for entry in found:
                task = self._task(entry)
                futures[
                    client.submit(
                        do,
                        task,
                        pure=False,
                        retries=_RETRIES,
                        resources=self._resources or None,
                    )
                ] = entry
                tell(Event(entry.name, "begun", self._address))
            try:
                for future in as_completed(list(futures)):
                    outcome = self._collected(future, futures[future])
                    tell(Event(outcome.name, "ended", self._address, outcome=outcome))
            except BaseException:
                client.cancel(list(futures))
                raise

    def _connect(self) -> tuple[Any, Any]:
        try:
            from distributed import Client, as_completed
        except ImportError:
            raise UsageError(
                "--cluster needs Dask; install it with: pip install 'chapter-offline[cluster]'"
            ) from None
        try:
            return Client(self._address, timeout=_CONNECT_SECONDS), as_completed
        except (OSError, ValueError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UsageError(f"--cluster {self._address}: no scheduler answers: {first}") from None

    def _task(self, entry: Entry) -> Task:
        model = self._models[entry.order.model]
        brief = entry.order.brief
        try:
            own = brief.read_bytes() if isinstance(brief, Path) else None
        except OSError as error:
            raise BadInputError(f"{entry.where}: {brief}: {error.strerror or error}") from None
        files = _files(entry.folder) if entry.folder.is_dir() else {}
        return Task(entry, str(model.path.absolute()), model.sha256, files, own)

    def _collected(self, future: Any, entry: Entry) -> Outcome:
        """Puts what a task has brought into the chapter's folder; the outcome."""
        try:
            outcome, files = future.result()
            folder.prepare(entry.folder)
            with folder.held(entry.folder):
                for name, data in files.items():
                    folder.write_whole(entry.folder / name, data)
        except ChapterOfflineError as error:
            code, message = error.exit_code, str(error)
        except Exception as error:
            # What Dask itself raises: workers lost more often than it allows, a task cancelled.
            code, message = ExitCode.INCOMPLETE, f"the cluster: {type(error).__name__}: {error}"
        else:
            assert isinstance(outcome, Outcome)
            return outcome
        return Outcome(entry.name, entry.order.system, entry.digest, "failed", int(code), message)


def _files(there: Path) -> dict[str, bytes]:
    """A folder's files, but for those of a run underway."""
    passing = {folder.LOCK, folder.HOLDER}
    return {
        str(path.relative_to(there)): path.read_bytes()
        for path in sorted(there.rglob("*"))
        if path.is_file() and path.name not in passing
    }


# ---------------------------------------------------------------------- on a worker


def do(task: Task) -> tuple[Outcome, Files]:
    """Writes a task's chapter; what became of it, and its folder's files."""
    entry = task.entry
    scratch = platformdirs.user_cache_path("chapter-offline") / "cluster" / entry.digest
    out = scratch / entry.name

    def made() -> Made:
        order = replace(entry.order, model=_model(task), out=out)
        if task.brief is not None:
            order = replace(order, brief=scratch / "brief-given.toml")
            folder.write_whole(scratch / "brief-given.toml", task.brief)
        _check_same(task, replace(entry, order=order))
        if not out.exists():
            for name, data in task.files.items():
                folder.write_whole(out / name, data)
        return write(order, Silent())

    outcome = attempt(entry, made)
    files = _files(out) if out.is_dir() else {}
    if outcome.state == "whole":
        shutil.rmtree(scratch, ignore_errors=True)
    return outcome, files


def _model(task: Task) -> str:
    """The model's file: of this machine's own store, or at the path that the client has it. Raises NoModelError."""
    for pin in load_pins():
        if pin.digest == task.sha256 and is_here(pin):
            return pin.name
    if not Path(task.model).is_file():
        raise NoModelError(
            f"a worker has no model with sha256 {task.sha256}: neither in its store nor at {task.model}"
        )
    return task.model


def _check_same(task: Task, entry: Entry) -> None:
    """Raises NotTheSameError where this worker would write other bytes."""
    model = resolve_model(entry.order.model, entry.order.window, memory=entry.order.memory)
    if model.sha256 != task.sha256:
        raise NotTheSameError(
            f"a worker's {model.path} has sha256 {model.sha256}, not {task.sha256} as here"
        )
    (here,) = digested([entry], {entry.order.model: model})
    if here.digest != task.entry.digest:
        raise NotTheSameError(
            "a worker has another version of the program, or other prompts, than are here"
        )
