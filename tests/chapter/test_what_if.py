"""What would change if an assumption were another: exactly what depends on it."""

import pytest
from systems import library, made_brief, rate_limiter

from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.plan import make_plan
from chapter_offline.chapter.what_if import changed, what_if
from chapter_offline.errors import UsageError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.sizing.figures import Figures

pytestmark = pytest.mark.whole


def figures_of(brief: Brief) -> Figures:
    return figures_for(library(), brief)


def with_changes(brief: Brief, *changes: str) -> Brief:
    return changed(brief, figures_of(brief), library(), changes)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("users=10x", "2 million"),
        ("users = 10×", "2 million"),
        ("users=5_000_000", "5 million"),
        ("users=300,000", "300,000"),
        ("timeout=0.012 s", "12 ms"),
        ("timeout=20", "20 ms"),
        ("fill=25%", "25%"),
        ("bucket_rate=0.5x", "50/s"),  # a figure of the brief's own
        ("machine_cost=200 $/month", "$200 a month"),
    ],
)
def test_a_change_is_read_in_the_figures_own_unit(change: str, text: str) -> None:
    name = change.partition("=")[0].strip()
    assert figures_of(with_changes(rate_limiter(), change))[name].text == text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("users", "write NAME=VALUE"),
        ("users=", "write NAME=VALUE"),
        ("users=-5", "write NAME=VALUE"),
        ("users=ten", "write NAME=VALUE"),
        ("userz=10x", "nearest are users"),
        ("zzz=1", "Appendix A"),
        ("peak_rps=5", "it is derived; set one of peak_factor"),
        ("timeout=5 GB", "measured in ms"),
        ("timeout=5 parsecs", "measured in ms"),
        ("users=5 ms", "measured in plain numbers"),
        ("users=5 __import__('os')", "no unit"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(change: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        with_changes(rate_limiter(), change)
    assert "\n" not in str(refused.value)


ASSUMED = [name for name in figures_of(made_brief()) if not figures_of(made_brief()).used_by(name)]


@pytest.mark.parametrize("name", ASSUMED)
def test_a_change_moves_exactly_the_figures_that_depend_on_it(name: str) -> None:
    before = figures_of(made_brief())
    after = figures_of(with_changes(made_brief(), f"{name}=2x"))
    moved = {n for n in before if before[n].quantity != after[n].quantity}
    depending = {n for n in before if name in before.sources([n])}
    assert name in moved
    assert moved <= depending
    # What depends and stays was rounded away, or stands beside something far larger.
    direct = {n for n in depending - moved if name in before.used_by(n)}
    for figure in direct:
        assert before[figure].definition.round_up or before[figure].text == after[figure].text


def test_a_hundred_times_the_users_turn_decisions_and_rewrite_sections() -> None:
    before = make_plan(library(), made_brief())
    after = make_plan(library(), with_changes(made_brief(), "users=100x"))
    found = what_if(before, after, range(1, 19))
    assert found.moved[0].name == "users"
    assert {"peak_rps", "machines", "partitions", "cost"} <= {moved.name for moved in found.moved}
    assert all(moved.before != moved.after for moved in found.moved)
    assert {"burst", "partitions"} <= {now.id for _, now in found.turned}
    assert all(was.passed != now.passed and was.chosen != now.chosen for was, now in found.turned)
    texts = {s.id: s for s in before.sections()}
    assert {s.id for s in found.sections} == {s.id for s in after.sections() if s != texts[s.id]}
    assert "p14.stable" in {s.id for s in found.sections}


def test_nothing_moves_where_nothing_is_changed() -> None:
    plan = make_plan(library(), rate_limiter())
    found = what_if(plan, make_plan(library(), rate_limiter()), range(1, 19))
    assert (found.moved, found.turned, found.sections) == ((), (), ())


@pytest.mark.parametrize("change", ["users=100x", "users=0.01x", "acts_per_user=30x", "serve=5x"])
def test_the_default_system_can_be_asked_about_any_scale(change: str) -> None:
    before = make_plan(library(), rate_limiter())
    after = make_plan(library(), with_changes(rate_limiter(), change))
    assert what_if(before, after, range(1, 19)).moved
