"""The check of a finished page: it finds what a test has broken by hand."""

import re

import pytest
from systems import rate_limiter_plan

from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.output.check import Finding, check, read_sections
from chapter_offline.output.markdown import chapter_markdown

PLAN = rate_limiter_plan()
ALL_PARTS = tuple(range(1, 19))
PAGE = chapter_markdown(Chapter(PLAN, "quoted", "m", ALL_PARTS, Pieces()))
CLOCKS = "Part 8: Consistency, Concurrency and Ordering / Clock assumptions"
FACET = "Part 6: Deep Component Design / Counter store / Failure behavior"
SHORT = "It has a few words, and that is all."


def text_under(heading: str, page: str = PAGE, after: str = "") -> str:
    """What stands between a heading and the next one."""
    start = page.index(heading + "\n", page.index(after)) + len(heading)
    end = re.compile(r"^#", re.M).search(page, start)
    assert end
    return page[start : end.start()]


def broken(old: str, new: str) -> list[Finding]:
    """What the check says of the page with one thing changed."""
    assert PAGE.count(old) == 1
    return check(PAGE.replace(old, new), PLAN, ALL_PARTS)


def test_a_whole_page_has_nothing_wrong() -> None:
    assert check(PAGE, PLAN, ALL_PARTS) == []


def test_the_parts_that_were_not_asked_for_are_not_missed() -> None:
    page = chapter_markdown(Chapter(PLAN, "quoted", "m", (2, 6), Pieces()))
    assert check(page, PLAN, (2, 6)) == []


def test_a_missing_part_is_found() -> None:
    page = chapter_markdown(Chapter(PLAN, "quoted", "m", (2, 6), Pieces()))
    assert check(page, PLAN, (2, 3)) == [
        Finding("Part 3: Non-Functional Requirements", "the part is missing")
    ]


def test_a_missing_heading_is_found() -> None:
    assert broken("### Clock assumptions\n", "") == [Finding(CLOCKS, "the section is missing")]


def test_a_heading_of_the_wrong_level_is_missing() -> None:
    assert broken("### Clock assumptions\n", "#### Clock assumptions\n") == [
        Finding(CLOCKS, "the section is missing")
    ]


def test_a_heading_in_a_fence_is_no_heading() -> None:
    fenced = "```\n### Clock assumptions\n```\n"
    assert broken("### Clock assumptions\n", fenced) == [Finding(CLOCKS, "the section is missing")]


def test_a_missing_facet_of_one_component_is_found() -> None:
    old = "#### Failure behavior" + text_under("#### Failure behavior", after="### Counter store")
    assert broken(old, "") == [Finding(FACET, "the section is missing")]


def test_an_empty_section_is_found() -> None:
    assert broken(text_under("### Clock assumptions"), "\n\n") == [
        Finding(CLOCKS, "the section is empty")
    ]


def test_a_thin_section_is_found_with_its_words() -> None:
    assert broken(text_under("### Clock assumptions"), f"\n\n{SHORT}\n\n") == [
        Finding(CLOCKS, "9 words, fewer than 40")
    ]


def test_words_in_a_diagram_do_not_make_a_section() -> None:
    fence = "```mermaid\n" + "word " * 50 + "\n```"
    assert broken(text_under("### Clock assumptions"), f"\n\n{SHORT}\n\n{fence}\n\n") == [
        Finding(CLOCKS, "9 words, fewer than 40")
    ]


def test_thin_sections_may_be_allowed() -> None:
    page = PAGE.replace(text_under("### Clock assumptions"), f"\n\n{SHORT}\n\n")
    assert check(page, PLAN, ALL_PARTS, thin_is_wrong=False) == []


@pytest.mark.parametrize("end", ["and so the", "and so,", "and so…", "a list - "])
def test_a_last_sentence_that_does_not_end_is_found(end: str) -> None:
    whole = text_under("### Clock assumptions").rstrip()
    assert broken(whole, f"{whole}\n\nThe clocks drift {end}") == [
        Finding(CLOCKS, "the last sentence does not end")
    ]


@pytest.mark.parametrize("end", ["so.", "so?", "so!", '"so."', "*so.*", "(so.)", "so:"])
def test_a_last_sentence_may_end_in_many_ways(end: str) -> None:
    whole = text_under("### Clock assumptions").rstrip()
    assert broken(whole, f"{whole}\n\nThe clocks drift {end}") == []


def test_the_end_of_a_section_before_a_rule_is_checked_too() -> None:
    bugs = text_under("### What bugs appear if this is mishandled")
    text, mark, rule = bugs.partition("**To carry away.**")
    assert mark
    cut = text.rstrip().rstrip(".") + " and\n\n" + mark + rule
    assert [finding.what for finding in broken(bugs, cut)] == ["the last sentence does not end"]


def test_a_rule_does_not_make_a_thin_section_long() -> None:
    bugs = text_under("### What bugs appear if this is mishandled")
    rule = bugs[bugs.index("**To carry away.**") :]
    assert [finding.what for finding in broken(bugs, f"\n\n{SHORT}\n\n{rule}")] == [
        "9 words, fewer than 40"
    ]


def test_everything_that_is_wrong_is_found() -> None:
    page = PAGE.replace("### Clock assumptions\n", "").replace("### Users\n", "")
    assert [finding.where for finding in check(page, PLAN, ALL_PARTS)] == [
        "Part 4: Scale and Load Modeling / Users",
        CLOCKS,
    ]


def test_sections_are_read_with_the_path_of_their_headings() -> None:
    page = "# A\n\nIntro.\n\n## B\n\n### C\n\nOne two.\n\n| x | y |\n| --- | --- |\n| 1 | 2 |\n\n## D\n"
    found = [(section.path, section.words, section.ends) for section in read_sections(page)]
    assert found == [
        (("A",), 1, True),
        (("A", "B"), 0, False),
        (("A", "B", "C"), 6, False),
        (("A", "D"), 0, False),
    ]
