"""An engine that does no job twice: what the journal has is answered from it, the rest is done and kept.

Where a job's result is pure, a row is a job. Elsewhere a row is a wave, whose members' bits depend on
each other: it is answered, and done again, as a whole.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from chapter_offline.engine.around import Around
from chapter_offline.engine.interface import (
    ChoiceJob,
    Chosen,
    Engine,
    Scored,
    ScoreJob,
    WriteJob,
    Written,
)
from chapter_offline.writing.digests import digest_of, parts_of, surroundings
from chapter_offline.writing.journal import Entry, Journal

_J = TypeVar("_J", WriteJob, ChoiceJob, ScoreJob)
_R = TypeVar("_R", Written, Chosen, Scored)

_WRITTEN = TypeAdapter(tuple[Written, ...])
_CHOSEN = TypeAdapter(tuple[Chosen, ...])
_SCORED = TypeAdapter(tuple[Scored, ...])

_TOGETHER_SECONDS = 0.5
"""Reading a short text takes less than the disk: as long as this, results wait to be put there together."""


@dataclass(frozen=True)
class Missing:
    """A job whose result the journal doesn't have. why: what has changed, or that it is new."""

    key: str
    why: str


@dataclass(frozen=True)
class _Unit(Generic[_J]):
    """Jobs that have a row together. parts, digest: of all of them."""

    jobs: tuple[_J, ...]
    parts: Mapping[str, str]
    digest: str

    @property
    def key(self) -> str:
        return self.jobs[0].key


class Journaled(Around):
    """The engine `engine`, with what `journal` has."""

    def __init__(self, engine: Engine, journal: Journal) -> None:
        super().__init__(engine)
        self._journal = journal
        self._surroundings = surroundings(engine)

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        for result in self._answers("write", list(jobs), self._engine.write, _WRITTEN):
            if ended is not None:
                ended(result)
            yield result

    def choose(self, jobs: Iterable[ChoiceJob]) -> Iterator[Chosen]:
        return self._answers("choose", list(jobs), _deaf(self._engine.choose), _CHOSEN)

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]:
        return self._answers("score", list(jobs), _deaf(self._engine.score), _SCORED)

    def missing(self, jobs: Iterable[WriteJob]) -> list[Missing]:
        """Of these jobs those that the journal doesn't have, and why it doesn't."""
        units = self._units("write", list(jobs))
        found = self._journal.find(unit.digest for unit in units)
        return [
            Missing(job.key, _why(unit.parts, self._journal.made_of("write", unit.key)))
            for unit in units
            if unit.digest not in found
            for job in unit.jobs
        ]

    def _units(self, kind: str, jobs: Sequence[_J]) -> list[_Unit[_J]]:
        size = 1 if self.facts.pure else self.facts.slots
        units = []
        for start in range(0, len(jobs), size):
            members = tuple(jobs[start : start + size])
            own = [parts_of(self._engine, job) for job in members]
            parts = dict(self._surroundings)
            for name in own[0]:
                parts[name] = digest_of([each[name] for each in own])
            keys = [job.key for job in members]
            units.append(_Unit(members, parts, digest_of(kind, keys, parts)))
        return units

    def _answers(
        self,
        kind: str,
        jobs: Sequence[_J],
        run: Callable[[list[_J], Callable[[_R], None] | None], Iterator[_R]],
        form: "TypeAdapter[tuple[_R, ...]]",
    ) -> Iterator[_R]:
        """The results of the jobs, in their order; what is not in the journal is put there."""
        units = self._units(kind, jobs)
        found = self._journal.find(unit.digest for unit in units)
        missing = {unit.key: unit for unit in units if unit.digest not in found}
        pending: dict[str, Entry] = {}
        begun = time.monotonic()

        def note(unit: _Unit[_J], results: tuple[_R, ...]) -> None:
            text = form.dump_json(results).decode()
            pending[unit.digest] = Entry(unit.digest, kind, unit.key, unit.parts, text)

        def flush() -> None:
            self._journal.record(pending.values())
            found.update((digest, entry.result) for digest, entry in pending.items())
            pending.clear()

        def ended(result: _R) -> None:
            note(missing[result.key], (result,))
            flush()

        fresh = run(
            [job for unit in missing.values() for job in unit.jobs],
            ended if self.facts.pure else None,
        )
        try:
            for unit in units:
                if unit.key in missing:
                    results = tuple(next(fresh) for _ in unit.jobs)
                    if unit.digest not in found:
                        note(unit, results)
                    if time.monotonic() - begun > _TOGETHER_SECONDS:
                        flush()
                        begun = time.monotonic()
                else:
                    results = form.validate_json(found[unit.digest])
                yield from results
        finally:
            flush()


def _deaf(
    run: Callable[[list[_J]], Iterator[_R]],
) -> Callable[[list[_J], Callable[[_R], None] | None], Iterator[_R]]:
    """A run that tells nobody of results before it yields them."""
    return lambda jobs, _: run(jobs)


def _why(parts: Mapping[str, str], before: Sequence[Mapping[str, str]]) -> str:
    """Why there is no result for these parts, from what earlier results were made of."""
    if not before:
        return "not written yet"
    changed = [[n for n in parts if parts[n] != earlier.get(n)] for earlier in before]
    changed.sort(key=len)
    return f"changed: {', '.join(changed[0])}"
