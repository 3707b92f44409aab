"""Reads a chapter from anywhere: one of our folders with its plan, or any file of Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from chapter_offline.chapter.notes import Placed
from chapter_offline.chapter.plan import Plan
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.knowledge.briefs import load_brief
from chapter_offline.knowledge.library import load_library
from chapter_offline.output.quoting import is_quotation
from chapter_offline.review.page import Block, Section
from chapter_offline.writing.manifest import digest_of, read_manifest

MOST_BYTES = 8_000_000
"""A chapter of ours has some 300,000 bytes; a thousand pages have 3 million."""
_PAGE, _MANIFEST, _BRIEF = "chapter.md", "manifest.json", "brief.toml"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_TEXTUAL = {"\t", "\n", "\r", "\f"}


@dataclass(frozen=True)
class Known:
    """What a folder of ours says of its page. voice: in which it was written. notes: what it quotes of a
    person's documents.
    """

    plan: Plan
    parts: tuple[int, ...]
    voice: str
    notes: Placed = field(default_factory=Placed)

    def judged(self, sections: Sequence[Section]) -> list[Section]:
        """The sections without what is quoted in them: it is not checked, and covers nothing."""

        def own(block: Block) -> bool:
            return not (block.quoted and is_quotation(block.label, block.text, self.notes))

        return [replace(each, blocks=list(filter(own, each.blocks))) for each in sections]

    @property
    def unjudged(self) -> tuple[str, ...]:
        """What a reader of a report should know of that, in a line or none."""
        count = sum(map(len, self.notes.sections.values()))
        what = "1 quotation" if count == 1 else f"{count} quotations"
        return (f"{what} from notes, which cover nothing either",) if count else ()


@dataclass(frozen=True)
class Source:
    """A page, and what is known of it. notes: what a reader of the result should know."""

    path: Path
    text: str
    known: Known | None
    notes: tuple[str, ...]


def read_source(path: Path, prompts: Path) -> Source:
    """A folder of ours, its page, or any other file.

    Raises UsageError for what is not there, BadInputError for what can't be read as text.
    """
    if path.is_dir():
        path = path / _PAGE
    if not path.exists():
        raise UsageError(
            f"{path}: there is no such file; name a chapter's folder or a Markdown file"
        )
    text, notes = _decoded(path)
    folder = path.parent
    ours = path.name == _PAGE and (folder / _MANIFEST).is_file() and (folder / _BRIEF).is_file()
    if not ours:
        return Source(path, text, None, notes)
    manifest = read_manifest(folder)
    settings = manifest.settings
    library = load_library(prompts)
    plan = settings.planned(library, load_brief(folder / _BRIEF))
    if manifest.prompts.sha256 != digest_of(prompts):
        notes += (
            "written with other prompts than these: what its plan wants, and its figures, are those of today's library",
        )
    return Source(path, text, Known(plan, settings.parts, settings.voice, manifest.placed), notes)


def _decoded(path: Path) -> tuple[str, tuple[str, ...]]:
    """A file's text: UTF-8, UTF-16 with its mark, or Windows-1252, which is then noted."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise BadInputError(
                f"{path}: {size:,} bytes; a chapter has at most {MOST_BYTES:,}, so this is none"
            )
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: can't be read: {error.strerror}") from None
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    notes: tuple[str, ...] = ()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise BadInputError(f"{path}: it is no text: {error}") from None
        text = data.decode("cp1252", errors="replace")
        notes = (f"not valid UTF-8 (byte {error.start:,}); read as Windows-1252",)
    odd = sum(not (char.isprintable() or char in _TEXTUAL or ord(char) > 0x9F) for char in text)
    if odd > len(text) / 1000:
        raise BadInputError(f"{path}: it is no text: {odd:,} control characters in it")
    return text, notes
