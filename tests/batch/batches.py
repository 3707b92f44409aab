"""Batches for tests: a list of systems, the chapters that they are alone, and what differs from these."""

from collections.abc import Sequence
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

from interrupted import SAME
from tiny_gguf import write_tiny_gguf

from chapter_offline.batch.entries import Entry, digested, entries, models_of
from chapter_offline.batch.happening import Event
from chapter_offline.batch.lists import read_list
from chapter_offline.orders import Order
from chapter_offline.workflow import write
from chapter_offline.writing.progress import Silent

LIST = "system,seed,depth\nDistributed rate limiter,,\nGroup chat,7,\nURL shortener,,deep\nNews feed,,\n"


class Batches:
    """Four chapters, and one model to write them with. folder: where all lies.

    parts: of each chapter. window: tokens.
    """

    def __init__(
        self, folder: Path, model: Path | None = None, parts: tuple[int, ...] = (15,)
    ) -> None:
        self.folder = folder
        self.model = model or write_tiny_gguf(folder / "tiny.gguf", layers=1, heads=1)
        self.list = folder / "systems.csv"
        self.list.write_text(LIST)
        self._common = Order("", str(self.model), window=2048, parts=parts, threads=1)
        self.alone = {
            entry.name: self._files(write(entry.order, Silent()).folder)
            for entry in self.entries(folder / "alone")
        }

    def entries(self, out: Path) -> list[Entry]:
        found, _ = entries(read_list(self.list), self._common, out)
        return digested(found, models_of(found))

    def differing(self, out: Path) -> list[str]:
        """The chapters' files that are not the bytes of the chapter alone."""
        return [
            f"{chapter}/{name}"
            for chapter, files in self.alone.items()
            for name, data in self._files(out / chapter).items()
            if data != files[name]
        ]

    def _files(self, folder: Path) -> dict[str, bytes]:
        return {name: (folder / name).read_bytes() for name in SAME}


class Hearing:
    """Keeps the events of a batch, and kills a worker at those that `kills` names.

    kills: (chapter, kind of event), as often as it comes.
    """

    def __init__(self, kills: Sequence[tuple[str, str]] = (), at_most: int = 100) -> None:
        self.events: list[Event] = []
        self._kills, self._left = kills, at_most

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if (event.name, event.kind) in self._kills and self._left:
            self._left -= 1
            for child in active_children():
                child.kill()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def states(self) -> dict[str, str]:
        outcomes = [event.outcome for event in self.events if event.outcome]
        return {outcome.name: outcome.state for outcome in outcomes}


def without(entry: Entry, **change: object) -> Entry:
    """An entry that asks for something else."""
    return replace(entry, order=replace(entry.order, **change))  # type: ignore[arg-type]
