"""What a section says, as a template wants it: groups of entries, each sentence with its origin."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from markupsafe import Markup

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.plan import SectionPlan, Statement
from chapter_offline.output.html.inline import Text
from chapter_offline.output.layouts import labelled

Kind = Literal["prose", "list", "timeline", "table", "dialogue"]
CALLOUTS = {
    "p01.mental_model": ("model", "Mental model"),
    "p04.assumptions": ("trap", "Traps"),
    "p08.bugs": ("trap", "Traps"),
    "p11.over_engineering": ("trap", "Traps"),
    "p16.mistakes": ("trap", "Traps"),
}
"""Sections that stand out: (kind, what is written on them)."""


@dataclass(frozen=True)
class Said:
    """A passage of one origin."""

    html: Markup
    origin: str


@dataclass(frozen=True)
class Entry:
    """A paragraph, an item, a row or a turn of a dialogue. pieces: (label, text) of lines below it.

    ask: the question of a turn. weak: a model's answer to it, not yet escaped.
    """

    lead: Markup
    said: tuple[Said, ...]
    pieces: tuple[tuple[Markup, Markup], ...] = ()
    ask: Markup | None = None
    weak: str = ""


@dataclass(frozen=True)
class Group:
    """Entries that are laid out alike."""

    kind: Kind
    entries: tuple[Entry, ...]


def groups(chapter: Chapter, section: SectionPlan, text: Text) -> Iterator[Group]:
    """A section's statements, in order. text: makes a line of Markdown HTML."""
    for kind, statements in groupby(section.statements, key=lambda s: _kind(section, s)):
        entries: list[Entry] = []
        for statement in statements:
            entry = _entry(chapter, section, statement, text)
            if statement.join and entries and kind != "dialogue":
                before = entries[-1]
                lead = Markup("<strong>{}.</strong> ").format(entry.lead) if entry.lead else ""
                said = (Said(lead + entry.said[0].html, entry.said[0].origin), *entry.said[1:])
                entries[-1] = Entry(before.lead, before.said + said, before.pieces)
            else:
                entries.append(entry)
        yield Group(kind, tuple(entries))


def _kind(section: SectionPlan, statement: Statement) -> Kind:
    """How a statement is laid out: one without a lead or a question is a paragraph in any form."""
    if section.form == "dialogue":
        return "dialogue" if statement.ask else "prose"
    if not statement.lead or (section.form == "table" and section.rows):
        return "prose"
    return section.form if section.form in {"list", "timeline", "table"} else "prose"


def _entry(chapter: Chapter, section: SectionPlan, statement: Statement, text: Text) -> Entry:
    before, lines = statement.text, tuple[tuple[str, str], ...]()
    if section.form == "list" and statement.lead:
        before, lines = labelled(statement.text, section.labels)
    return Entry(
        lead=text(statement.lead),
        ask=text(statement.ask) if statement.ask else None,
        weak=chapter.pieces.weak.get(statement.id, ""),
        said=(Said(text(before), statement.origin),),
        pieces=tuple((text(label), text(rest)) for label, rest in lines),
    )
