"""The length of a chapter: what was asked for, counted as it stands on the page."""

import re

import pytest
from systems import all_roles, all_traits, library, made_brief, rate_limiter, whole_plan

from chapter_offline.chapter.choosing import THIN, Choosing, Menu, Offer, Said
from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.plan import WORDS, Plan, make_plan
from chapter_offline.errors import UsageError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.output.markdown import chapter_markdown, words

pytestmark = pytest.mark.whole

ALL_PARTS = tuple(range(1, 19))
BRIEFS = {
    "the default": rate_limiter(),
    "every role": made_brief(roles=all_roles(), traits=all_traits()),
    "no role": made_brief(),
}
briefs = pytest.mark.parametrize("brief", BRIEFS.values(), ids=BRIEFS)


def on_the_page(plan: Plan) -> int:
    """Words of a whole page from its title to its appendices, but for the note on how to read it."""
    page = chapter_markdown(Chapter(plan, "quoted", "a model", ALL_PARTS, Pieces()))
    title, _, rest = page.partition("\n")
    body = rest[rest.index("\n## Part 1:") : rest.index("\n## Appendix A:")]
    return words(title) + words(body)


@briefs
@pytest.mark.parametrize("asked", [17_000, 24_000, 31_000])
def test_a_chapter_has_the_words_that_were_asked_for(brief: Brief, asked: int) -> None:
    plan = make_plan(library(), brief, words=asked)
    assert abs(on_the_page(plan) - asked) <= 0.05 * asked
    assert plan.words == on_the_page(plan)


@briefs
def test_the_bounds_are_what_a_chapter_comes_to(brief: Brief) -> None:
    bounds = make_plan(library(), brief).bounds
    for asked in (bounds.least, bounds.most):
        assert make_plan(library(), brief, words=asked).words == pytest.approx(asked, rel=0.005)


@briefs
def test_out_of_bounds_is_refused_with_what_there_is(brief: Brief) -> None:
    bounds = make_plan(library(), brief).bounds
    span = f"ask for {bounds.least} to {bounds.most}"
    with pytest.raises(UsageError, match=rf"covers every requirement .* {bounds.least:,} .*{span}"):
        make_plan(library(), brief, words=bounds.least - 1)
    with pytest.raises(UsageError, match=rf"all that is known .* {bounds.most:,} .*{span}"):
        make_plan(library(), brief, words=bounds.most + 1)


@briefs
def test_a_depth_is_a_number_of_words_or_as_near_as_can_be(brief: Brief) -> None:
    for depth, asked in WORDS.items():
        plan = make_plan(library(), brief, depth)
        assert plan.aim == min(max(asked, plan.bounds.least), plan.bounds.most)
        assert plan.words == pytest.approx(plan.aim, rel=0.01)


@briefs
@pytest.mark.parametrize("length", ["least", "most"])
def test_nothing_hangs_in_the_air(brief: Brief, length: str) -> None:
    """What goes on in the paragraph before has the paragraph that it was written for."""
    plan = make_plan(library(), brief, words=getattr(make_plan(library(), brief).bounds, length))
    before = {
        (section.id, now.id): then.id
        for section in whole_plan(brief).sections()
        for then, now in zip(section.statements, section.statements[1:], strict=False)
        if now.join and now.id != then.id
    }
    joined = 0
    for section in plan.sections():
        for n, statement in enumerate(section.statements):
            if statement.join and (section.id, statement.id) in before:
                assert section.statements[n - 1].id == before[section.id, statement.id]
                joined += 1
    assert joined or length == "least"


@briefs
def test_each_design_that_is_described_is_praised_and_refused(brief: Brief) -> None:
    plan = make_plan(library(), brief, words=make_plan(library(), brief).bounds.least)
    leads = [
        [statement.lead for statement in section.statements]
        for section in plan.sections()
        if section.id.startswith("p15.")
    ]
    assert leads[0] == leads[1] == leads[2]
    assert len(leads[0]) >= 2


# ---------------------------------------------------------------------- the choice itself


def offer(words: int, rank: float, **more: object) -> Offer:
    return Offer(Said(words), rank, **more)  # type: ignore[arg-type]


def menu(*offers: Offer, **more: object) -> Menu:
    return Menu(2, Said(10), offers, **more)  # type: ignore[arg-type]


def choose(words: int, *menus: Menu) -> set[tuple[int, int]]:
    return set(Choosing(menus, Said()).choose(words))


def test_the_heaviest_claim_comes_first() -> None:
    assert choose(110, menu(offer(40, 5), offer(40, 8), offer(40, 6))) == {(0, 1), (0, 2)}


def test_a_section_is_covered_before_another_gets_more() -> None:
    rich, poor = menu(offer(40, 9), offer(40, 9)), menu(offer(40, 1))
    assert choose(110, rich, poor) == {(0, 0), (1, 0)}


def test_a_thin_claim_is_not_enough() -> None:
    section = Menu(2, Said(0), (offer(THIN - 1, 9), offer(20, 1)))
    assert choose(61, section) == {(0, 0), (0, 1)}


def test_where_there_is_no_room_a_shorter_claim_covers() -> None:
    section = menu(offer(80, 8), offer(35, 5))
    assert choose(92, section) == {(0, 0)}
    assert choose(60, section) == {(0, 1)}


def test_a_claim_that_goes_on_brings_the_one_before() -> None:
    section = menu(offer(40, 1), offer(30, 9, joins=True), offer(40, 8))
    assert choose(82, section) == {(0, 0), (0, 1)}


def test_a_bundle_is_said_whole_in_all_its_sections() -> None:
    first = menu(offer(40, 1), offer(40, 5, bundle="b"))
    second = menu(offer(40, 9), offer(40, 1, bundle="b"))
    assert {(0, 1), (1, 1)} <= choose(150, first, second)


def test_what_makes_sense_only_whole_is_whole() -> None:
    assert choose(92, menu(offer(40, 9), offer(40, 1), whole=True)) == {(0, 0), (0, 1)}


def test_a_gloss_counts_once() -> None:
    glossed = tuple(Offer(Said(40, {"term lease": 6}), 5) for _ in range(2))
    choosing = Choosing([menu(*glossed)], Said())
    assert choosing.length({(0, 0)}) == 58
    assert choosing.length({(0, 0), (0, 1)}) == 98
    assert choosing.choose(98) == {(0, 0), (0, 1)}


def test_a_rule_does_not_cover_a_section() -> None:
    section = menu(offer(40, 2), offer(60, 9, covers=False))
    assert choose(52, section) == {(0, 0)}


def test_the_message_names_the_option() -> None:
    with pytest.raises(UsageError) as caught:
        make_plan(library(), rate_limiter(), words=8_000)
    assert re.match(r"--words 8000: .*[\d,]+ words; ask for \d+ to \d+$", str(caught.value))
