"""An engine around an engine: what a subclass doesn't do itself, the inner one does."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from chapter_offline.engine.interface import (
    ChoiceJob,
    Chosen,
    Engine,
    Message,
    ModelFacts,
    Reread,
    Scored,
    ScoreJob,
    Settings,
    WriteJob,
    Written,
)


class Around:
    """Passes everything on. Whoever opened the inner engine closes it, through this or not."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def facts(self) -> ModelFacts:
        return self._engine.facts

    @property
    def settings(self) -> Settings:
        return self._engine.settings

    def prompt(self, messages: Sequence[Message], thinking: bool = False) -> tuple[int, ...]:
        return self._engine.prompt(messages, thinking)

    def count(self, messages: Sequence[Message], given: str = "") -> int:
        return self._engine.count(messages, given)

    def count_text(self, text: str) -> int:
        return self._engine.count_text(text)

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        return self._engine.write(jobs, ended)

    def choose(self, jobs: Iterable[ChoiceJob]) -> Iterator[Chosen]:
        return self._engine.choose(jobs)

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]:
        return self._engine.score(jobs)

    def reread(self, written: Iterable[tuple[WriteJob, Written]]) -> Iterator[Reread]:
        return self._engine.reread(written)

    def close(self) -> None:
        self._engine.close()
