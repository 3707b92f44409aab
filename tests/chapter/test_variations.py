"""What-ifs that a chapter reckons out, and the table of a simulated run."""

import random
import re

import pytest
from systems import library, made_brief

from chapter_offline.chapter.figuring import figures_for, with_values
from chapter_offline.chapter.render import Page
from chapter_offline.chapter.rules import standings
from chapter_offline.chapter.tables import SIMULATED_NOTE, VARIED_NOTE, table_of
from chapter_offline.output.numbers import unexplained
from chapter_offline.review.samples import sample_briefs

pytestmark = pytest.mark.whole

BRIEFS = sample_briefs(library())


def page(name: str) -> Page:
    return Page(library(), BRIEFS[name], figures_for(library(), BRIEFS[name]))


@pytest.mark.parametrize("name", BRIEFS)
def test_every_figure_of_a_variation_is_what_the_changed_brief_comes_to(name: str) -> None:
    here = page(name)
    table = table_of(here, "p18.what_if")
    assert table
    assert table.note.startswith(VARIED_NOTE)
    rows = {lead.strip("*"): (then, turned) for lead, then, turned in table.rows}
    for each in (v for v in library().variations if not here.holds(v.needs)):
        lead = here.must(each.lead, each.id)
        assert (lead in rows) != (f'"{lead}"' in table.note)
        then, turned = rows.get(lead, (None, ""))
        values = {n: (here.figures[n].magnitude * by, "") for n, by in each.times.items()}
        values |= {n: (here.figures[other].magnitude, "") for n, other in each.to.items()}
        brief = with_values(here.brief, values)
        figures = figures_for(library(), brief)
        for figure in each.shows:
            was, now = here.figures[figure], figures[figure]
            label = here.must(was.definition.label, figure)
            if then is not None and was.usable and now.usable and was.text != now.text:
                assert f"{label}: {was.text} → {now.text}" in then
        other = Page(library(), brief, figures)
        was = {at.id: at.passed for at in standings(here)}
        for at in standings(other):
            if at.id in was:
                assert (f"**{at.about}**" in turned) == (at.passed != was[at.id])


@pytest.mark.parametrize("name", BRIEFS)
def test_figures_with_another_assumption_are_those_of_the_brief_that_assumes_it(name: str) -> None:
    figures = figures_for(library(), BRIEFS[name])
    assumed = [n for n in figures if figures[n].definition.origin in {"given", "chosen"}]
    for chosen in random.Random(name).sample(assumed, 5):
        value = figures[chosen].magnitude * 2
        other = figures.with_values({chosen: value})
        anew = figures_for(library(), with_values(BRIEFS[name], {chosen: (value, "")}))
        assert [other[n].text for n in other] == [anew[n].text for n in other]
        assert other[chosen].text != figures[chosen].text


def test_a_hundred_times_as_many_turn_a_small_system_s_decisions() -> None:
    small = made_brief(figures={"users": 50_000, "acts_per_user": 4, "reads_per_act": 20})
    table = table_of(Page(library(), small, figures_for(library(), small)), "p18.what_if")
    assert table
    hundred = next(row for row in table.rows if "hundred times" in row[0])
    assert "One machine or many" in hundred[2]
    assert "→" in hundred[1]


def test_what_can_t_be_true_together_is_said() -> None:
    table = table_of(page("parking"), "p18.what_if")
    assert table
    impatient = next(row for row in table.rows if "half as long" in row[0])
    assert "Not possible as it is" in impatient[2]
    assert ", not below " in impatient[2]


def test_the_slow_store_s_run_is_told_moment_by_moment() -> None:
    here = page("chat")
    table = table_of(here, "p09.timeline")
    assert table
    assert table.note.startswith(SIMULATED_NOTE)
    before, slow = table.rows[0], table.rows[2]
    assert before[3] == "none"
    assert slow[3] != "none"
    run = here.figures.outcome("slow")
    lost = sum(value for _, value in run.losses) * (run.losses[1][0] - run.losses[0][0])
    assert lost == pytest.approx(run.refused + run.timed_out, rel=0.02)


def test_a_system_whose_calls_never_run_out_has_no_such_table() -> None:
    assert table_of(page("timetable"), "p09.timeline") is None


@pytest.mark.parametrize("note", [SIMULATED_NOTE, VARIED_NOTE])
def test_a_table_of_other_assumptions_is_passed_over_and_nothing_after_it(note: str) -> None:
    body = f"{note} so and so.\n\n| a | b |\n| --- | --- |\n| 44 | 45 |\n\nThen 46 came.\n"
    found = [found.number for found in unexplained(body + "\n## Appendix A: Figures\n\n| 1 |\n")]
    assert found == ["46"]
    assert re.match(r"\*\w.*:\*", note)
