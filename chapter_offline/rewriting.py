"""A chapter in its folder, planned again under other assumptions, and written so if that is wanted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from chapter_offline.catalog.pins import load_pins
from chapter_offline.chapter.document import Voice
from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.plan import Depth, Plan, make_plan
from chapter_offline.chapter.what_if import WhatIf, changed, what_if
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.knowledge.briefs import Brief, load_brief
from chapter_offline.knowledge.files import shaped
from chapter_offline.knowledge.library import load_library
from chapter_offline.resources import prompts_dir
from chapter_offline.workflow import Order


class _Part(BaseModel):
    """A part of a manifest; what else stands there doesn't matter here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Model(_Part):
    name: str


class _Engine(_Part):
    gpu_layers: int


class _Settings(_Part):
    voice: Voice
    depth: Depth | None
    words: int
    parts: tuple[int, ...]
    window: int
    seed: int


class Made(_Part):
    """Of a manifest, what says how the chapter was made."""

    model: _Model
    engine: _Engine
    settings: _Settings


@dataclass(frozen=True)
class Asked:
    """A chapter's plan as it is and as it would be. made: how it was made. brief: as it would be."""

    made: Made
    brief: Brief
    before: Plan
    after: Plan
    found: WhatIf

    def order(self, out: Path, model: str | None) -> Order:
        """An order for the chapter as it would be, by the same model and settings.

        Raises UsageError where the chapter's model was a file that no pin names, and none is given.
        """
        settings, name = self.made.settings, self.made.model.name
        if model is None and name not in {pin.name for pin in load_pins()}:
            raise UsageError(f"the chapter's model, {name}, has no pin; give its file with --model")
        return Order(
            system=self.brief.name,
            model=model or name,
            voice=settings.voice,
            depth=settings.depth or "standard",
            words=None if settings.depth else settings.words,
            out=out,
            window=settings.window,
            parts=settings.parts,
            seed=settings.seed,
            gpu_layers=self.made.engine.gpu_layers,
            brief=self.brief,
        )


def ask_what_if(folder: Path, changes: Sequence[str]) -> Asked:
    """What the chapter in a folder would be; both sides are planned with the library of today.

    changes: see `chapter.what_if.changed`. Raises UsageError for a folder that has no chapter and
    for a change that can't be made, BadInputError for a damaged brief or manifest.
    """
    made = made_by(read_manifest(folder), folder)
    library = load_library(prompts_dir())
    brief = load_brief(folder / "brief.toml")
    depth, words = made.settings.depth, made.settings.words
    other = changed(brief, figures_for(library, brief), library, changes)
    before, after = (
        make_plan(library, each, depth or "standard", None if depth else words)
        for each in (brief, other)
    )
    return Asked(made, other, before, after, what_if(before, after))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder, as it is. Raises UsageError where there is none, BadInputError for a damaged one."""
    path = folder / "manifest.json"
    try:
        read = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{path.parent}: no manifest.json there; name a folder that `chapter-offline write` has made"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path}: can't be read: {error}") from None
    if not isinstance(read, dict):
        raise BadInputError(f"{path}: it is no manifest of a chapter")
    return read


def made_by(facts: Mapping[str, Any], folder: Path) -> Made:
    """How a chapter was made, by its manifest. Raises BadInputError where that doesn't say so."""
    path = folder / "manifest.json"
    return shaped(Made, facts, f"{path}: it is no manifest of a chapter")
