"""The check of a chapter: it finds what a test has broken by hand, in our pages and in a stranger's."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from systems import PROMPTS, library, rate_limiter_plan

from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.plan import make_plan
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.review.chapter import Checker, Report
from chapter_offline.review.findings import Finding
from chapter_offline.review.samples import sample_briefs
from chapter_offline.review.source import MOST_BYTES, Known, Source, read_source

pytestmark = pytest.mark.whole

PLAN = rate_limiter_plan()
ALL_PARTS = tuple(range(1, 19))
SOME_PARTS = (6, 8)
PAGE = chapter_markdown(Chapter(PLAN, "quoted", "m", SOME_PARTS, Pieces()))
DRAWN = frozenset(section.diagram.strip() for section in PLAN.sections() if section.diagram)
CLOCKS = "Part 8: Consistency, Concurrency and Ordering / Clock assumptions"
FACET = "Part 6: Deep Component Design / Counter store / Failure behavior"
SHORT = "It has a few words, and that is all."
CHECKER = Checker(PROMPTS)


def checked(page: str, parts: tuple[int, ...] = SOME_PARTS, voice: str = "quoted") -> Report:
    """What the check says of a page as one of ours."""
    return CHECKER.check(Source(Path("chapter.md"), page, Known(PLAN, parts, voice), ()), DRAWN)


def told(page: str, **how: str) -> list[tuple[str, str]]:
    """Where and what was found."""
    return [(finding.where, finding.what) for finding in checked(page, **how).findings]  # type: ignore[arg-type]


def text_under(heading: str, page: str = PAGE, after: str = "") -> str:
    """What stands between a heading and the next one."""
    start = page.index(heading + "\n", page.index(after)) + len(heading)
    end = re.compile(r"^#", re.M).search(page, start)
    assert end
    return page[start : end.start()]


def with_change(old: str, new: str) -> str:
    assert PAGE.count(old) == 1
    return PAGE.replace(old, new)


def after_clocks(text: str) -> str:
    """The page with something put at the beginning of a section."""
    return with_change("### Clock assumptions\n", f"### Clock assumptions\n\n{text}\n")


CLOCKS_LINE = PAGE[: PAGE.index("### Clock assumptions\n")].count("\n") + 1


# ---------------------------------------------------------------------- what a plan wants


def test_a_whole_page_has_nothing_wrong() -> None:
    report = checked(chapter_markdown(Chapter(PLAN, "quoted", "m", ALL_PARTS, Pieces())), ALL_PARTS)
    assert report.findings == ()
    assert (report.covered, report.of, len(report.rows)) == (101, 101, 19)
    assert report.rows[0].title == "outside all parts"
    assert sum(row.words for row in report.rows) == report.words
    assert report.eights < 0.01
    assert report.diagrams == len(DRAWN)


@pytest.mark.parametrize("name", ["group_chat", "payment_system"])
def test_whole_pages_of_other_systems_have_nothing_wrong(name: str) -> None:
    plan = make_plan(library(), sample_briefs(library())[name], "quick")
    page = chapter_markdown(Chapter(plan, "quoted", "m", ALL_PARTS, Pieces()))
    drawn = frozenset(section.diagram.strip() for section in plan.sections() if section.diagram)
    source = Source(Path("chapter.md"), page, Known(plan, ALL_PARTS, "quoted"), ())
    assert CHECKER.check(source, drawn).findings == ()


def test_the_parts_that_were_not_asked_for_are_not_missed() -> None:
    report = checked(PAGE)
    assert report.findings == ()
    assert (report.covered, report.of) == (11, 11)


def test_a_missing_part_is_found() -> None:
    page = chapter_markdown(Chapter(PLAN, "quoted", "m", (2, 6), Pieces()))
    report = checked(page, (2, 3))
    assert report.findings == (
        Finding("Part 3: Non-Functional Requirements", "the part is missing", "missing", 0, 3),
    )
    assert (report.covered, report.of) == (7, 14)


MISSING = [(CLOCKS, "the section is missing")]


@pytest.mark.parametrize(
    "instead", ["", "#### Clock assumptions\n", "```\n### Clock assumptions\n```\n"]
)
def test_a_missing_heading_is_found(instead: str) -> None:
    assert told(with_change("### Clock assumptions\n", instead)) == MISSING


def test_a_missing_facet_of_one_component_is_found() -> None:
    old = "#### Failure behavior" + text_under("#### Failure behavior", after="### Counter store")
    report = checked(with_change(old, ""))
    assert [(f.where, f.what) for f in report.findings] == [(FACET, "the section is missing")]
    assert report.covered == 10


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the section is empty"),
        (SHORT, "9 words, fewer than 40"),
        (f"{SHORT}\n\n```text\n{'word ' * 50}\n```", "9 words, fewer than 40"),
    ],
)
def test_a_section_that_says_too_little_is_found(text: str, what: str) -> None:
    page = with_change(text_under("### Clock assumptions"), f"\n\n{text}\n\n")
    report = checked(page)
    assert [(f.where, f.what, f.line) for f in report.findings] == [(CLOCKS, what, CLOCKS_LINE)]
    assert report.covered == 10


@pytest.mark.parametrize("end", ["and so the", "and so,", "and so…", "a list - "])
def test_a_last_sentence_that_does_not_end_is_found(end: str) -> None:
    whole = text_under("### Clock assumptions").rstrip()
    page = with_change(whole, f"{whole}\n\nThe clocks drift {end}")
    assert told(page) == [(CLOCKS, "the last sentence does not end")]


@pytest.mark.parametrize("end", ["so.", "so?", "so!", '"so."', "*so.*", "(so.)", "so:"])
def test_a_last_sentence_may_end_in_many_ways(end: str) -> None:
    whole = text_under("### Clock assumptions").rstrip()
    assert told(with_change(whole, f"{whole}\n\nThe clocks drift {end}")) == []


def test_a_rule_does_not_make_a_thin_section_long() -> None:
    bugs = text_under("### What bugs appear if this is mishandled")
    rule = bugs[bugs.index("**To carry away.**") :]
    found = told(with_change(bugs, f"\n\n{SHORT}\n\n{rule}"))
    assert [what for _, what in found] == ["9 words, fewer than 40"]


# ---------------------------------------------------------------------- what is wrong in it

ROW = PLAN.given[0].label
PLANTED = {
    "unfinished": "The clocks of two machines drift apart and\n\nnobody sees it.",
    "repeated": "A sentence stands here that says it once. A sentence stands here that says it once.",
    "vendor": "The clock is kept by Zookeeper in this place.",
    "chatter": "Sure, here is what clocks are assumed to do.",
    "name": "The clock is kept by Hermes in this place.",
    "number": "Two clocks differ by 7,777 of whatever one likes.",
    "contradiction": f"| Figure | Value | From |\n| --- | --- | --- |\n| {ROW} | 17.5 kB | assumed |",
    "diagram": "```mermaid\ngraph TD\n  A -->\n```",
}


@pytest.mark.parametrize(("kind", "text"), PLANTED.items())
def test_a_planted_fault_is_found_at_its_line(kind: str, text: str) -> None:
    report = checked(after_clocks(text))
    found = [finding for finding in report.findings if finding.kind == kind]
    lines = {CLOCKS_LINE + 2 + n for n in range(text.count("\n") + 1)}
    assert [finding.part for finding in found] == [8]
    assert found[0].line in lines
    row_of_part = next(row for row in report.rows if row.number == 8)
    assert row_of_part.counts[found[0].kind] == 1


def test_a_sentence_against_the_sizing_is_found() -> None:
    lease = next(row for row in (*PLAN.given, *PLAN.chosen) if row.name == "timeout")
    name = lease.label.partition(": ")[2]
    said = f"The {name} is {lease.value}."
    assert told(after_clocks(said)) == []
    found = checked(after_clocks(f"The {name} is 55 min.")).findings
    assert "contradiction" in {finding.kind for finding in found}


def test_a_fence_that_nothing_closes_is_found() -> None:
    page = "# A\n\n## Part 1\n\n```mermaid\ngraph TD\n  A --> B\n"
    assert "the fence is not closed" in [finding.what for finding in stranger(page).findings]


def test_what_the_page_calls_unchecked_may_have_numbers_and_names_of_its_own() -> None:
    said = "*Check yourself:* Why does Hermes keep 7,777 clocks?"
    report = checked(after_clocks(said))
    assert report.findings == ()
    assert report.unchecked == 1
    assert [f.kind for f in checked(after_clocks(said.replace("Hermes", "Kafka"))).findings] == [
        "vendor"
    ]


# ---------------------------------------------------------------------- anybody's page


def stranger(page: str) -> Report:
    return CHECKER.check(Source(Path("their.md"), page, None, ()))


BODY = " ".join(f"Word{'abcdefghij'[n % 10] * (n // 10 + 1)} is one of forty." for n in range(12))


@pytest.mark.parametrize(
    ("headings", "name"),
    [
        ("## PART 3: Non-Functional Requirements (Reality-Based)\n\n### Latency expectations (P50 / P95 intuition)", "latency"),
        ("## Non-functional requirements\n\n### 3.1 Latency", "latency"),
        ("**Part 8: Consistency, Concurrency & Ordering**\n\n**Race Conditions**", "races"),
        ("## Handling of retry storms", "retry_storms"),
        ("## Data model\n\n### Partitioning", "partitioned"),
        ("# 1. Foundations\n\n## 1.1 What this system is", "what_it_is"),
        ("## Part 18: Exercises\n\n### “What if X changes?” questions", "what_if"),
    ],
)  # fmt: skip
def test_a_strangers_heading_is_matched_to_a_requirement(headings: str, name: str) -> None:
    report = stranger(f"{headings}\n\n{BODY}\n")
    missing = [f.where for f in report.findings if f.kind == "missing"]
    assert report.covered == 1, missing
    wanted = next(r.heading for p in library().spec.part for r in p.requirement if r.id == name)
    assert not [where for where in missing if where.endswith(f"/ {wanted}")]
    assert len(missing) == 100


def test_a_heading_covers_one_requirement_and_needs_forty_words() -> None:
    thin = stranger(f"## Part 8\n\n### Race conditions\n\n{SHORT}\n")
    assert thin.covered == 0
    assert [f.what for f in thin.findings if f.kind == "thin"] == ["9 words, fewer than 40"]
    below = stranger(f"## Part 8\n\n### Race conditions\n\n#### The first one\n\n{BODY}\n")
    assert below.covered == 1


def test_headings_about_something_else_cover_nothing() -> None:
    page = "".join(f"## {h}\n\n{BODY}\n\n" for h in ("Apples", "How to cook", "My holidays"))
    assert stranger(page).covered == 0


def test_what_can_be_told_of_a_strangers_page_is_found() -> None:
    page = (
        "# Shortener\n\n## Scale\n\nPeak QPS: 10,000. The XQZ decides. The ABQ (a box of questions) and HTTP do not.\n\n"
        "## Load\n\nPeak QPS: 50,000. Let me know if that helps.\n\n| Figure | Value |\n| --- | --- |\n| Users | 5 million |\n| Users | 7 million |\n"
    )
    found = {(f.kind, f.line) for f in stranger(page).findings if f.kind != "missing"}
    assert found == {("name", 5), ("contradiction", 9), ("chatter", 9), ("contradiction", 14)}
    assert any("no brief" in note for note in stranger(page).notes)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "\n \n",
        "plain words without any heading",
        "#\n##\n###",
        "| a |\n| - |\n",
        "```",
        "> > > -",
    ],
)
def test_odd_pages_are_only_pages_that_cover_nothing(page: str) -> None:
    report = stranger(page)
    assert report.covered == 0
    assert report.findings


# ---------------------------------------------------------------------- files


def test_a_file_in_odd_encodings_is_read(tmp_path: Path) -> None:
    text = "# Naïve café\n\nIt’s “quoted” – so.\n"
    for encoding, noted in (("utf-8", 0), ("utf-8-sig", 0), ("utf-16", 0), ("cp1252", 1)):
        file = tmp_path / f"{encoding}.md"
        file.write_bytes(text.encode(encoding))
        source = read_source(file, PROMPTS)
        assert source.text == text
        assert len(source.notes) == noted


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50_000_000)


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (lambda path: path.write_bytes(bytes(range(256)) * 40), "it is no text"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00\xd8A"), "it is no text"),
        (sparse, f"at most {MOST_BYTES:,}"),
    ],
)
def test_what_is_no_text_is_refused(
    tmp_path: Path, write: Callable[[Path], object], what: str
) -> None:
    file = tmp_path / "odd.md"
    write(file)
    with pytest.raises(BadInputError, match=re.escape(what)):
        read_source(file, PROMPTS)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        read_source(tmp_path / "none.md", PROMPTS)
    with pytest.raises(UsageError, match=r"chapter\.md: there is no such file"):
        read_source(tmp_path, PROMPTS)
