"""What a person sees: progress on a terminal, plain lines elsewhere, tables of plans and models.

Only the command line uses it; nothing here decides anything.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from chapter_offline.writing.progress import Happened, Silent
from chapter_offline.writing.progress import Progress as Observer

_GB = 1e9
_SECTIONS = {
    "attempt": "attempt",
    "question": "question",
    "weak": "weak answer",
    "what_if": "what if",
}


def is_terminal() -> bool:
    """Whether progress may be drawn: standard error is a terminal."""
    return sys.stderr.isatty()


class Bytes:
    """A progress bar of bytes, for fetching and checking a model. Quiet: nothing is shown."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._begun = 0.0

    def start(self, total_bytes: int, what: str) -> None:
        self.done()
        if self._quiet:
            return
        if not is_terminal():
            click.echo(what + (f" ({total_bytes / _GB:.2f} GB)" if total_bytes else ""), err=True)
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        self._task = self._bar.add_task(what, total=total_bytes or None)

    def advance(self, n: int) -> None:
        if self._bar is not None:
            self._bar.advance(self._task, n)

    def done(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class Lines:
    """Plain lines, one a part: for a log, a pipe, or a pair of eyes that came later."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def stage(self, what: str, total: int) -> None:
        click.echo(f"{what}{f': {total} pieces' if total else ''} …", err=True)

    def happened(self, event: Happened) -> None:
        return

    def part_done(self, number: int, title: str, note: str) -> None:
        click.echo(
            f"Part {number}: {title}: {note} ({time.monotonic() - self._started:.0f} s)", err=True
        )

    def close(self) -> None:
        return


class Bars:
    """Part, section, tokens per second and time left, redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[where]}"),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        self._task: Any = None

    def stage(self, what: str, total: int) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(what, total=total or None, where="", speed="")

    def happened(self, event: Happened) -> None:
        where = f"Part {event.part} · {event.section}" if event.part else event.section
        speed = (
            f"{event.tokens / event.seconds:.0f} tokens/s"
            if event.seconds > 0 and event.tokens
            else ""
        )
        kind = _SECTIONS.get(event.what, "")
        self._bar.update(
            self._task, completed=event.done, where=f"{where} {kind}".strip(), speed=speed
        )

    def part_done(self, number: int, title: str, note: str) -> None:
        self._bar.console.print(f"Part {number}: {title}: {note}", highlight=False, markup=False)

    def close(self) -> None:
        self._bar.stop()


@contextmanager
def shown(quiet: bool) -> Iterator[tuple[Observer, Bytes]]:
    """What shows the progress of a run and of a model's check."""
    progress: Observer = Silent() if quiet else Bars() if is_terminal() else Lines()
    watch = Bytes(quiet)
    try:
        yield progress, watch
    finally:
        watch.done()
        if isinstance(progress, Bars):
            progress.close()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table: columns padded, numbers as they come."""
    widths = [max(len(row[i]) for row in (headings, *rows)) for i in range(len(headings))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    ]
    return "\n".join(lines)
