"""A tiny engine for the writing room: real tokens, real decoding, random words."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chapter_offline.engine.interface import Engine, Settings
from chapter_offline.engine.llama import open_engine


@pytest.fixture
def engine_with(tiny_model: Path) -> Iterator[Callable[[int], Engine]]:
    """Opens the tiny model at a window; closes what was opened."""
    opened = []

    def open_at(window: int) -> Engine:
        opened.append(open_engine(tiny_model, Settings(window=window, threads=1)))
        return opened[-1]

    yield open_at
    for engine in opened:
        engine.close()
