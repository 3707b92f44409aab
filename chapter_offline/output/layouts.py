"""How the statements of a section stand on the page, by the section's form; tables and fences."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import markdown
from chapter_offline.chapter.plan import Row, SectionPlan
from chapter_offline.chapter.tables import Table
from chapter_offline.knowledge.spec import label_pattern

_BAR = re.compile(r"(?<!\\)\|")
"""A bar that would end a cell."""


def fence(language: str, text: str) -> Iterator[str]:
    """A fenced block."""
    yield f"```{language}"
    yield text
    yield "```"
    yield ""


def figures_table(rows: Iterable[Row]) -> Iterator[str]:
    """Figures, each with its value and where that is from."""
    lines = tuple((row.label, row.value, row.origin) for row in rows)
    yield from cells(Table(("Figure", "Value", "From"), lines))


def cells(table: Table) -> Iterator[str]:
    """A table with its note."""
    if table.note:
        yield table.note
        yield ""
    for row in (table.head, ("---",) * len(table.head), *table.rows):
        yield "| " + " | ".join(_BAR.sub(r"\|", cell) for cell in row) + " |"
    yield ""


def _prose(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    paragraphs: list[str] = []
    for statement in section.statements:
        lead = f"**{statement.lead}.** " if statement.lead else ""
        if statement.join and paragraphs:
            paragraphs[-1] += " " + lead + statement.text
        else:
            paragraphs.append(lead + statement.text)
    for paragraph in paragraphs:
        yield paragraph
        yield ""


def _stop(lead: str) -> str:
    return lead if lead[-1:] in ".?!:" else lead + "."


def _list(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    """Items with a lead are bullets; a statement without one is a paragraph before or after them."""
    for bullets, statements in groupby(section.statements, key=lambda s: bool(s.lead)):
        if bullets:
            items: list[str] = []
            for statement in statements:
                item = f"- **{_stop(statement.lead)}**{_pieces(statement.text, section.labels)}"
                if statement.join and items:
                    items[-1] += " " + statement.text
                else:
                    items.append(item)
            yield from items
            yield ""
        else:
            for statement in statements:
                yield statement.text
                yield ""


def labelled(text: str, labels: Sequence[str]) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What stands before a text's first label, and each label with what follows it.

    A text that lacks one of the labels stays whole.
    """
    places: list[tuple[int, int]] = []
    for label in labels:
        found = re.compile(rf"(?:^|(?<=[.?!] )){label_pattern(label)}").search(
            text, places[-1][1] if places else 0
        )
        if not found:
            return text, ()
        places.append(found.span())
    if not places:
        return text, ()
    ends = [start for start, _ in places[1:]] + [len(text)]
    return text[: places[0][0]].strip(), tuple(
        (text[start:end], text[end:stop].rstrip())
        for (start, end), stop in zip(places, ends, strict=True)
    )


def _pieces(text: str, labels: Sequence[str]) -> str:
    """What stands behind a lead: the text, and its pieces on lines of their own."""
    before, pieces = labelled(text, labels)
    lines = [f"  - *{label}*{rest}" for label, rest in pieces]
    return "\n".join([f" {before}" if before else "", *lines])


def _timeline(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    for statement in section.statements:
        yield f"- **{statement.lead}:** {statement.text}" if statement.lead else statement.text
    yield ""


def _blast_table(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    """A table whose rows are claims: used where the section has no figures of its own."""
    if section.rows:
        yield from _prose(chapter, section)
        return
    rows = [s for s in section.statements if s.lead]
    if rows:
        yield "| What fails | Who is hit, what they see, what goes on |"
        yield "| --- | --- |"
        for statement in rows:
            yield f"| **{statement.lead}** | {statement.text} |"
        yield ""
    for statement in section.statements:
        if not statement.lead:
            yield statement.text
            yield ""


def _dialogue(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    for statement in section.statements:
        if not statement.ask:
            yield statement.text
            yield ""
            continue
        yield f"**{statement.ask}**"
        yield ""
        if weak := chapter.pieces.weak.get(statement.id):
            yield f"> *A weak answer ({markdown(chapter.model)}):* {markdown(weak)}"
            yield ""
        yield f"*A staff answer:* {statement.text}"
        yield ""


LAYOUTS = {
    "prose": _prose,
    "facet": _prose,
    "diagram": _prose,
    "list": _list,
    "table": _blast_table,
    "timeline": _timeline,
    "dialogue": _dialogue,
}
"""By the form of a section, in the voices that stand on claims."""
