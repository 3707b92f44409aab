"""How the room says what it is doing: a small observer, which shows nothing by itself.

Whoever wants to show progress hands in an object of this shape; a library user passes nothing.
"""

from typing import Protocol


class Progress(Protocol):
    """Told of one piece of work after another. Calls come one at a time, in this order."""

    def start(self, total_bytes: int, what: str) -> None:
        """A piece of work begins. `total_bytes` is 0 where nobody can know how much it is.

        It may begin before the last one is done, where a first try failed and a second follows.
        """
        ...

    def advance(self, n: int) -> None:
        """`n` more bytes are done; negative where bytes must be fetched again."""
        ...

    def done(self) -> None:
        """The piece of work that was started last is complete."""
        ...


class NoProgress:
    """The default: nobody watches."""

    def start(self, total_bytes: int, what: str) -> None:
        """Nothing is shown."""

    def advance(self, n: int) -> None:
        """Nothing is shown."""

    def done(self) -> None:
        """Nothing is shown."""
