"""Diagrams of random briefs with hostile words in every place where a brief has words."""

import random

import pytest
from systems import all_roles, library, made_brief

from chapter_offline.chapter.diagrams import DIAGRAMS, MOST_NODES
from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.review.samples import sample_briefs

pytestmark = pytest.mark.whole

PIECES = (
    *'"\'`[]{}()<>|;:#&%\\/*_~^$@!?+=-.,',
    "-->", "%%", "end", "graph", "subgraph", "click", "state", "note", "{{", "}}", "<br/>",
    "&quot;", "#35;", "<script>", "```", "日本", "é", "x", "store", "1.", "  ",
)  # fmt: skip
BRIEFS = 8


def hostile(draws: random.Random) -> str:
    """Up to 70 characters that are markup somewhere, but no template, which is another test's."""
    text = " ".join("".join(draws.choices(PIECES, k=3)) for _ in range(draws.randint(1, 5)))
    return " ".join(f"a{text}".replace("{", "{ ").split())[:70]


def random_brief(seed: int) -> Brief:
    """A made brief whose names, labels, steps and states are hostile."""
    draws = random.Random(seed)
    roles = frozenset(draws.sample(sorted(all_roles()), draws.randint(0, len(all_roles()))))
    brief = made_brief(roles=roles)

    def word() -> str:
        return hostile(draws)

    names = {s.name: word() + str(n) for n, s in enumerate(brief.state)}
    return brief.model_copy(
        update={
            "name": word(),
            "nouns": {name: word() for name in brief.nouns},
            "component": tuple(
                c.model_copy(update={"name": word(), "domain": word()}) for c in brief.component
            ),
            "flow": tuple(
                f.model_copy(update={"steps": tuple((a, b, word()) for a, b, _ in f.steps)})
                for f in brief.flow
            ),
            "phase": tuple(
                p.model_copy(
                    update={"name": word(), "label": word(), "components": (word(), word())}
                )
                for p in brief.phase
            ),
            "failure": brief.failure.model_copy(
                update={
                    "cause": word(),
                    "steps": tuple((a, b, word()) for a, b, _ in brief.failure.steps),
                    "cuts": tuple((role, word()) for role, _ in brief.failure.cuts),
                }
            ),
            "state": tuple(
                s.model_copy(
                    update={
                        "name": names[s.name],
                        "goes": tuple((names[end], word(), *by) for end, _, *by in s.goes),
                    }
                )
                for s in brief.state
            ),
        }
    )


def render_all(plan: Plan) -> int:
    import mermaidx

    drawn = [s for s in plan.sections() if s.diagram]
    for section in drawn:
        svg = str(mermaidx.render(section.diagram).svg())
        assert "<svg" in svg, section.id
        assert "<script" not in svg, section.id
    return len(drawn)


@pytest.mark.parametrize("seed", range(BRIEFS))
def test_every_diagram_of_a_random_brief_renders(seed: int) -> None:
    assert render_all(make_plan(library(), random_brief(seed))) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(BRIEFS, 10 * BRIEFS))
def test_every_diagram_of_many_random_briefs_renders(seed: int) -> None:
    assert render_all(make_plan(library(), random_brief(seed))) >= 5


@pytest.mark.parametrize(
    "brief",
    [*sample_briefs(library()).values(), made_brief(roles=all_roles())],
    ids=lambda b: b.name,
)
def test_a_diagram_can_be_taken_in_at_once(brief: Brief) -> None:
    for section in make_plan(library(), brief).sections():
        if section.id not in DIAGRAMS or not section.diagram or "xychart" in section.diagram:
            continue
        lines = section.diagram.splitlines()
        marks = ("[", "(", "{", "participant ", "state ")
        edges = ("-->", "-- ", "-.", "->>", "subgraph", "autonumber")
        nodes = [
            s for s in lines[1:] if any(m in s for m in marks) and not any(e in s for e in edges)
        ]
        assert 2 <= len(nodes) <= MOST_NODES, (section.id, nodes)
