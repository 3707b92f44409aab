"""What a wave keeps of each task underway, and which of their tokens go into a call.

Nothing here touches the cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chapter_offline.engine.context import Row
from chapter_offline.engine.task import Task

Tokens = NDArray[np.int32]

_LEAST_READING = 8  # rows of a call kept for tasks that read, where those that write would fill it


@dataclass(eq=False)
class Slot:
    """A task underway: `decoded` of its tokens lie in the cache.

    outputs: of how many, the last ones, the logits are still to come. prompt: tokens that are
    never rolled back, so that others may share them. turn: the last call that had rows of it.
    """

    task: Task
    tokens: list[int]
    outputs: int
    prompt: Tokens
    done: bool
    sequence: int = -1
    decoded: int = 0
    turn: int = 0

    @property
    def pending(self) -> int:
        return len(self.tokens) - self.decoded

    @property
    def owed(self) -> int:
        """Cells that it may still take, if nothing is rolled back."""
        return max(self.task.planned, len(self.tokens)) - self.decoded

    @property
    def shareable(self) -> Tokens:
        """Its tokens before the first whose logits are wanted: others may have read them."""
        return np.array(self.tokens[: len(self.tokens) - self.outputs], np.int32)


@dataclass(eq=False)
class Record:
    """A sequence whose first tokens others may share; `length` of them lie in the cache.

    slot: the task that is still reading them.
    """

    prompt: Tokens
    length: int
    slot: Slot | None = None

    @property
    def available(self) -> int:
        return self.length if self.slot is None else min(self.slot.decoded, len(self.prompt))


def begin(task: Task) -> Slot:
    """A task at its first step, nothing of it read."""
    step = task.begin()
    prompt = np.array(step.feed[: step.hold], np.int32)
    return Slot(task, list(step.feed), step.outputs, prompt, step.done)


def share_out(live: Sequence[Slot], rows: int) -> list[tuple[Slot, int]]:
    """How many rows of which task go into a call of so many rows.

    First those that write, one row each; where there are too many, those that have waited longest.
    """
    writing = [slot for slot in live if slot.pending == 1]
    reading = [slot for slot in live if slot.pending > 1]
    room = rows - (_LEAST_READING if reading else 0)
    if len(writing) > room:
        writing = sorted(writing, key=lambda slot: slot.turn)[:room]
    parts = [(slot, 1) for slot in writing]
    room = rows - len(parts)
    for slot in reading:
        if room:
            parts.append((slot, min(slot.pending, room)))
            room -= parts[-1][1]
    return parts


def pad(rows: Sequence[Row], group: int, sequence: int) -> tuple[list[Row], list[int]]:
    """Rows and outputs made up to multiples of `group`; and where the outputs asked for will be.

    The second counts among the outputs, in order. Rows that are there are flagged before pads,
    which lie in a sequence of their own.
    """
    pads = [Row(0, i, sequence) for i in range(-len(rows) % group)]
    missing = -sum(row.output for row in rows) % group
    padded: list[Row] = []
    picked: list[int] = []
    outputs = 0
    for row in [*rows, *pads]:
        if row.output:
            picked.append(outputs)
        elif missing:
            missing -= 1
            row = row._replace(output=True)
        outputs += row.output
        padded.append(row)
    return padded, picked
