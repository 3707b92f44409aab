"""The page: one layout for each form, filled with text and never shaped by it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from systems import rate_limiter_plan

from chapter_offline.chapter.document import Attempt, Chapter, Pieces, Voice
from chapter_offline.chapter.plan import Plan, Row, SectionPlan, Statement
from chapter_offline.knowledge.spec import Form
from chapter_offline.output.markdown import chapter_markdown, section_text, words

PLAN = rate_limiter_plan()
ONE = Statement("one", "The first is said.", "First", "Why the first?", False, "library")
TWO = Statement("two", "The second is said.", "Second", "Why the second?", False, "library")
JOINED = replace(TWO, id="joined", lead="", join=True, text="It goes on.")
BARE = replace(ONE, id="bare", lead="", ask="", text="A plain paragraph.")


def section(form: Form, *statements: Statement, rows: tuple[Row, ...] = (), diagram: str = ""):
    return SectionPlan(
        "p08.clocks", 8, "Clocks", form, "Say it.", "A frame.", statements, rows, diagram
    )


def laid_out(made: SectionPlan, pieces: Pieces | None = None, voice: Voice = "quoted") -> str:
    """A section's Markdown, without blank lines."""
    chapter = Chapter(PLAN, voice, "a *model*", (8,), pieces or Pieces())
    return "\n".join(line for line in section_text(chapter, made).splitlines() if line)


def with_section(made: SectionPlan) -> Plan:
    """A plan of Part 8 with one section in it."""
    parts = tuple(
        replace(part, sections=(made,)) if part.number == 8 else part for part in PLAN.parts
    )
    return replace(PLAN, parts=parts)


def headings(page: str) -> list[tuple[str, str]]:
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    return [
        (opened.tag, inline.content)
        for opened, inline in pairwise(tokens)
        if opened.type == "heading_open"
    ]


@pytest.mark.parametrize("form", ["prose", "facet"])
def test_prose_is_paragraphs_with_their_leads_in_bold(form: Form) -> None:
    assert laid_out(section(form, ONE, JOINED, BARE)) == (
        "A frame.\n**First.** The first is said. It goes on.\nA plain paragraph."
    )


def test_a_list_is_bullets_and_what_has_no_lead_is_a_paragraph() -> None:
    more = replace(JOINED, lead="More")
    assert laid_out(section("list", BARE, ONE, more, TWO, replace(BARE, text="The end."))) == (
        "A frame.\nA plain paragraph.\n- **First.** The first is said. It goes on.\n"
        "- **Second.** The second is said.\nThe end."
    )


INJECT = replace(ONE, text="Now. Inject: a fault. Expect: none. Measure: it.")
DEBATE = replace(
    ONE, text="For one side: it is so. For the other: it isn't. What decides is a fact. Really."
)


def test_an_exercise_has_a_line_for_each_of_its_pieces() -> None:
    made = replace(section("list", INJECT), labels=("Inject:", "Expect:", "Measure:"))
    assert laid_out(made) == (
        "A frame.\n- **First.** Now.\n  - *Inject:* a fault.\n  - *Expect:* none.\n"
        "  - *Measure:* it."
    )


def test_a_debate_has_a_line_for_each_side_and_one_for_what_decides() -> None:
    made = replace(section("list", DEBATE), labels=("For …:", "For …:", "What decides"))
    assert laid_out(made) == (
        "A frame.\n- **First.**\n  - *For one side:* it is so.\n  - *For the other:* it isn't.\n"
        "  - *What decides* is a fact. Really."
    )


def test_an_entry_that_lacks_a_piece_stays_whole() -> None:
    made = replace(section("list", ONE), labels=("Inject:", "Expect:"))
    assert laid_out(made) == "A frame.\n- **First.** The first is said."


def test_a_rule_stands_before_the_question() -> None:
    made = replace(section("prose", ONE), rule="Ask who waits.")
    pieces = Pieces(questions={"p08.clocks": "Why?"})
    assert laid_out(made, pieces).splitlines()[-2:] == [
        "*Elsewhere:* Ask who waits.",
        "*Check yourself:* Why?",
    ]


def test_exercises_and_debates_of_the_default_chapter_are_laid_out_in_pieces() -> None:
    chapter = Chapter(PLAN, "quoted", "m", (18,), Pieces())
    for made in PLAN.sections((18,)):
        if made.labels:
            lines = section_text(chapter, made).splitlines()
            entries = sum(bool(statement.lead) for statement in made.statements)
            assert sum(line.startswith("  - *") for line in lines) == entries * len(made.labels)


@pytest.mark.parametrize(("lead", "seen"), [("Why?", "Why?"), ("So:", "So:"), ("So", "So.")])
def test_a_bullets_lead_ends_once(lead: str, seen: str) -> None:
    assert f"- **{seen}** The first" in laid_out(section("list", replace(ONE, lead=lead)))


def test_a_table_of_figures_has_value_and_origin() -> None:
    rows = (
        Row("Users", "5 million", "assumed", "users"),
        Row("Peak", "62,400/s", "20,800/s × 3", "peak_rps"),
    )
    assert laid_out(section("table", ONE, rows=rows)) == (
        "A frame.\n| Figure | Value | From |\n| --- | --- | --- |\n"
        "| Users | 5 million | assumed |\n| Peak | 62,400/s | 20,800/s × 3 |\n"
        "**First.** The first is said."
    )


def test_a_table_without_figures_has_its_claims_as_rows() -> None:
    assert laid_out(section("table", ONE, TWO, BARE)) == (
        "A frame.\n| What fails | Who is hit, what they see, what goes on |\n| --- | --- |\n"
        "| **First** | The first is said. |\n| **Second** | The second is said. |\n"
        "A plain paragraph."
    )


def test_a_timeline_has_a_time_before_each_step() -> None:
    assert laid_out(section("timeline", replace(ONE, lead="14:00"), TWO)) == (
        "A frame.\n- **14:00:** The first is said.\n- **Second:** The second is said."
    )


def test_a_dialogue_has_question_weak_answer_and_staff_answer() -> None:
    pieces = Pieces(weak={"one": "We <b>retry</b>."})
    assert laid_out(section("dialogue", BARE, ONE, TWO), pieces) == (
        "A frame.\nA plain paragraph.\n**Why the first?**\n"
        "> *A weak answer (a \\*model\\*):* We &lt;b&gt;retry&lt;/b&gt;.\n"
        "*A staff answer:* The first is said.\n**Why the second?**\n"
        "*A staff answer:* The second is said."
    )


def test_a_diagram_is_a_fence_before_what_is_said_of_it() -> None:
    drawn = section("diagram", ONE, diagram="flowchart LR\n    a --> b")
    assert laid_out(replace(drawn, idea="Who calls.", artefact="call(\n)")) == (
        "A frame.\n```mermaid\nflowchart LR\n    a --> b\n```\n*One idea:* Who calls.\n"
        "```text\ncall(\n)\n```\n**First.** The first is said."
    )


def test_a_question_follows_its_section() -> None:
    pieces = Pieces(questions={"p08.clocks": "Why do *clocks* drift?"})
    assert laid_out(section("prose", ONE), pieces).splitlines()[-1] == (
        "*Check yourself:* Why do \\*clocks\\* drift?"
    )


def test_a_what_if_names_the_section_that_has_the_answer() -> None:
    made = replace(section("list", ONE), id="p18.what_if", part=18)
    pieces = Pieces(what_if=(("What if clocks stop?", "p08.clocks"),))
    assert laid_out(made, pieces).splitlines()[-1] == (
        "- What if clocks stop? See *Clock assumptions* (Part 8)."
    )


def test_in_voice_free_only_the_models_sentences_stand_beside_figures_and_diagrams() -> None:
    rows = (Row("Users", "5 million", "assumed", "users"),)
    made = section("table", ONE, rows=rows, diagram="flowchart LR")
    pieces = Pieces(free={"p08.clocks": ("Clocks *drift*.", "They differ.")})
    assert laid_out(made, pieces, "free") == (
        "```mermaid\nflowchart LR\n```\n*One idea:* \n| Figure | Value | From |\n| --- | --- | --- |\n"
        "| Users | 5 million | assumed |\nClocks \\*drift\\*. They differ."
    )


def test_a_section_that_the_model_left_empty_has_no_frame_in_its_place() -> None:
    assert laid_out(section("prose", ONE), Pieces(), "free") == ""


def test_an_attempt_is_marked_and_stands_before_the_librarys_answer() -> None:
    attempt = Attempt("What breaks?", ("It waits.", "It <asks>."))
    pieces = Pieces(attempts={8: attempt}, missed={8: ("p08.races", "p08.clocks")})
    page = chapter_markdown(Chapter(PLAN, "quoted", "m", (8,), pieces))
    part = PLAN.parts[7]
    races, clocks = (s.heading for s in part.sections if s.id in {"p08.races", "p08.clocks"})
    assert (
        "## Part 8: Consistency, Concurrency and Ordering\n\n"
        f"> **First try it yourself.** {part.question}\n>\n"
        "> *An attempt by m, unchecked:* It waits. It &lt;asks&gt;.\n>\n"
        f"> *What this attempt passes over:* {races}; {clocks}.\n>\n"
        f"> *How a staff engineer begins:* {part.answer}\n\n"
        "### Strong against eventual consistency\n"
    ) in page


@pytest.mark.parametrize("attempts", [{}, {8: Attempt("What breaks?", ())}])
def test_without_an_attempt_question_and_answer_stand_alone(attempts: dict[int, Attempt]) -> None:
    page = chapter_markdown(Chapter(PLAN, "quoted", "m", (8,), Pieces(attempts=attempts)))
    part = PLAN.parts[7]
    assert f"yourself.** {part.question}\n>\n> *How a staff engineer begins:* {part.answer}" in page
    assert "unchecked:*" not in page


def test_a_part_ends_with_its_rule_in_voice_quoted_alone() -> None:
    rule = f"**To carry away.** {PLAN.parts[7].rule}"
    assert rule in chapter_markdown(Chapter(PLAN, "quoted", "m", (8,), Pieces()))
    assert rule not in chapter_markdown(Chapter(PLAN, "free", "m", (8,), Pieces()))


def test_part_6_has_a_heading_for_each_component_and_under_it_one_for_each_facet() -> None:
    page = chapter_markdown(Chapter(PLAN, "quoted", "m", (6,), Pieces()))
    found = [heading for heading in headings(page) if heading[0] in {"h3", "h4"}]
    facets = [("h4", r.heading) for r in PLAN.spec.part[5].requirement]
    expected = []
    for component in PLAN.brief.component:
        expected += [("h3", component.name[0].upper() + component.name[1:]), *facets]
    assert found[: len(expected)] == expected


def test_only_the_parts_that_were_asked_for_are_on_the_page() -> None:
    page = chapter_markdown(Chapter(PLAN, "quoted", "m", (3, 9), Pieces()))
    assert [text for tag, text in headings(page) if tag == "h2"] == [
        "Part 3: Non-Functional Requirements",
        "Part 9: Failure Modes and Degradation",
        "Appendix A: Figures",
        "Appendix B: Terms",
    ]


def test_thin_sections_are_named_at_the_end() -> None:
    made = replace(section("prose"), component="odd *store*")
    chapter = Chapter(
        with_section(made), "free", "m", (8,), Pieces(free={"p08.clocks": ("They drift.",)})
    )
    page = chapter_markdown(chapter)
    assert "## What the model left out" in page
    assert page.rstrip().endswith("Odd *store*: Clocks (Part 8, 2 words).")


def test_a_page_ends_in_one_newline() -> None:
    page = chapter_markdown(Chapter(PLAN, "quoted", "m", (1,), Pieces()))
    assert page.endswith("\n")
    assert not page.endswith("\n\n")


def test_the_page_says_who_wrote_what() -> None:
    quoted, free = (
        chapter_markdown(Chapter(PLAN, voice, "a_model", (1,), Pieces()))
        for voice in ("quoted", "free")
    )
    assert "an attempt at it by the model a\\_model, made before it saw the statements" in quoted
    assert "Every section was written by the model a\\_model" in free


def test_a_made_system_is_said_to_be_one() -> None:
    made = replace(PLAN, brief=PLAN.brief.model_copy(update={"made": {"by": "m"}}))
    assert "`brief.toml` has them" in chapter_markdown(Chapter(made, "quoted", "m", (1,), Pieces()))
    assert "`brief.toml`" not in chapter_markdown(Chapter(PLAN, "quoted", "m", (1,), Pieces()))


def test_a_made_system_without_a_trait_says_what_that_means() -> None:
    made = PLAN.brief.model_copy(update={"made": {"by": "m"}})
    for brief, said in ((made, False), (made.model_copy(update={"traits": ()}), True)):
        page = chapter_markdown(Chapter(replace(PLAN, brief=brief), "quoted", "m", (1,), Pieces()))
        assert ("No trait is among them" in page) is said


def test_words_are_counted_outside_of_diagrams() -> None:
    assert words("One two.\n\n```mermaid\nnot counted\n```\nthree four\n") == 4
