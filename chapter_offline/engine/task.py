"""What a job is to the loop that decodes: a task that says step by step what to feed.

Tasks know of text and sampling and nothing of the cache; loops the other way round.
"""

from dataclasses import dataclass
from typing import Protocol

from chapter_offline.engine.sampling import Logits
from chapter_offline.errors import DoesNotFitError


@dataclass(frozen=True)
class Step:
    """What to do before the next logits: cut the sequence to `keep` tokens, then feed `feed`.

    hold: the smallest `keep` that may be asked for from now on.
    outputs: of how many tokens, the last ones fed, the logits are wanted; 1 at least.
    done: the task is at its end, and nothing is fed.
    """

    keep: int
    feed: tuple[int, ...]
    hold: int
    outputs: int = 1
    done: bool = False


class Task(Protocol):
    """A job underway. planned: tokens that it may have in its sequence at a time, at most."""

    planned: int

    def begin(self) -> Step:
        """The first step; its `keep` is 0."""
        ...

    def advance(self, logits: Logits) -> Step | None:
        """Takes the next row of logits asked for; gives a step once it was the last of them.

        logits: [vocabulary], llama.cpp's own memory: copied where it is kept, never changed.
        """
        ...


def check_window(key: str, needed: int, window: int) -> None:
    """A job that takes more tokens than the window is a DoesNotFitError."""
    if needed > window:
        raise DoesNotFitError(
            f"{key}: prompt and output take {needed} tokens, more than the window of {window}.\n"
            f"Take a window of at least {needed}, or a shorter prompt."
        )
