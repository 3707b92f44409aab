"""The five diagrams: made from the brief, and understood by the real Mermaid."""

import re
from dataclasses import replace

import pytest
from drawings import seen
from systems import all_roles, library, made_brief, rate_limiter_plan

from chapter_offline.chapter.diagrams import DIAGRAMS
from chapter_offline.chapter.plan import make_plan
from chapter_offline.errors import IncompleteError
from chapter_offline.output.svg import render_diagrams

ALL_PARTS = tuple(range(1, 19))


def source_of(section: str) -> str:
    """The Mermaid text of one of the default system's diagrams."""
    return next(s.diagram for s in rate_limiter_plan().sections() if s.id == section)


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    """The default system's drawings."""
    return dict(render_diagrams(rate_limiter_plan(), ALL_PARTS))


def test_all_five_of_the_default_system_render(drawn: dict[str, str]) -> None:
    assert list(drawn) == list(DIAGRAMS)


def test_a_drawing_shows_the_names_of_the_components(drawn: dict[str, str]) -> None:
    text = seen(drawn["p05.diagram"])
    for component in rate_limiter_plan().brief.component:
        assert component.name.replace(" ", "")[1:] in text


def test_the_data_flow_shows_every_step_of_the_main_write(drawn: dict[str, str]) -> None:
    flow = next(flow for flow in rate_limiter_plan().brief.flow if flow.kind == "write")
    text = seen(drawn["p17.data_flow"])
    assert all(what.replace(" ", "") in text for _, _, what in flow.steps if "{{" not in what)
    assert len(re.findall("->>", source_of("p17.data_flow"))) == len(flow.steps)


@pytest.mark.slow
def test_all_five_of_a_made_system_with_every_role_render() -> None:
    """The fast tests draw one whose names are hostile: test_hostile_names.py."""
    plan = make_plan(library(), made_brief(roles=all_roles()))
    assert list(render_diagrams(plan, ALL_PARTS)) == list(DIAGRAMS)


def test_only_the_parts_that_were_asked_for_are_drawn() -> None:
    assert render_diagrams(rate_limiter_plan(), (1, 4, 18)) == {}


def test_each_component_is_drawn_once() -> None:
    for section in ("p05.diagram", "p17.architecture"):
        source = source_of(section)
        for component in rate_limiter_plan().brief.component:
            boxes = re.findall(rf"^ +{component.role}\[", source, re.M)
            assert len(boxes) == 1, (section, component.role)


def test_what_keeps_state_is_a_cylinder() -> None:
    source = source_of("p05.diagram")
    cylinders = set(re.findall(r"^ +(\w+)\[\(", source, re.M))
    assert cylinders == {c.role for c in rate_limiter_plan().brief.component if c.stateful}


def test_a_diagram_that_does_not_render_is_named() -> None:
    plan = rate_limiter_plan()
    broken = replace(plan.parts[4].sections[-1], diagram="flowchart LR\n    a --> [")
    parts = (*plan.parts[:4], replace(plan.parts[4], sections=(broken,)), *plan.parts[5:])
    with pytest.raises(IncompleteError, match=r"diagram of p05\.diagram does not render: \S"):
        render_diagrams(replace(plan, parts=parts), (5,))
