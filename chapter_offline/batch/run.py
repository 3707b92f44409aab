"""A batch from end to end: what is left of a list is written, what becomes of each chapter reported."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.batch import report
from chapter_offline.batch.entries import Entry
from chapter_offline.batch.happening import Event, Outcome, Tell
from chapter_offline.batch.whole import whole_before
from chapter_offline.errors import ExitCode

Writer = Callable[[Sequence[Entry], Tell], None]
"""Writes chapters, in this process, in others or on other machines; tells what becomes of each."""


@dataclass(frozen=True)
class Batch:
    """A batch as it ended. outcomes: of all its chapters, in the list's order. report: its file."""

    outcomes: tuple[Outcome, ...]
    report: Path
    seconds: float

    @property
    def left(self) -> tuple[Outcome, ...]:
        """Those that are not whole."""
        return tuple(each for each in self.outcomes if each.state != "whole")


class _Ledger:
    """What is known of each chapter; on the disk as soon as one has ended."""

    def __init__(self, out: Path, name: str, found: Sequence[Entry], tell: Tell) -> None:
        self._out, self._name, self._tell = out, name, tell
        self._outcomes = {entry.number: _not_begun(entry) for entry in found}
        self._numbers = {entry.name: entry.number for entry in found}

    def know(self, outcome: Outcome) -> None:
        """Takes what an earlier run has reported."""
        self._outcomes[self._numbers[outcome.name]] = outcome
        self._tell(Event(outcome.name, "ended", outcome=outcome))

    def hear(self, event: Event) -> None:
        if event.outcome is not None:
            self._outcomes[self._numbers[event.name]] = event.outcome
            self.note()
        self._tell(event)

    def note(self) -> None:
        report.note(self._out, self._name, self.outcomes)

    @property
    def outcomes(self) -> list[Outcome]:
        return [self._outcomes[number] for number in sorted(self._outcomes)]


def _not_begun(entry: Entry) -> Outcome:
    return Outcome(
        entry.name,
        entry.order.system,
        entry.digest,
        "interrupted",
        int(ExitCode.INTERRUPTED),
        "not begun",
    )


def run(
    found: Sequence[Entry],
    out: Path,
    write: Writer,
    tell: Tell,
    shard: tuple[int, int] | None = None,
) -> Batch:
    """Writes what is not whole yet; the report is there however it ends.

    found: the chapters, those of one model after each other. Raises UsageError for a folder that isn't a batch's.
    """
    started = time.monotonic()
    name = report.report_name(shard)
    report.prepare(out)
    earlier = report.earlier(out)
    ledger = _Ledger(out, name, found, tell)
    left = []
    for entry in found:
        known = None if entry.order.fresh else whole_before(entry, earlier)
        if known is None:
            left.append(entry)
        else:
            ledger.know(known)
    ledger.note()
    try:
        write(left, ledger.hear)
    finally:
        seconds = time.monotonic() - started
        report.save(out, name, ledger.outcomes, seconds)
    return Batch(tuple(ledger.outcomes), out / f"{name}.md", seconds)
