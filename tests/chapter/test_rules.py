"""Constraints between figures and decisions with thresholds: data, checked for every system."""

from dataclasses import replace
from typing import Any

import pytest
from systems import library, made_brief, rate_limiter

from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.plan import make_plan
from chapter_offline.chapter.render import Page
from chapter_offline.chapter.rules import Standing, Violation, standings, violations
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief, Override
from chapter_offline.knowledge.rules import Constraint
from chapter_offline.review.samples import sample_briefs

pytestmark = pytest.mark.whole


def page(brief: Brief, **figures: float) -> Page:
    """A page of the brief with other assumptions."""
    overrides = brief.figures | {name: Override(value=v) for name, v in figures.items()}
    brief = brief.model_copy(update={"figures": overrides})
    return Page(library(), brief, figures_for(library(), brief))


def broken(brief: Brief, **figures: float) -> dict[str, Violation]:
    return {violation.id: violation for violation in violations(page(brief, **figures))}


def standing(brief: Brief, **figures: float) -> dict[str, Standing]:
    return {at.id: at for at in standings(page(brief, **figures))}


@pytest.mark.parametrize("name", sample_briefs(library()))
def test_no_system_of_the_library_breaks_a_constraint(name: str) -> None:
    assert broken(sample_briefs(library())[name]) == {}


@pytest.mark.parametrize(
    ("rule", "figures", "left", "right"),
    [
        ("tries", {"timeout": 900}, "100 ms + 2 ms + 2.7 s ≈ 2.8 s", "1.9 s"),
        ("patience", {"way": 1500}, "2 × 1,500 ms = 3 s", "2 s"),
        ("timeout", {"write": 250}, "2 × 250 ms = 500 ms", "400 ms"),
        ("retries", {"retry_share": 5000}, "", "4,000/s"),
        ("target", {"target_up": 99.99}, "99.99%", "99.96%"),
        ("outage", {"recover": 60}, "62 min", "43.2 min"),
        ("pools", {"pool": 0.001}, "", ""),
    ],
)
def test_a_constraint_breaks_at_its_figures(
    rule: str, figures: dict[str, float], left: str, right: str
) -> None:
    found = broken(made_brief(), **figures)
    assert rule in found
    assert left in found[rule].left
    assert right in found[rule].right


def test_every_constraint_can_break_and_names_figures_that_exist() -> None:
    figures = figures_for(library(), rate_limiter())
    for rule in (*library().rules.constraint, *rate_limiter().constraint):
        turned = rule.model_copy(update={"id": "turned", "holds": _turned(rule.holds)})
        systems = [b for b in sample_briefs(library()).values() if rule in b.constraint] or [
            *sample_briefs(library()).values()
        ]
        found = [broken(b.model_copy(update={"constraint": (turned,)})) for b in systems]
        assert any("turned" in each for each in found), rule.id
    assert {rule.figure for rule in library().rules.decision} <= figures.keys()
    assert {rule.limit for rule in library().rules.decision} <= figures.keys()


def _turned(comparison: str) -> str:
    for sign in ("<=", "<"):
        left, found, right = comparison.partition(sign)
        if found:
            return f"{right.strip()} < {left.strip()}"
    raise AssertionError(comparison)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"holds": "tries"}, "not one comparison"),
        ({"holds": "1 < tries < 9"}, "not one comparison"),
        ({"holds": "tries < nothing"}, "figure 'nothing' is not defined"),
        ({"holds": "tries < timeout"}, "holds|Cannot"),
        ({"holds": "tries > 9"}, "not one comparison with <"),
        ({"holds": "tries < 9", "when": "tries <"}, "not an expression"),
        ({"holds": "tries < 9", "when": "nothing > 1"}, "figure 'nothing' is not defined"),
        ({"holds": "tries < 2", "why": "{{ nobody }} knows."}, "nobody"),
    ],
)
def test_a_malformed_constraint_of_a_brief_is_an_error_of_its_file(
    rule: dict[str, Any], told: str
) -> None:
    made = Constraint(**({"id": "mine", "why": "It matters."} | rule))
    with pytest.raises(BadInputError, match=told):
        broken(made_brief().model_copy(update={"constraint": (made,)}))


@pytest.mark.parametrize(
    ("holds", "left", "right"),
    [
        ("erlang_c(cores, busy) < 0.001", "C(8; 60%) ≈ 0.14", "0.001"),
        ("-tries < -1000", "−3", "−1,000"),
        ("2 ** tries < 1", "= 8", "1"),
        ("out * away < out * timeout", "", ""),
    ],
)
def test_both_sides_are_worked_out_whatever_they_measure(holds: str, left: str, right: str) -> None:
    made = Constraint(id="mine", holds=holds, why="It matters.")
    found = broken(made_brief().model_copy(update={"constraint": (made,)}))["mine"]
    assert left in found.left
    assert right in found.right


def test_a_decision_turns_where_its_figure_passes_the_limit() -> None:
    brief = made_brief()
    few = standing(brief, users=1_000_000)["partitions"]
    many = standing(brief, users=1_000_000 * few.room * 1.05)["partitions"]
    assert (few.passed, many.passed) == (False, True)
    assert few.chosen != many.chosen
    assert many.room < 1 < few.room


def test_a_chapter_shows_where_it_stands_and_the_plan_counts_it() -> None:
    plan = make_plan(library(), rate_limiter())
    (section,) = [s for s in plan.sections() if s.id == "p14.stable"]
    assert section.table is not None
    assert len(section.table.rows) == len(plan.standings) >= 6
    assert list(plan.standings) == sorted(plan.standings, key=lambda at: at.room)
    assert section.words - replace(section, table=None).words == section.table.words
    assert {"peak_writes", "one_fill"} <= set(section.figures)


def test_a_plan_knows_where_figures_are_used_and_what_they_rest_on() -> None:
    plan = make_plan(library(), made_brief())
    assert plan.assumptions(["tries_end"]) == ("tries", "timeout")
    sections = plan.where_used(["retry_share"])
    assert sections
    for section in plan.sections(range(1, 19)):
        assert (section.id in sections) == ("retry_share" in section.figures)


def test_the_cast_stands_in_part_4_with_everybody_who_is_there() -> None:
    plan = make_plan(library(), rate_limiter())
    (users,) = [s for s in plan.sections() if s.id == "p04.users"]
    assert users.table is not None
    rows = dict(users.table.rows)
    names = {c.name[:1].upper() + c.name[1:] for c in rate_limiter().component}
    assert {f"**{name}**" for name in names} <= set(rows)
    assert rows["**API gateway**"] == "12 of them; waits 20 ms for a check, then decides without it"
    with pytest.raises(BadInputError, match="cast: 'moon' is not in the cast"):
        make_plan(library(), rate_limiter().model_copy(update={"cast": {"moon": "shines"}}))


@pytest.mark.parametrize("name", sample_briefs(library()))
def test_growth_is_the_same_figures_in_a_year_and_in_three(name: str) -> None:
    figures = figures_for(library(), sample_briefs(library())[name])
    rows = next(
        s
        for s in make_plan(library(), sample_briefs(library())[name]).sections()
        if s.id == "p04.growth"
    ).table
    assert rows is not None
    factor = figures["growth"].magnitude
    for today, year, three in (
        ("peak_rps", "next_year_rps", "rps_3"),
        ("stored_all", "all_next", "all_3"),
    ):
        if year in sample_briefs(library())[name].extra_figures:
            continue  # what is stored follows something else there
        assert figures[year].magnitude == pytest.approx(factor * figures[today].magnitude, rel=0.01)
        assert figures[three].magnitude == pytest.approx(
            factor**3 * figures[today].magnitude, rel=0.01
        )
    assert all(len(row) == 4 for row in rows.rows)
