"""What a run keeps in its journal beside what was written, so that it can be gone on with by its folder alone."""

import hashlib
from pathlib import Path

from chapter_offline.chapter.plan import Depth
from chapter_offline.chapter.voice import Voice
from chapter_offline.errors import UsageError
from chapter_offline.knowledge.briefs import same_system
from chapter_offline.knowledge.files import Shape
from chapter_offline.orders import BRIEF, Order, known_model
from chapter_offline.writing.changes import Changes
from chapter_offline.writing.journal import Journal
from chapter_offline.writing.manifest import Origin
from chapter_offline.writing.notes.reading import kept_notes

_ORDER = "order"


class Kept(Shape):
    """An order as the journal keeps it. model: its name. brief_sha256: of the folder's brief.

    notes_sha256: of the notes in the folder; "" where there are none.
    """

    system: str
    model: str
    voice: Voice
    effort: int
    depth: Depth
    words: int | None
    parts: tuple[int, ...]
    window: int
    seed: int
    gpu_layers: int
    origin: Origin
    brief_sha256: str
    notes_sha256: str = ""

    def order(self, folder: Path, model: str | None) -> Order:
        """The same again, into the same folder, with the brief that lies there now.

        Raises UsageError where the model was a file that no pin names, and none is given, and
        BadInputError where the notes are gone or were changed.
        """
        brief = folder / BRIEF
        same = brief.is_file() and (
            hashlib.sha256(brief.read_bytes()).hexdigest() == self.brief_sha256
        )
        from_file = not same or self.origin.kind == "file"
        return Order(
            system=self.system,
            model=known_model(self.model, model),
            voice=self.voice,
            effort=self.effort,
            depth=self.depth,
            words=self.words,
            out=folder,
            window=self.window,
            parts=self.parts,
            seed=self.seed,
            gpu_layers=self.gpu_layers,
            brief=brief if from_file else None,
            notes=kept_notes(folder, self.notes_sha256) if self.notes_sha256 else None,
            origin=self.origin if same else None,
        )


def kept_changes(journal: Journal, system: str) -> Changes:
    """The changes of the run that the journal is of, if that was a chapter on the same system."""
    kept = journal.kept(f"changes {system}")
    return Changes() if kept is None else Changes.model_validate_json(kept)


def keep_changes(journal: Journal, system: str, changes: Changes) -> None:
    """Puts the changes into the journal, for every run that goes on with it."""
    journal.keep(f"changes {system}", changes.model_dump_json())


def keep_order(
    journal: Journal,
    order: Order,
    system: str,
    model: str,
    origin: Origin,
    brief_sha256: str,
    notes_sha256: str = "",
) -> None:
    """Puts the order into the journal, so that it can be given again by the folder alone."""
    kept = Kept(
        system=system,
        model=model,
        voice=order.voice,
        effort=order.effort,
        depth=order.depth,
        words=order.words,
        parts=order.parts,
        window=order.window,
        seed=order.seed,
        gpu_layers=order.gpu_layers,
        origin=origin,
        brief_sha256=brief_sha256,
        notes_sha256=notes_sha256,
    )
    journal.keep(_ORDER, kept.model_dump_json())


def kept_order(journal: Journal) -> Kept | None:
    """The order of the last run that the journal is of; None where none came to its plan."""
    kept = journal.kept(_ORDER)
    return None if kept is None else Kept.model_validate_json(kept)


def check_system(journal: Journal, system: str, out: Path) -> None:
    """Raises UsageError where the folder holds a chapter on another system."""
    kept = kept_order(journal)
    if kept is not None and not same_system(kept.system, system):
        raise UsageError(
            f"--out {out}: the chapter there is on {kept.system!r}; name another folder, or put that "
            "one aside by --fresh"
        )
