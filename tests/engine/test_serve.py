"""Jobs of several callers in one run: each to the bits that it has alone, and with its own seed."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chapter_offline.engine.interface import (
    ChoiceJob,
    Message,
    Request,
    Result,
    ScoreJob,
    Settings,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.loaded import LlamaEngine


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[LlamaEngine]:
    with open_engine(tiny_model, Settings(window=512, threads=1, slots=4)) as opened:
        yield opened


def asked(text: str) -> tuple[Message, ...]:
    return (Message("system", "the limiter holds its count"), Message("user", text))


WRITES = [WriteJob(f"w{n}", asked(f"lease {n}"), (Span("text", max_tokens=30),)) for n in range(6)]
CHOICES = [ChoiceJob(f"c{n}", asked(f"clock {n}"), ("Yes", "No")) for n in range(4)]
SCORES = [ScoreJob(f"s{n}", asked(f"node {n}"), " the store reads it") for n in range(4)]


def test_jobs_of_all_kinds_and_seeds_share_waves_and_keep_their_bits(engine: LlamaEngine) -> None:
    first = list(engine.write(WRITES))
    requests = [Request(job, 1) for job in WRITES[:3]]
    requests += [Request(job, 2) for job in WRITES[3:]]
    requests += [Request(job, 1) for job in (*CHOICES, *SCORES)]
    mixed = requests[::2] + requests[1::2]
    found = {result.key: result for result in engine.serve(iter(mixed))}
    assert [found[job.key] for job in WRITES[:3]] == first[:3]
    assert all(found[job.key] != old for job, old in zip(WRITES[3:], first[3:], strict=True))
    assert [found[job.key] for job in CHOICES] == list(engine.choose(CHOICES))
    assert [found[job.key] for job in SCORES] == list(engine.score(SCORES))


class Later(Iterator[Request]):
    """Has a request, then none until its result is told, then another."""

    def __init__(self) -> None:
        self.jobs = deque(WRITES[:3])
        self.underway = 0

    def __next__(self) -> Request:
        if self.underway or not self.jobs:
            raise StopIteration
        self.underway += 1
        return Request(self.jobs.popleft(), 1, self.ended)

    def ended(self, _: Written) -> None:
        self.underway -= 1


def test_a_run_takes_jobs_that_come_while_it_lasts(engine: LlamaEngine) -> None:
    alone = list(engine.write(WRITES[:3]))
    found: list[Result] = list(engine.serve(Later()))
    assert found == [replace(each) for each in alone]
