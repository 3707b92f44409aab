"""Makes the manifest of a chapter and the report of its run."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from chapter_offline import __version__
from chapter_offline.chapter.notes import Notes
from chapter_offline.chapter.plan import Plan
from chapter_offline.engine.devices import build, processor
from chapter_offline.engine.interface import Engine
from chapter_offline.engine.template import TEMPLATE_DATE
from chapter_offline.writing import digests
from chapter_offline.writing.author import Authored
from chapter_offline.writing.changes import Changes
from chapter_offline.writing.manifest import (
    EngineRecord,
    JobRecord,
    Machine,
    Manifest,
    ModelRecord,
    NotesRecord,
    Origin,
    ProgramRecord,
    PromptsRecord,
    Run,
    SettingsRecord,
    Tokens,
    digest_of_files,
    files_of,
)
from chapter_offline.writing.notes import placing
from chapter_offline.writing.origins import Sentence, counted, sentences
from chapter_offline.writing.voices import missed, quoted

_LIBRARIES = ("llama-cpp-python", "numpy", "jinja2", "markdown-it-py", "mermaidx", "pint", "simpy")


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
        prompts=PromptsRecord(sha256=digest_of_files(files), files=files),
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
