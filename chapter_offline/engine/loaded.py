"""A loaded model as the interface promises it: jobs become tasks, tasks become results."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TextIO, TypeVar

from chapter_offline.engine.context import Context
from chapter_offline.engine.interface import (
    ChoiceJob,
    Chosen,
    Message,
    ModelFacts,
    Request,
    Reread,
    Result,
    Scored,
    ScoreJob,
    Settings,
    WriteJob,
    Written,
)
from chapter_offline.engine.library import Library
from chapter_offline.engine.placement import Placement
from chapter_offline.engine.reading import Choice, Score
from chapter_offline.engine.rereading import Rereading
from chapter_offline.engine.script import Script
from chapter_offline.engine.task import Task
from chapter_offline.engine.template import ChatTemplate
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.engine.turns import Turn, find_markers

_KEPT = 512  # conversations whose tokens are kept at hand

_T = TypeVar("_T", bound=Task)


class Loop(Protocol):
    """Runs tasks; yields them in their order."""

    def run(self, tasks: Iterable[_T]) -> Iterator[_T]: ...


@dataclass(frozen=True)
class Loaded:
    """What was loaded, and has to be freed: the model, its context, its share of the log.

    placement: kept, as llama.cpp has pointers into it.
    """

    library: Library
    model: Any
    context: Context
    log: TextIO | None
    placement: Placement


class LlamaEngine:
    """The engine over one loaded model. A `with` block closes it."""

    def __init__(
        self,
        loaded: Loaded,
        loop: Loop,
        vocabulary: Vocabulary,
        template: ChatTemplate,
        facts: ModelFacts,
        settings: Settings,
    ) -> None:
        self._loaded: Loaded | None = loaded
        self._loop = loop
        self._vocabulary = vocabulary
        self._template = template
        self._facts = facts
        self._settings = settings
        # A conversation is counted, fitted, looked up and run: four times the same tokens.
        self._read = functools.lru_cache(_KEPT)(self._tokens)
        self._turn = Turn(settings.turn_opening, find_markers(vocabulary, template.source))

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    @property
    def settings(self) -> Settings:
        return self._settings

    def prompt(self, messages: Sequence[Message], thinking: bool = False) -> tuple[int, ...]:
        self._check_open()
        return self._prompt(messages, thinks=thinking)

    def count(self, messages: Sequence[Message], given: str = "") -> int:
        self._check_open()
        return len(self._prompt(messages)) + len(self._vocabulary.text(given))

    def count_text(self, text: str) -> int:
        self._check_open()
        return len(self._vocabulary.text(text))

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        self._check_open()
        tasks = (self._script(job, self._settings.seed, ended) for job in jobs)
        return (script.result() for script in self._loop.run(tasks))

    def choose(self, jobs: Iterable[ChoiceJob]) -> Iterator[Chosen]:
        self._check_open()
        return (choice.result() for choice in self._loop.run(map(self._choice, jobs)))

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]:
        self._check_open()
        return (score.result() for score in self._loop.run(map(self._score, jobs)))

    def serve(self, requests: Iterator[Request]) -> Iterator[Result]:
        self._check_open()
        # A map, as it asks again after it was told that there is no more; a generator doesn't.
        return (task.result() for task in self._loop.run(map(self._task, requests)))

    def _task(self, request: Request) -> Script | Choice | Score:
        job = request.job
        if isinstance(job, WriteJob):
            return self._script(job, request.seed, request.ended)
        return self._choice(job) if isinstance(job, ChoiceJob) else self._score(job)

    def _script(self, job: WriteJob, seed: int, ended: Callable[[Written], None] | None) -> Script:
        return Script(
            job,
            self._prompt(job.messages, thinks=job.thinking > 0),
            self._vocabulary,
            seed,
            self._settings.window,
            self._turn.markers,
            ended,
        )

    def _choice(self, job: ChoiceJob) -> Choice:
        return Choice(
            job,
            self._prompt(job.messages),
            tuple(map(self._vocabulary.text, job.options)),
            self._settings.window,
        )

    def _score(self, job: ScoreJob) -> Score:
        return Score(
            job,
            self._prompt(job.messages) + self._vocabulary.text(job.opening),
            self._vocabulary.text(job.text),
            self._settings.window,
        )

    def reread(self, written: Iterable[tuple[WriteJob, Written]]) -> Iterator[Reread]:
        self._check_open()
        tasks = (
            Rereading(
                job,
                result,
                self._prompt(job.messages, thinks=job.thinking > 0),
                self._vocabulary,
                self._settings.seed,
                self._settings.window,
                self._turn.markers,
            )
            for job, result in written
        )
        return (reading.result() for reading in self._loop.run(tasks))

    def close(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is None:
            return
        self._read.cache_clear()
        loaded.context.close()
        loaded.library.api.llama_model_free(loaded.model)
        if loaded.log is not None:
            loaded.library.log.close(loaded.log)

    def __enter__(self) -> "LlamaEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._loaded is None:
            raise RuntimeError("the engine is closed")

    def _prompt(self, messages: Sequence[Message], thinks: bool = False) -> tuple[int, ...]:
        """Tokens of a conversation up to where the model's answer, or its thinking, begins."""
        return self._read(tuple(messages), thinks and self._turn.markers is not None)

    def _tokens(self, messages: tuple[Message, ...], thinks: bool) -> tuple[int, ...]:
        pieces = self._template.render(messages, thinks)
        return self._vocabulary.conversation(self._turn.open(pieces, thinks))
