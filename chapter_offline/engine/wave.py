"""Waves: many tasks decoded together through one KV cache.

Each task has a sequence of the cache. A call takes one row of every task that is writing, and
fills up with rows of those that are reading; what tasks' prompts share is read once.

The bits of a row's logits depend on its own sequence alone, never on its company, because
- a call has a multiple of 8 rows, 56 at most, and asks for the logits of a multiple of 8, so that
  every row goes through the same kernels;
- a sequence's cells lie in the order of its positions: no cell is freed while others are written
  after it. What is rolled back is parked in a sequence that nobody reads; only a restart empties
  the cache, and what is underway is then read again, to the same bits.
Measured on CPUs with dense models; tests hold it. Nothing here knows of text.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chapter_offline.engine.context import Context, Row
from chapter_offline.engine.task import Step, Task

ROWS = 56
"""The most rows of a call: from 64 on, llama.cpp takes another attention kernel."""
SPARE_CELLS = 1024
"""Cells beyond the window, for what is rolled back before a restart is needed."""

_GROUP = 8
_HOLDERS = 8  # sequences of ended tasks, kept for what their prompts share with later ones
_BASE, _PARKED, _PADS, _FIRST = range(4)

_T = TypeVar("_T", bound=Task)
_Tokens = NDArray[np.int32]


def sequences_for(slots: int) -> int:
    """How many sequences a context needs for a wave of so many slots."""
    return _FIRST + slots + _HOLDERS


@dataclass(eq=False)
class _Slot:
    """A task underway: `decoded` of its tokens lie in the cache.

    outputs: of how many, the last ones, the logits are still to come. prompt: tokens that are
    never rolled back, so that others may share them.
    """

    task: Task
    tokens: list[int]
    outputs: int
    prompt: _Tokens
    done: bool
    sequence: int = -1
    decoded: int = 0

    @property
    def pending(self) -> int:
        return len(self.tokens) - self.decoded

    @property
    def owed(self) -> int:
        """Cells that it may still take, if nothing is rolled back."""
        return max(self.task.planned, len(self.tokens)) - self.decoded


@dataclass(eq=False)
class _Record:
    """A sequence whose first tokens others may share; `length` of them lie in the cache.

    slot: the task that is still reading them.
    """

    prompt: _Tokens
    length: int
    slot: _Slot | None = None

    @property
    def available(self) -> int:
        return self.length if self.slot is None else min(self.slot.decoded, len(self.prompt))


class Wave:
    """Runs tasks through a context, `slots` of them at a time; 48 at most.

    The context needs `sequences_for(slots)` sequences, `ROWS` rows, and more cells than any
    task's plan and `SPARE_CELLS` together.
    """

    def __init__(self, context: Context, slots: int) -> None:
        self._context = context
        self._slots = slots
        self._used = 0  # cells taken since the last restart
        self._records: dict[int, _Record] = {}
        self._free: list[int] = []
        self._leader: _Slot | None = None  # whose prompt lies at the cache's start
        self._owner: object = None
        self._torn = True

    def run(self, tasks: Iterable[_T]) -> Iterator[_T]:
        """Yields the tasks in their order, each once it and all before it are done.

        Up to three tasks a slot are taken in advance, and the longest of them begin first. While
        a run is suspended another may take the cache: the first then reads its tasks again.
        """
        me = object()
        source = iter(tasks)
        order: deque[tuple[_T, _Slot]] = deque()
        waiting: deque[_Slot] = deque()
        live: list[_Slot] = []
        while True:
            if len(waiting) < self._slots:
                block = [(task, _begin(task)) for task in islice(source, 2 * self._slots)]
                order.extend(block)
                begun = [slot for _, slot in block if not slot.done]
                waiting.extend(sorted(begun, key=lambda slot: -slot.task.planned))
            if not order:
                return
            try:
                if self._owner is not me:
                    self._suspend(live, waiting)
                    self._owner = me
                self._admit(live, waiting)
                if live and not self._call(live):
                    self._suspend(live, waiting)
            except BaseException:
                # Ctrl-C may come between a call and its record: nothing of the cache is trusted.
                self._torn = True
                raise
            live[:] = [slot for slot in live if not slot.done]
            while order and order[0][1].done:
                yield order.popleft()[0]

    def _admit(self, live: list[_Slot], waiting: deque[_Slot]) -> None:
        """Gives waiting tasks a sequence, as long as there are slots and cells."""
        emptied = False
        while waiting and len(live) < self._slots:
            slot = waiting[0]
            found = self._match(slot)
            if found is None:
                return
            holder, shared = found
            if not live and not emptied and holder == _BASE and self._used > shared:
                # Every call looks at all cells that are taken, and here nothing is lost with them.
                self._restart(slot)
                emptied = True
                continue
            owed = sum(other.owed for other in live) + slot.owed - shared
            if self._used + owed + 2 * ROWS > self._context.cells and self._used > shared:
                if live:
                    return
                self._restart(slot)
                continue
            waiting.popleft()
            slot.sequence = self._take_sequence(holder)
            slot.decoded = shared
            if shared:
                self._context.copy(holder, slot.sequence, 0, shared)
            self._records[slot.sequence] = _Record(slot.prompt, 0, slot)
            if self._leader is None:
                self._leader = slot
            live.append(slot)

    def _match(self, slot: _Slot) -> tuple[int, int] | None:
        """The sequence that shares most with the task, and how much of it is in the cache.

        None where a task underway is about to read more of it: then it is worth the waiting.
        """
        tokens = np.array(slot.tokens[: len(slot.tokens) - slot.outputs], np.int32)
        best, holder, coming = 0, _BASE, 0
        for sequence, record in self._records.items():
            common = _common(tokens, record.prompt)
            available = min(common, record.available)
            if available > best:
                best, holder = available, sequence
            if record.slot is not None:
                coming = max(coming, common)
        return None if coming > best else (holder, best)

    def _take_sequence(self, holder: int) -> int:
        """A sequence for a task: a free one, or that of the task that ended first, save `holder`."""
        if self._free:
            return self._free.pop()
        ended = (s for s, record in self._records.items() if record.slot is None)
        oldest = next(s for s in ended if s not in (_BASE, holder))
        del self._records[oldest]
        self._park(oldest, 0)
        return oldest

    def _call(self, live: Sequence[_Slot]) -> bool:
        """Decodes one call's rows and lets the tasks see their logits; False if cells ran out."""
        parts = _share_out(live)
        rows: list[Row] = []
        wanted: list[_Slot] = []
        for slot, count in parts:
            first_output = len(slot.tokens) - slot.outputs
            for place in range(slot.decoded, slot.decoded + count):
                output = place >= first_output
                rows.append(Row(slot.tokens[place], place, slot.sequence, output))
                if output:
                    wanted.append(slot)
        own = len(rows)
        padded, picked = _pad(rows)
        if self._used + len(padded) > self._context.cells:
            return False
        logits = self._context.decode(padded)
        if len(padded) > own:
            self._context.cut(_PADS)
        cell = self._used
        self._used += own
        for slot, count in parts:
            if slot is self._leader:
                self._extend_base(slot, cell, count)
            cell += count
            slot.decoded += count
        for slot, row in zip(wanted, picked, strict=True):
            slot.outputs -= 1
            step = slot.task.advance(logits[row])
            if step is not None:
                self._apply(slot, step)
        return True

    def _extend_base(self, slot: _Slot, cell: int, count: int) -> None:
        """Notes what of the leader's prompt lies at the cache's start, cell n at position n."""
        base = self._records.get(_BASE) or _Record(slot.prompt, 0)
        end = min(slot.decoded + count, len(slot.prompt))
        if cell == slot.decoded == base.length and end > base.length:
            self._context.copy(slot.sequence, _BASE, base.length, end)
            self._records[_BASE] = _Record(slot.prompt[:end], end)

    def _apply(self, slot: _Slot, step: Step) -> None:
        if step.done:
            slot.done = True
            del self._records[slot.sequence]  # to its new place in the order of those that ended
            self._records[slot.sequence] = _Record(slot.prompt, len(slot.prompt))
            return
        if step.keep < slot.decoded:
            self._park(slot.sequence, step.keep)
            slot.decoded = step.keep
        slot.tokens[step.keep :] = step.feed
        slot.outputs = step.outputs

    def _park(self, sequence: int, start: int) -> None:
        """Takes positions from `start` on out of a sequence without freeing their cells."""
        self._context.copy(sequence, _PARKED, start)
        self._context.cut(sequence, start)

    def _suspend(self, live: list[_Slot], waiting: deque[_Slot]) -> None:
        """Puts the live tasks back in front of the waiting ones and empties the cache."""
        for slot in reversed(live):
            slot.decoded, slot.sequence = 0, -1
            waiting.appendleft(slot)
        live.clear()
        self._restart(waiting[0] if waiting else None)

    def _restart(self, upcoming: _Slot | None) -> None:
        """Empties the cache but for what lies at its start and the next task shares."""
        base = self._records.get(_BASE)
        keep = 0
        if base is not None and upcoming is not None and not self._torn:
            keep = _common(base.prompt, np.array(upcoming.tokens[:-1], np.int32))
        self._records = {}
        if base is None or not keep:
            self._context.clear()
        else:
            for sequence in range(1, sequences_for(self._slots)):
                self._context.cut(sequence)
            self._context.cut(_BASE, keep)
            self._records[_BASE] = _Record(base.prompt[:keep], keep)
        self._used = keep
        self._free = list(range(_FIRST, sequences_for(self._slots)))
        self._leader = None
        self._torn = False


def _begin(task: Task) -> _Slot:
    step = task.begin()
    prompt = np.array(step.feed[: step.hold], np.int32)
    return _Slot(task, list(step.feed), step.outputs, prompt, step.done)


def _share_out(live: Sequence[_Slot]) -> list[tuple[_Slot, int]]:
    """How many rows of which task go into a call: first those that write, one row each."""
    parts = [(slot, 1) for slot in live if slot.pending == 1]
    room = ROWS - len(parts)
    for slot in live:
        if slot.pending > 1 and room:
            parts.append((slot, min(slot.pending, room)))
            room -= parts[-1][1]
    return parts


def _pad(rows: Sequence[Row]) -> tuple[list[Row], list[int]]:
    """Rows and outputs made up to multiples of 8; and where the outputs asked for will be found.

    The second counts among the outputs, in order. Rows that are there are flagged before pads.
    """
    pads = [Row(0, i, _PADS) for i in range(-len(rows) % _GROUP)]
    missing = -sum(row.output for row in rows) % _GROUP
    padded: list[Row] = []
    picked: list[int] = []
    outputs = 0
    for row in [*rows, *pads]:
        if row.output:
            picked.append(outputs)
        elif missing:
            missing -= 1
            row = Row(row.token, row.position, row.sequence, True)
        outputs += row.output
        padded.append(row)
    return padded, picked


def _common(one: _Tokens, other: _Tokens) -> int:
    """Length of the common prefix."""
    length = min(len(one), len(other))
    different = one[:length] != other[:length]
    return int(different.argmax()) if different.any() else length
