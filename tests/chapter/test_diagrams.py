"""The diagrams: made from the brief, and understood by the real Mermaid.

Rendering takes a second each. The default system's are rendered with the real chapter
(test_workflow.py), ones with hostile names in test_hostile_names.py.
"""

import re
from dataclasses import replace

import pytest
from systems import all_roles, library, made_brief, rate_limiter_plan

from chapter_offline.chapter.diagrams import DIAGRAMS
from chapter_offline.chapter.escape import mermaid
from chapter_offline.chapter.plan import make_plan
from chapter_offline.errors import IncompleteError
from chapter_offline.output.svg import render_diagrams

BRIEF = rate_limiter_plan().brief
CURVES = {"p09.slow_dependencies", "p09.retry_storms", "p10.load_shedding"}
"""Drawn only where there is an overload to simulate."""


def source_of(section: str) -> str:
    """The Mermaid text of one of the default system's diagrams."""
    return next(s.diagram for s in rate_limiter_plan().sections() if s.id == section)


@pytest.mark.slow
@pytest.mark.parametrize("roles", [frozenset(), all_roles()], ids=["no roles", "all roles"])
def test_all_of_a_made_system_render(roles: frozenset[str]) -> None:
    plan = make_plan(library(), made_brief(roles=roles))
    drawn = [section.id for section in plan.sections() if section.diagram]
    assert list(render_diagrams(plan, tuple(range(1, 19)))) == drawn
    assert set(DIAGRAMS) - set(drawn) <= CURVES


def test_only_the_parts_that_were_asked_for_are_drawn() -> None:
    assert render_diagrams(rate_limiter_plan(), (1, 4, 18)) == {}


def test_a_diagram_that_does_not_render_is_named() -> None:
    plan = rate_limiter_plan()
    broken = replace(plan.parts[4].sections[-1], diagram="flowchart LR\n    a --> [")
    parts = (*plan.parts[:4], replace(plan.parts[4], sections=(broken,)), *plan.parts[5:])
    with pytest.raises(IncompleteError, match=r"diagram of p05\.diagram does not render: \S"):
        render_diagrams(replace(plan, parts=parts), (5,))


@pytest.mark.parametrize("section", ["p05.diagram", "p17.architecture"])
def test_each_component_is_drawn_once(section: str) -> None:
    boxes = re.findall(r"^ +(\w+)\[", source_of(section), re.M)
    inside = [name for name in boxes if name in {c.role for c in BRIEF.component}]
    assert sorted(inside) == sorted(component.role for component in BRIEF.component)


def test_what_keeps_state_is_a_cylinder() -> None:
    cylinders = set(re.findall(r"^ +(\w+)\[\(", source_of("p05.diagram"), re.M))
    assert cylinders == {component.role for component in BRIEF.component if component.stateful}


def test_every_failure_domain_is_a_box_of_its_own() -> None:
    domains = {component.domain for component in BRIEF.component}
    boxes = re.findall(r'subgraph d\d\["(.+)"\]', source_of("p17.architecture"))
    assert sorted(boxes) == sorted(map(mermaid, domains))


def test_the_data_flow_has_every_step_of_the_main_write_in_order() -> None:
    flow = next(flow for flow in BRIEF.flow if flow.kind == "write")
    arrows = re.findall(r"^ +(\w+)->>(\w+): ", source_of("p17.data_flow"), re.M)
    assert arrows == [(source, target) for source, target, _ in flow.steps]


def test_every_defence_cuts_the_chain_somewhere() -> None:
    cuts = re.findall(r"-\. cuts \.-> (\w+)", source_of("p17.failure"))
    assert cuts == [role for role, _ in BRIEF.failure.cuts]


def test_each_step_of_the_evolution_is_forced_by_a_failure() -> None:
    labels = {phase.id: phase.label for phase in BRIEF.phase}
    arrows = re.findall(r'^ +(\w+) -- "(.+)" --> (\w+)', source_of("p17.evolution"), re.M)
    assert arrows == [("v1", labels["v1"], "v2"), ("v2", labels["v2"], "stable")]
