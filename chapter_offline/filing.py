"""The files of a chapter: put into its folder one by one, each whole, the manifest after all it names."""

import hashlib
import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chapter_offline.catalog.choose import ResolvedModel
from chapter_offline.desk import Desk
from chapter_offline.errors import IncompleteError
from chapter_offline.orders import BRIEF
from chapter_offline.output import folder
from chapter_offline.output.html.page import chapter_html
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.output.svg import render_diagrams
from chapter_offline.resources import cache_dir
from chapter_offline.review.chapter import Checker, Report
from chapter_offline.review.findings import Finding
from chapter_offline.review.source import Known, Source
from chapter_offline.signing import put_manifest
from chapter_offline.writing.author import Authored
from chapter_offline.writing.journal import Journal
from chapter_offline.writing.manifest import MANIFEST, RUN, shape_json
from chapter_offline.writing.notes.reading import NOTES, notes_json
from chapter_offline.writing.progress import Progress
from chapter_offline.writing.recording import manifest, run_report
from chapter_offline.writing.transcript import TRANSCRIPT, transcript_json

PAGE, HTML = "chapter.md", "chapter.html"


@dataclass(frozen=True)
class Made:
    """A chapter on disk. words: of the whole page, as its report counts them. planned: of the parts asked for, as planned.

    report: what `chapter-offline check` says of it.
    """

    folder: Path
    page: Path
    words: int
    planned: int
    report: Report
    authored: Authored
    seconds: float
    peak_bytes: int

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.report.findings


def put(out: Path, name: str, data: bytes, journal: Journal, progress: Progress) -> str:
    """Writes a file of a chapter; returns its sha256. One that a person has edited is kept aside."""
    path, digest = out / name, hashlib.sha256(data).hexdigest()
    ours = (journal.kept(f"file {name}") or "").split()
    if path.is_file() and not _is(path, data):
        own = hashlib.sha256(path.read_bytes()).hexdigest()
        if own not in {_named_before(out).get(name), *ours}:
            aside = folder.unused(out, f"{path.stem}.edited-{{}}{path.suffix}")
            folder.write_whole(aside, path.read_bytes())
            progress.stage(f"{path} was edited since it was written; it is kept as {aside.name}", 0)
    # Before the file, and with the one before, so that what a killed run leaves is known for its own.
    journal.keep(f"file {name}", " ".join([*ours[-1:], digest]))
    return folder.write_whole(path, data)


def file_chapter(
    at: Desk, journal: Journal, authored: Authored, started: float, progress: Progress
) -> Made:
    """Writes the chapter's files, and checks the page as it was written.

    started: of the run, by the monotonic clock.
    """
    out = at.order.out
    assert out is not None
    pinned, notes = at.changes.pinned, authored.chapter.notes
    chapter = replace(
        authored.chapter, pinned=pinned, notes=notes.beside(pinned) if pinned else notes
    )
    authored = replace(authored, chapter=chapter)
    drawn = render_diagrams(at.plan, chapter.parts, cache_dir() / "diagrams")
    files = {f"diagrams/{section}.svg": svg.encode() for section, svg in drawn.items()}
    page = chapter_markdown(chapter)
    files[PAGE] = page.encode()
    files[BRIEF] = at.brief_file
    if at.notes is not None:
        files[NOTES] = notes_json(at.notes)
    files[TRANSCRIPT] = transcript_json(at.engine.transcript)
    before = _named_before(out)
    outputs = {name: put(out, name, data, journal, progress) for name, data in files.items()}
    facts = manifest(
        authored,
        at.plan,
        at.engine,
        model=_model_facts(at.model),
        prompts=at.library.prompts,
        outputs=outputs,
        origin=at.origin,
        changes=at.changes,
        notes=at.notes,
    )
    html = chapter_html(chapter, at.library, facts.as_dict(), drawn).encode()
    outputs[HTML] = put(out, HTML, html, journal, progress)
    facts = facts.model_copy(update={"outputs": dict(sorted(outputs.items()))})
    put_manifest(out, facts)
    for name in sorted(before.keys() - outputs.keys()):
        if folder.remove_own(out, name, before[name]):
            progress.stage(f"{out / name} was of the chapter before; it is removed", 0)
    seconds, peak = time.monotonic() - started, peak_bytes()
    report = run_report(authored, at.engine, seconds=seconds, peak_bytes=peak, margins=at.margins)
    folder.write_whole(out / RUN, shape_json(report))
    known = Known(at.plan, chapter.parts, chapter.voice, chapter.notes)
    drawn_texts = frozenset(s.diagram.strip() for s in at.plan.sections(chapter.parts) if s.diagram)
    checked = Checker(at.library.prompts).check(Source(out / PAGE, page, known, ()), drawn_texts)
    planned = sum(part.words for part in at.plan.parts if part.number in chapter.parts)
    return Made(out, out / PAGE, checked.words, planned, checked, authored, seconds, peak)


def _named_before(out: Path) -> Mapping[str, str]:
    """The files that an earlier run has written there, with their sha256, as its manifest says."""
    try:
        outputs = json.loads((out / MANIFEST).read_bytes())["outputs"]
        return {str(name): str(digest) for name, digest in outputs.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _is(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _model_facts(model: ResolvedModel) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": model.name,
        "sha256": model.sha256,
        "bytes": model.header.file_bytes,
    }
    if model.pin:
        facts |= {"repo": model.pin.repo, "file": model.pin.file, "commit": model.pin.commit}
    return facts


def peak_bytes() -> int:
    """Peak resident memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def incomplete(made: Made) -> IncompleteError:
    """The findings of a made chapter as one error."""
    first = made.findings[0]
    at = f"{made.page}:{first.line}" if first.line else str(made.page)
    more = f", and {len(made.findings) - 1} more" if len(made.findings) > 1 else ""
    return IncompleteError(
        f"{at}: {first.where}: {first.what}{more}; `chapter-offline check {made.folder}` shows all"
    )
