"""Waves: many tasks decoded together through one KV cache.

Each task has a sequence of the cache. A call takes one row of every task that is writing, and
fills up with rows of those that are reading; what tasks' prompts share is read once.

Where the machine allows, a wave is pure: the bits of a row's logits depend on its own sequence
alone, never on its company, because
- a call has a multiple of 8 rows, 56 at most, and asks for the logits of a multiple of 8, so that
  every row goes through the same kernels;
- a sequence's cells lie in the order of its positions: no cell is freed while others are written
  after it. What is rolled back is parked in a sequence that nobody reads; only a restart empties
  the cache, and what is underway is then read again, to the same bits. What was kept on disk is
  read back into an empty cache, where it lies as if it had been decoded there.
Measured on CPUs with dense models; tests hold it. Elsewhere a wave is fixed: its members are
those that the order gives it, and its bits depend on all of them. Nothing here knows of text.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np

from chapter_offline.engine.context import Context, Row
from chapter_offline.engine.prefixes import SHORTEST, Prefixes, common
from chapter_offline.engine.slots import Record, Slot, Tokens, begin, pad, share_out
from chapter_offline.engine.task import Step, Task

ROWS = 56
"""The most rows of a pure call: from 64 on, llama.cpp takes another attention kernel."""
FIXED_ROWS = 256
"""The most rows of a call in a fixed wave, where the kernel is free."""
SPARE_CELLS = 1024
"""Cells beyond the window, for what is rolled back before a restart is needed."""

_GROUP = 8
_CHUNK = 64  # tokens of a call that reads what a fixed wave's tasks share
_HOLDERS = 8  # sequences of ended tasks, kept for what their prompts share with later ones
_BASE, _PARKED, _PADS, _FIRST = range(4)

_NOTHING = np.zeros(0, np.int32)

_T = TypeVar("_T", bound=Task)


def sequences_for(slots: int) -> int:
    """How many sequences a context needs for a wave of so many slots."""
    return _FIRST + slots + _HOLDERS


class Wave:
    """Runs tasks through a context, `slots` of them at a time.

    The context needs `sequences_for(slots)` sequences, `ROWS` or `FIXED_ROWS` rows, and more cells
    than any task's plan and `SPARE_CELLS` together.

    fixed: tasks are taken in blocks of `slots`, in the order given. A block begins with a cache
        that holds what all its prompts share, read in whole calls of nothing else, and yields
        once it is done: so its bits depend on its own tasks, and on them all.
    windowed: the model has sliding windows, so a state from disk can't be cut.
    prefixes: what is on disk; None keeps nothing there.
    """

    def __init__(
        self,
        context: Context,
        slots: int,
        *,
        fixed: bool = False,
        windowed: bool = False,
        prefixes: Prefixes | None = None,
    ) -> None:
        self._context = context
        self._slots = slots
        self._fixed = fixed
        self._windowed = windowed
        self._prefixes = prefixes
        self._calls = 0
        self._used = 0  # cells taken since the last restart
        self._records: dict[int, Record] = {}
        self._free: list[int] = []
        self._leader: Slot | None = None  # whose prompt lies at the cache's start
        self._shared = 0  # tokens at the cache's start that more than one task began with
        self._least = 0  # fewer tokens than these can't be shared, as windows have closed on them
        self._block: Tokens = _NOTHING  # what a fixed wave's tasks share, in whole calls
        self._owner: object = None
        self._torn = True

    def run(self, tasks: Iterable[_T]) -> Iterator[_T]:
        """Yields the tasks in their order, each once it and all before it are done.

        Up to three tasks a slot are taken in advance (in a fixed wave, one), and the longest of
        them begin first. While a run is suspended another may take the cache: the first then reads
        its tasks again.
        """
        me = object()
        source = iter(tasks)
        order: deque[tuple[_T, Slot]] = deque()
        waiting: deque[Slot] = deque()
        live: list[Slot] = []
        while True:
            anew = not order if self._fixed else len(waiting) < self._slots
            if anew:
                ahead = self._slots if self._fixed else 2 * self._slots
                block = [(task, begin(task)) for task in islice(source, ahead)]
                order.extend(block)
                begun = [slot for _, slot in block if not slot.done]
                waiting.extend(sorted(begun, key=lambda slot: -slot.task.planned))
            if not order:
                self._store()
                return
            try:
                if self._fixed and anew and waiting:
                    self._begin_block(waiting)
                elif self._owner is not me:
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
            while order and order[0][1].done and not (self._fixed and (live or waiting)):
                yield order.popleft()[0]

    def _admit(self, live: list[Slot], waiting: deque[Slot]) -> None:
        """Gives waiting tasks a sequence, as long as there are slots and cells."""
        emptied = False
        while waiting and len(live) < self._slots:
            slot = waiting[0]
            found = self._match(slot)
            if found is None:
                return
            holder, shared = found
            if not (live or emptied or self._fixed) and holder == _BASE and self._used > shared:
                # Every call looks at all cells that are taken, and here nothing is lost with them.
                self._restart(waiting)
                emptied = True
                continue
            owed = sum(other.owed for other in live) + slot.owed - shared
            needed = self._used + owed + 2 * self._context.rows
            if needed > self._context.cells and self._used > shared:
                if live:
                    return
                self._restart(waiting)
                continue
            waiting.popleft()
            slot.sequence = self._take_sequence(holder)
            slot.decoded = shared
            if shared:
                self._context.copy(holder, slot.sequence, 0, shared)
            self._records[slot.sequence] = Record(slot.prompt, 0, slot)
            base = self._records.get(_BASE)
            if self._leader is None and not self._fixed:
                self._leader = slot
            elif base is not None:
                self._note_shared(common(base.prompt, slot.shareable))
            live.append(slot)

    def _match(self, slot: Slot) -> tuple[int, int] | None:
        """The sequence that shares most with the task, and how much of it is in the cache.

        None where a task underway is about to read more of it: then it is worth the waiting.
        """
        tokens = slot.shareable
        best, holder, coming = 0, _BASE, 0
        for sequence, record in self._records.items():
            length = common(tokens, record.prompt)
            available = min(length, record.available)
            if length < self._least:
                continue
            if available > best and available >= self._least:
                best, holder = available, sequence
            if record.slot is not None:
                coming = max(coming, length)
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

    def _call(self, live: Sequence[Slot]) -> bool:
        """Decodes one call's rows and lets the tasks see their logits; False if cells ran out."""
        parts = share_out(live, self._context.rows)
        rows: list[Row] = []
        wanted: list[Slot] = []
        for slot, count in parts:
            first_output = len(slot.tokens) - slot.outputs
            for place in range(slot.decoded, slot.decoded + count):
                output = place >= first_output
                rows.append(Row(slot.tokens[place], place, slot.sequence, output))
                if output:
                    wanted.append(slot)
        own = len(rows)
        padded, picked = pad(rows, 1 if self._fixed else _GROUP, _PADS)
        if self._used + len(padded) > self._context.cells:
            return False
        logits = self._context.decode(padded)
        if len(padded) > own:
            self._context.cut(_PADS)
        cell = self._used
        self._used += own
        self._calls += 1
        for slot, count in parts:
            if slot is self._leader:
                self._extend_base(slot, cell, count)
            cell += count
            slot.decoded += count
            slot.turn = self._calls
        for slot, row in zip(wanted, picked, strict=True):
            slot.outputs -= 1
            step = slot.task.advance(logits[row])
            if step is not None:
                self._apply(slot, step)
        return True

    def _extend_base(self, slot: Slot, cell: int, count: int) -> None:
        """Notes what of the leader's prompt lies at the cache's start, cell n at position n."""
        base = self._records.get(_BASE) or Record(slot.prompt, 0)
        end = min(slot.decoded + count, len(slot.prompt))
        if cell == slot.decoded == base.length and end > base.length:
            self._context.copy(slot.sequence, _BASE, base.length, end)
            self._records[_BASE] = Record(slot.prompt[:end], end)

    def _apply(self, slot: Slot, step: Step) -> None:
        if step.done:
            slot.done = True
            del self._records[slot.sequence]  # to its new place in the order of those that ended
            self._records[slot.sequence] = Record(slot.prompt, len(slot.prompt))
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

    def _suspend(self, live: list[Slot], waiting: deque[Slot]) -> None:
        """Puts the live tasks back in front of the waiting ones and empties the cache."""
        for slot in reversed(live):
            slot.decoded, slot.sequence = 0, -1
            waiting.appendleft(slot)
        live.clear()
        self._restart(waiting)

    def _begin_block(self, waiting: Sequence[Slot]) -> None:
        """Gives a fixed wave the cache that it begins with, whatever was there before."""
        self._block = _all_share(waiting)
        self._block = self._block[: self._whole(len(self._block))]
        self._restart(waiting)
        for start in range(self._used, len(self._block), _CHUNK):
            part = self._block[start : start + _CHUNK].tolist()
            self._context.decode([Row(t, start + i, _BASE) for i, t in enumerate(part)])
        self._used = self._shared = len(self._block)
        if self._used:
            self._records[_BASE] = Record(self._block, self._used)

    def _restart(self, upcoming: Sequence[Slot]) -> None:
        """Empties the cache but for its start, as far as the next task begins so.

        What is on disk is read back where it has more of that.
        """
        self._store()
        tokens = self._block if self._fixed else _NOTHING
        if upcoming and not self._fixed:
            tokens = upcoming[0].shareable
        base = None if self._torn else self._records.get(_BASE)
        keep = 0 if base is None else self._whole(common(base.prompt, tokens))
        if keep < self._least:
            keep = 0
        self._records = {}
        self._leader = None
        self._torn = True
        if keep:
            for sequence in range(1, sequences_for(self._slots)):
                self._context.cut(sequence)
            self._context.cut(_BASE, keep)
        else:
            self._empty()
        # With sliding windows others could not share less, so then it is what all of them share.
        on_disk = _all_share(upcoming) if self._windowed else tokens
        keep = self._read_back(on_disk, keep) or keep
        if keep:
            self._records[_BASE] = Record(tokens[:keep], keep)
        self._used = self._shared = keep
        self._free = list(range(_FIRST, sequences_for(self._slots)))
        self._torn = False

    def _empty(self) -> None:
        self._context.clear()
        self._least = 0

    def _whole(self, length: int) -> int:
        """Of so many tokens, those that the cache's start may hold: in a fixed wave whole calls."""
        return length - length % _CHUNK if self._fixed else length

    def _read_back(self, tokens: Tokens, more_than: int) -> int:
        """Puts what is on disk into the emptied cache, if that is more; returns how many tokens."""
        found = self._prefixes.find(tokens, self._windowed) if self._prefixes else None
        if self._prefixes is None or found is None:
            return 0
        stored, length = found
        length = self._whole(length)
        if length <= more_than or len(stored.tokens) > self._context.cells:
            return 0
        state = self._prefixes.load(stored)
        if state is None:
            return self._read_back(tokens, more_than)
        self._empty()
        if not self._context.restore(_BASE, state):
            self._prefixes.forget(stored)
            self._empty()
            return 0
        self._context.cut(_BASE, length)
        self._least = length if self._windowed else 0
        return length

    def _note_shared(self, length: int) -> None:
        """A second task begins with so many tokens of the cache's start."""
        if not self._windowed:
            self._shared = max(self._shared, length)
        elif length >= SHORTEST:  # what is on disk can't be cut, so it is what all have shared
            self._shared = min(self._shared or length, length)

    def _store(self) -> None:
        """Puts on disk what more than one task found at the cache's start."""
        base = self._records.get(_BASE)
        if self._prefixes is None or self._torn or base is None:
            return
        tokens = base.prompt[: self._shared]
        if len(tokens) < SHORTEST or self._prefixes.has(tokens):
            return
        self._torn = True  # until the copy is gone
        self._context.copy(_BASE, _PADS, 0, len(tokens))
        self._prefixes.save(tokens, self._context.state(_PADS))
        self._context.cut(_PADS)
        self._torn = False


def _all_share(slots: Iterable[Slot]) -> Tokens:
    """What all the tasks begin with."""
    prompts = [slot.shareable for slot in slots] or [_NOTHING]
    return prompts[0][: min(common(prompts[0], prompt) for prompt in prompts)]
