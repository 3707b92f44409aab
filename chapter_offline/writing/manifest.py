"""The manifest: all that determines a chapter's bytes. The run: what differs from run to run.

Their shapes and how they are read; `recording` makes them. Nothing in either names a person, a host or
a place on a disk. Their JSON schemas are made from these shapes and travel with the program.
"""

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field

from chapter_offline.chapter.notes import Placed
from chapter_offline.chapter.origins import Origin as Source
from chapter_offline.chapter.plan import Depth, Plan, make_plan
from chapter_offline.chapter.voice import Voice
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.files import Shape, shaped
from chapter_offline.knowledge.labelled import Labelled
from chapter_offline.knowledge.library import Library
from chapter_offline.writing.changes import Changes
from chapter_offline.writing.fidelity import Judge
from chapter_offline.writing.leaning import Calibration, known_from
from chapter_offline.writing.origins import Sentence

MANIFEST = "manifest.json"
RUN = "run.json"


class Fit(Shape):
    """How a model's answers about traits were weighed. traits: mean and spread of each one's.

    What labels alone say (how rare traits are, which go together) is a matter of the prompts.
    """

    bar: float
    weights: tuple[float, ...]
    traits: dict[str, tuple[float, float]]

    @classmethod
    def of(cls, fitted: Calibration) -> "Fit":
        columns = zip(fitted.mean, fitted.spread, strict=True)
        traits = dict(zip(fitted.known.traits, columns, strict=True))
        return cls(bar=fitted.bar, weights=fitted.weights, traits=traits)

    def calibration(self, labelled: Labelled) -> Calibration:
        """The same with the labels of today."""
        mean, spread = (tuple(row[n] for row in self.traits.values()) for n in range(2))
        known = known_from(labelled.all.values(), self.traits)
        return Calibration(known, mean, spread, self.weights, self.bar)


class Origin(Shape):
    """Where the brief came from. affirmed: traits that a person has affirmed. fit: where a model chose."""

    kind: Literal["library", "file", "model"]
    affirmed: tuple[str, ...] = ()
    fit: Fit | None = None


class ProgramRecord(Shape):
    name: str
    version: str


class ModelRecord(Shape):
    """repo, file, commit: where its pin says that it comes from."""

    name: str
    sha256: str
    bytes: int
    repo: str | None = None
    file: str | None = None
    commit: str | None = None


class EngineRecord(Shape):
    """What the model was run by. libraries: sha256 by file. build: its features."""

    architecture: str
    pure: str
    libraries: dict[str, str] = Field(validation_alias="llama.cpp", serialization_alias="llama.cpp")
    build: str
    gpu_layers: int
    machine: str
    processor: str


class SettingsRecord(Shape):
    """What was asked for. effort: candidates a claim, in the voices that say claims again. template_date: what a chat template is told that asks for today's."""

    voice: Voice
    effort: int = 3
    depth: Depth | None = None
    words: int
    parts: tuple[int, ...]
    window: int
    seed: int
    turn_opening: str
    template_date: str

    def planned(self, library: Library, brief: Brief) -> Plan:
        """The chapter's plan again, of this brief by this library. Raises BadInputError."""
        depth = self.depth or "standard"
        return make_plan(library, brief, depth, None if self.depth else self.words)


class PromptsRecord(Shape):
    """sha256 of all, and of each file."""

    sha256: str
    files: dict[str, str]


class NotesRecord(Shape):
    """A person's documents. files: sha256 by name. placed: what of them stands where, and what does not and why."""

    files: dict[str, str]
    placed: Placed


class Tokens(Shape):
    prompt: int
    output: int


class JobRecord(Shape):
    prompt_tokens: int
    output_tokens: int


class Manifest(Shape):
    """`manifest.json`: what is needed to write the same bytes again, and what was written.

    thresholds: nats a token. notes: where the order had any. judge: who judged what the model says of claims, if it does. sections: a digest of each section's plan: claims, figures, tables.
    origins: sentences by part and origin. outputs: sha256 by file name. Nothing here differs from run to run on one machine.
    """

    format: Literal[1] = 1
    program: ProgramRecord
    system: str
    model: ModelRecord
    engine: EngineRecord
    libraries: dict[str, str]
    settings: SettingsRecord
    thresholds: dict[str, float]
    judge: Judge | None = None
    brief: Origin
    notes: NotesRecord | None = None
    prompts: PromptsRecord
    changes: Changes
    tokens: Tokens
    origins: dict[str, dict[Source, int]]
    sections: dict[str, str]
    jobs: dict[str, JobRecord]
    outputs: dict[str, str]

    @property
    def placed(self) -> Placed:
        """What of a person's documents stands where."""
        return self.notes.placed if self.notes else Placed()

    def as_dict(self) -> dict[str, Any]:
        """The same as its file has it."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Machine(Shape):
    processor: str
    cores: int
    memory_bytes: int


class Run(Shape):
    """`run.json`. scores: by job and span, the mean log-probability a token of each sentence.

    seconds, threads, peak_resident_bytes: of this run alone; jobs that an earlier run did are among
    the counts. choices: how clear each was. sentences: where each comes from.
    """

    seconds: float
    seconds_of_writing: float
    threads: int
    machine: Machine
    peak_resident_bytes: int
    tokens_written: int
    tokens_rejected: int
    tokens_thought: int
    sentences_rejected: dict[str, int]
    statements_scored: int
    left_out: tuple[tuple[str, str, str], ...]
    claims_that_do_not_hold: tuple[tuple[str, str], ...]
    scores: dict[str, dict[str, tuple[float, ...]]]
    choices: dict[str, float]
    claims_tried: int
    sentences: tuple[Sentence, ...]


SCHEMAS: Mapping[str, type[BaseModel]] = {MANIFEST: Manifest, RUN: Run}
"""By the file that each is of; the program brings `NAME.schema.json` of it."""


def schema_json(name: str) -> bytes:
    """The JSON schema of a file."""
    return as_json(SCHEMAS[name].model_json_schema())


def digest_of(folder: Path) -> str:
    """One sha256 over all files of a folder: their names and bytes, in order of name."""
    return digest_of_files(files_of(folder))


def files_of(folder: Path) -> dict[str, str]:
    """sha256 of every file of a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(p for p in folder.rglob("*") if p.is_file())
    }


def digest_of_files(files: Mapping[str, str]) -> str:
    """One sha256 over files: their names, in their order, and their sha256."""
    total = hashlib.sha256()
    for name, digest in files.items():
        total.update(name.encode() + b"\0" + bytes.fromhex(digest))
    return total.hexdigest()


def shape_json(made: BaseModel) -> bytes:
    """A manifest or a run as its file."""
    return as_json(made.model_dump(mode="json", by_alias=True, exclude_none=True))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the chapter in a folder.

    Raises UsageError where there is none, BadInputError for one that is damaged or of another version.
    """
    return _read(Manifest, folder, MANIFEST, "manifest")


def read_run(folder: Path) -> Run:
    """What the last run of the chapter in a folder took; raises as `read_manifest` does."""
    return _read(Run, folder, RUN, "report of a run")


M = TypeVar("M", bound=BaseModel)


def _read(shape: type[M], folder: Path, name: str, what: str) -> M:
    path = folder / name
    try:
        read = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{folder}: no {name} there; name a folder in which `chapter-offline write` has finished"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path}: can't be read: {error}") from None
    return shaped(shape, read, f"{path}: it is no {what} of this version")


def named_sentences(found: Sequence[Sentence], name: str, folder: Path) -> list[Sentence]:
    """The sentences of a section, a component or a part. Raises UsageError, with the nearest names."""
    chosen = [s for s in found if s.section == name or s.section.startswith(f"{name}.")]
    if not chosen:
        near = difflib.get_close_matches(name, dict.fromkeys(s.section for s in found), 3, 0.4)
        raise UsageError(
            f"{folder}: no section {name!r}" + (f"; near are {', '.join(near)}" if near else "")
        )
    return chosen


def as_json(data: Mapping[str, Any]) -> bytes:
    """Stable JSON for people."""
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()
