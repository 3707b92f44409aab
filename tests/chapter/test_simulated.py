"""Figures, tables and curves that come from simulations over a brief's figures."""

import re
import sys

import pytest
from systems import library, rate_limiter

from chapter_offline.chapter import charts
from chapter_offline.chapter.diagrams import DIAGRAMS
from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.plan import Plan, SectionPlan, make_plan
from chapter_offline.chapter.render import Page
from chapter_offline.chapter.tables import table_of
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.names import FigureEntry
from chapter_offline.output.svg import render_diagrams
from chapter_offline.review.samples import sample_briefs
from chapter_offline.sizing.figure import Definition
from chapter_offline.sizing.figures import Run, derive

pytestmark = pytest.mark.whole

CHAT = sample_briefs(library())["chat"]
SIMULATED = [name for name, f in library().names.figures.items() if f.origin == "simulated"]


def page(brief: Brief) -> Page:
    return Page(library(), brief, figures_for(library(), brief))


def section(plan: Plan, key: str) -> SectionPlan:
    return next(s for s in plan.sections() if s.id == key)


def with_inputs(name: str, **inputs: str) -> Brief:
    return CHAT.model_copy(update={"simulations": {name: inputs}})


def test_every_simulated_figure_can_be_had() -> None:
    figures = figures_for(library(), CHAT)
    assert SIMULATED
    for name in SIMULATED:
        assert figures[name].magnitude >= 0
        assert figures.derivation(name) == ""
        assert set(figures.used_by(name)) <= set(figures)


def test_the_same_figures_give_the_same_outcome_and_others_another() -> None:
    once, again = (figures_for(library(), CHAT) for _ in range(2))
    assert [once[n].text for n in SIMULATED] == [again[n].text for n in SIMULATED]
    other = figures_for(library(), with_inputs("unshed", burst_rate="1.2 * burst_rps"))
    assert other["unshed_answered"].magnitude < once["unshed_answered"].magnitude
    assert other["shed_answered"].text == once["shed_answered"].text


def test_nothing_is_simulated_before_it_is_asked_for() -> None:
    runs = {"never": Run("no such model", {})}
    definition = Definition("x", "%", "x", "worker", "simulated", None, "a / b", simulation="never")
    figures = derive({"x": definition}, runs)
    assert list(figures) == ["x"]
    with pytest.raises(BadInputError, match="no model 'no such model'; there are burst_through"):
        figures["x"]


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"moons": "1"}, "burst_through_queue takes no 'moons'"),
        ({"servers": "moons"}, "servers: figure 'moons' is not defined"),
        ({"servers": "machines **"}, "not an expression"),
        ({"servers": "1e400"}, "servers: cannot convert float infinity"),
        ({"base_rate": "timeout + peak_rps"}, "base_rate: Cannot convert"),
        ({"base_rate": "slow_exhausted"}, "'slow_exhausted' is simulated itself"),
    ],
)
def test_inputs_with_which_nothing_can_be_simulated_are_named(
    inputs: dict[str, str], told: str
) -> None:
    with pytest.raises(BadInputError, match=re.escape(told)) as error:
        figures_for(library(), with_inputs("shed", **inputs))["shed_answered"].text  # noqa: B018
    assert str(error.value).startswith("simulation shed")


@pytest.mark.parametrize(
    "inputs", [{"service_time": "0"}, {"horizon": "1e9"}, {"base_rate": "peak_rps - burst_rps"}]
)
def test_what_the_model_has_no_range_for_is_not_simulated(inputs: dict[str, str]) -> None:
    brief = with_inputs("shed", **inputs)
    figures = figures_for(library(), brief)
    assert not figures["shed_answered"].usable
    assert figures["unshed_answered"].usable
    assert table_of(page(brief), "p10.load_shedding") is None


def test_a_simulation_that_is_not_there_is_an_error_of_the_brief() -> None:
    with pytest.raises(BadInputError, match="simulations: 'tide' is not in"):
        make_plan(library(), with_inputs("tide", rate="1"))


def test_a_figure_of_a_simulation_that_is_not_there_is_an_error() -> None:
    entry = FigureEntry(sim="tide: level", unit="", actor="worker", label="tide")
    brief = CHAT.model_copy(update={"extra_figures": {"tide": entry}})
    with pytest.raises(BadInputError, match="there is no simulation 'tide'"):
        figures_for(library(), brief)


def test_no_figure_is_derived_from_a_simulated_one() -> None:
    entry = FigureEntry.model_validate(
        {"is": "2 * shed_answered", "unit": "%", "actor": "worker", "label": "twice"}
    )
    brief = CHAT.model_copy(update={"extra_figures": {"twice": entry}})
    with pytest.raises(BadInputError, match="derived from a simulated one, 'shed_answered'"):
        figures_for(library(), brief)


def test_an_overloaded_system_shows_what_shedding_does() -> None:
    plan = make_plan(library(), CHAT)
    shedding = section(plan, "p10.load_shedding")
    assert shedding.table is not None
    rows = {row[0]: row[1:] for row in shedding.table.rows}
    figures = plan.figures
    assert rows["answered in time"] == (
        figures["unshed_answered"].text,
        figures["shed_answered"].text,
    )
    assert figures["shed_answered"].magnitude > 5 * figures["unshed_answered"].magnitude
    assert rows["refused at once"] == ("none", figures["shed_refused"].text)
    assert {"shed_answered", "unshed_late"} <= set(shedding.figures)
    labels = {row.name for row in plan.simulated}
    assert {"shed_answered", "unshed_late", "storm_peak", "calm_ok"} <= labels
    assert all(row.origin.startswith("simulated: ") for row in plan.simulated)


def test_a_storm_outlives_its_cause_and_a_budget_ends_it() -> None:
    table = table_of(page(CHAT), "p09.retry_storms")
    assert table is not None
    assert table.rows[-1] == ("all succeed again after", "not within the run", "at once")


def test_a_system_with_room_for_its_bursts_has_no_such_table_and_no_curve() -> None:
    plan = make_plan(library(), sample_briefs(library())["timetable"])
    for key in ("p09.retry_storms", "p10.load_shedding", "p09.slow_dependencies"):
        assert section(plan, key).table is None
        assert section(plan, key).diagram == section(plan, key).idea == ""


@pytest.mark.parametrize(
    ("key", "lines"),
    [("p09.retry_storms", 2), ("p10.load_shedding", 2), ("p09.slow_dependencies", 1)],
)
def test_curves_are_drawn_over_the_whole_run(key: str, lines: int) -> None:
    text = DIAGRAMS[key](page(CHAT))
    curves = [line.split("[")[1].rstrip("]").split(", ") for line in re.findall(r"line .*", text)]
    assert [len(curve) for curve in curves] == [40] * lines
    most = float(text.partition("y-axis")[2].partition("-->")[2].split()[0])
    assert max(float(value) for curve in curves for value in curve) <= most * 1.01


def test_curves_render() -> None:
    drawn = render_diagrams(make_plan(library(), CHAT), (9, 10))
    assert set(drawn) == {"p09.slow_dependencies", "p09.retry_storms", "p10.load_shedding"}
    assert all(svg.count("#0b5394") for svg in drawn.values())


@pytest.mark.parametrize("value", [999.6, 3.12e6, 0.000012, 0.0, 12.345, 1.005])
def test_no_number_of_a_curve_is_a_power_of_ten(value: float) -> None:
    text = charts._short(value)
    assert re.fullmatch(r"\d+(\.\d+)?", text)
    assert float(text) == pytest.approx(value, rel=0.01, abs=0.00001)


def test_a_default_answer_leaves_no_storm_to_simulate() -> None:
    figures = figures_for(library(), rate_limiter())
    assert not figures.simulates("storm", "calm")
    assert table_of(page(rate_limiter()), "p09.retry_storms") is None


def test_what_is_not_simulated_is_no_figure_to_print() -> None:
    figures = figures_for(library(), sample_briefs(library())["parking"])
    assert not figures.simulates("shed")
    assert not any(figures[name].usable for name in SIMULATED if name.startswith("shed"))


def test_a_plan_without_simulations_does_without_simpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simpy", None)
    for name in [n for n in sys.modules if n.startswith("chapter_offline.sizing.simulations")]:
        monkeypatch.delitem(sys.modules, name)
    assert make_plan(library(), sample_briefs(library())["timetable"]).words
