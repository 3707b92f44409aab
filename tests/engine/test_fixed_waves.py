"""Waves of fixed members: what a machine runs where a job's bits depend on its company.

Forced here on the CPU, where the wave then goes without the rules that make it pure.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from kinds import Calls

from chapter_offline.engine.context import Row
from chapter_offline.engine.interface import ChoiceJob, Message, Settings, Span, WriteJob
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.loaded import LlamaEngine

SETTINGS = Settings(window=512, threads=1, slots=3, fixed_waves=True)
SYSTEM = "the limiter holds its count in a store and each node reads it before the call "

Called = list[list[Row]]


def choice(name: str) -> ChoiceJob:
    return ChoiceJob(name, (Message("system", SYSTEM), Message("user", name)), ("a lease", "so"))


def writing(name: str) -> WriteJob:
    def odd(sentence: str, accepted: Sequence[str]) -> str | None:
        return "odd" if len(sentence) % 2 else None

    span = Span("text", max_sentences=2, max_tokens=40, guards=(odd,))
    return WriteJob(name, (Message("system", SYSTEM), Message("user", name)), (span,))


def scores(engine: LlamaEngine, names: Sequence[str]) -> list[tuple[float, ...]]:
    return [chosen.log_probs for chosen in engine.choose(map(choice, names))]


def texts(engine: LlamaEngine, names: Sequence[str]) -> list[tuple[str, ...]]:
    return [result.sentences["text"] for result in engine.write(map(writing, names))]


def calls_of(engine: LlamaEngine) -> Calls:
    assert engine._loaded is not None
    return Calls(engine._loaded.context)


FIRST, SECOND = ["why", "why so", "why not the store"], ["how", "how many reads of it", "when"]


def test_a_block_is_run_alike_whatever_ran_before_it(tiny_model: Path) -> None:
    with open_engine(tiny_model, SETTINGS) as engine:
        fresh = scores(engine, SECOND), texts(engine, SECOND)
    with open_engine(tiny_model, SETTINGS) as engine:
        calls = calls_of(engine)
        assert scores(engine, FIRST + SECOND)[3:] == fresh[0]
        calls.take()
        assert texts(engine, FIRST + SECOND)[3:] == fresh[1]
        both = calls.take()
        assert texts(engine, FIRST + FIRST + SECOND)[6:] == fresh[1]
        three = calls.take()
    # The calls of a block are the same rows, save those that read what is in the cache already.
    assert [c for c in three if is_own(c)][-5:] == [c for c in both if is_own(c)][-5:]


def is_own(call: Sequence[Row]) -> bool:
    """Whether a call has rows of tasks: the cache's start is sequence 0."""
    return any(row.sequence for row in call)


def test_a_fixed_wave_takes_exactly_its_block(tiny_model: Path) -> None:
    with open_engine(tiny_model, SETTINGS) as engine:
        calls = calls_of(engine)
        texts(engine, FIRST)
        alone = [call for call in calls.take() if is_own(call)]
        texts(engine, FIRST + SECOND)
        together = [call for call in calls.take() if is_own(call)]
    assert together[: len(alone)] == alone
    assert max(len({row.sequence for row in call}) for call in together) == 3


def test_company_changes_bits_and_no_job_joins_a_wave_underway(tiny_model: Path) -> None:
    # Were the waves pure here, the test above could not fail.
    with open_engine(tiny_model, SETTINGS) as engine:
        wave = scores(engine, FIRST)
        alone = scores(engine, FIRST[:1])
        other = scores(engine, [FIRST[0], SECOND[1], SECOND[2]])
        assert engine.facts.pure is False
        assert engine.facts.slots == 3
    assert len({wave[0], alone[0], other[0]}) > 1
    assert wave[0] == pytest.approx(alone[0], abs=1e-2)


def test_a_run_in_between_changes_nothing(tiny_model: Path) -> None:
    with open_engine(tiny_model, SETTINGS) as engine:
        whole = texts(engine, FIRST + SECOND)
        run = engine.write(map(writing, FIRST + SECOND))
        begun = [next(run).sentences["text"]]
        scores(engine, SECOND)
        assert begun + [result.sentences["text"] for result in run] == whole


def test_a_wave_that_is_pure_says_so(tiny_model: Path) -> None:
    with open_engine(tiny_model, replace(SETTINGS, fixed_waves=False)) as engine:
        assert engine.facts.pure is True
        assert scores(engine, FIRST)[0] == scores(engine, FIRST[:1])[0]


def test_without_flash_attention_a_wave_is_fixed(tiny_model: Path) -> None:
    settings = replace(SETTINGS, fixed_waves=False, flash_attention=False)
    with open_engine(tiny_model, settings) as engine:
        assert engine.facts.pure is False
        assert scores(engine, FIRST + SECOND)[3:] == scores(engine, SECOND)
