"""A finished chapter in its folder, read back, and the other files that are made of it. Needs no model."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.chapter.document import Chapter, Said
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import Plan
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import load_brief
from chapter_offline.knowledge.library import Library, load_library
from chapter_offline.output import folder as folders
from chapter_offline.output.epub.book import chapter_epub
from chapter_offline.output.html.page import chapter_html
from chapter_offline.output.pieces import chapter_of
from chapter_offline.output.svg import render_diagrams
from chapter_offline.resources import cache_dir, prompts_dir
from chapter_offline.signing import put_manifest
from chapter_offline.writing.manifest import Manifest, digest_of, read_manifest, read_run


@dataclass(frozen=True)
class Finished:
    """A chapter as its folder has it. made: its manifest."""

    folder: Path
    chapter: Chapter
    made: Manifest
    library: Library


def open_finished(folder: Path, library: Library | None = None) -> Finished:
    """The chapter in a folder. It is planned again and must come to the same page, byte by byte.

    Raises UsageError for a folder that has no chapter, BadInputError for a damaged one, for a page
    that was edited, and for one that other prompts have made.
    """
    made = read_manifest(folder)
    library = library or load_library(prompts_dir())
    settings = made.settings
    brief = load_brief(folder / "brief.toml")
    plan = settings.planned(library, brief)
    path = folder / "chapter.md"
    try:
        page = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: can't be read: {error}") from None
    said, tried = _said(folder, made, plan)
    chapter, other = chapter_of(
        page,
        plan,
        settings.voice,
        made.model.name,
        settings.parts,
        said,
        tried,
        made.changes.pinned,
        made.placed,
    )
    if other:
        raise BadInputError(f"{path}: {_why_other(made, library)}: {other[:80]!r}")
    return Finished(folder, chapter, made, library)


def _said(folder: Path, made: Manifest, plan: Plan) -> tuple[dict[str, Said], int]:
    """The claims in the model's words, as the report of the run has them, and how many were tried."""
    if made.judge is None:
        return {}, 0
    run = read_run(folder)
    claims = {f"{s.id}.{each.id}": each.text for s in plan.sections() for each in s.statements}
    texts: dict[str, list[str]] = {}
    chances: dict[str, float] = {}
    for sentence in run.sentences:
        if sentence.chance is not None:
            key = f"{sentence.section}.{sentence.claim}"
            texts.setdefault(key, []).append(sentence.text)
            chances[key] = sentence.chance
    said = {
        key: Said(plain(claims.get(key, "")), " ".join(each), chances[key])
        for key, each in texts.items()
    }
    return said, run.claims_tried


def _why_other(made: Manifest, library: Library) -> str:
    same = made.prompts.sha256 == digest_of(library.prompts)
    if same:
        return (
            "it or its brief was edited, or another version of this program wrote it; first differs"
        )
    return "it was written with other prompts than this program has; write it again. First differs"


KINDS = ("html", "epub")


def rendered_kinds(made: Manifest) -> tuple[str, ...]:
    """The kinds of files that were made of a chapter, as its manifest names them."""
    return tuple(kind for kind in KINDS if f"chapter.{kind}" in made.outputs)


def render(folder: Path, kinds: Iterable[str]) -> list[Path]:
    """Makes the files of these kinds ("html", "epub") beside the page, and notes their digests.

    A signature over the manifest is then none over this one, and is removed. Raises what `open_finished` does, and InUseError.
    """
    read_manifest(folder)  # a folder that isn't ours gets no lock
    with folders.held(folder):
        finished = open_finished(folder)
        outputs = dict(finished.made.outputs)
        made = []
        for kind in kinds:
            path = folder / f"chapter.{kind}"
            outputs[path.name] = folders.write_whole(path, made_as(finished, kind))
            made.append(path)
        noted = finished.made.model_copy(update={"outputs": dict(sorted(outputs.items()))})
        put_manifest(folder, noted)
        return made


def made_as(finished: Finished, kind: str) -> bytes:
    """A finished chapter's bytes in one kind."""
    chapter = finished.chapter
    drawings = render_diagrams(chapter.plan, chapter.parts, cache_dir() / "diagrams")
    if kind == "epub":
        return chapter_epub(chapter, finished.made.as_dict(), drawings)
    return chapter_html(chapter, finished.library, finished.made.as_dict(), drawings).encode()
