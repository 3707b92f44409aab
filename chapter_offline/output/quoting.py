"""A person's own documents on a page: what is quoted of them, marked as theirs, and what is not."""

import re
from collections.abc import Iterator

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import markdown
from chapter_offline.chapter.notes import Note, Placed
from chapter_offline.chapter.plan import SectionPlan

LABEL = re.compile(r"From .+, line \d+, not checked:")
"""What stands before every quotation, without its emphasis."""
_MOST_LINES = 20


def quotation(note: Note) -> str:
    """A statement as the page has it: one line of a quotation."""
    return f"> *From {markdown(note.file)}, line {note.line}, not checked:* “{markdown(note.text)}”"


def quotations(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    """Those of a section, each by itself."""
    for note in chapter.quoted(section.id):
        yield quotation(note)
        yield ""


def how_to_read(notes: Placed) -> str:
    """What a reader is told of them at the beginning, without Markdown; "" where nothing is quoted."""
    if not notes.sections:
        return ""
    return (
        f"Quotations marked as from {_listed(notes.files)} stand as they were written there: nobody has checked them, and nothing else in "
        "this chapter relies on them."
    )


def left_out(notes: Placed) -> list[tuple[str, str]]:
    """Why statements are not quoted, and which: each reason once, with files and lines."""
    by_reason: dict[str, list[str]] = {}
    for each in notes.left_out:
        by_reason.setdefault(each.why, []).append(each.place)
    return [(why, _shortened(places)) for why, places in by_reason.items()]


def _shortened(places: list[str]) -> str:
    more = len(places) - _MOST_LINES
    return ", ".join(places[:_MOST_LINES]) + (f" and {more:,} more" if more > 0 else "")


def _listed(names: tuple[str, ...]) -> str:
    shown = names if len(names) <= 5 else (*names[:4], f"{len(names) - 4} other files")
    return ", ".join(shown[:-1]) + (" and " if len(shown) > 1 else "") + shown[-1]


def appendix(notes: Placed) -> Iterator[str]:
    """The end of a page: what is not quoted."""
    if not notes.left_out:
        return
    yield "## What of the notes is not quoted"
    yield ""
    for why, places in left_out(notes):
        yield f"- {markdown(why[:1].upper() + why[1:])}: {markdown(places)}."
    yield ""


def is_quotation(label: str, text: str, notes: Placed) -> bool:
    """Whether a paragraph, read from a page without its marks, quotes the notes as they are."""
    said = " ".join(text.split())
    return bool(LABEL.fullmatch(label)) and any(
        label == f"From {note.file}, line {note.line}, not checked:" and said == f"“{note.text}”"
        for each in notes.sections.values()
        for note in each
    )


def without(page: str, notes: Placed) -> str:
    """A page's text without its quotations."""
    own = {quotation(note) for each in notes.sections.values() for note in each}
    return "\n".join(line for line in page.split("\n") if line not in own)
