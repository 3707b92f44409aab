"""Worked examples: one in each part that teaches by them, shown where it holds, redone by a calculator."""

import pytest
from systems import library, made_brief, rate_limiter

from chapter_offline.chapter.examples import example_for, worked
from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.chapter.render import Page
from chapter_offline.knowledge.briefs import Brief, BriefExample
from chapter_offline.knowledge.claims import Example
from chapter_offline.review.samples import sample_briefs

pytestmark = pytest.mark.whole

PARTS = ("p04", "p06", "p08", "p09", "p10", "p11")
BRIEFS = sample_briefs(library())
OWN = BriefExample(
    at="p08.races",
    title="Two at one row",
    head=("t", "A", "B"),
    rows=(("0", "reads", ""), ("1", "", "reads {{ n.users }}")),
    so="One is lost.",
)


def plan_with(brief: Brief, *examples: BriefExample) -> Plan:
    return make_plan(library(), brief.model_copy(update={"example": examples}))


def shown(plan: Plan) -> dict[str, str]:
    return {s.id: s.example.title for s in plan.sections() if s.example}


@pytest.mark.parametrize("name", BRIEFS)
def test_a_chapter_has_one_in_each_part_that_teaches_by_them(name: str) -> None:
    parts = {section.partition(".")[0] for section in shown(make_plan(library(), BRIEFS[name]))}
    assert parts >= set(PARTS)


@pytest.mark.parametrize("name", BRIEFS)
def test_one_request_is_followed_through_five_parts(name: str) -> None:
    plan = make_plan(library(), BRIEFS[name])
    act = Page(library(), BRIEFS[name], plan.figures).noun("act")
    followed = {
        s.id.partition(".")[0]
        for s in plan.sections()
        if s.example and f"{act} followed" in f"{s.example.title} {s.example.so}".replace(",", "")
    }
    assert followed >= {"p04", "p05", "p08", "p09", "p11"}


def test_a_brief_s_own_stands_in_place_of_the_library_s() -> None:
    plan = plan_with(made_brief(), OWN)
    section = next(s for s in plan.sections() if s.id == "p08.races")
    assert section.example
    assert section.example.title == "Two at one row"
    assert section.example.table.rows[1] == ("1", "", "reads 5 million")
    assert "users" in section.figures


def test_one_that_does_not_hold_gives_way_to_the_next() -> None:
    never = OWN.model_copy(update={"when": "users < 1", "title": "Never"})
    unsayable = OWN.model_copy(update={"so": "{{ n.excess }} is below nothing."})
    other = OWN.model_copy(update={"needs": ("money",), "title": "Paid"})
    brief = made_brief(figures={"burst_factor": 1})
    assert shown(plan_with(brief, never, unsayable, other, OWN))["p08.races"] == "Two at one row"


def test_a_row_has_as_many_cells_as_the_head() -> None:
    with pytest.raises(ValueError, match="as many as the head"):
        Example(title="x", head=("a", "b"), rows=(("1", "2"), ("3",)), so="y")


def test_its_words_are_counted() -> None:
    brief = rate_limiter()
    page = Page(library(), brief, figures_for(library(), brief))
    example = example_for(page, "p04.qps")
    assert example
    made = worked(page, example, "p04.qps")
    assert made
    cells = [cell for row in (made.table.head, *made.table.rows) for cell in row]
    bars = (len(made.table.head) + 1) * (len(made.table.rows) + 2) + len(made.table.head)
    said = " ".join([made.heading, made.so, *cells])
    assert made.words == len(said.split()) + bars
