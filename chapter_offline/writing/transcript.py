"""The transcript: every word that was said to the model, and every token that it answered with.

With the model it can be read again token by token, on any machine; without one it still says what a
chapter was made of. What many conversations share stands in it once.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from chapter_offline.engine.around import Around
from chapter_offline.engine.interface import (
    ChoiceJob,
    Chosen,
    Engine,
    Given,
    Message,
    Sampler,
    Scored,
    ScoreJob,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.errors import BadInputError

TRANSCRIPT = "transcript.json"

_WRITTEN = TypeAdapter(Written)
_CHOSEN = TypeAdapter(Chosen)
_SCORED = TypeAdapter(Scored)


@dataclass
class Transcript:
    """Jobs with their results, in the order in which they were asked for.

    The spans of a transcript that was read have no guards: they are code, and not in it.
    """

    wrote: list[tuple[WriteJob, Written]] = field(default_factory=list)
    chose: list[tuple[ChoiceJob, Chosen]] = field(default_factory=list)
    scored: list[tuple[ScoreJob, Scored]] = field(default_factory=list)


class Recorded(Around):
    """An engine whose jobs and results go into a transcript as well."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.transcript = Transcript()

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        ordered = list(jobs)
        for job, result in zip(ordered, self._engine.write(ordered, ended), strict=True):
            self.transcript.wrote.append((job, result))
            yield result

    def choose(self, jobs: Iterable[ChoiceJob]) -> Iterator[Chosen]:
        ordered = list(jobs)
        for job, result in zip(ordered, self._engine.choose(ordered), strict=True):
            self.transcript.chose.append((job, result))
            yield result

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]:
        ordered = list(jobs)
        for job, result in zip(ordered, self._engine.score(ordered), strict=True):
            self.transcript.scored.append((job, result))
            yield result


def transcript_json(transcript: Transcript) -> bytes:
    """A job a line."""
    texts: dict[str, int] = {}

    def said(messages: Sequence[Message]) -> list[list[object]]:
        return [[m.role, texts.setdefault(m.text, len(texts))] for m in messages]

    wrote = [
        {
            "messages": said(job.messages),
            "thinking": job.thinking,
            "steps": [_step(step) for step in job.steps],
            "result": _WRITTEN.dump_python(result, mode="json"),
        }
        for job, result in transcript.wrote
    ]
    chose = [
        {
            "messages": said(job.messages),
            "options": job.options,
            "result": _CHOSEN.dump_python(result, mode="json"),
        }
        for job, result in transcript.chose
    ]
    scored = [
        {
            "messages": said(job.messages),
            "text": job.text,
            "opening": job.opening,
            "result": _SCORED.dump_python(result, mode="json"),
        }
        for job, result in transcript.scored
    ]
    tables: dict[str, list[Any]] = {
        "wrote": wrote,
        "chose": chose,
        "scored": scored,
        "texts": list(texts),
    }
    return (
        "{\n" + ",\n".join(_lines(name, rows) for name, rows in tables.items()) + "\n}\n"
    ).encode()


def _lines(name: str, rows: Iterable[Any]) -> str:
    own = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f"{json.dumps(name)}: [\n{own}\n]"


def _step(step: Given | Span) -> dict[str, object]:
    if isinstance(step, Given):
        return {"given": step.text, "shown": step.shown}
    own = {each.name: getattr(step, each.name) for each in fields(step) if each.name != "guards"}
    return own | {"sampler": vars(step.sampler)}


def read_transcript(data: bytes, where: str) -> Transcript:
    """Raises BadInputError for what is no transcript. where: its file."""
    try:
        tables = json.loads(data)
        texts = tables["texts"]

        def said(row: Mapping[str, Any]) -> tuple[Message, ...]:
            return tuple(Message(role, texts[n]) for role, n in row["messages"])

        read = Transcript()
        for row in tables["wrote"]:
            written = _WRITTEN.validate_python(row["result"])
            steps = tuple(map(_step_of, row["steps"]))
            read.wrote.append((WriteJob(written.key, said(row), steps, row["thinking"]), written))
        for row in tables["chose"]:
            chosen = _CHOSEN.validate_python(row["result"])
            read.chose.append((ChoiceJob(chosen.key, said(row), tuple(row["options"])), chosen))
        for row in tables["scored"]:
            scored = _SCORED.validate_python(row["result"])
            job = ScoreJob(scored.key, said(row), row["text"], row["opening"])
            read.scored.append((job, scored))
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise BadInputError(f"{where}: it is no transcript of a chapter: {first}") from None
    return read


def _step_of(row: Mapping[str, Any]) -> Given | Span:
    if "given" in row:
        return Given(row["given"], row["shown"])
    return Span(**{**row, "sampler": Sampler(**row["sampler"])})
