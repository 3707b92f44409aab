"""How the library says what is happening; whoever wants to show it does."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Happened:
    """One job is done. part: 0 for what belongs to the whole. tokens: written since the start.

    seconds: since the start. done, total: jobs.
    """

    what: str
    part: int
    section: str
    done: int
    total: int
    tokens: int
    seconds: float


class Progress(Protocol):
    """An observer of a run."""

    def stage(self, what: str, total: int) -> None:
        """A stage begins: deciding, writing, weighing."""
        ...

    def happened(self, event: Happened) -> None: ...

    def part_done(self, number: int, title: str, note: str) -> None: ...


class Silent:
    """An observer that shows nothing."""

    def stage(self, what: str, total: int) -> None:
        return

    def happened(self, event: Happened) -> None:
        return

    def part_done(self, number: int, title: str, note: str) -> None:
        return
