"""Where the text of a chapter comes from, block by block in the order of the page."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import SectionPlan

Origin = Literal["library", "brief", "computed", "model", "person", "notes"]


@dataclass(frozen=True)
class Block:
    """A passage of one origin. section: its id; a part's own text is under "p01", "p02" …

    claim: whose it is, if a claim's. job: which job of the model wrote it. chance: that a claim in the
    model's words is true to the claim. place: file and line of what is quoted from a person's notes.
    """

    part: int
    section: str
    origin: Origin
    text: str
    claim: str = ""
    job: str = ""
    chance: float | None = None
    place: str = ""


def blocks(chapter: Chapter) -> Iterator[Block]:
    """The parts that were asked for, without headings and appendices."""
    pieces, own = chapter.pieces, chapter.plan.brief.own_texts
    for part in chapter.plan.parts:
        if part.number not in chapter.parts:
            continue
        key = f"p{part.number:02d}"
        if chapter.composed:
            yield Block(part.number, key, "library", plain(part.question))
            if attempt := pieces.attempts.get(part.number):
                text = " ".join(attempt.sentences)
                yield Block(part.number, key, "model", text, job=f"{key}.attempt")
            for name, text in (("answer", part.answer), ("rule", part.rule)):
                whose: Origin = "brief" if f"{key}.{name}" in own else "library"
                yield Block(part.number, key, whose, plain(text))
        for section in part.sections:
            if section.id in chapter.pinned:
                yield Block(section.part, section.id, "person", plain(chapter.pinned[section.id]))
            elif chapter.composed:
                yield from _composed(chapter, section)
            else:
                yield from _computed(section)
                text = " ".join(pieces.free.get(section.id, ()))
                yield Block(section.part, section.id, "model", text, job=section.id)
            for note in chapter.quoted(section.id):
                yield Block(section.part, section.id, "notes", note.text, place=note.place)


def _composed(chapter: Chapter, section: SectionPlan) -> Iterator[Block]:
    """A section that stands on claims."""
    pieces, part, key = chapter.pieces, section.part, section.id
    own = chapter.plan.brief.own_texts
    yield Block(part, key, "brief" if key in own else "library", plain(section.frame))
    yield from _computed(section)
    for statement in section.statements:
        name = f"{key}.{statement.id}"
        if weak := pieces.weak.get(statement.id):
            yield Block(part, key, "model", weak, statement.id, f"{name}.weak")
        said = pieces.said.get(name)
        chance = said.chance if said else None
        yield Block(part, key, statement.origin, plain(statement.text), statement.id, chance=chance)
    yield Block(part, key, "brief" if f"{key}.rule" in own else "library", plain(section.rule))
    if question := pieces.questions.get(key):
        yield Block(part, key, "model", question, job=f"{key}.question")
    if key == "p18.what_if":
        for question, about in pieces.what_if:
            yield Block(part, key, "model", question, job=f"{about}.what_if")


def _computed(section: SectionPlan) -> Iterator[Block]:
    """Rows of tables and worked examples, and what a diagram teaches."""
    tables = [section.table, section.example.table if section.example else None]
    texts = [f"{row.label}: {row.value}" for row in section.rows]
    texts += [" | ".join(row) for table in tables if table for row in table.rows]
    texts += [section.idea] if section.diagram else []
    for text in texts:
        yield Block(section.part, section.id, "computed", plain(text))


def counted(chapter: Chapter) -> dict[Origin, int]:
    """Words of the blocks by origin, the most first."""
    words: Counter[Origin] = Counter()
    for block in blocks(chapter):
        words[block.origin] += len(block.text.split())
    return {origin: count for origin, count in words.most_common() if count}
