"""What a place that models come from promises.

There are two: `hub.fetch` and `mirror.fetch`. `pull` tries one after the other.
"""

from pathlib import Path
from typing import Protocol

from chapter_offline.catalog.pins import Pin, PinnedFile
from chapter_offline.catalog.progress import Progress


class SourceError(Exception):
    """This source can't deliver; the message is the cause, in one line without a full stop."""


class Source(Protocol):
    """A way to get the bytes of a pin's files."""

    def __call__(self, pin: Pin, wanted: PinnedFile, part: Path, observer: Progress) -> None:
        """Leaves the whole file `wanted` at `part`; goes on with bytes of an earlier try that lie there.

        The caller holds the folder's lock and checks the digest. Raises SourceError where this
        source can't deliver, NoModelError where it says that it has other bytes than the pinned
        ones, DoesNotFitError where the disk is full. Ends in bounded time, whatever the network
        does, and leaves nothing but `part` and its notes if it is interrupted.
        """
        ...


def in_one_line(text: str, limit: int = 200) -> str:
    """The first line of a message of others, shortened, without what a terminal would obey."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = "".join(c for c in lines[0] if c.isprintable()) if lines else ""
    return (line if len(line) <= limit else line[: limit - 3] + "...").rstrip(".")
