"""What is rolled back leaves no trace: the logits afterwards are the same bits as without it."""

from pathlib import Path

import numpy as np
import pytest
from kinds import KINDS, Fed, tokens, write_kind

from chapter_offline.engine.interface import Settings
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.task import Step

PROMPT = 100
SETTINGS = Settings(window=512, threads=1, slots=4)


def task(prompt: tuple[int, ...], refused: tuple[int, ...], kept: tuple[int, ...]) -> Fed:
    """Reads a prompt, writes the refused tokens one by one, goes back, and writes the kept ones."""
    length = len(prompt)
    steps = [Step(0, prompt, hold=length)]
    for part in (refused, kept):
        steps += [Step(length + i, (token,), hold=length) for i, token in enumerate(part)]
    return Fed(*steps)


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_sentence_leaves_no_trace(tmp_path: Path, kind: str) -> None:
    kept = tokens(9, 3)
    # More is refused than the sliding windows' 16 tokens, by one task or by all of them.
    straight = task(tokens(PROMPT, 1), (), kept)
    back = task(tokens(PROMPT, 1), tokens(30, 4), kept)
    company = [task(tokens(PROMPT + n, n), tokens(20, n), tokens(30, n)) for n in range(5, 8)]
    with open_engine(write_kind(tmp_path, kind), SETTINGS) as engine:
        list(engine._loop.run([straight]))
        list(engine._loop.run([back, *company]))
    assert len(straight.rows) == 1 + len(kept)
    np.testing.assert_array_equal(straight.rows[0], back.rows[0])
    np.testing.assert_array_equal(straight.rows[1:], back.rows[-len(kept) :])


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_refused_would_have_been_seen(tmp_path: Path, kind: str) -> None:
    kept = tokens(3, 3)
    prompt = tokens(PROMPT, 1)
    straight = task(prompt, (), kept)
    unrefused = task(prompt + tokens(5, 4), (), kept)
    with open_engine(write_kind(tmp_path, kind), SETTINGS) as engine:
        list(engine._loop.run([straight, unrefused]))
    assert not np.array_equal(straight.rows[-1], unrefused.rows[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_two_refusals_in_a_row_and_a_second_sentence(tmp_path: Path, kind: str) -> None:
    prompt, first, second = tokens(PROMPT, 1), tokens(12, 2), tokens(8, 3)
    length = len(prompt)
    middle = length + len(first)

    def sentence(start: int, words: tuple[int, ...]) -> list[Step]:
        return [Step(start + i, (token,), hold=start) for i, token in enumerate(words)]

    read = Step(0, prompt, hold=length)
    straight = Fed(read, *sentence(length, first), *sentence(middle, second))
    back = Fed(
        read,
        *sentence(length, tokens(20, 5)),
        *sentence(length, tokens(3, 6)),
        *sentence(length, first),
        *sentence(middle, tokens(18, 7)),
        *sentence(middle, second),
    )
    with open_engine(write_kind(tmp_path, kind), SETTINGS) as engine:
        list(engine._loop.run([straight]))
        list(engine._loop.run([back]))
    np.testing.assert_array_equal(straight.rows[-len(second) :], back.rows[-len(second) :])
