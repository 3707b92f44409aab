"""What a batch says while it runs, and what becomes of each chapter. Plain data: it crosses processes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chapter_offline.writing.progress import Happened

State = Literal["whole", "incomplete", "failed", "interrupted"]


@dataclass(frozen=True)
class Outcome:
    """What became of a chapter. name, system, digest: the entry's. code: the exit code that it would have had alone.

    message: why it isn't whole. findings: what its checks found. thin: sections that are. manifest: its
    file's sha256. before: whether an earlier run had made it whole. seconds: that it took. lost: how many
    workers died over it.
    """

    name: str
    system: str
    digest: str
    state: State
    code: int = 0
    message: str = ""
    model: str = ""
    seconds: float = 0.0
    words: int = 0
    tokens: int = 0
    pieces: int = 0
    findings: tuple[str, ...] = ()
    thin: tuple[str, ...] = ()
    manifest: str = ""
    before: bool = False
    lost: int = 0


@dataclass(frozen=True)
class Event:
    """Something happened to a chapter. name: its. worker: who has it.

    kind: "begun"; "stage" and "part" (text says which); "job" (done of total jobs, tokens written in seconds);
    "ended", with its outcome; "lost", when its worker died (text says how).
    """

    name: str
    kind: Literal["begun", "stage", "part", "job", "ended", "lost"]
    worker: str = ""
    text: str = ""
    part: int = 0
    done: int = 0
    total: int = 0
    tokens: int = 0
    seconds: float = 0.0
    outcome: Outcome | None = None


Tell = Callable[[Event], None]


class Telling:
    """The progress of one chapter, as events."""

    def __init__(self, name: str, tell: Tell) -> None:
        self._name, self._tell = name, tell

    def stage(self, what: str, total: int) -> None:
        self._tell(Event(self._name, "stage", text=what, total=total))

    def happened(self, event: Happened) -> None:
        self._tell(
            Event(
                self._name,
                "job",
                text=f"{event.what} {event.section}".strip(),
                part=event.part,
                done=event.done,
                total=event.total,
                tokens=event.tokens,
                seconds=event.seconds,
            )
        )

    def part_done(self, number: int, title: str, note: str) -> None:
        self._tell(Event(self._name, "part", part=number, text=f"{title}: {note}"))
