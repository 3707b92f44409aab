"""Chapters in one batch beside the same chapters one after another, as a person would run both.

Each way is the program itself, in processes of its own, with an empty cache to begin with; the first
systems of the library, whole or some parts. What is written is compared, byte by byte.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmark.compare import BenchError
from chapter_offline.knowledge.library import load_library, slug
from chapter_offline.resources import prompts_dir

PAGE = "chapter.md"


@dataclass(frozen=True)
class Chapters:
    """What is written. count: chapters. threads: 0 for the cores. options: of `write`."""

    count: int
    model: str
    window: int
    threads: int
    options: tuple[str, ...]

    @property
    def systems(self) -> list[str]:
        return [brief.name for brief in load_library(prompts_dir()).briefs][: self.count]

    def command(self, *words: str, out: Path) -> list[str]:
        own = ("--model", self.model, "--window", str(self.window), "--threads", str(self.threads))
        program = (sys.executable, "-m", "chapter_offline.cli")
        return [*program, *words, "--out", str(out), "--quiet", *own, *self.options]


def compare_batch(
    chapters: Chapters, *, name: str, rounds: int, under: Sequence[str], report: Path | None
) -> dict[str, Any]:
    """Measures, prints the ratios and writes the report; returns what is in it."""
    if not 2 <= chapters.count <= len(load_library(prompts_dir()).briefs):
        raise BenchError(
            f"--batch {chapters.count}: take 2 chapters or more, as many as the library has"
        )
    measured: list[dict[str, float]] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            seconds = {}
            # Every other round runs backwards, so that no way always follows the same one.
            for way in (_alone, _together)[:: 1 if number % 2 == 0 else -1]:
                key = way.__name__.strip("_")
                begun = time.perf_counter()
                way(chapters, Path(folder) / key, under)
                seconds[key] = time.perf_counter() - begun
                print(f"round {number + 1}: {key}: {seconds[key]:.1f} s", file=sys.stderr)
            _check_same(chapters, Path(folder))
        measured.append(seconds)
    ratios = [each["alone"] / each["together"] for each in measured]
    result = {
        "model": name,
        "chapters": chapters.systems,
        "options": chapters.options,
        "threads": chapters.threads,
        "rounds": measured,
        "ratio": {"min": min(ratios), "median": median(ratios), "max": max(ratios)},
    }
    if report is not None:
        report.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"{name}, {chapters.count} chapters, {rounds} rounds; the same bytes in both ways")
    print(
        f"one after another to one batch: {median(ratios):.2f} x ({min(ratios):.2f} to {max(ratios):.2f})"
    )
    return result


def _alone(chapters: Chapters, out: Path, under: Sequence[str]) -> None:
    for system in chapters.systems:
        _run(chapters.command("write", system, out=out / slug(system)), out, under)


def _together(chapters: Chapters, out: Path, under: Sequence[str]) -> None:
    listed = out.with_suffix(".txt")
    listed.write_text("\n".join(chapters.systems), encoding="utf-8")
    _run(chapters.command("batch", str(listed), out=out), out, under)


def _run(command: Sequence[str], out: Path, under: Sequence[str]) -> None:
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    own = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "XDG_CACHE_HOME": str(out.with_suffix(".cache")),
    }
    done = subprocess.run(
        [*under, *command], capture_output=True, text=True, env=os.environ | own, check=False
    )
    if done.returncode not in (0, 1):  # a chapter with a thin section is a chapter too
        said = done.stderr.strip().splitlines() or ["nothing said"]
        raise BenchError(f"{command[3]} ended with exit code {done.returncode}: {said[-1]}")


def _check_same(chapters: Chapters, folder: Path) -> None:
    for system in chapters.systems:
        one, other = (folder / way / slug(system) / PAGE for way in ("alone", "together"))
        if one.read_bytes() != other.read_bytes():
            raise BenchError(f"{system}: in the batch it has other bytes than alone")
