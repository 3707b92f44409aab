"""The manifest: all that determines a chapter's bytes. The run: what differs from run to run.

Nothing in either names a person, a host or a place on a disk. Their JSON schemas are made from the
shapes below and travel with the program.
"""

import difflib
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeVar

import psutil
from pydantic import BaseModel, Field

from chapter_offline import __version__
from chapter_offline.chapter.notes import Notes, Placed
from chapter_offline.chapter.origins import Origin as Source
from chapter_offline.chapter.plan import Depth, Plan, make_plan
from chapter_offline.chapter.voice import Voice
from chapter_offline.engine.devices import build, processor
from chapter_offline.engine.interface import Engine
from chapter_offline.engine.template import TEMPLATE_DATE
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.files import Shape, shaped
from chapter_offline.knowledge.labelled import Labelled
from chapter_offline.knowledge.library import Library
from chapter_offline.writing import digests
from chapter_offline.writing.author import Authored
from chapter_offline.writing.changes import Changes
from chapter_offline.writing.fidelity import Judge
from chapter_offline.writing.leaning import Calibration, known_from
from chapter_offline.writing.notes import placing
from chapter_offline.writing.origins import Sentence, counted, sentences
from chapter_offline.writing.voices import missed, quoted

MANIFEST = "manifest.json"
RUN = "run.json"

_LIBRARIES = ("llama-cpp-python", "numpy", "jinja2", "markdown-it-py", "mermaidx", "pint", "simpy")


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
    return _digest(files_of(folder))


def files_of(folder: Path) -> dict[str, str]:
    """sha256 of every file of a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(p for p in folder.rglob("*") if p.is_file())
    }


def _digest(files: Mapping[str, str]) -> str:
    total = hashlib.sha256()
    for name, digest in files.items():
        total.update(name.encode() + b"\0" + bytes.fromhex(digest))
    return total.hexdigest()


def section_digests(plan: Plan, parts: tuple[int, ...]) -> dict[str, str]:
    """A digest of each section's plan, by its id."""
    return {section.id: digests.digest_of(section) for section in plan.sections(parts)}


def manifest(
    authored: Authored,
    plan: Plan,
    engine: Engine,
    *,
    model: Mapping[str, Any],
    prompts: Path,
    outputs: Mapping[str, str],
    origin: Origin,
    changes: Changes,
    notes: Notes | None = None,
) -> Manifest:
    """The manifest of a chapter. plan: before the model said any claim again. outputs: sha256 by file name. notes: as they were read."""
    chapter, settings, facts = authored.chapter, engine.settings, engine.facts
    files = files_of(prompts)
    return Manifest(
        program=ProgramRecord(name="chapter-offline", version=__version__),
        system=chapter.plan.brief.name,
        model=ModelRecord(**model),
        engine=EngineRecord(
            architecture=facts.architecture,
            pure="per section" if facts.pure else f"per wave of {facts.slots}",
            libraries=dict(facts.libraries),
            build=build().text,
            gpu_layers=settings.gpu_layers,
            machine=platform.machine(),
            processor=processor(),
        ),
        libraries={name: version(name) for name in _LIBRARIES},
        settings=SettingsRecord(
            voice=chapter.voice,
            effort=authored.effort,
            depth=chapter.plan.depth,
            words=chapter.plan.aim,
            parts=chapter.parts,
            window=settings.window,
            seed=settings.seed,
            turn_opening=settings.turn_opening,
            template_date=TEMPLATE_DATE.date().isoformat(),
        ),
        thresholds={
            "question": quoted.GOOD_QUESTION,
            "what_if": quoted.GOOD_WHAT_IF,
            "missed": missed.RAISED,
        }
        | ({"note": placing.BAR} if notes else {}),
        judge=authored.judge,
        brief=origin,
        notes=NotesRecord(files=notes.files, placed=chapter.notes) if notes else None,
        prompts=PromptsRecord(sha256=_digest(files), files=files),
        changes=changes,
        tokens=Tokens(
            prompt=sum(job.prompt_tokens for job in authored.jobs),
            output=sum(job.output_tokens for job in authored.jobs),
        ),
        origins=counted(_sentences(authored)),
        sections=section_digests(plan, chapter.parts),
        jobs={
            job.key: JobRecord(prompt_tokens=job.prompt_tokens, output_tokens=job.output_tokens)
            for job in authored.jobs
        },
        outputs=dict(sorted(outputs.items())),
    )


def run_report(
    authored: Authored,
    engine: Engine,
    *,
    seconds: float,
    peak_bytes: int,
    margins: Mapping[str, float],
) -> Run:
    """Times, threads, counts, scores and the machine."""
    rejected: dict[str, int] = {}
    for job in authored.jobs:
        for reason, count in job.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + count
    return Run(
        seconds=round(seconds, 1),
        seconds_of_writing=round(authored.seconds, 1),
        threads=engine.settings.threads,
        machine=Machine(
            processor=processor(),
            cores=os.cpu_count() or 1,
            memory_bytes=psutil.virtual_memory().total,
        ),
        peak_resident_bytes=peak_bytes,
        tokens_written=sum(job.output_tokens for job in authored.jobs),
        tokens_rejected=sum(job.rejected_tokens for job in authored.jobs),
        tokens_thought=sum(job.thinking_tokens for job in authored.jobs),
        sentences_rejected=dict(sorted(rejected.items())),
        statements_scored=authored.scored,
        left_out=(
            *authored.chapter.pieces.left_out,
            *((each.place, "note", each.why) for each in authored.chapter.notes.left_out),
        ),
        claims_that_do_not_hold=authored.chapter.plan.omitted,
        scores={
            job.key: {
                name: tuple(round(score, 3) for score in scores)
                for name, scores in job.scores.items()
            }
            for job in authored.jobs
        },
        choices={name: round(margin, 3) for name, margin in margins.items()},
        claims_tried=authored.chapter.pieces.tried,
        sentences=tuple(_sentences(authored)),
    )


def _sentences(authored: Authored) -> list[Sentence]:
    return list(sentences(authored.chapter, {job.key: job.scores for job in authored.jobs}))


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
