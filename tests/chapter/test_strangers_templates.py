"""A brief may come from a stranger: its templates run in a sandbox, and what fails names its place."""

import copy
from typing import Any

import pytest
from systems import NOUNS, PROMPTS, library

from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.generic import Answers, brief_table

CLAIM = {"id": "odd", "at": "p08.clocks", "text": "It ticks.", "weight": 9}
FIGURE = {"unit": "", "actor": "store", "label": "craters", "given": 3}


@pytest.fixture
def table() -> dict[str, Any]:
    answers = Answers("Parking service", NOUNS, frozenset({"cache"}), ())
    return copy.deepcopy(brief_table(PROMPTS, library().traits, answers))


def plan_of(table: dict[str, Any]) -> Plan:
    return make_plan(library(), Brief.model_validate(table))


def refusal(table: dict[str, Any]) -> str:
    with pytest.raises(BadInputError) as refused:
        plan_of(table)
    return str(refused.value)


def test_a_brief_that_nobody_broke_is_planned(table: dict[str, Any]) -> None:
    table["claims"] = [CLAIM]
    section = next(s for s in plan_of(table).sections() if s.id == "p08.clocks")
    assert section.statements[0].text == "It ticks."


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ moons }}", "'moons' is undefined"),
        ("{{ store.colour }}", "has no attribute 'colour'"),
        ("{{ n.moons }}", "figure 'moons' is not defined in names.toml or the brief"),
        ("{{ n.__class__ }}", "access to attribute '__class__'"),
        ("{{ eq('moons') }}", "figure 'moons' is not defined"),
        ("{{ t('moonlight') }}", "term 'moonlight' is in no file of terms/"),
        ("{{ see('p08.watches') }}", "see('p08.watches'): there is no such section"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ store", "unexpected end of template"),
        ("{% if durable_act %}yes", "Unexpected end of template"),
        ("{% include '/etc/passwd' %}", "the template fails"),
        ("{% import 'os' as os %}", "the template fails"),
        ("{{ store | shout }}", "No filter named 'shout'"),
        ("{{ store.__class__.__mro__ }}", "access to attribute '__class__'"),
        ("{{ ''.__class__ }}", "access to attribute '__class__'"),
        ("{{ n.users.__init__.__globals__ }}", "access to attribute '__init__'"),
        ("{{ t.__globals__ }}", "access to attribute '__globals__'"),
        ("{% for i in range(10 ** 9) %}x{% endfor %}", "Range too big"),
    ],
)
def test_a_claim_that_cannot_be_rendered_is_named(
    table: dict[str, Any], template: str, told: str
) -> None:
    table["claims"] = [CLAIM | {"text": template}]
    said = refusal(table)
    assert told in said
    assert "\n" not in said


@pytest.mark.parametrize("field", ["text", "lead", "ask"])
def test_each_text_of_a_claim_is_named_with_its_section(table: dict[str, Any], field: str) -> None:
    table["claims"] = [CLAIM | {field: "{{ moons }}"}]
    assert refusal(table).startswith("p08.clocks.odd: the template fails")


@pytest.mark.parametrize(
    "condition", ["users > burst", "users ** 9999 > 1", "users / 0 > 1", "users == 3", "users >"]
)
def test_a_condition_that_compares_nothing_is_named(table: dict[str, Any], condition: str) -> None:
    table["claims"] = [CLAIM | {"when": condition}]
    assert refusal(table).startswith(f"p08.clocks.odd: when = {condition!r}: ")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda t: t.update(summary="{{ moons }}"), "brief: summary: "),
        (lambda t: t.update(summary="{{ n.less }}"), "brief: summary: less is "),
        (
            lambda t: t.update(frames=[{"at": "p08.clocks", "text": "{{ moons }}"}]),
            "p08.clocks.frame: ",
        ),
        (lambda t: t["component"][1].update(does="{{ moons }}"), "brief: component worker: does: "),
        (
            lambda t: t["component"][2].update(keeps="{{ moons }}"),
            "brief: component cache: keeps: ",
        ),
        (lambda t: t["component"][3].update(mustnt="{{ x."), "brief: component store: mustnt: "),
        (lambda t: t["flow"][0].update(done="{{ moons }}"), "brief: flow 'main write': done: "),
        (
            lambda t: t["flow"][0]["steps"].append(["worker", "store", "{{ moons }}"]),
            "brief: flow 'main write': steps: ",
        ),
        (lambda t: t["phase"][0].update(breaks="{{ moons }}"), "brief: phase v1: breaks: "),
        (lambda t: t["phase"][1].update(what="{{ moons }}"), "brief: phase v2: what: "),
        (
            lambda t: t["failure"]["steps"].append(["store", "worker", "{{ moons }}"]),
            "brief: '{{ moons }}' in a diagram: ",
        ),
        (
            lambda t: t["failure"].update(cause="{{ n.less }}"),
            "brief: diagram of p17.failure: less is ",
        ),
        (
            lambda t: t["extra_figures"].update(craters=FIGURE | {"label": "{{ moons }}"}),
            "figure craters: label: ",
        ),
        (
            lambda t: t["extra_figures"].update(craters=FIGURE | {"why": "{{ moons }}"}),
            "figure craters: why: ",
        ),
        (
            lambda t: t["extra_figures"].update(
                craters={k: v for k, v in FIGURE.items() if k != "given"} | {"is": "users - burst"}
            ),
            "figure 'craters': users - burst does not come to ",
        ),
    ],
)
def test_whatever_is_broken_is_named_with_its_place(
    table: dict[str, Any], change: Any, place: str
) -> None:
    less = {"unit": "", "actor": "store", "label": "less than nothing", "is": "tries - tries - 1"}
    table["extra_figures"] = {"less": less}
    table["claims"] = [CLAIM | {"text": "There are {{ n.craters }}."}]
    table["extra_figures"]["craters"] = FIGURE
    change(table)
    assert refusal(table).startswith(place)


def test_a_system_without_users_is_refused_and_not_divided_by(table: dict[str, Any]) -> None:
    table["figures"] = {"users": {"value": 0}}
    assert refusal(table).endswith("users is 0 here")


def test_text_that_a_claim_prints_is_not_rendered_again(table: dict[str, Any]) -> None:
    table["claims"] = [CLAIM | {"text": "It says {{ '{{ 7*7 }}' }}."}]
    section = next(s for s in plan_of(table).sections() if s.id == "p08.clocks")
    assert section.statements[0].text == "It says {{ 7*7 }}."
