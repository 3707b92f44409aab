"""The manifest: all that determines a chapter's bytes. The run: what differs from run to run."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chapter_offline import __version__
from chapter_offline.engine.interface import Engine
from chapter_offline.writing.author import Authored

_LIBRARIES = ("llama-cpp-python", "numpy", "jinja2", "mermaidx", "pint")


def digest_of(folder: Path) -> str:
    """One sha256 over all files of a folder: their names and bytes, in order of name."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def manifest(
    authored: Authored,
    engine: Engine,
    *,
    model: Mapping[str, Any],
    prompts: Path,
    outputs: Mapping[str, str],
) -> dict[str, Any]:
    """What is needed to write the same bytes again, and the sha256 of what was written.

    outputs: sha256 by file name. Nothing here differs from run to run on one machine.
    """
    chapter, settings = authored.chapter, engine.settings
    return {
        "program": {"name": "chapter-offline", "version": __version__},
        "system": chapter.plan.brief.name,
        "model": dict(model),
        "engine": {
            "architecture": engine.facts.architecture,
            "pure": "per section" if engine.facts.pure else f"per wave of {engine.facts.slots}",
            "llama.cpp": dict(engine.facts.libraries),
            "gpu_layers": settings.gpu_layers,
            "machine": platform.machine(),
        },
        "libraries": {name: version(name) for name in _LIBRARIES},
        "settings": {
            "voice": chapter.voice,
            "effort": authored.effort,
            "depth": chapter.plan.depth,
            "words": chapter.plan.aim,
            "parts": list(chapter.parts),
            "window": settings.window,
            "seed": settings.seed,
            "turn_opening": settings.turn_opening,
        },
        "prompts": {"sha256": digest_of(prompts)},
        "tokens": {
            "prompt": sum(job.prompt_tokens for job in authored.jobs),
            "output": sum(job.output_tokens for job in authored.jobs),
        },
        "jobs": {
            job.key: {"prompt_tokens": job.prompt_tokens, "output_tokens": job.output_tokens}
            for job in authored.jobs
        },
        "outputs": dict(sorted(outputs.items())),
    }


def run_report(
    authored: Authored,
    engine: Engine,
    *,
    seconds: float,
    peak_bytes: int,
    margins: Mapping[str, float],
) -> dict[str, Any]:
    """Times, threads, counts and scores.

    Under "scores", by job and span, the mean log-probability a token of each sentence accepted.
    """
    written = sum(job.output_tokens for job in authored.jobs)
    rejected: dict[str, int] = {}
    for job in authored.jobs:
        for reason, count in job.rejected.items():
            rejected[reason] = rejected.get(reason, 0) + count
    return {
        "seconds": round(seconds, 1),
        "seconds_of_writing": round(authored.seconds, 1),
        "threads": engine.settings.threads,
        "peak_resident_bytes": peak_bytes,
        "tokens_written": written,
        "tokens_rejected": sum(job.rejected_tokens for job in authored.jobs),
        "tokens_thought": sum(job.thinking_tokens for job in authored.jobs),
        "sentences_rejected": dict(sorted(rejected.items())),
        "statements_scored": authored.scored,
        "left_out": [list(entry) for entry in authored.chapter.pieces.left_out],
        "claims_that_do_not_hold": [list(entry) for entry in authored.chapter.plan.omitted],
        "scores": {
            job.key: {name: [round(s, 3) for s in scores] for name, scores in job.scores.items()}
            for job in authored.jobs
        },
        "choices": {name: round(margin, 3) for name, margin in margins.items()},
    }


def as_json(data: Mapping[str, Any]) -> bytes:
    """Stable JSON for people."""
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()
