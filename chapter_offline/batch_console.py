"""What a person sees of a batch: a live table on a terminal, plain lines elsewhere; or JSON for programs."""

import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click

from chapter_offline.batch.happening import Event, Tell
from chapter_offline.console import is_terminal

_TELLING = {"begun", "ended", "lost"}


class _Shown(Protocol):
    def tell(self, event: Event) -> None: ...

    def close(self) -> None: ...


class _Quiet:
    def tell(self, event: Event) -> None:
        return

    def close(self) -> None:
        return


class _Json(_Quiet):
    """An event a line on standard output, without the fields that say nothing."""

    def tell(self, event: Event) -> None:
        said = {name: value for name, value in dataclasses.asdict(event).items() if value}
        click.echo(json.dumps(said, ensure_ascii=False))


class _Lines(_Quiet):
    """Plain lines: which chapters begin and end."""

    def __init__(self, count: int) -> None:
        self._started, self._count, self._ended = time.monotonic(), count, 0

    def tell(self, event: Event) -> None:
        if event.kind not in _TELLING:
            return
        self._ended += event.kind == "ended"
        click.echo(
            f"{time.monotonic() - self._started:.0f} s, {self._ended} of {self._count}: {_said(event)}",
            err=True,
        )


class _Table(_Quiet):
    """A row a chapter underway: part, pieces, tokens a second; time left for the whole in the title."""

    def __init__(self, count: int) -> None:
        from rich.console import Console
        from rich.live import Live

        self._started, self._count, self._ended = time.monotonic(), count, 0
        self._worked = 0
        self._rows: dict[str, Event] = {}
        self._parts: dict[str, int] = {}
        self._live = Live(
            console=Console(stderr=True),
            get_renderable=self._table,
            refresh_per_second=2,
            transient=True,
        )
        self._live.start()

    def tell(self, event: Event) -> None:
        if event.kind == "ended":
            self._rows.pop(event.name, None)
            self._parts.pop(event.name, None)
            self._ended += 1
            self._worked += not (event.outcome and event.outcome.before)
        elif event.kind in {"begun", "stage", "job"}:
            self._rows[event.name] = event
            self._parts[event.name] = event.part or self._parts.get(event.name, 0)
        if event.kind in _TELLING and event.kind != "begun":
            self._live.console.print(_said(event), highlight=False, markup=False)

    def close(self) -> None:
        self._live.stop()

    def _table(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self._title(), title_justify="left", box=None)
        for heading in ("chapter", "part", "pieces", "tokens/s", "worker", "what"):
            table.add_column(heading, justify="right" if heading in {"part", "pieces"} else "left")
        for name, event in list(self._rows.items()):
            speed = f"{event.tokens / event.seconds:.0f}" if event.tokens and event.seconds else ""
            pieces = f"{event.done}/{event.total}" if event.total else ""
            part = str(self._parts.get(name) or "")
            cells = (name, part, pieces, speed, event.worker, event.text)
            table.add_row(*map(Text, cells))
        return table

    def _title(self) -> str:
        title = f"{self._ended} of {self._count} chapters"
        if self._worked:
            left = (time.monotonic() - self._started) / self._worked * (self._count - self._ended)
            title += f", some {_span(left)} left"
        return title


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def _said(event: Event) -> str:
    """A line on a chapter that begins, ends or is lost."""
    outcome = event.outcome
    if outcome is None:
        return f"{event.name}: {event.text or event.kind}"
    if outcome.state == "whole":
        was = "is whole already" if outcome.before else f"whole in {outcome.seconds:.0f} s"
        return f"{event.name}: {was}, {outcome.words:,} words"
    return f"{event.name}: {outcome.state}: {' '.join(outcome.message.split())}"


@contextmanager
def shown(quiet: bool, as_json: bool, count: int) -> Iterator[Tell]:
    """What shows the events of a batch of so many chapters; told of them from any thread."""
    shows: _Shown
    if as_json:
        shows = _Json()
    elif quiet:
        shows = _Quiet()
    else:
        shows = _Table(count) if is_terminal() else _Lines(count)
    lock = threading.Lock()

    def tell(event: Event) -> None:
        with lock:
            shows.tell(event)

    try:
        yield tell
    finally:
        shows.close()
