"""A chapter's own jobs: choices, short writing jobs and scores, by the engine and by the wrapper.

The jobs are those of some parts, drawn by seed, of the library's first system in voice `quoted`, and
as large a share of the choices of a system that the library doesn't have. The engine first writes
them with their guards; how much it wrote for a job is then written in both ways, without guards.
The wrapper has no choices and no scores: its prompts are read by `Llama.eval`, its continuations in
one batch each, which is the least that it could take. What its jobs share isn't reused.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.bare import ROWS, Raw
from benchmark.meter import Clock, peak_bytes
from benchmark.ways import chat, metered, open_wrapper
from benchmark.work import Measured, Order
from chapter_offline.catalog.header import read_header
from chapter_offline.chapter.plan import make_plan
from chapter_offline.engine.interface import (
    ChoiceJob,
    Given,
    Message,
    ScoreJob,
    Settings,
    Span,
    WriteJob,
)
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.loaded import LlamaEngine
from chapter_offline.engine.sampling import log_probability
from chapter_offline.knowledge.generic import load_choices
from chapter_offline.knowledge.library import load_library
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.decide import jobs as choice_jobs
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.voices.quoted import Quoted

PARTS = 18
SEED = 1
_LEAST_WRITTEN = 8


@dataclass(frozen=True)
class Asked:
    """One job as data. opening: given before what is written or scored. tokens: to be written.

    prompt, texts: token ids of a choice or a score, up to the options or the text, and of these.
    """

    key: str
    kind: str
    messages: list[tuple[str, str]]
    opening: str = ""
    options: tuple[str, ...] = ()
    tokens: int = 0
    prompt: tuple[int, ...] = ()
    texts: tuple[tuple[int, ...], ...] = ()

    def turns(self) -> tuple[Message, ...]:
        return tuple(Message(role, text) for role, text in self.messages)  # type: ignore[arg-type]


def prepare(order: Order, parts: int, choices: int) -> list[Asked]:
    """The jobs of so many parts, or so many choices alone."""
    settings = Settings(window=order.window, threads=order.threads, slots=order.width)
    with open_engine(Path(order.model), settings) as model:
        if choices:
            return _choices(model, choices)
        share = parts / PARTS
        return [*_choices(model, share=share), *_part_jobs(model, parts)]


def _choices(model: LlamaEngine, count: int = 0, share: float = 0.0) -> list[Asked]:
    """Choices of whole questions, each about all systems of calibration, as `decide` asks them."""
    choices = load_choices(prompts_dir())
    sheets = [list(choice_jobs(system, choices)) for system in choices.calibration]
    questions = list(range(len(sheets[0])))
    random.Random(SEED).shuffle(questions)
    if not count:
        count = round(share * len(questions) * len(sheets))
    wanted = sorted(questions[: max(1, -(-count // len(sheets)))])
    asked = [sheet[q] for q in wanted for sheet in sheets][: max(1, count)]
    return [
        Asked(
            job.key,
            "choice",
            _plain(job.messages),
            options=job.options,
            prompt=model._prompt(job.messages),
            texts=tuple(map(model._vocabulary.text, job.options)),
        )
        for job in asked
    ]


def _part_jobs(model: LlamaEngine, parts: int) -> list[Asked]:
    library = load_library(prompts_dir())
    plan = make_plan(library, library.briefs[0], "standard")
    quoted = Quoted(model, plan, load_asking(prompts_dir()), vendor_names(prompts_dir()))
    chosen = sorted(random.Random(SEED).sample(range(1, PARTS + 1), parts))
    tasks = quoted.tasks(chosen)
    written = {result.key: result for result in model.write([task.job for task in tasks])}
    asked = []
    for task in tasks:
        job = task.job
        opening = "".join(step.text for step in job.steps if isinstance(step, Given))
        tokens = max(_LEAST_WRITTEN, written[job.key].output_tokens)
        asked.append(Asked(job.key, "write", _plain(job.messages), opening, tokens=tokens))
    for score in quoted.weights(tasks, written):
        prompt = model._prompt(score.messages) + model._vocabulary.text(score.opening)
        text = model._vocabulary.text(score.text)
        asked.append(
            Asked(
                score.key,
                "score",
                _plain(score.messages),
                score.opening,
                (score.text,),
                prompt=prompt,
                texts=(text,),
            )
        )
    return asked


def _plain(messages: Sequence[Message]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in messages]


def load(path: str) -> list[Asked]:
    tables = json.loads(Path(path).read_text(encoding="utf-8"))
    return [
        Asked(**{**t, "options": tuple(t["options"]), "texts": tuple(map(tuple, t["texts"]))})
        for t in tables
    ]


def needed(jobs: Sequence[Asked]) -> int:
    """Tokens that must be read for choices and scores if all that is shared is read once."""
    texts = sorted(tuple(job.prompt) + tuple(text[:-1]) for job in jobs for text in job.texts)
    total, before = 0, ()
    for text in texts:
        common = next(
            (n for n, (a, b) in enumerate(zip(text, before, strict=False)) if a != b), None
        )
        total += len(text) - (min(len(text), len(before)) if common is None else common)
        before = text
    return total


def by_engine(order: Order) -> Measured:
    """The jobs through the engine, kind by kind as a chapter has them."""
    settings = Settings(window=order.window, threads=order.threads, slots=order.width)
    header = read_header(Path(order.model))
    jobs = load(order.data)
    with open_engine(Path(order.model), settings) as model:
        meter = metered(model)
        warm = Span("text", end="line", max_tokens=8, tries=1)
        list(model.write([WriteJob("warm", (Message("user", "?"),), (warm,))]))
        meter.reset()
        clock, marks, sampled = Clock(), [0.0], 0
        chosen = model.choose(ChoiceJob(j.key, j.turns(), j.options) for j in _of(jobs, "choice"))
        items = len(list(chosen))
        marks.append(clock.seconds())
        for result in model.write(_line(j) for j in _of(jobs, "write")):
            sampled += result.output_tokens
        marks.append(clock.seconds())
        for _ in model.score(
            ScoreJob(j.key, j.turns(), j.options[0], j.opening) for j in _of(jobs, "score")
        ):
            pass
        marks.append(clock.seconds())
        busy = clock.busy(order.threads)
        assert model._loaded is not None
        cells = model._loaded.context.cells
    return Measured(
        order.way,
        marks[-1],
        meter.rows - sampled + sum(1 for _ in _of(jobs, "write")),  # the last token isn't fed
        sampled,
        writing_rate=meter.writing_rate,
        outside=meter.outside,
        peak=peak_bytes(),
        expected=header.file_bytes + cells * header.kv_bytes_per_token,
        busy=busy,
        note=_times(marks),
        items=items,
        needed=needed(jobs),
    )


def _of(jobs: Sequence[Asked], kind: str) -> Iterator[Asked]:
    return (job for job in jobs if job.kind == kind)


def _line(job: Asked) -> WriteJob:
    """As many tokens as the chapter had there."""
    span = Span("text", end="tokens", max_tokens=job.tokens)
    given = (Given(job.opening),) if job.opening else ()
    return WriteJob(job.key, job.turns(), (*given, span))


def _times(marks: Sequence[float]) -> str:
    names = ("choices", "writing", "scores")
    spent = (b - a for a, b in pairwise(marks))
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in zip(names, spent, strict=True))


def by_wrapper(order: Order) -> Measured:
    """The jobs through llama-cpp-python, one after another."""
    model = open_wrapper(order)
    header = read_header(Path(order.model))
    jobs = load(order.data)
    chat(model, (Message("user", "?"),), 8)
    reader = _Reader(model)
    clock, marks = Clock(), [0.0]
    for job in _of(jobs, "choice"):
        reader.choice(job)
    marks.append(clock.seconds())
    sampled = read = 0
    for job in _of(jobs, "write"):
        model.reset()
        usage = chat(model, job.turns(), job.tokens)
        sampled += usage["completion_tokens"]
        read += usage["prompt_tokens"]
    marks.append(clock.seconds())
    for job in _of(jobs, "score"):
        reader.choice(job)
    marks.append(clock.seconds())
    return Measured(
        order.way,
        marks[-1],
        read + reader.tokens,
        sampled,
        peak=peak_bytes(),
        expected=header.file_bytes + model.n_ctx() * header.kv_bytes_per_token,
        busy=clock.busy(order.threads),
        note=_times(marks),
    )


class _Reader:
    """Log-probabilities by the wrapper's parts."""

    def __init__(self, model: Any) -> None:
        self._model, self.tokens = model, 0

    def choice(self, job: Asked) -> list[float]:
        """Log-probability of each text after the prompt."""
        self._model.reset()
        self._model.eval(list(job.prompt))
        self.tokens += len(job.prompt)
        first = self._rows(1)[0].copy()
        totals = []
        for text in job.texts:
            total = log_probability(first, text[0])
            if len(text) > 1:
                rows = self._continue(len(job.prompt), list(text[:-1]))
                total += sum(
                    log_probability(row, token) for row, token in zip(rows, text[1:], strict=True)
                )
            totals.append(total)
        return totals

    def _continue(self, start: int, tokens: list[int]) -> Any:
        context, batch = self._model._ctx, self._model._batch
        context.kv_cache_seq_rm(-1, start, -1)
        batch.set_batch(batch=tokens, n_past=start, logits_all=True)
        context.decode(batch)
        self.tokens += len(tokens)
        return self._rows(len(tokens))

    def _rows(self, count: int) -> Any:
        shape = (count, self._model.n_vocab())
        return np.ctypeslib.as_array(self._model._ctx.get_logits(), shape=shape)


def bare_reading(order: Order) -> Measured:
    """Reading alone: texts of 512 tokens, a call each, the logits of the last token."""
    jobs = load(order.data)
    stream = [token for job in jobs for token in job.prompt]
    texts = max(2, min(16, needed(jobs) // ROWS))
    stream = (stream * (1 + texts * ROWS // len(stream)))[: texts * ROWS]
    with open_engine(
        Path(order.model), Settings(window=64, slots=1, threads=order.threads)
    ) as idle:
        assert idle._loaded is not None
        idle._loaded.context.close()
        raw = Raw(
            idle._loaded.model,
            idle._vocabulary.size,
            cells=ROWS,
            sequences=1,
            threads=order.threads,
        )
        raw.read(stream[:ROWS], 0, 0)
        raw.clear()
        clock = Clock()
        for at in range(0, len(stream), ROWS):
            raw.read(stream[at : at + ROWS], 0, 0)
            raw.clear()
        seconds, busy = clock.seconds(), clock.busy(order.threads)
        raw.close()
    return Measured(order.way, seconds, len(stream), 0, peak=peak_bytes(), busy=busy)


WAYS = {
    "chapter-engine": by_engine,
    "chapter-wrapper": by_wrapper,
    "choices-engine": by_engine,
    "choices-bare": bare_reading,
}
