"""The shapes in which templates get a chapter. Texts that are HTML are Markup; a plain string is escaped."""

from dataclasses import dataclass

from markupsafe import Markup

from chapter_offline.chapter.notes import Note
from chapter_offline.output.html.layout import Group


@dataclass(frozen=True)
class FigureRow:
    """A row of a table of figures. used: (section id, heading) where it is printed; in the appendix only."""

    name: str
    id: str
    label: Markup
    value: str
    origin: Markup
    used: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TableView:
    """A table of cells; the first one of each row names it."""

    note: Markup
    head: tuple[Markup, ...]
    rows: tuple[tuple[Markup, ...], ...]


@dataclass(frozen=True)
class Drawing:
    """svg: safe to stand in a page. source: Mermaid's text. idea: what it teaches."""

    svg: Markup
    source: str
    idea: Markup


@dataclass(frozen=True)
class Example:
    """A worked example: its table, and what a reader should see in it."""

    heading: Markup
    table: TableView
    so: Markup


@dataclass(frozen=True)
class SectionView:
    """kind, label: of a callout, or "". by_hand: all of a section that a person edited. question, free: by the model. asked: (question, id, heading). quoted: of a person's notes."""

    id: str
    heading: str
    part: int
    component: str
    form: str
    kind: str
    label: str
    frame: Markup
    drawing: Drawing | None
    artefact: str
    rows: tuple[FigureRow, ...]
    table: TableView | None
    groups: tuple[Group, ...]
    asked: tuple[tuple[str, str, str], ...]
    example: Example | None
    rule: Markup
    question: str
    free: str
    by_hand: Markup
    quoted: tuple[Note, ...] = ()


@dataclass(frozen=True)
class ComponentView:
    """Sections under one heading: of a component, or of none. id: its anchor, or ""."""

    name: str
    id: str
    sections: tuple[SectionView, ...]


@dataclass(frozen=True)
class PartView:
    """question, answer, rule: "" in voice free. asks: the question without links. attempt: by the model, or "".

    missed: (id, heading) of sections that it passes over.
    """

    number: int
    id: str
    title: str
    minutes: int
    question: Markup
    asks: str
    attempt: str
    missed: tuple[tuple[str, str], ...]
    answer: Markup
    rule: Markup
    components: tuple[ComponentView, ...]


@dataclass(frozen=True)
class ChapterView:
    """made: what a reader is told of a made brief, or "". figures: tables of the appendix by origin. terms: (anchor, term,
    definition). notes: what a reader is told of quotations, or "".
    """

    title: str
    model: str
    voice: str
    made: Markup
    minutes: int
    words: int
    parts: tuple[PartView, ...]
    figures: tuple[tuple[str, tuple[FigureRow, ...]], ...]
    terms: tuple[tuple[str, str, Markup], ...]
    notes: str = ""
