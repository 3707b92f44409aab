"""Sections that are written otherwise than the order says: other draws, a hint, a person's own text."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from pydantic import Field

from chapter_offline.engine.around import Around
from chapter_offline.engine.interface import Engine, Message, WriteJob, Written
from chapter_offline.knowledge.files import Shape


class Change(Shape):
    """A section written again. seed: of its draws. hint: said to the model besides; "" for none."""

    seed: int
    hint: str = ""


class Changes(Shape):
    """What differs from the order, by section. pinned: Markdown that stands in a section's place."""

    rewritten: dict[str, Change] = Field(default_factory=dict)
    pinned: dict[str, str] = Field(default_factory=dict)

    def of(self, job: WriteJob) -> WriteJob | None:
        """The job as it is to be done again; None where it stays as it is."""
        found = [name for name in self.rewritten if is_of(job.key, name)]
        if not found:
            return None
        change = self.rewritten[max(found, key=len)]
        *before, last = job.messages
        if change.hint:
            last = Message(last.role, f"{last.text}\n\n{change.hint}")
        return replace(job, key=f"{job.key} seed {change.seed}", messages=(*before, last))

    def calls(self, jobs: Sequence[WriteJob], pure: bool) -> list[list[WriteJob]]:
        """The jobs as the engine gets them.

        Where a job's result depends on its company, what is done again is a call of its own, and the
        company of the others stays what it was.
        """
        again = [self.of(job) for job in jobs]
        if pure:
            return [[new or job for job, new in zip(jobs, again, strict=True)]]
        return [list(jobs), [new for new in again if new is not None]]


def is_of(key: str, section: str) -> bool:
    """Whether a job belongs to a section: "p08.clocks.question" to "p08.clocks"."""
    return key == section or key.startswith(section + ".")


class Changed(Around):
    """An engine that does the jobs of some sections otherwise; the results keep the jobs' names."""

    def __init__(self, engine: Engine, changes: Changes) -> None:
        super().__init__(engine)
        self._changes = changes

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        ordered = list(jobs)
        calls = self._changes.calls(ordered, self.facts.pure)
        results, *others = (self._engine.write(call) for call in calls)
        for job in ordered:
            result = next(results)
            if others and self._changes.of(job) is not None:
                result = next(others[0])
            result = replace(result, key=job.key)
            if ended is not None:
                ended(result)
            yield result
