"""The plan: every section with enough to say, from the library and one brief alone."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from itertools import product

import pytest
from systems import (
    all_magnitudes,
    all_roles,
    choices,
    library,
    made_brief,
    rate_limiter,
    rate_limiter_plan,
    whole_plan,
    whole_rate_limiter_plan,
)

from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.origins import blocks
from chapter_offline.chapter.plan import THIN, Depth, Plan, figures_for, make_plan
from chapter_offline.knowledge.briefs import Brief, Frame
from chapter_offline.knowledge.lint import rendered_faults
from chapter_offline.output.markdown import section_text, words

pytestmark = pytest.mark.whole

DEPTHS: tuple[Depth, ...] = ("quick", "standard", "deep")
ALL_PARTS = tuple(range(1, 19))


def counts(plan: Plan) -> dict[str, int]:
    """Words of each section as it will stand on the page, by id."""
    chapter = Chapter(plan, "quoted", "a model", ALL_PARTS, Pieces())
    return {section.id: words(section_text(chapter, section)) for section in plan.sections()}


def thin(plan: Plan) -> dict[str, int]:
    return {name: count for name, count in counts(plan).items() if count < THIN}


def said(plan: Plan) -> str:
    """Everything that the plan's sections say, in order."""
    return "\n".join(
        " ".join((section.frame, *(f"{s.lead} {s.ask} {s.text}" for s in section.statements)))
        for section in plan.sections()
    )


def with_claims(**claim: object) -> Brief:
    """The library's brief with one claim more."""
    own = type(rate_limiter().claims[0]).model_validate(claim)
    return rate_limiter().model_copy(update={"claims": (*rate_limiter().claims, own)})


def test_every_requirement_has_a_section_and_in_part_6_one_a_component() -> None:
    plan = rate_limiter_plan()
    expected = [
        f"{part.key}.{requirement.id}"
        for part in library().spec.part
        for requirement in part.requirement
    ]
    found = [section.id for section in plan.sections()]
    assert len(expected) == 101
    for name in expected:
        part, _, requirement = name.partition(".")
        if part != "p06":
            assert found.count(name) == 1
        else:
            each = [f"p06.{c.role}.{requirement}" for c in rate_limiter().component]
            assert [
                f for f in found if f.startswith("p06") and f.endswith("." + requirement)
            ] == each
    assert len(found) == 96 + 5 * len(rate_limiter().component)


@pytest.mark.parametrize("depth", DEPTHS)
def test_no_section_of_the_default_system_is_thin(depth: Depth) -> None:
    assert thin(rate_limiter_plan(depth)) == {}


def test_a_deeper_chapter_says_all_that_a_standard_one_does_and_more() -> None:
    """But for the short claims that a section made do with, or that filled the last words."""
    standard, deep = (
        {
            section.id: {s.id: s.text for s in section.statements}
            for section in rate_limiter_plan(depth).sections()
        }
        for depth in ("standard", "deep")
    )
    assert count_of(deep) > 1.1 * count_of(standard)
    gone = {name: said.keys() - deep[name].keys() for name, said in standard.items()}
    assert count_of(gone) < 0.03 * count_of(standard)


def count_of(said: Mapping[str, Collection[str]]) -> int:
    """Of all sections' claims."""
    return sum(map(len, said.values()))


def test_a_brief_may_answer_a_parts_question_itself() -> None:
    own = {frame.at: frame.text for frame in rate_limiter().frames}
    first = own["p14.answer"].partition(":")[0]
    assert rate_limiter_plan().parts[13].answer.startswith(first)
    assert not whole_plan(made_brief()).parts[13].answer.startswith(first)


def test_a_brief_may_say_what_is_to_be_carried_away() -> None:
    brief = rate_limiter()
    frames = (
        *brief.frames,
        Frame(at="p14.rule", text="Move one customer first."),
        Frame(at="p10.backpressure.rule", text="Refuse at {{ n.api_capacity }}."),
        Frame(at="p06.gateway.failure.rule", text="It has none of its own."),
    )
    plan = whole_plan(brief.model_copy(update={"frames": frames}))
    rules = {section.id: section.rule for section in plan.sections()}
    assert plan.parts[13].rule == "Move one customer first."
    assert rules["p10.backpressure"].startswith("Refuse at ")
    assert "It has none of its own." in rules.values()
    whose = {
        block.text: block.origin
        for block in blocks(Chapter(plan, "quoted", "no model", range(1, 19), Pieces()))
    }
    assert whose["Move one customer first."] == "brief"


def test_a_chapter_uses_most_of_what_is_known_of_its_system() -> None:
    own = {(claim.at, claim.id) for claim in rate_limiter().claims}
    used = {
        (section.id, statement.id)
        for section in whole_rate_limiter_plan().sections()
        for statement in section.statements
        if statement.origin == "brief"
    }
    assert used == own


def test_the_special_comes_before_the_general() -> None:
    for section in whole_rate_limiter_plan().sections():
        origins = [statement.origin for statement in section.statements]
        assert origins == sorted(origins), section.id


def test_what_the_brief_replaces_is_not_said() -> None:
    plan = whole_rate_limiter_plan()
    universal = {
        f"{section.id}.{statement.id}"
        for section in plan.sections()
        for statement in section.statements
        if statement.origin == "library"
    }
    assert universal.isdisjoint(rate_limiter().replaces)
    assert {name for name, why in plan.omitted if why == "the brief replaces it"} == set(
        rate_limiter().replaces
    )


def test_whatever_is_known_is_said_or_left_out_with_a_reason() -> None:
    plan = rate_limiter_plan("quick")
    sections = {section.id for section in plan.sections()}
    known = {
        f"{key}.{claim.id}"
        for key, text in library().claims.sections.items()
        for claim in text.claims
        if key in sections
    }
    used = {f"{section.id}.{s.id}" for section in plan.sections() for s in section.statements}
    assert known - used <= {name for name, why in plan.omitted if why}


def test_the_same_brief_makes_the_same_plan() -> None:
    assert make_plan(library(), rate_limiter()) == rate_limiter_plan()


@pytest.mark.parametrize("depth", DEPTHS)
def test_no_template_is_left_on_the_page(depth: Depth) -> None:
    assert not re.search(r"{{|}}|{%|%}|Undefined|<chapter_offline", said(rate_limiter_plan(depth)))


def test_the_default_chapter_reads_as_english() -> None:
    plan = whole_rate_limiter_plan()
    texts = [s.text for section in plan.sections() for s in section.statements]
    texts += [section.frame for section in plan.sections()] + [part.rule for part in plan.parts]
    assert [fault for text in texts for fault in rendered_faults(text)] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("It is a apple.", "article: 'a apple'"),
        ("It ends. then it begins.", "small letter after a full stop: '. then'"),
        ("It says the the same.", "doubled 'the the'"),
        ("It does not", "does not end a sentence: …'It does not'"),
    ],
)
def test_faults_of_english_are_seen(text: str, fault: str) -> None:
    assert rendered_faults(text) == [fault]


def test_a_term_is_glossed_once_and_where_it_is_first_needed() -> None:
    plan = rate_limiter_plan()
    text = said(plan)
    assert len(plan.terms) > 20
    for term, _ in plan.terms:
        gloss = f" ({library().terms[term].gloss})"
        assert text.count(gloss) == 1, term


def test_a_derivation_is_shown_once() -> None:
    shown = re.findall(r"[^.;:()]{12,} [=≈] [\d$]\S*", said(whole_rate_limiter_plan()))
    assert len(shown) > 30
    assert [line for line, count in Counter(shown).items() if count > 1] == []


def test_every_figure_of_a_derivation_stands_in_the_appendix() -> None:
    plan, figures = rate_limiter_plan(), figures_for(library(), rate_limiter())
    listed = Counter(row.value for row in (*plan.given, *plan.chosen, *plan.derived))
    for row in plan.derived:
        for name in figures:
            if figures.derivation(name) and row.origin.startswith(figures.derivation(name)):
                for part in figures.used_by(name):
                    assert listed[figures[part].text], (row.label, part)


def test_rows_say_where_their_figures_come_from() -> None:
    plan = rate_limiter_plan()
    assert all(row.origin.startswith("assumed") for row in plan.given)
    assert all(row.origin.startswith("chosen") for row in plan.chosen)
    reckoned = re.compile(r"[\d($C]|smaller\(")
    assert all(reckoned.match(row.origin) for row in plan.derived)


def test_an_override_changes_what_is_derived_from_it() -> None:
    small, large = (made_brief(figures={"users": users}) for users in (5_000, 10_000))
    before, after = (figures_for(library(), brief)["active"] for brief in (small, large))
    assert after.magnitude == 2 * before.magnitude


def a_square_of_sizes() -> list[tuple[dict[str, float], frozenset[str], frozenset[str]]]:
    """Sixteen systems: every pair of two magnitudes, and each with and without roles, durable or not."""
    made = []
    for i, j in product(range(4), repeat=2):
        figures = {
            name: question.values[(i, j, (i + j) % 4)[place]]
            for place, (name, question) in enumerate(choices().magnitudes.items())
        }
        roles = all_roles() if (i + j // 2) % 2 else frozenset()
        traits = frozenset({"approximate_ok"}) if (i // 2 + j) % 2 else frozenset()
        made.append((figures, roles, traits))
    return made


@pytest.mark.parametrize(("figures", "roles", "traits"), a_square_of_sizes())
def test_a_made_system_of_any_size_has_a_whole_chapter(
    figures: dict[str, float], roles: frozenset[str], traits: frozenset[str]
) -> None:
    plan = make_plan(library(), made_brief(figures=figures, roles=roles, traits=traits), "quick")
    assert thin(plan) == {}


@pytest.mark.slow
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("roles", [frozenset(), all_roles()], ids=["no roles", "all roles"])
def test_made_systems_of_all_sizes_have_whole_chapters(
    roles: frozenset[str], durable: bool, depth: Depth
) -> None:
    traits = () if durable else ("approximate_ok",)
    for figures in all_magnitudes():
        plan = make_plan(library(), made_brief(roles=roles, traits=traits, figures=figures), depth)
        assert thin(plan) == {}, figures
        rows = [row for section in plan.sections() for row in section.rows]
        assert [row for row in rows if row.value[0] in "-−∞"] == []


@pytest.mark.parametrize("trait", sorted(library().names.traits))
def test_a_made_system_with_any_trait_has_a_whole_chapter(trait: str) -> None:
    assert thin(make_plan(library(), made_brief(traits={trait}), "quick")) == {}


@pytest.mark.parametrize("role", sorted(all_roles()))
def test_a_made_system_with_any_role_has_a_whole_chapter(role: str) -> None:
    assert thin(make_plan(library(), made_brief(roles={role}), "quick")) == {}


@pytest.mark.parametrize("fail_open", [True, False])
@pytest.mark.parametrize("sync_answer", [True, False])
def test_a_made_system_with_other_decisions_has_a_whole_chapter(
    fail_open: bool, sync_answer: bool
) -> None:
    brief = made_brief()
    decisions = brief.decisions | {"fail_open": fail_open, "sync_answer": sync_answer}
    assert thin(make_plan(library(), brief.model_copy(update={"decisions": decisions}))) == {}


def test_a_claim_that_needs_what_is_not_there_is_left_out_with_the_reason() -> None:
    plan = whole_plan(with_claims(id="odd", at="p08.clocks", text="It ticks.", needs=["queue"]))
    assert ("p08.clocks.odd", "needs queue") in plan.omitted


def test_a_claim_whose_condition_fails_is_left_out_with_the_condition() -> None:
    plan = whole_plan(with_claims(id="odd", at="p08.clocks", text="It ticks.", when="users < 2"))
    assert ("p08.clocks.odd", "holds when users < 2") in plan.omitted


def test_a_claim_with_a_figure_that_makes_no_sense_is_left_out_with_the_figure() -> None:
    brief = with_claims(id="odd", at="p08.clocks", text="It has {{ n.less }}.")
    less = {"unit": "", "actor": "store", "label": "less than nothing", "is": "users - users - 1"}
    brief = brief.model_copy(
        update={
            "extra_figures": brief.extra_figures
            | {"less": type(brief.extra_figures["hop"]).model_validate(less)}
        }
    )
    plan = whole_plan(brief)
    assert ("p08.clocks.odd", "less is −1 here") in plan.omitted


def test_a_claim_of_each_component_is_repeated() -> None:
    brief = with_claims(
        id="odd", at="p08.clocks", text="The {{ c.name }} has a clock.", **{"for": "component"}
    )
    section = next(s for s in whole_plan(brief).sections() if s.id == "p08.clocks")
    assert [s.text for s in section.statements if s.id == "odd"] == [
        f"The {component.name} has a clock." for component in brief.component
    ]
