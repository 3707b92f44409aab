"""The plain loop: one task after another, for models that a wave would not suit.

Recurrent and hybrid models keep a state, not cells, so a task goes back by a shadow: a sequence
split off where it may have to return to. A mixture of experts could be rolled back row by row,
but in company its rows' bits depend on one another, so it runs alone as well. Nothing here knows
of text.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from chapter_offline.engine.context import Context, Row
from chapter_offline.engine.prefixes import SHORTEST, Prefixes
from chapter_offline.engine.sampling import Logits
from chapter_offline.engine.task import Step, Task

SEQUENCES = 3
_LIVE, _SHADOW, _BASE = range(SEQUENCES)
_ROWS = 56

_T = TypeVar("_T", bound=Task)
_Tokens = Sequence[int]


class Alone:
    """Runs tasks through a context one by one. The context needs `SEQUENCES` sequences.

    A prompt is read in calls that begin at multiples of 56, and only whole calls are shared with
    the prompts before: so a task's bits are the same, whatever ran before it. What prompts share
    is kept in `prefixes` as well, for later processes.
    """

    def __init__(self, context: Context, prefixes: Prefixes | None = None) -> None:
        self._context = context
        self._prefixes = prefixes
        self._last: _Tokens = ()  # the prompt before
        self._base: _Tokens = ()  # what the base sequence has read
        self._served = 0  # prompts that began with it since

    def run(self, tasks: Iterable[_T]) -> Iterator[_T]:
        """Yields the tasks in their order, each once it is done."""
        for task in tasks:
            step = task.begin()
            if not step.done:
                self._finish(task, step)
            yield task
        self._store()

    def _finish(self, task: Task, step: Step) -> None:
        try:
            tokens = list(step.feed)
            next_step = _answer(task, self._read_prompt(tokens, step.outputs))
            shadow = -1
            while not next_step.done:
                if next_step.keep < len(tokens):
                    assert next_step.keep == shadow
                    del tokens[shadow:]
                    self._context.cut(_LIVE)
                    self._context.copy(_SHADOW, _LIVE)
                if next_step.hold == len(tokens) != shadow:
                    self._split(_SHADOW)
                    shadow = len(tokens)
                fed = self._read(len(tokens), next_step.feed, next_step.outputs)
                tokens.extend(next_step.feed)
                next_step = _answer(task, fed)
        except BaseException:
            # Ctrl-C may come between a call and its record: nothing of the cache is trusted.
            self._last = self._base = ()
            self._context.clear()
            raise

    def _split(self, sequence: int) -> None:
        self._context.cut(sequence)
        self._context.copy(_LIVE, sequence)

    def _read_prompt(self, tokens: _Tokens, outputs: int) -> Iterator[Logits]:
        """Reads a prompt from the start, or from where the base ends."""
        self._context.cut(_LIVE)
        self._context.cut(_SHADOW)
        common = _common(tokens, self._last, len(tokens) - outputs)
        common -= common % _ROWS
        most = len(tokens) - outputs
        start = len(self._base)
        if start and _common(tokens, self._base, most) < start:
            self._store()
            self._set_base(())
            self._context.cut(_BASE)
        self._read_back(tokens[:most], common)
        start = len(self._base)
        if start:
            self._served += 1
            self._context.copy(_BASE, _LIVE)
        self._last = tuple(tokens)
        if common > start:
            for _ in self._read(start, tokens[start:common], 0):
                pass
            self._split(_BASE)
            self._set_base(tokens[:common])
            start = common
        yield from self._read(start, tokens[start:], outputs)

    def _read_back(self, tokens: _Tokens, common: int) -> None:
        """Makes what is on disk the base, if that is more than the cache and the last prompt give."""
        if self._prefixes is None:
            return
        found = self._prefixes.find(np.array(tokens, np.int32), whole=True)
        if found is None or found[1] <= max(common, len(self._base)):
            return
        stored, length = found
        state = self._prefixes.load(stored)
        if state is None:
            self._read_back(tokens, common)
            return
        self._set_base(())
        self._context.clear()
        if self._context.restore(_BASE, state):
            self._set_base(tokens[:length])
        else:
            self._prefixes.forget(stored)
            self._context.clear()

    def _store(self) -> None:
        """Puts the base on disk, if a prompt after the two that showed it has begun with it."""
        base = np.array(self._base, np.int32)
        if self._prefixes is None or self._served < 1 or len(base) < SHORTEST:
            return
        if not self._prefixes.has(base):
            self._prefixes.save(base, self._context.state(_BASE))

    def _set_base(self, tokens: _Tokens) -> None:
        self._base = tuple(tokens)
        self._served = 0

    def _read(self, position: int, tokens: _Tokens, outputs: int) -> Iterator[Logits]:
        """Decodes tokens from a position on; yields the logits of the last `outputs` of them."""
        first_output = len(tokens) - outputs
        for start in range(0, len(tokens), _ROWS):
            part = enumerate(tokens[start : start + _ROWS], start)
            rows = [Row(token, position + i, _LIVE, i >= first_output) for i, token in part]
            yield from self._context.decode(rows)


def _answer(task: Task, rows: Iterator[Logits]) -> Step:
    """Shows the task the rows of logits; returns the step that it answers the last one with."""
    step = None
    for row in rows:
        step = task.advance(row)
    assert step is not None
    return step


def _common(one: _Tokens, other: _Tokens, limit: int) -> int:
    """Length of the common prefix, at most `limit`."""
    length = 0
    for a, b in zip(one[: max(limit, 0)], other, strict=False):
        if a != b:
            break
        length += 1
    return length
