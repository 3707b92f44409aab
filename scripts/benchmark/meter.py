"""Counts what a context decodes, and keeps the model from ending its turn.

So that all ways write the same number of tokens, the model must not end early. Here the logits of
every token that ends a turn or a line are set to -inf as llama.cpp returns them: sentences still
end, and are shown to the guards, but a span goes on until its `max_tokens`.
"""

import resource
import sys
import time
from collections.abc import Sequence

import numpy as np

from chapter_offline.engine.context import Context, Row
from chapter_offline.engine.sampling import Logits
from chapter_offline.engine.tokens import Vocabulary


class Meter:
    """Stands before a context's `decode`. pads: the sequence whose rows are no one's work."""

    def __init__(self, context: Context, banned: Sequence[int], pads: int) -> None:
        self._decode, self._pads = context.decode, pads
        self._banned = np.array(banned, np.intp)
        self.reset()
        context.decode = self  # type: ignore[assignment, method-assign]

    def reset(self) -> None:
        self.rows = 0
        self.writing_rows, self.writing_seconds, self._inside = 0, 0.0, 0.0
        self._last: tuple[float, float, int] | None = None  # start, seconds inside, rows

    def __call__(self, rows: Sequence[Row]) -> Logits:
        start = time.perf_counter()
        self._close(start)
        logits = self._decode(rows)
        inside = time.perf_counter() - start
        if len(self._banned):
            logits[:, self._banned] = -np.inf
        own = [row for row in rows if row.sequence != self._pads]
        self.rows += len(own)
        if len({row.sequence for row in own}) == len(own):
            self._last = (start, inside, len(own))
        return logits

    def _close(self, now: float) -> None:
        """Books a call of writing rows once the next one begins: its time has the sampling in it."""
        if self._last is not None:
            start, inside, rows = self._last
            self.writing_rows += rows
            self.writing_seconds += now - start
            self._inside += inside
        self._last = None

    @property
    def writing_rate(self) -> float:
        """Tokens a second of the calls that only write."""
        return self.writing_rows / self.writing_seconds if self.writing_seconds else 0.0

    @property
    def outside(self) -> float:
        """Of these calls' time, the share outside llama.cpp."""
        return 1 - self._inside / self.writing_seconds if self.writing_seconds else 0.0


def ending_tokens(vocabulary: Vocabulary) -> list[int]:
    """Tokens that end a turn or a line."""
    every = range(vocabulary.size)
    return [t for t in every if vocabulary.is_end(t) or b"\n" in vocabulary.piece(t)]


def peak_bytes() -> int:
    """Peak resident memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Clock:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        return time.perf_counter() - self._wall

    def busy(self, threads: int) -> float:
        """Processor time by wall time and threads."""
        return (time.process_time() - self._cpu) / self.seconds() / threads
