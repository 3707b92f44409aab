"""Reads a finished page for what the model wrote, so that other pages can be made of it.

A page holds everything but the plan; with the plan, these pieces make the same page again. Whoever
uses them compares: a page that was edited, or made with other prompts, doesn't come out the same.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from chapter_offline.chapter.document import Attempt, Chapter, Pieces, Said, retold
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.notes import Placed
from chapter_offline.chapter.plan import PartPlan, Plan, SectionPlan
from chapter_offline.chapter.voice import Voice
from chapter_offline.output.markdown import (
    ASKED,
    COUNTED,
    PASSED_OVER,
    called_in_its_part,
    chapter_markdown,
    section_text,
)
from chapter_offline.output.quoting import without

_ATTEMPT = re.compile(r"^> \*An attempt by .+?, unchecked:\* (.+)$", re.M)
_MISSED = re.compile(rf"^> \*{PASSED_OVER}\* (.+)\.$", re.M)
_WEAK = re.compile(r"^> \*A weak answer \(.+?\):\* (.+)$", re.M)
_QUESTION = re.compile(r"^\*Check yourself:\* (.+)$", re.M)
_WHAT_IF = re.compile(r"^- (.+) See \*(.+)\* \(Part (\d+)\)\.$", re.M)
_HEADING = re.compile(r"^(#{2,4}) (.+)$")


def chapter_of(
    page: str,
    plan: Plan,
    voice: Voice,
    model: str,
    parts: tuple[int, ...],
    said: Mapping[str, Said] | None = None,
    tried: int = 0,
    pinned: Mapping[str, str] | None = None,
    notes: Placed | None = None,
) -> tuple[Chapter, str]:
    """The chapter of a page in Markdown, and the first line that it would have otherwise, or "".

    plan: as the page was planned; parts: those that it has. said, tried, pinned, notes: as in `Pieces` and
    `Chapter`; nothing on a page tells them from what else stands there.
    """
    quoted = notes or Placed()
    texts = dict(_texts(without(page, quoted)))
    told, by_hand = retold(plan, said or {}), pinned or {}
    bare = Chapter(told, voice, model, parts, Pieces(), by_hand)
    pieces = replace(_pieces(texts, bare), said=said or {}, tried=tried)
    chapter = Chapter(told, voice, model, parts, pieces, by_hand, quoted)
    made = chapter_markdown(chapter)
    if made == page:
        return chapter, ""
    pairs = zip(made.split("\n"), page.split("\n"), strict=False)
    lines = [was for now, was in pairs if now != was]
    # What a page counts of its own words changes with any of them.
    telling = [line for line in lines if not line.startswith(COUNTED)]
    return chapter, next(iter(telling or lines), "the end of the page")


def _texts(page: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """What stands under each heading, by the headings from the part down."""
    path: list[str] = []
    lines: list[str] = []
    fenced = False
    for line in page.split("\n"):
        fenced = fenced != line.startswith("```")
        if not fenced and (found := _HEADING.match(line)):
            yield tuple(path), "\n".join(lines)
            del path[len(found[1]) - 2 :]
            path.append(found[2])
            lines = []
        else:
            lines.append(line)
    yield tuple(path), "\n".join(lines)


def _pieces(texts: Mapping[tuple[str, ...], str], bare: Chapter) -> Pieces:
    attempts: dict[int, Attempt] = {}
    questions: dict[str, str] = {}
    weak: dict[str, str] = {}
    free: dict[str, tuple[str, ...]] = {}
    what_if: list[tuple[str, str]] = []
    missed: dict[int, tuple[str, ...]] = {}
    places = {(s.heading, s.part): s.id for s in bare.plan.sections()}
    for part in bare.plan.parts:
        title = f"Part {part.number}: {part.title}"
        if found := _ATTEMPT.search(texts.get((title,), "")):
            attempts[part.number] = Attempt(part.question, (plain(found[1]),))
        if found := _MISSED.search(texts.get((title,), "")):
            missed[part.number] = tuple(_named(found[1], part))
        for section in part.sections:
            text = texts.get(_path(title, section), "")
            if not bare.composed:
                if said := _added(text, section_text(bare, section)):
                    free[section.id] = (plain(said),)
                continue
            if found := _QUESTION.search(text):
                questions[section.id] = plain(found[1])
            weak |= dict(_weak_answers(text, section))
            if ASKED in text:
                for question, heading, number in _WHAT_IF.findall(text.partition(ASKED)[2]):
                    if (heading, int(number)) in places:
                        what_if.append((plain(question), places[heading, int(number)]))
    return Pieces(attempts, questions, weak, tuple(what_if), free, missed=missed)


def _named(text: str, part: PartPlan) -> Iterator[str]:
    """Ids of the sections that a row names, in the part's order."""
    for section in part.sections:
        called = called_in_its_part(section)
        if text == called or text.startswith(f"{called}; "):
            yield section.id
            text = text[len(called) + 2 :]


def _path(title: str, section: SectionPlan) -> tuple[str, ...]:
    component = section.component_heading
    return (title, component, section.heading) if component else (title, section.heading)


def _added(text: str, made: str) -> str:
    """The paragraph that a model added below what the program makes of the brief."""
    return text.strip().removeprefix(made.strip()).strip()


def _weak_answers(text: str, section: SectionPlan) -> Iterator[tuple[str, str]]:
    """Answers by the claim's id: each stands below its question, before the staff answer."""
    if section.form != "dialogue":
        return
    for statement in section.statements:
        asked = f"**{statement.ask}**\n"
        if statement.ask and asked in text:
            below = text.partition(asked)[2].partition(f"*A staff answer:* {statement.text}")[0]
            if found := _WEAK.search(below):
                yield statement.id, plain(found[1])
