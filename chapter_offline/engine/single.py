"""The plain loop: one job after another through one sequence of the KV cache.

What a job's tokens share with those before it is not read again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TextIO

import numpy as np

from chapter_offline.engine.context import Context, Row
from chapter_offline.engine.interface import (
    ChoiceJob,
    Chosen,
    Message,
    ModelFacts,
    Scored,
    ScoreJob,
    Settings,
    WriteJob,
    Written,
)
from chapter_offline.engine.library import Library
from chapter_offline.engine.sampling import Logits, log_softmax_at
from chapter_offline.engine.script import Script, check_window
from chapter_offline.engine.template import ChatTemplate
from chapter_offline.engine.tokens import Vocabulary

_ROWS = 64


class SingleEngine:
    """One loaded model, one sequence. Frees the model when it is closed."""

    def __init__(
        self,
        library: Library,
        model: Any,
        vocabulary: Vocabulary,
        template: ChatTemplate,
        facts: ModelFacts,
        settings: Settings,
        threads: int,
        log: TextIO | None,
    ) -> None:
        self._library = library
        self._model = model
        self._vocabulary = vocabulary
        self._template = template
        self._facts = facts
        self._settings = settings
        self._log = log
        self._cached: list[int] = []
        self._context = Context(
            library,
            model,
            cells=settings.window,
            sequences=1,
            rows=_ROWS,
            threads=threads,
        )

    @property
    def facts(self) -> ModelFacts:
        return self._facts

    @property
    def settings(self) -> Settings:
        return self._settings

    def count(self, messages: Sequence[Message], given: str = "") -> int:
        return len(self._prompt(messages)) + len(self._vocabulary.text(given))

    def count_text(self, text: str) -> int:
        return len(self._vocabulary.text(text))

    def write(self, jobs: Iterable[WriteJob]) -> Iterator[Written]:
        for job in jobs:
            script = Script(
                job,
                self._prompt(job.messages),
                self._vocabulary,
                self._settings.seed,
                self._settings.window,
            )
            step = script.begin()
            if not step.done:
                step = script.advance(self._read(step.feed, 1)[-1])
            while not step.done:
                self._cut(step.keep)
                step = script.advance(self._append(step.feed, 1)[-1])
            yield script.result()

    def choose(self, jobs: Iterable[ChoiceJob]) -> Iterator[Chosen]:
        for job in jobs:
            prompt = self._prompt(job.messages)
            options = [self._vocabulary.text(option) for option in job.options]
            check_window(job.key, len(prompt) + max(map(len, options)), self._settings.window)
            first = self._read(prompt, 1)[-1].copy()
            totals = []
            for option in options:
                self._cut(len(prompt))
                total = log_softmax_at(first, option[0])
                if len(option) > 1:
                    rows = self._append(option[:-1], len(option) - 1)
                    for row, token in zip(rows, option[1:], strict=True):
                        total += log_softmax_at(row, token)
                totals.append(total)
            yield Chosen(job.key, tuple(totals), len(prompt))

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]:
        for job in jobs:
            prompt = self._prompt(job.messages) + self._vocabulary.text(job.opening)
            text = self._vocabulary.text(job.text)
            check_window(job.key, len(prompt) + len(text), self._settings.window)
            rows = self._read(prompt + text[:-1], len(text))
            total = sum(log_softmax_at(r, t) for r, t in zip(rows, text, strict=True))
            yield Scored(job.key, total / len(text), len(text), len(prompt))

    def close(self) -> None:
        if self._model is None:
            return
        self._context.close()
        self._library.api.llama_model_free(self._model)
        self._model = None
        if self._log is not None:
            self._library.log.close(self._log)

    def _prompt(self, messages: Sequence[Message]) -> tuple[int, ...]:
        return self._vocabulary.conversation(self._template, messages)

    def _read(self, tokens: Sequence[int], outputs: int) -> Logits:
        """Puts tokens into the cache; returns the logits of the last `outputs` of them."""
        shared = 0
        limit = len(tokens) - outputs  # what logits are wanted of is decoded in any case
        while shared < min(limit, len(self._cached)) and self._cached[shared] == tokens[shared]:
            shared += 1
        self._cut(shared)
        return self._append(tokens[shared:], outputs)

    def _append(self, tokens: Sequence[int], outputs: int) -> Logits:
        start = len(self._cached)
        found: list[Logits] = []
        for first in range(0, len(tokens), _ROWS):
            part = tokens[first : first + _ROWS]
            rows = [
                Row(token, start + first + i, 0, first + i >= len(tokens) - outputs)
                for i, token in enumerate(part)
            ]
            # What an exception leaves behind is not relied upon: the record is cut first.
            logits = self._context.decode(rows)
            self._cached.extend(part)
            if len(logits):
                found.append(logits if first + _ROWS >= len(tokens) else logits.copy())
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _cut(self, keep: int) -> None:
        del self._cached[keep:]
        self._context.cut(0, keep)
