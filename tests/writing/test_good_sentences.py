"""Real good sentences pass: those of two whole chapters, and what a 1.5B wrote well.

The bar is one for all guards of a model's sentence together: at most 5% refused.
"""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from systems import PROMPTS, library

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import Plan, SectionPlan, make_plan
from chapter_offline.engine.sentences import split_sentences
from chapter_offline.review.chapter import plan_texts
from chapter_offline.review.samples import sample_briefs
from chapter_offline.writing import guards

REWRITES = tomllib.loads(
    (Path(__file__).parents[1] / "data" / "good_rewrites.toml").read_text(encoding="utf-8")
)["rewrite"]
VENDORS = guards.vendors(guards.vendor_names(PROMPTS))
COMMON = guards.common_terms(PROMPTS)
MOST_REFUSED = 0.05


def refusals(claim: str, text: str, checks: Sequence[guards.Guard]) -> Iterator[tuple[str, str]]:
    """Each sentence of a text with the first reason against it, or ""."""
    before: list[str] = []
    for sentence in split_sentences(text):
        every = (*guards.ALWAYS, VENDORS, *checks, *guards.of_claim(claim))
        reasons = (reason for check in every if (reason := check(sentence, before)))
        yield sentence, next(reasons, "")
        before.append(sentence)


def texts_of(section: SectionPlan) -> Iterator[str]:
    """What a section says: its claims, and cells of its table that are sentences."""
    yield from (_said(plain(statement.text)) for statement in section.statements)
    reckoned = section.id == "p18.what_if"
    for row in section.table.rows if section.table and not reckoned else ():
        yield from (plain(cell) for cell in row if cell.endswith(".") and " " in cell)


def _said(text: str) -> str:
    """A text that is one quotation, without its marks: they are no part of its sentences."""
    whole = text.startswith('"') and text.endswith('"') and text.count('"') == 2
    return text.strip('"') if whole else text


def refused_in(plan: Plan) -> list[tuple[str, str]]:
    figures = [(plain(r.label), plain(r.value)) for r in (*plan.given, *plan.chosen, *plan.derived)]
    closed = guards.closed_world(plan_texts(plan), COMMON)
    known = (closed, guards.contradicting(figures))
    found: list[tuple[str, str]] = []
    for section in plan.sections():
        about = guards.subject(section.heading, section.frame, *texts_of(section))
        for text in texts_of(section):
            found += refusals(text, text, (*known, about))
    return found


@pytest.mark.parametrize("name", ["ride_dispatch", "ticket_booking"])
def test_a_librarys_sentences_pass(name: str) -> None:
    found = refused_in(make_plan(library(), sample_briefs(library())[name], "quick"))
    refused = [(sentence, reason) for sentence, reason in found if reason]
    assert len(found) >= 300
    assert len(refused) <= MOST_REFUSED * len(found), refused
    # What only a claim's own words are held against can't be wrong in the claim itself.
    assert {reason for _, reason in refused} <= {"length", "unbalanced", "no beginning", "loop", "said before", "says what the claim denies"}  # fmt: skip


def test_good_rewrites_of_a_model_pass() -> None:
    closed = guards.closed_world([rewrite["claim"] for rewrite in REWRITES], COMMON)
    found = [
        each
        for rewrite in REWRITES
        for each in refusals(rewrite["claim"], rewrite["text"], (closed,))
    ]
    refused = [(sentence, reason) for sentence, reason in found if reason]
    assert len(found) >= 50
    assert len(refused) <= MOST_REFUSED * len(found), refused
