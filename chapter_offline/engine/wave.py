"""Waves: many tasks decoded together through one KV cache.

Each task has a sequence of the cache. A call takes one row of every task that is writing, and
fills up with rows of those that are reading; what tasks' prompts share is read once.

The bits of a row's logits depend on its own sequence alone, never on company, because
- every call has a multiple of 8 rows, 56 at most, and logits of a multiple of 8 are asked for, so
  that each row goes through the same kernels;
- a sequence's cells lie in the order of its positions. So no cell is freed as long as others are
  written after it: what is rolled back is parked in a sequence that nobody reads. Only at a
  restart is the cache emptied, and what is underway is read again, to the same bits.
Both were measured on CPUs with dense models; tests hold them. Nothing here knows of text.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from chapter_offline.engine.context import Context, Row
from chapter_offline.engine.sampling import Logits
from chapter_offline.engine.script import Step

ROWS = 56
"""The most rows of a call: from 64 on, llama.cpp takes another attention kernel."""
SPARE_CELLS = 1024
"""Cells beyond the window, for what is rolled back before a restart is needed."""

_GROUP = 8
_HOLDERS = 8  # sequences of ended tasks that are kept for what their prompts share
_BASE, _PARKED, _PADS, _FIRST = range(4)


def sequences_for(slots: int) -> int:
    """How many sequences a context needs for a wave of so many slots."""
    return _FIRST + slots + _HOLDERS


class Task(Protocol):
    """What can be run in a wave. planned: tokens that it may take in the cache, at most."""

    planned: int

    def begin(self) -> Step: ...

    def advance(self, logits: Logits) -> Step | None:
        """Takes the next row of logits asked for; a step once it was the last of them."""
        ...


T = TypeVar("T", bound=Task)


@dataclass(eq=False)
class _Slot(Generic[T]):
    """A task underway. Of `tokens`, `decoded` lie in the cache; of the last `outputs` the logits
    are still to come. shareable: how many belong to the prompt, which is never rolled back."""

    task: T
    tokens: list[int]
    outputs: int
    done: bool
    shareable: int
    prompt: NDArray[np.int32]
    sequence: int = -1
    decoded: int = 0

    @property
    def pending(self) -> int:
        return len(self.tokens) - self.decoded


@dataclass(eq=False)
class _Record:
    """A sequence whose first tokens others may share; `length` of them are in the cache."""

    prompt: NDArray[np.int32]
    slot: "_Slot[Task] | None" = None
    length: int = 0

    @property
    def available(self) -> int:
        return self.length if self.slot is None else min(self.slot.decoded, len(self.prompt))


class Wave:
    """Runs tasks through a context, `slots` of them at a time.

    The context needs `sequences_for(slots)` sequences, rows for `ROWS`, and more cells than any
    task's plan and `SPARE_CELLS` together.
    """

    def __init__(self, context: Context, slots: int) -> None:
        self._context = context
        self._slots = slots
        self._used = 0  # cells taken since the last restart, without pads
        self._records: dict[int, _Record] = {}
        self._free: list[int] = []
        self._leader: _Slot[Task] | None = None
        self._owner: object = None
        self.calls = 0
        self.rows_read = 0

    def run(self, tasks: Iterable[T]) -> Iterator[T]:
        """Yields the tasks in their order, each once it and all before it are done.

        Twice as many tasks as slots are taken in advance, and the longest of them begin first. A
        run may be interrupted by another: its tasks are then read again when it goes on.
        """
        me = object()
        source = iter(tasks)
        order: deque[_Slot[T]] = deque()
        waiting: deque[_Slot[T]] = deque()
        live: list[_Slot[T]] = []
        while True:
            if len(waiting) < self._slots:
                block = [_begin(task) for task in islice(source, 2 * self._slots)]
                order.extend(block)
                waiting.extend(
                    sorted((s for s in block if not s.done), key=lambda s: -s.task.planned)
                )
            if self._owner is not me:
                self._owner = None
                self._suspend(live, waiting)
            self._admit(live, waiting)
            if live:
                if not self._call(live):
                    self._suspend(live, waiting)
                    continue
                live[:] = [slot for slot in live if not slot.done]
            self._owner = me
            while order and order[0].done:
                yield order.popleft().task
            if not order and not live and not waiting:
                block = [_begin(task) for task in islice(source, 1)]
                if not block:
                    return
                source = _chain(block, source)
