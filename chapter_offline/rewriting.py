"""A chapter in its folder, planned again under other assumptions, and written so if that is wanted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chapter_offline.catalog.pins import load_pins
from chapter_offline.chapter.plan import Plan, figures_for, make_plan
from chapter_offline.chapter.what_if import WhatIf, changed, what_if
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.knowledge.briefs import Brief, load_brief
from chapter_offline.knowledge.library import load_library
from chapter_offline.resources import prompts_dir
from chapter_offline.workflow import Order


@dataclass(frozen=True)
class Asked:
    """A chapter's plan as it is and as it would be. manifest: of the chapter in the folder."""

    manifest: Mapping[str, Any]
    brief: Brief
    before: Plan
    after: Plan
    found: WhatIf

    def order(self, out: Path, model: str | None) -> Order:
        """An order for the chapter as it would be, by the same model and settings.

        Raises UsageError where the chapter's model was a file that no pin names, and none is given.
        """
        settings = self.manifest["settings"]
        name = self.manifest["model"]["name"]
        if model is None and name not in {pin.name for pin in load_pins()}:
            raise UsageError(f"the chapter's model, {name}, has no pin; give its file with --model")
        return Order(
            system=self.brief.name,
            model=model or name,
            voice=settings["voice"],
            depth=settings["depth"] or "standard",
            words=None if settings["depth"] else settings["words"],
            out=out,
            window=settings["window"],
            parts=tuple(settings["parts"]),
            seed=settings["seed"],
            brief=self.brief,
        )


def ask_what_if(folder: Path, changes: Sequence[str]) -> Asked:
    """What the chapter in a folder would be; both sides are planned with the library of today.

    changes: see `chapter.what_if.changed`. Raises UsageError for a folder that has no chapter and
    for a change that can't be made, BadInputError for a damaged brief or manifest.
    """
    manifest = _manifest(folder)
    library = load_library(prompts_dir())
    brief = load_brief(folder / "brief.toml")
    try:
        depth, words = manifest["settings"]["depth"], manifest["settings"]["words"]
        length = ("standard", words) if depth is None else (depth, None)
        other = changed(brief, figures_for(library, brief), library, changes)
        before, after = (make_plan(library, each, *length) for each in (brief, other))
    except (KeyError, TypeError):
        raise BadInputError(f"{folder / 'manifest.json'}: it is no manifest of a chapter") from None
    return Asked(manifest, other, before, after, what_if(before, after))


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    try:
        read = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{folder}: no manifest.json there; name a folder that `chapter-offline write` has made"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path}: can't be read: {error}") from None
    if not isinstance(read, dict):
        raise BadInputError(f"{path}: it is no manifest of a chapter")
    return read
