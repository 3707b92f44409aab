"""One chapter from end to end: a model, a brief, a plan, the writing, the files.

Stands between the command line, which only parses and shows, and the rooms.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline.catalog.progress import Progress as CatalogProgress
from chapter_offline.chapter.plan import Plan
from chapter_offline.desk import Desk, House, check_brief_of, chosen, desk
from chapter_offline.filing import Made, file_chapter, incomplete, peak_bytes, put
from chapter_offline.keeping import check_system, keep_changes, keep_order
from chapter_offline.knowledge.briefs import brief_toml
from chapter_offline.knowledge.library import load_library, slug
from chapter_offline.opening import opened
from chapter_offline.orders import BRIEF, Order, checked_name, parse_parts
from chapter_offline.output import folder
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.author import Load
from chapter_offline.writing.decide import remarks_on
from chapter_offline.writing.journal import JOURNAL, Journal
from chapter_offline.writing.notes.reading import NOTES, notes_json, read_notes
from chapter_offline.writing.progress import Progress

__all__ = [
    "Made",
    "Order",
    "Planned",
    "checked_name",
    "dry_run",
    "incomplete",
    "new_brief",
    "parse_parts",
    "write",
]


@dataclass(frozen=True)
class Planned:
    """A plan before a token is written. model: its name. memory: resident bytes so far. notes: statements
    of a person's documents.
    """

    plan: Plan
    load: Load
    model: str
    window: int
    memory: int
    notes: int = 0


def new_brief(order: Order, progress: Progress) -> bytes:
    """A brief to be filled in, as TOML with the model's choices and how sure it was of them."""
    library = load_library(prompts_dir())
    with opened(order) as (model, engine):
        brief, _, decided = chosen(engine, engine, model, library, order, progress)
    return brief_toml(brief, remarks_on(decided))


def dry_run(order: Order, progress: Progress) -> Planned:
    """The plan, fitted to the window; nothing is written. Raises what `write` would."""
    with desk(order, progress) as at:
        load = at.author.load(order.parts)
        count = len(at.notes.statements) if at.notes else 0
        return Planned(at.plan, load, at.model.name, order.window, peak_bytes(), count)


def write(
    order: Order,
    progress: Progress,
    watch: CatalogProgress | None = None,
    look: Callable[[Desk], None] | None = None,
    house: House | None = None,
) -> Made:
    """Writes a chapter into its folder, or goes on with it. Every error is a ChapterOfflineError.

    look: shown what is at hand before a word is written; what it raises ends the run. house: what
    it shares with other chapters.
    """
    started = time.monotonic()
    out = order.out or Path("chapters") / slug(checked_name(order.system))
    if isinstance(order.notes, Path):
        order = replace(order, notes=read_notes(order.notes))
    if order.fresh:
        check_brief_of(order, house)
    folder.prepare(out)
    with folder.held(out):
        if order.fresh and (aside := folder.set_aside(out)):
            progress.stage(f"starting anew; what was there is in {aside}", 0)
        with (
            Journal(out / JOURNAL) as journal,
            desk(replace(order, out=out), progress, watch, journal, house) as at,
        ):
            if look is not None:
                look(at)
            check_system(journal, at.brief.name, out)
            keep_changes(journal, at.brief.name, at.changes)
            digest = put(out, BRIEF, at.brief_file, journal, progress)
            notes = notes_json(at.notes) if at.notes else b""
            noted = put(out, NOTES, notes, journal, progress) if notes else ""
            keep_order(journal, order, at.brief.name, at.model.name, at.origin, digest, noted)
            pieces, missing = at.pieces()
            if len(missing) < pieces:
                progress.stage(
                    f"going on in {out}: {pieces - len(missing)} of {pieces} pieces are there already",
                    0,
                )
            authored = at.author.write(order.parts, progress)
            return file_chapter(at, journal, authored, started, progress)
