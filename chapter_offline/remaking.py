"""Like a build: what of a chapter is there, what would be made again and why, and making it again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline.catalog.progress import Progress as CatalogProgress
from chapter_offline.chapter.plan import Plan
from chapter_offline.desk import Desk, desk
from chapter_offline.errors import UsageError
from chapter_offline.filing import PAGE, Made
from chapter_offline.keeping import kept_order
from chapter_offline.orders import Order
from chapter_offline.output.sections import own_text
from chapter_offline.outputs import changed_outputs
from chapter_offline.workflow import write
from chapter_offline.writing.changes import Change, Changes, is_of
from chapter_offline.writing.journal import JOURNAL, Journal
from chapter_offline.writing.journaled import Missing
from chapter_offline.writing.manifest import MANIFEST, read_manifest
from chapter_offline.writing.progress import Progress
from chapter_offline.writing.recording import section_digests


@dataclass(frozen=True)
class Status:
    """pieces: of the model, at first. missing: those that would be made again, and why.

    sections: ids of those in the plan. otherwise: of those whose claims, figures or tables are others than on
    the page; all of them, where no page is finished. finished: whether one is. edited: files that aren't
    there as they were written, and why.
    """

    system: str
    pieces: int
    missing: tuple[Missing, ...]
    sections: tuple[str, ...]
    otherwise: tuple[str, ...]
    finished: bool
    edited: tuple[tuple[str, str], ...]
    changes: Changes


def status(
    folder: Path, model: str | None, progress: Progress, watch: CatalogProgress | None = None
) -> Status:
    """What `write` would do in a folder, with the prompts and the brief that are there now.

    Nothing is written. Raises UsageError where there is no run to speak of, and what `write` raises.
    """
    with Journal(_journal(folder), read_only=True) as journal:
        order = _order(journal, folder, model)
        with desk(order, progress, watch, journal) as at:
            pieces, missing = at.pieces()
            now = section_digests(at.plan, order.parts)
            finished = (folder / MANIFEST).is_file()
            made = read_manifest(folder) if finished else None
            before: Mapping[str, str] = made.sections if made else {}
            otherwise = tuple(name for name in now if now[name] != before.get(name))
            return Status(
                at.brief.name,
                pieces,
                tuple(missing),
                tuple(now),
                otherwise,
                finished,
                tuple(changed_outputs(folder, made)) if made else (),
                at.changes,
            )


def _journal(folder: Path) -> Path:
    path = folder / JOURNAL
    if not path.is_file():
        raise UsageError(
            f"{folder}: no {JOURNAL} there; name a folder that `chapter-offline write` has begun"
        )
    return path


def _order(journal: Journal, folder: Path, model: str | None) -> Order:
    kept = kept_order(journal)
    if kept is None:
        raise UsageError(
            f"{folder}: no run has come to its plan there ({journal.count()} answers are kept); "
            "give the command again that began it"
        )
    return kept.order(folder, model)


@dataclass(frozen=True)
class Again:
    """What to do with named sections; with none, what `status` says would be made.

    seed: of their draws; None takes one that they haven't had. pin: they stay as they stand on the page now. undo: they are as the order says again.
    """

    sections: tuple[str, ...]
    seed: int | None = None
    hint: str = ""
    pin: bool = False
    undo: bool = False


def rewrite(
    folder: Path,
    again: Again,
    model: str | None,
    threads: int,
    progress: Progress,
    watch: CatalogProgress | None = None,
) -> Made:
    """Makes named sections again, or pins them, and leaves the rest.

    Raises UsageError for a section that the chapter doesn't have, or in which the model wrote nothing.
    """
    with Journal(_journal(folder), read_only=True) as journal:
        order = replace(_order(journal, folder, model), threads=threads)

    def change(kept: Changes, plan: Plan) -> Changes:
        if again.pin:
            _check_known(again.sections, plan, order.parts)
        others = {n: text for n, text in kept.pinned.items() if n not in again.sections}
        if again.pin:
            return Changes(rewritten=kept.rewritten, pinned=others | _texts(folder, plan, again))
        if again.undo:
            own = {n: each for n, each in kept.rewritten.items() if n not in again.sections}
            return Changes(rewritten=own, pinned=others)
        own = {name: _change(name, again, kept, order.seed) for name in again.sections}
        return Changes(rewritten=kept.rewritten | own, pinned=others)

    look = None if again.pin or again.undo else _looking(again.sections)
    return write(replace(order, change=change), progress, watch, look)


def _change(section: str, again: Again, kept: Changes, seed: int) -> Change:
    """Draws that the section hasn't had, if none are named."""
    last = kept.rewritten.get(section)
    fresh = (seed if last is None else last.seed) + 1
    return Change(seed=fresh if again.seed is None else again.seed, hint=again.hint)


def _texts(folder: Path, plan: Plan, again: Again) -> dict[str, str]:
    """The sections as they stand on the page."""
    try:
        page = (folder / PAGE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{folder / PAGE}: can't be read: {error}") from None
    return {section: own_text(page, plan, section) for section in again.sections}


def _looking(sections: Sequence[str]) -> Callable[[Desk], None]:
    """Looks whether the model writes something in each of these sections."""

    def look(at: Desk) -> None:
        keys = [task.job.key for task in at.author.tasks(at.order.parts)]
        silent = [name for name in sections if not any(is_of(key, name) for key in keys)]
        _check_known(silent, at.plan, at.order.parts)
        if silent:
            raise UsageError(
                f"{silent[0]}: the model writes nothing in this section; change its claims in prompts/ or "
                "in brief.toml, or edit the page and --pin it"
            )

    return look


def _check_known(sections: Sequence[str], plan: Plan, parts: Sequence[int]) -> None:
    """Raises UsageError for a section that the parts don't have."""
    known = {section.id for section in plan.sections(parts)}
    for name in sections:
        if name not in known:
            raise UsageError(f"{name}: the chapter has no such section; `status --all` names them")
