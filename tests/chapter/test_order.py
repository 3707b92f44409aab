"""Order within a section: anchors, connectives, and the rule at its end."""

from dataclasses import replace

import pytest
from systems import library, made_brief, rate_limiter, whole_plan

from chapter_offline.chapter.plan import SectionPlan, make_plan
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.claims import SectionText, load_claims
from chapter_offline.knowledge.library import Library, check_brief

pytestmark = pytest.mark.whole

KEY = "p08.clocks"
LONG = " ".join(["word"] * 45)


def claim(name: str, **more: object) -> dict[str, object]:
    return {"id": name, "text": f"The {name} is said with {LONG}.", **more}


def library_with(*claims: dict[str, object], rule: str = "") -> Library:
    """The library with these claims, and no others, in one section."""
    text = SectionText.model_validate({"frame": "A frame.", "claims": claims, "rule": rule})
    sections = library().claims.sections | {KEY: text}
    claims_ = library().claims.model_copy(update={"sections": sections})
    return replace(library(), claims=claims_)


def section(known: Library, words: int | None = None, brief: Brief | None = None) -> SectionPlan:
    """That section, in the longest chapter if no length is given."""
    brief = brief or made_brief()
    asked = words or make_plan(known, brief).bounds.most
    return next(s for s in make_plan(known, brief, words=asked).sections() if s.id == KEY)


def ids(made: SectionPlan) -> list[str]:
    return [statement.id for statement in made.statements]


def test_a_claim_stands_behind_its_anchor() -> None:
    known = library_with(
        claim("first"), claim("second"), claim("late", after="first"), claim("later", after="first")
    )
    assert ids(section(known)) == ["first", "late", "later", "second"]


def test_anchors_may_follow_each_other_in_any_order_of_writing() -> None:
    known = library_with(claim("c", after="b"), claim("b", after="a"), claim("a"), claim("d"))
    assert ids(section(known)) == ["a", "b", "c", "d"]


def test_anchors_in_a_circle_leave_claims_where_they_were_written() -> None:
    known = library_with(claim("a", after="b"), claim("b", after="a"), claim("c"))
    assert ids(section(known)) == ["a", "b", "c"]


def test_a_claim_whose_anchor_does_not_hold_stays_in_its_place() -> None:
    known = library_with(
        claim("gone", needs=["queue"]), claim("first"), claim("late", after="gone", connective="So")
    )
    assert ids(section(known)) == ["first", "late"]
    assert section(known).statements[1].text.startswith("The late is said")


def test_a_connective_joins_a_claim_to_the_one_it_belongs_behind() -> None:
    known = library_with(claim("first"), claim("late", after="first", connective="By contrast,"))
    assert section(known).statements[1].text.startswith("By contrast, the late is said")


def test_without_an_anchor_a_connective_belongs_to_the_claim_before() -> None:
    known = library_with(claim("first"), claim("second", connective="Worse:"))
    assert section(known).statements[1].text.startswith("Worse: The second is said")


def test_a_connective_goes_with_the_claim_that_it_joins_to() -> None:
    """In a short chapter the claim before is left out, and the connective with it."""
    known = library_with(
        claim("first", weight=1), claim("second", weight=9, connective="By contrast,")
    )
    made = section(known, 20_000)
    assert [s.text[:15] for s in made.statements] == ["The second is s"]


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        ("The store waits.", "So the store waits."),
        ("*Quorum* (a majority) decides.", "So *quorum* (a majority) decides."),
        ("HTTP 429 says so.", "So HTTP 429 says so."),
        ("Little's law holds.", "So Little's law holds."),
    ],
)
def test_a_name_keeps_its_capital_behind_a_connective(text: str, begun: str) -> None:
    known = library_with(claim("first"), {"id": "next", "text": text, "connective": "So"})
    assert section(known).statements[1].text == begun


def test_a_section_ends_with_its_rule_if_there_is_room() -> None:
    known = library_with(claim("first"), rule="Ask which {{ n.replicas.word }} decide.")
    assert section(known).rule == "Ask which three decide."
    assert section(known, make_plan(known, made_brief()).bounds.least).rule == ""


def test_a_rule_counts_in_the_words() -> None:
    rule = "Ask which of the replicas decide, and who asks them."
    with_rule, without = (
        make_plan(library_with(claim("first"), rule=text), made_brief()).bounds.most
        for text in (rule, "")
    )
    assert with_rule - without == len(rule.split()) + 1


def test_a_claim_that_goes_on_from_nothing_is_left_out() -> None:
    known = library_with(claim("gone", needs=["queue"]), claim("on", join=True), claim("last"))
    brief = made_brief()
    plan = make_plan(known, brief, words=make_plan(known, brief).bounds.most)
    assert (f"{KEY}.on", "there is nothing before it to go on from") in plan.omitted
    assert ids(section(known)) == ["last"]


def test_an_anchor_that_is_not_there_is_refused(tmp_path) -> None:
    folder = tmp_path / "claims"
    folder.mkdir()
    (folder / "p08.toml").write_text(
        '[clocks]\nframe = "A."\n[[clocks.claims]]\nid = "a"\ntext = "A."\nafter = "z"\n'
    )
    with pytest.raises(BadInputError, match=r"p08\.toml: clocks: after 'z': no such claim"):
        load_claims(tmp_path)


def test_a_brief_may_place_its_claims_behind_the_librarys() -> None:
    own = type(rate_limiter().claims[0]).model_validate(
        claim("own", at=KEY, after="order", weight=9)
    )
    brief = made_brief().model_copy(update={"claims": (own,)})
    made = next(s for s in whole_plan(brief).sections() if s.id == KEY)
    assert ids(made).index("own") == ids(made).index("order") + 1
    lost = own.model_copy(update={"after": "nowhere"})
    with pytest.raises(BadInputError, match=r"p08\.clocks\.own: after 'nowhere': no such claim"):
        check_brief(library(), brief.model_copy(update={"claims": (lost,)}), "brief")
