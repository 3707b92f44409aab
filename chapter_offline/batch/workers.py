"""Worker processes: each has a model, and takes chapters as it has room for them; one that dies is replaced.

What a dead worker's chapters had written is in their journals, and they go on from there. A chapter
over which workers keep dying is tried by itself at last, and then named.
"""

import os
import signal
import sys
import threading
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from chapter_offline.batch.crew import work
from chapter_offline.batch.devices import Group
from chapter_offline.batch.entries import Entry
from chapter_offline.batch.happening import Event, Outcome, Tell
from chapter_offline.errors import ChapterOfflineError, ExitCode, IncompleteError
from chapter_offline.stopping import stopping

MOST_LOST = 3
"""So many workers that died over a chapter are replaced."""

_ALONE_FROM = 2  # lost workers, from which on a chapter is tried by itself
_STOP_SECONDS = 60


@dataclass(frozen=True)
class _Ask:
    """A worker has room for a chapter, of this model if one is named."""

    model: str | None


@dataclass(frozen=True)
class _Fault:
    """A worker can't work at all."""

    error: ChapterOfflineError


@dataclass
class _Worker:
    """A process, and what it has in hand, by name. name: as events have it."""

    name: str
    group: Group
    process: SpawnProcess
    connection: "Connection[object, object]"
    held: dict[str, Entry] = field(default_factory=dict)


class Workers:
    """The workers of a batch. A call writes chapters with them.

    groups: what each computes on. threads: of each; 0 shares out the cores. Raises what makes a worker unable to work at
    all; a KeyboardInterrupt goes to the workers, and on once all have stopped.
    """

    def __init__(self, groups: Sequence[Group], threads: int) -> None:
        self._groups = groups
        self._threads = threads or _share(len(groups))
        self._workers: list[_Worker] = []
        self._waiting: deque[Entry] = deque()
        self._lost: Counter[str] = Counter()
        self._idle_deaths: Counter[str] = Counter()

    def __call__(self, found: Sequence[Entry], tell: Tell) -> None:
        self._waiting = deque(found)
        if not found:
            return
        try:
            for number, group in enumerate(self._groups[: len(found)], start=1):
                name = f"{number} {group.name}" if len(self._groups) > 1 else group.name
                self._start(name, group)
            while self._workers:
                by_connection = {worker.connection: worker for worker in self._workers}
                for ready in wait(list(by_connection)):
                    self._hear(by_connection[ready], tell)  # type: ignore[index]
        finally:
            self._stop(tell)

    def _start(self, name: str, group: Group) -> None:
        ours, theirs = get_context("spawn").Pipe()
        process = get_context("spawn").Process(
            target=_main, args=(theirs, group.environment, self._threads, name), daemon=True
        )
        process.start()
        theirs.close()
        self._workers.append(_Worker(name, group, process, ours))

    def _hear(self, worker: _Worker, tell: Tell) -> None:
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            self._ended(worker, tell)
            return
        if isinstance(said, Event):
            self._pass_on(worker, said, tell)
        elif isinstance(said, _Ask):
            entry = self._next(worker, said.model)
            with suppress(OSError):  # it has died, and is found dead next
                worker.connection.send(entry)
            if entry is not None:
                worker.held[entry.name] = entry
        elif isinstance(said, _Fault):
            raise said.error

    def _pass_on(self, worker: _Worker, event: Event, tell: Tell) -> None:
        outcome = event.outcome
        if outcome is not None:
            worker.held.pop(event.name, None)
            outcome = replace(outcome, lost=self._lost[event.name])
        tell(replace(event, worker=worker.name, outcome=outcome))

    def _next(self, worker: _Worker, model: str | None) -> Entry | None:
        """The chapter that a worker is given: one that workers have died over has it for itself."""
        if any(self._lost[name] >= _ALONE_FROM for name in worker.held):
            return None
        for entry in self._waiting:
            if model not in (None, entry.order.model):
                continue
            if worker.held and self._lost[entry.name] >= _ALONE_FROM:
                return None
            self._waiting.remove(entry)
            return entry
        return None

    def _ended(self, worker: _Worker, tell: Tell) -> None:
        """Takes leave of a worker. Where it died, another takes its place."""
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join()
        how = _how(worker.process.exitcode)
        for entry in reversed(worker.held.values()):
            self._lost[entry.name] += 1
            tell(Event(entry.name, "lost", worker.name, f"its worker {how}"))
            if self._lost[entry.name] > MOST_LOST:
                tell(Event(entry.name, "ended", worker.name, outcome=self._given_up(entry, how)))
            else:
                self._waiting.appendleft(entry)
        if not worker.held and worker.process.exitcode:
            self._idle_deaths[worker.name] += 1
        if self._waiting and self._idle_deaths[worker.name] <= MOST_LOST:
            self._start(worker.name, worker.group)
        elif self._waiting and not self._workers:
            raise IncompleteError(
                f"no worker stays alive: the last one {how}; --log keeps llama.cpp's own words"
            )

    def _given_up(self, entry: Entry, how: str) -> Outcome:
        lost = self._lost[entry.name]
        return Outcome(
            entry.name,
            entry.order.system,
            entry.digest,
            "failed",
            int(ExitCode.INCOMPLETE),
            f"{lost} workers died over it; the last one {how}. What was written is kept",
            lost=lost,
        )

    def _stop(self, tell: Tell) -> None:
        """Stops what still runs, as by Ctrl-C, and hears what becomes of its chapters."""
        for worker in self._workers:
            with suppress(OSError, ValueError):
                _interrupt(worker.process)
        while self._workers:
            worker = self._workers.pop()
            with suppress(EOFError, OSError):
                while worker.connection.poll(_STOP_SECONDS):
                    said = worker.connection.recv()
                    if isinstance(said, Event):
                        self._pass_on(worker, said, tell)
                    elif isinstance(said, _Ask):
                        worker.connection.send(None)
            worker.process.join(1)
            worker.process.kill()
            worker.process.join()
            worker.connection.close()


def _share(workers: int) -> int:
    """Threads for each of several workers; 0, all cores, for one."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return 0 if workers == 1 else max(1, (usable or 1) // workers)


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return f"ended by itself with exit code {code}"


def _interrupt(process: SpawnProcess) -> None:
    if os.name == "posix" and process.pid:
        os.kill(process.pid, signal.SIGINT)
    else:
        process.terminate()


# ---------------------------------------------------------------------- in the worker


def _main(
    connection: "Connection[object, object]",
    environment: dict[str, str],
    threads: int,
    name: str,
) -> None:
    """A worker's life."""
    os.environ.update(environment)
    if os.name == "posix":
        os.setpgid(0, 0)  # Ctrl-C goes to the batch, which tells its workers once
    speaking = threading.Lock()
    alone = threading.Event()

    def say(what: object) -> None:
        try:
            with speaking:
                connection.send(what)
        except OSError:  # nobody listens any more
            if not alone.is_set():
                alone.set()
                signal.raise_signal(signal.SIGINT)

    def following(model: str | None) -> Entry | None:
        say(_Ask(model))
        try:
            entry = connection.recv()
        except (EOFError, OSError):
            return None
        assert entry is None or isinstance(entry, Entry)
        return None if entry is None else _own(entry, threads, name)

    try:
        with stopping():
            work(following, say)
    except ChapterOfflineError as error:
        say(_Fault(error))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


def _own(entry: Entry, threads: int, name: str) -> Entry:
    """The entry as this worker does it: with its threads, and a log of its own."""
    order = replace(entry.order, threads=threads)
    if order.log is not None:
        order = replace(
            order, log=order.log.with_stem(f"{order.log.stem}-{name.partition(' ')[0]}")
        )
    return replace(entry, order=order)
