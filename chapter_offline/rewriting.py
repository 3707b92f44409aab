"""A chapter in its folder, planned again under other assumptions, and written so if that is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.notes import Notes
from chapter_offline.chapter.plan import Plan
from chapter_offline.chapter.what_if import WhatIf, changed, what_if
from chapter_offline.knowledge.briefs import Brief, load_brief
from chapter_offline.knowledge.library import load_library
from chapter_offline.orders import Order, order_of
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.manifest import Manifest, read_manifest
from chapter_offline.writing.notes.reading import kept_notes


@dataclass(frozen=True)
class Asked:
    """A chapter's plan as it is and as it would be. made: how it was made. brief: as it would be. notes: what it
    may quote.
    """

    made: Manifest
    brief: Brief
    before: Plan
    after: Plan
    found: WhatIf
    notes: Notes | None = None

    def order(self, out: Path, model: str | None) -> Order:
        """An order for the chapter as it would be, by the same model and settings.

        Raises UsageError where the chapter's model was a file that no pin names, and none is given.
        """
        order = order_of(self.made, model)
        return replace(order, system=self.brief.name, out=out, brief=self.brief, notes=self.notes)


def ask_what_if(folder: Path, changes: Sequence[str]) -> Asked:
    """What the chapter in a folder would be; both sides are planned with the library of today.

    changes: see `chapter.what_if.changed`. Raises UsageError for a folder that has no chapter and
    for a change that can't be made, BadInputError for a damaged brief or manifest.
    """
    made = read_manifest(folder)
    library = load_library(prompts_dir())
    brief = load_brief(folder / "brief.toml")
    other = changed(brief, figures_for(library, brief), library, changes)
    before, after = (made.settings.planned(library, each) for each in (brief, other))
    notes = kept_notes(folder) if made.notes else None
    return Asked(made, other, before, after, what_if(before, after, made.settings.parts), notes)
