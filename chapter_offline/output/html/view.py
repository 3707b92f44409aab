"""A chapter as templates want it: parts and sections whose texts are HTML, with their links.

Shared by the page and the book. What a model wrote stays a plain string, which the templates escape.
"""

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from markdown_it import MarkdownIt
from markupsafe import Markup

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import PartPlan, Plan, Row, SectionPlan
from chapter_offline.chapter.tables import Table
from chapter_offline.output.html.drawing import tidied
from chapter_offline.output.html.inline import (
    Places,
    Text,
    component_id,
    figure_id,
    places_of,
    term_id,
    text_of,
)
from chapter_offline.output.html.layout import CALLOUTS, groups
from chapter_offline.output.html.shapes import (
    ChapterView,
    ComponentView,
    Drawing,
    Example,
    FigureRow,
    PartView,
    SectionView,
    TableView,
)
from chapter_offline.output.markdown import called_in_its_part, made_note, section_text, words
from chapter_offline.output.quoting import how_to_read
from chapter_offline.sizing import expressions

WORDS_A_MINUTE = 200
"""Of dense technical text, read to be understood."""
_OPENS, _CLOSES = "\ue000", "\ue001"


def view_of(chapter: Chapter, drawings: Mapping[str, str]) -> ChapterView:
    """The whole chapter. drawings: SVG text by section id."""
    plan = chapter.plan
    quoted = chapter.composed
    places = places_of(plan, chapter.parts, terms=quoted)
    parts = tuple(
        _part(chapter, part, places, drawings)
        for part in plan.parts
        if part.number in chapter.parts
    )
    count = sum(words(section_text(chapter, s)) for s in plan.sections(chapter.parts))
    return ChapterView(
        title=plain(plan.title),
        model=chapter.model,
        voice=chapter.voice,
        made=Text(places, {})(made_note(plan.brief)),
        minutes=_minutes(count),
        words=count,
        parts=parts,
        figures=tuple(_appendix(chapter, places)),
        terms=tuple(
            (
                term_id(term),
                term[:1].upper() + term[1:],
                Text(places, {}, term_id(term))(definition),
            )
            for term, definition in (plan.terms if quoted else ())
        ),
        notes=how_to_read(chapter.notes),
    )


def _minutes(count: int) -> int:
    return max(1, round(count / WORDS_A_MINUTE))


def _part(
    chapter: Chapter, part: PartPlan, places: Places, drawings: Mapping[str, str]
) -> PartView:
    quoted = chapter.composed
    attempt = chapter.pieces.attempts.get(part.number) if quoted else None
    text = Text(places, {})
    names = dict.fromkeys(section.component for section in part.sections)
    count = sum(words(section_text(chapter, section)) for section in part.sections)
    return PartView(
        number=part.number,
        id=f"part-{part.number}",
        title=part.title,
        minutes=_minutes(count),
        question=text(part.question) if quoted else Markup(),
        asks=plain(part.question) if quoted else "",
        attempt=" ".join(attempt.sentences) if attempt else "",
        missed=tuple(
            (section.id, plain(called_in_its_part(section)))
            for section in part.sections
            if attempt and section.id in chapter.pieces.missed.get(part.number, ())
        ),
        answer=text(part.answer) if quoted else Markup(),
        rule=text(part.rule) if quoted else Markup(),
        components=tuple(
            ComponentView(
                plain(name[:1].upper() + name[1:]),
                component_id(_role(part, name)) if name else "",
                tuple(
                    _section(chapter, section, places, drawings)
                    for section in part.sections
                    if section.component == name
                ),
            )
            for name in names
        ),
    )


def _role(part: PartPlan, component: str) -> str:
    """The role in the ids of a component's sections: "p06.store.failure"."""
    return next(s.id for s in part.sections if s.component == component).split(".")[1]


def _pinned(section: SectionPlan, text: str) -> SectionView:
    """A section that a person wrote by hand: its Markdown, without links, images and HTML."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["link", "image", "autolink"])
    return SectionView(
        id=section.id,
        heading=section.heading,
        part=section.part,
        component=section.component,
        form=section.form,
        kind="pinned",
        label="Edited by a person",
        frame=Markup(),
        drawing=None,
        artefact="",
        rows=(),
        table=None,
        groups=(),
        asked=(),
        example=None,
        rule=Markup(),
        question="",
        free="",
        by_hand=Markup(reader.render(text)),
    )


def _section(
    chapter: Chapter, section: SectionPlan, places: Places, drawings: Mapping[str, str]
) -> SectionView:
    if pinned := chapter.pinned.get(section.id):
        return _pinned(section, pinned)
    text = text_of(chapter.plan, places, section)
    quoted = chapter.composed
    kind, label = CALLOUTS.get(section.id, ("", ""))
    asked = chapter.pieces.what_if if section.id == "p18.what_if" else ()
    headings = {s.id: s.heading for s in chapter.plan.sections(chapter.parts)}
    return SectionView(
        id=section.id,
        heading=section.heading,
        part=section.part,
        component=section.component,
        form=section.form,
        kind=kind if quoted else "",
        label=label,
        frame=text(section.frame) if quoted else Markup(),
        drawing=_drawing(section, drawings, text),
        artefact=section.artefact,
        rows=tuple(figure_row(chapter.plan, places, row, text) for row in section.rows),
        table=_table(section.table, text) if section.table else None,
        groups=tuple(groups(chapter, section, text)) if quoted else (),
        asked=tuple(
            (question, place if place in headings else "", headings.get(place, ""))
            for question, place in asked
        ),
        example=Example(
            text(section.example.heading),
            _table(section.example.table, text),
            text(section.example.so),
        )
        if section.example and quoted
        else None,
        rule=text(section.rule) if quoted else Markup(),
        question=chapter.pieces.questions.get(section.id, "") if quoted else "",
        free=" ".join(chapter.pieces.free.get(section.id, ())),
        by_hand=Markup(),
        quoted=chapter.quoted(section.id),
    )


def _drawing(section: SectionPlan, drawings: Mapping[str, str], text: Text) -> Drawing | None:
    if not section.diagram:
        return None
    heading, idea = plain(section.heading), plain(section.idea)
    svg = tidied(drawings[section.id], section.id, heading, idea)
    return Drawing(Markup(svg), section.diagram, text(section.idea))


def _table(table: Table, text: Text) -> TableView:
    return TableView(
        text(table.note),
        tuple(map(text, table.head)),
        tuple(tuple(map(text, row)) for row in table.rows),
    )


def figure_row(
    plan: Plan, places: Places, row: Row, text: Text, used: Iterable[SectionPlan] = ()
) -> FigureRow:
    """A row whose derivation leads to the figures that it is made of."""
    return FigureRow(
        row.name,
        figure_id(row.name),
        text(row.label),
        row.value,
        _derivation(plan, places, row) or text(row.origin),
        tuple((s.id, _heading(s)) for s in used),
    )


def _heading(section: SectionPlan) -> str:
    name = plain(section.component)
    return f"{name}: {section.heading}" if name else section.heading


def _derivation(plan: Plan, places: Places, row: Row) -> Markup:
    """The derivation with a link for each figure in it; "" where the row has none."""
    derivation = plan.figures.derivation(row.name)
    if not derivation or not row.origin.startswith(derivation):
        return Markup()
    expression = plan.figures.definition(row.name).expression
    used = expressions.names(expression)
    marked = expressions.shown(expression, {n: f"{_OPENS}{n}{_CLOSES}" for n in used})
    if any(" " in plan.figures[n].text for n in used) and "^" in marked:
        return Markup()
    made = escape(marked)
    for name in used:
        shown = escape(plan.figures[name].text)
        link = f'<a class="fig" href="#{figure_id(name)}" data-fig="{name}">{shown}</a>'
        made = made.replace(f"{_OPENS}{name}{_CLOSES}", link if name in places.figures else shown)
    return Markup(made + escape(row.origin[len(derivation) :]))


def _appendix(chapter: Chapter, places: Places) -> Iterator[tuple[str, tuple[FigureRow, ...]]]:
    plan = chapter.plan
    printed: dict[str, list[SectionPlan]] = {}
    for section in plan.sections(chapter.parts):
        for name in section.figures:
            printed.setdefault(name, []).append(section)
    tables = {
        "Given": plan.given,
        "Chosen": plan.chosen,
        "Derived": plan.derived,
        "Simulated": plan.simulated,
    }
    for title, rows in tables.items():
        if rows:
            yield (
                title,
                tuple(
                    figure_row(plan, places, row, Text(places, {}), printed.get(row.name, ()))
                    for row in rows
                ),
            )
