"""From a chapter to Markdown: `# SYSTEM`, `## Part N: Title`, `### heading`.

The structure is the program's own; text of claims and of the model only ever fills paragraphs,
list items and cells.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import markdown
from chapter_offline.chapter.notes import Placed
from chapter_offline.chapter.origins import Origin, counted
from chapter_offline.chapter.plan import THIN, PartPlan, SectionPlan
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.output.layouts import LAYOUTS, cells, fence, figures_table
from chapter_offline.output.quoting import appendix, how_to_read, quotations

ASKED = "Asked by the model; the section that is named has what an answer needs:"
_WHAT_IF = "p18.what_if"
PASSED_OVER = "What this attempt passes over:"
COUNTED = "*Whose words:*"
_WROTE: Mapping[Origin, str] = {
    "library": "the library's",
    "brief": "the brief's",
    "computed": "computed",
    "model": "the model's",
    "person": "a person's",
    "notes": "quoted from notes",
}
PINNED = "*A person has edited this section by hand.*"


def chapter_markdown(chapter: Chapter) -> str:
    """The whole page, ending in one newline."""
    lines = [f"# {chapter.plan.title}", "", *_opening(chapter)]
    for part in chapter.plan.parts:
        if part.number in chapter.parts:
            lines += _part(chapter, part)
    lines += _appendices(chapter)
    return "\n".join(lines).rstrip() + "\n"


def words(text: str) -> int:
    """Words of prose: what `str.split` finds outside code fences."""
    count, inside = 0, False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            count += len(line.split())
    return count


def _opening(chapter: Chapter) -> Iterator[str]:
    model = markdown(chapter.model)
    notes = how_to_read(chapter.notes)
    told = f" {markdown(notes)}" if notes else ""
    if chapter.composed:
        yield (
            f"*How to read this chapter.* The statements come from a library that people wrote; every figure is assumed or "
            f"derived, and Appendix A says which. Each part begins with a question and an attempt at it by the model {model}, "
            "made before it saw the statements and unchecked, to be compared with the answer that stands under it; the sections that it passes "
            "over are named below it. The weak answers in Part 16 are the model's too, and so are the questions after a section, kept where the section's words support them. Incidents and scenes are constructed."
            + _retold(chapter)
            + told
        )
    else:
        yield (
            f"*How to read this chapter.* Every section was written by the model {model} and passed simple checks only: "
            "complete sentences, on the subject, no products, nothing said twice, no figure that is not in Appendix A. Nobody has verified what "
            "it says. Figures, tables and diagrams are computed from the brief." + told
        )
    yield ""
    words_of = counted(chapter)
    whole = sum(words_of.values()) or 1
    wrote = ", ".join(f"{_WROTE[name]} {count / whole:.0%}" for name, count in words_of.items())
    yield f"{COUNTED} {wrote}; `chapter-offline explain` tells of each sentence."
    yield ""
    if made := made_note(chapter.plan.brief):
        yield made
        yield ""


def made_note(brief: Brief) -> str:
    """That a model made the brief, and what it means for the reader where it took no trait; else ""."""
    if not brief.made:
        return ""
    note = (
        "The system is none of the library's, so the model chose its nouns, its roles, its traits and its orders of magnitude from "
        "lists. `brief.toml` has them, to be corrected and used again."
    )
    if not brief.traits:
        note += (
            " No trait is among them, so this chapter says what holds for any system of these parts. Where the model doubted one, `brief.toml` "
            "names it: enter what is right, and write again for what is special here."
        )
    return note


def _retold(chapter: Chapter) -> str:
    """How many statements the model says in its own words, in the voices in which it may."""
    if chapter.voice == "quoted":
        return ""
    return (
        f" Of {chapter.pieces.tried:,} statements that the model was to say in its own words, {len(chapter.pieces.said):,} "
        "stand in its words, because a judge fitted to labelled examples held them for true to the statement; the others stand as "
        "they were written."
    )


def _part(chapter: Chapter, part: PartPlan) -> Iterator[str]:
    yield f"## Part {part.number}: {part.title}"
    yield ""
    if chapter.composed:
        yield from _question(chapter, part)
    for component, sections in groupby(part.sections, key=lambda section: section.component):
        if component:
            yield f"### {component[:1].upper()}{component[1:]}"
            yield ""
        for section in sections:
            yield f"{'####' if component else '###'} {section.heading}"
            yield ""
            yield from _section(chapter, section)
    if chapter.composed and part.rule:
        yield f"**To carry away.** {part.rule}"
        yield ""


def called_in_its_part(section: SectionPlan) -> str:
    """What a section is called within its part."""
    component = section.component_heading
    return f"{component}: {section.heading}" if component else section.heading


def _question(chapter: Chapter, part: PartPlan) -> Iterator[str]:
    """The part's question, the model's attempt at it, and how an expert's answer begins."""
    yield f"> **First try it yourself.** {part.question}"
    attempt = chapter.pieces.attempts.get(part.number)
    if attempt and attempt.sentences:
        yield ">"
        yield f"> *An attempt by {markdown(chapter.model)}, unchecked:* {markdown(' '.join(attempt.sentences))}"
        if missed := chapter.pieces.missed.get(part.number):
            called = {section.id: called_in_its_part(section) for section in part.sections}
            yield ">"
            yield f"> *{PASSED_OVER}* {'; '.join(called[name] for name in missed)}."
    yield ">"
    yield f"> *How a staff engineer begins:* {part.answer}"
    yield ""


def _section(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    if section.id in chapter.pinned:
        yield PINNED
        yield ""
        yield chapter.pinned[section.id]
        yield ""
        return
    yield from (_composed if chapter.composed else _free)(chapter, section)
    yield from quotations(chapter, section)


def _composed(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    """A section that stands on claims."""
    yield section.frame
    yield ""
    yield from _made(section)
    yield from LAYOUTS[section.form](chapter, section)
    if section.id == _WHAT_IF and chapter.pieces.what_if:
        yield from _what_if(chapter)
    if section.example:
        yield f"**{section.example.heading}**"
        yield ""
        yield from cells(section.example.table)
        yield section.example.so
        yield ""
    if section.rule:
        yield f"*Elsewhere:* {section.rule}"
        yield ""
    if question := chapter.pieces.questions.get(section.id):
        yield f"*Check yourself:* {markdown(question)}"
        yield ""


def _free(chapter: Chapter, section: SectionPlan) -> Iterator[str]:
    yield from _made(section)
    sentences = chapter.pieces.free.get(section.id, ())
    if sentences:
        yield markdown(" ".join(sentences))
        yield ""


def _made(section: SectionPlan) -> Iterator[str]:
    """What the program makes of the brief: diagram, artefact, tables."""
    if section.diagram:
        yield from fence("mermaid", section.diagram)
        yield f"*One idea:* {section.idea}"
        yield ""
    if section.artefact:
        yield from fence("text", section.artefact)
    if section.rows:
        yield from figures_table(section.rows)
    if section.table:
        yield from cells(section.table)


def _what_if(chapter: Chapter) -> Iterator[str]:
    headings = {s.id: (s.heading, s.part) for s in chapter.plan.sections()}
    yield ASKED
    yield ""
    for question, section in chapter.pieces.what_if:
        heading, part = headings[section]
        yield f"- {markdown(question)} See *{heading}* (Part {part})."
    yield ""


def _appendices(chapter: Chapter) -> Iterator[str]:
    plan = chapter.plan
    yield "## Appendix A: Figures"
    yield ""
    yield (
        "All parts draw on these. A derived figure is rounded to what is printed, and the next one is derived from that, so a "
        "calculator gives the same. A month has 30 days."
    )
    if any("C(" in row.origin for row in plan.derived):
        yield (
            "C(n; u) is Erlang's formula: the chance that whoever comes finds all n servers behind one queue taken when each is taken "
            "a share u of the time, for arrivals that come independently and stay for random (exponential) times. With a = n × u it is "
            "t ÷ ((1 − u) × s + t), where t = aⁿ ÷ n! and s = 1 + a + a² ÷ 2! + … up to aⁿ⁻¹ ÷ (n − 1)!."
        )
    if plan.simulated:
        yield (
            "A simulated figure comes from one seeded run with random arrivals and times, told to two digits; another seed gives another last one. "
            "A wait may pass its limit by one step of the run."
        )
    yield ""
    tables = {
        "Given": plan.given,
        "Chosen": plan.chosen,
        "Derived": plan.derived,
        "Simulated": plan.simulated,
    }
    for title, rows in tables.items():
        if rows:
            yield f"### {title}"
            yield ""
            yield from figures_table(rows)
    if chapter.composed and plan.terms:
        yield "## Appendix B: Terms"
        yield ""
        for term, definition in plan.terms:
            yield f"- **{term[:1].upper()}{term[1:]}.** {definition}"
        yield ""
    if thin := list(thin_sections(chapter)):
        yield "## What the model left out"
        yield ""
        yield (
            f"Sections of fewer than {THIN} words, because after several tries nothing more passed the checks: "
            + "; ".join(
                f"{called_in_its_part(section)} (Part {section.part}, {count} words)"
                for section, count in thin
            )
            + "."
        )
        yield ""
    yield from appendix(chapter.notes)


def section_text(chapter: Chapter, section: SectionPlan) -> str:
    """A section's Markdown without its heading."""
    return "\n".join(_section(chapter, section))


def thin_sections(chapter: Chapter) -> Iterator[tuple[SectionPlan, int]]:
    """Sections of the parts asked for with fewer than 40 words, and how many they have.

    What is quoted from notes doesn't count.
    """
    chapter = replace(chapter, notes=Placed())
    for section in chapter.plan.sections(chapter.parts):
        count = words(section_text(chapter, section))
        if count < THIN:
            yield section, count
