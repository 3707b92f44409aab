"""The diagrams, as Mermaid text made from the brief. Each teaches one idea.

Labels are data and escaped; whether the text renders is tried elsewhere before it is kept.
"""

from collections.abc import Callable
from itertools import pairwise

from chapter_offline.chapter import charts
from chapter_offline.chapter.escape import mermaid, plain
from chapter_offline.chapter.render import Page, nouns_of
from chapter_offline.knowledge.briefs import Brief, Phase

MOST_NODES = 9
"""Of a diagram: more can't be taken in at once."""
_PEOPLE = ("person", "client", "operator")
_NEAREST = ("client", "dependency", "person", "operator")
"""Who stands around the components, if there is room for them, in this order."""
_HANDS_ON = ("store", "queue", "stream")
"""Who asks nobody, and only hands on what was committed or accepted."""
_COPIES = ("cache", "index")
"""Who keeps nothing that isn't somewhere else as well."""
_INDENT = "    "


def _labels(brief: Brief) -> dict[str, str]:
    """Capitalised, escaped label of everything that may stand in a diagram, by role."""
    return {role: mermaid(noun.Cap) for role, noun in nouns_of(brief).items()}


def _quoted(text: str) -> str:
    return f'"{text}"'


def _box(role: str, label: str, stateful: bool) -> str:
    return f"{role}[({_quoted(label)})]" if stateful else f"{role}[{_quoted(label)}]"


def _arrow(source: str, target: str) -> str:
    """A full arrow for a call that is answered, a dotted one for what is handed on."""
    return f"{_INDENT}{source} {'-.->' if source in _HANDS_ON else '-->'} {target}"


def _step(page: Page, text: str) -> str:
    """A template's text as a label; what was escaped for Markdown is not escaped twice."""
    return mermaid(plain(page.render(text, f"brief: {text!r} in a diagram")))


def components(page: Page) -> str:
    """Which component asks which, and which hands something on: boxes keep no state, cylinders do."""
    brief = page.brief
    label = _labels(brief)
    lines = ["flowchart LR"]
    edges: dict[tuple[str, str], None] = {}
    for flow in brief.flow:
        for source, target, _ in flow.steps:
            if source != target and (target, source) not in edges:
                edges.setdefault((source, target))
    ends = {role for edge in edges for role in edge}
    boxes = {c.role: _box(c.role, label[c.role], c.stateful) for c in brief.component}
    around = {e.role: f"{e.role}[/{_quoted(label[e.role])}/]" for e in brief.external}
    around = {role: f"{role}([{_quoted(label[role])}])" for role in _PEOPLE} | around
    near = [role for role in _NEAREST if role in around and role in ends]
    shown = boxes | {role: around[role] for role in near[: MOST_NODES - len(boxes)]}
    lines += [_INDENT + box for box in shown.values()]
    lines += [_arrow(a, b) for a, b in edges if {a, b} <= set(shown)]
    return "\n".join(lines)


def ownership(page: Page) -> str:
    """Which failure domain owns which state. What others own has no frame."""
    brief = page.brief
    label = _labels(brief)
    domains: dict[str, list[str]] = {}
    for component in brief.component:
        domains.setdefault(component.domain or "one failure domain", []).append(component.role)
    stateful = {c.role: c.stateful for c in brief.component}
    lines = ["flowchart TB"]
    for number, (domain, roles) in enumerate(domains.items()):
        lines.append(f"{_INDENT}subgraph d{number}[{_quoted(mermaid(domain))}]")
        for role in roles:
            note = "keeps copies" if role in _COPIES else "keeps state"
            note = note if stateful[role] else "keeps none"
            lines.append(_INDENT * 2 + _box(role, f"{label[role]}<br/>{note}", stateful[role]))
        lines.append(f"{_INDENT}end")
    inside = {c.role for c in brief.component}
    called = {b for flow in brief.flow for a, b, _ in flow.steps if a in inside}
    others = [e.role for e in brief.external if e.role in called][: MOST_NODES - len(inside)]
    lines += [f"{_INDENT}{r}[/{_quoted(f'{label[r]}<br/>owned by others')}/]" for r in others]
    domain_of = {role: d for d, roles in domains.items() for role in roles}
    edges: dict[tuple[str, str], None] = {}
    for flow in brief.flow:
        for source, target, _ in flow.steps:
            crosses = (source in inside and target in others) or (
                source in inside and target in inside and domain_of[source] != domain_of[target]
            )
            if crosses and (target, source) not in edges:
                edges.setdefault((source, target))
    lines += [_arrow(source, target) for source, target in edges]
    return "\n".join(lines)


def data_flow(page: Page) -> str:
    """The main write, step by step."""
    brief = page.brief
    label = _labels(brief)
    flow = next((f for f in brief.flow if f.kind == "write"), brief.flow[0])
    order = dict.fromkeys(role for source, target, _ in flow.steps for role in (source, target))
    lines = ["sequenceDiagram", f"{_INDENT}autonumber"]
    lines += [f"{_INDENT}participant {role} as {label[role]}" for role in order]
    lines += [f"{_INDENT}{s}->>{t}: {_step(page, what)}" for s, t, what in flow.steps]
    return "\n".join(lines)


def failure(page: Page) -> str:
    """How one failure spreads, and which defence cuts the chain where."""
    brief = page.brief
    label = _labels(brief)
    chain = brief.failure
    lines = ["flowchart TB", f"{_INDENT}cause([{_quoted(_step(page, chain.cause))}])"]
    roles = dict.fromkeys(role for source, target, _ in chain.steps for role in (source, target))
    lines += [f"{_INDENT}{role}[{_quoted(label[role])}]" for role in roles]
    if chain.steps:
        lines.append(f"{_INDENT}cause --> {chain.steps[0][0]}")
    lines += [f"{_INDENT}{s} -- {_quoted(_step(page, what))} --> {t}" for s, t, what in chain.steps]
    for number, (role, defence) in enumerate(chain.cuts):
        lines.append(
            f"{_INDENT}cut{number}{{{{{_quoted(_step(page, defence))}}}}} -. cuts .-> {role}"
        )
    return "\n".join(lines)


def evolution(page: Page) -> str:
    """Which failure forced which step of the design."""
    order = {phase.id: phase for phase in page.brief.phase}
    phases: list[Phase] = [order["v1"], order["v2"], order["stable"]]
    lines = ["flowchart LR"]
    for phase in phases:
        name = mermaid(phase.name[:1].upper() + phase.name[1:])
        boxes = "<br/>".join(mermaid(box) for box in phase.components)
        lines.append(f"{_INDENT}{phase.id}[{_quoted(f'{name}<br/>{boxes}')}]")
    for before, after in pairwise(phases):
        lines.append(f"{_INDENT}{before.id} -- {_quoted(mermaid(before.label))} --> {after.id}")
    return "\n".join(lines)


def states(page: Page) -> str:
    """What may follow what: the states of the main entity. "" where the brief has none."""
    if not page.brief.state:
        return ""
    number = {state.name: f"s{n}" for n, state in enumerate(page.brief.state)}
    lines = ["stateDiagram-v2"]
    lines += [
        f"{_INDENT}state {_quoted(_step(page, state.name))} as {number[state.name]}"
        for state in page.brief.state
    ]
    for place, state in enumerate(page.brief.state):
        if place == 0 or state.begins:
            lines.append(f"{_INDENT}[*] --> {number[state.name]}")
    for state in page.brief.state:
        for end, what, _ in state.moves:
            lines.append(f"{_INDENT}{number[state.name]} --> {number[end]}: {_step(page, what)}")
        if not state.goes:
            lines.append(f"{_INDENT}{number[state.name]} --> [*]")
    return "\n".join(lines)


DIAGRAMS: dict[str, Callable[[Page], str]] = {
    "p05.diagram": components,
    "p08.ordering": states,
    "p09.slow_dependencies": charts.slow,
    "p09.retry_storms": charts.storm,
    "p10.load_shedding": charts.shedding,
    "p17.architecture": ownership,
    "p17.data_flow": data_flow,
    "p17.failure": failure,
    "p17.evolution": evolution,
}
