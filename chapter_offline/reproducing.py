"""Makes a chapter again from its manifest, in another place, and compares byte by byte."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline.catalog.progress import Progress as CatalogProgress
from chapter_offline.circumstances import differing
from chapter_offline.desk import Desk
from chapter_offline.filing import PAGE
from chapter_offline.orders import BRIEF, order_of
from chapter_offline.output.sections import first_difference
from chapter_offline.outputs import check_outputs
from chapter_offline.rendering import render, rendered_kinds
from chapter_offline.workflow import write
from chapter_offline.writing.manifest import MANIFEST, read_manifest
from chapter_offline.writing.notes.reading import kept_notes
from chapter_offline.writing.progress import Progress


@dataclass(frozen=True)
class Reproduced:
    """files: compared. different: those that differ. section: where the page first differs, or "".

    circumstances: what differs from those recorded.
    """

    files: int
    different: tuple[str, ...]
    section: str
    circumstances: tuple[str, ...]


def reproduce(
    folder: Path,
    model: str | None,
    threads: int,
    progress: Progress,
    watch: CatalogProgress | None = None,
) -> Reproduced:
    """Makes the chapter in a folder again. model: its file, where no pin has its name.

    Raises NotTheSameError where a file was changed since it was written, and what `write` raises.
    """
    made = read_manifest(folder)
    check_outputs(folder, made)
    found: list[tuple[str, ...]] = []

    def look(at: Desk) -> None:
        found.append(differing(made, at.engine, at.model))

    with tempfile.TemporaryDirectory(prefix="chapter-offline-") as place:
        again = Path(place) / "again"
        order = replace(
            order_of(made, model),
            out=again,
            threads=threads,
            brief=None if made.brief.kind == "model" else folder / BRIEF,
            notes=kept_notes(folder) if made.notes else None,
            change=lambda _kept, _plan: made.changes,
            origin=made.brief,
        )
        write(order, progress, watch, look)
        if later := [
            kind for kind in rendered_kinds(made) if not (again / f"chapter.{kind}").exists()
        ]:
            render(again, later)
        names = [*made.outputs, MANIFEST]
        different = tuple(name for name in names if not _same(folder / name, again / name))
        section = ""
        if PAGE in different:
            pages = ((each / PAGE).read_text(encoding="utf-8") for each in (folder, again))
            section = first_difference(*pages)
    return Reproduced(len(names), different, section, found[0])


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
