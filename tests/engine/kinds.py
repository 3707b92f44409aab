"""The kinds of model that remember what they read in different ways, as tiny random files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tiny_gguf import write_tiny_gguf

from chapter_offline.engine.context import Context, Row
from chapter_offline.engine.sampling import Logits
from chapter_offline.engine.task import Step

KINDS: dict[str, dict[str, Any]] = {
    "plain attention": {},
    "sliding windows": {"architecture": "gemma3"},
    "hybrid": {"architecture": "lfm2"},
    "recurrent": {"architecture": "mamba"},
    "mixture of experts": {"experts": 4},
}


def write_kind(folder: Path, kind: str) -> Path:
    return write_tiny_gguf(folder / f"{kind}.gguf", **KINDS[kind])


class Fed:
    """A task that feeds what it is told to, and keeps the logits after each step."""

    def __init__(self, *steps: Step) -> None:
        self._steps = iter(steps)
        self.planned = sum(len(step.feed) for step in steps)
        self.rows: list[Logits] = []

    def begin(self) -> Step:
        return next(self._steps)

    def advance(self, logits: Logits) -> Step | None:
        self.rows.append(logits.copy())
        return next(self._steps, Step(0, (), hold=0, done=True))


class Calls:
    """Listens to what a context decodes: the rows of each call."""

    def __init__(self, context: Context) -> None:
        self.rows: list[list[Row]] = []
        self._decode = context.decode
        context.decode = self._note  # type: ignore[method-assign]

    def _note(self, rows: Sequence[Row]) -> Logits:
        self.rows.append(list(rows))
        return self._decode(rows)

    def take(self) -> list[list[Row]]:
        taken, self.rows = self.rows, []
        return taken

    def count(self) -> int:
        """Rows since the last `take`."""
        return sum(map(len, self.rows))


def tokens(count: int, seed: int) -> tuple[int, ...]:
    """Tokens of the tiny vocabulary's words, at random."""
    return tuple(int(t) for t in np.random.default_rng(seed).integers(256, 310, count))
