"""A large file that comes in several stretches at once, each gone on with by itself after a cut.

One connection to a distant server is often slower than the line. The first stretch lies in the
file that will be the whole; the others lie beside it, named by their first byte, and are joined to
it in order. So at any moment that file is a true beginning, which others may go on from too.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.catalog.progress import Progress

_MOST = 4  # together they fill most lines; servers take more for an attack
_LEAST_BYTES = 64 * 1024 * 1024
_COPY_BYTES = 8 * 1024 * 1024
_POLL_SECONDS = 0.1
_STOP_SECONDS = 2.0


@dataclass(frozen=True)
class Stretch:
    """Bytes `start` up to `end` of a file, as many as there are yet, in `path`."""

    path: Path
    start: int
    end: int

    @property
    def have(self) -> int:
        """How many of its bytes are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def missing(self) -> int:
        """How many are not."""
        return self.end - self.start - self.have


def kept_bytes(part: Path, total: int) -> int:
    """How many bytes of the file are here, in all its stretches. part: its beginning."""
    return sum(min(each.have, each.end - each.start) for each in _on_disk(part, total))


def laid_out(part: Path, total: int) -> tuple[Stretch, ...]:
    """The stretches of a file of `total` bytes, each with a file of its own; raises OSError.

    Those of an earlier try, or new ones for what is missing: several where that is much, and the
    disk has room to join them.
    """
    part.touch()
    if part.stat().st_size > total:
        os.truncate(part, 0)
    found = _on_disk(part, total)
    if len(found) == 1:
        found = _planned(part, total)
    for each in found:
        each.path.touch()
        if each.missing < 0:  # killed while it was joined to what stands before it
            os.truncate(each.path, each.end - each.start)
    return found


def join(found: Sequence[Stretch]) -> None:
    """Appends whole stretches to the first, which then is the whole file; raises OSError."""
    first, *others = found
    for each in others:
        with first.path.open("r+b", buffering=0) as whole, each.path.open("rb") as more:
            whole.seek(each.start)
            shutil.copyfileobj(more, whole, _COPY_BYTES)
        each.path.unlink()


def drop(part: Path) -> None:
    """Removes all stretches but the first; raises OSError."""
    for path in _others(part).values():
        path.unlink()


def at_once(found: Sequence[Stretch], work: Callable[[Stretch, threading.Event], None]) -> None:
    """Does the work on each stretch in a thread of its own; the first error, or Ctrl-C, ends all.

    work: watches the event, and ends soon after it is set.
    """
    stop = threading.Event()
    errors: list[BaseException] = []

    def run(stretch: Stretch) -> None:
        try:
            work(stretch, stop)
        except BaseException as error:
            errors.append(error)
            stop.set()

    threads = [threading.Thread(target=run, args=(each,), daemon=True) for each in found]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(_POLL_SECONDS)
    finally:
        stop.set()
        until = (
            time.monotonic() + _STOP_SECONDS
        )  # of all; one that still waits writes no other bytes
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
    if errors:
        raise errors[0]


class OneAtATime:
    """A Progress that several threads may tell of the piece of work that was started."""

    def __init__(self, observer: Progress) -> None:
        self._observer = observer
        self._lock = threading.Lock()

    def start(self, total_bytes: int, what: str) -> None:
        """Passed on."""
        with self._lock:
            self._observer.start(total_bytes, what)

    def advance(self, n: int) -> None:
        """Passed on."""
        with self._lock:
            self._observer.advance(n)

    def done(self) -> None:
        """Passed on."""
        with self._lock:
            self._observer.done()


def _others(part: Path) -> dict[int, Path]:
    """The files of all stretches but the first, by their first byte."""
    if not part.parent.is_dir():
        return {}
    start = f"{part.name}."
    named = {
        p.name.removeprefix(start): p for p in part.parent.iterdir() if p.name.startswith(start)
    }
    return {int(first): path for first, path in named.items() if first.isdecimal()}


def _on_disk(part: Path, total: int) -> tuple[Stretch, ...]:
    others = {first: path for first, path in _others(part).items() if 0 < first < total}
    files = {0: part} | dict(sorted(others.items()))
    ends = [*list(files)[1:], total]
    return tuple(Stretch(files[first], first, end) for first, end in zip(files, ends, strict=True))


def _planned(part: Path, total: int) -> tuple[Stretch, ...]:
    have = part.stat().st_size
    rest = total - have
    count = max(1, min(_MOST, rest // _LEAST_BYTES))
    if shutil.disk_usage(part.parent).free < rest + rest // count:
        count = 1
    bounds = [0, *(have + rest * n // count for n in range(1, count)), total]
    files = [part, *(part.with_name(f"{part.name}.{first}") for first in bounds[1:-1])]
    return tuple(
        Stretch(path, first, end)
        for path, first, end in zip(files, bounds[:-1], bounds[1:], strict=True)
    )
