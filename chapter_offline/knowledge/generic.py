"""A brief for a system that nobody wrote about: a common shape, filled with somebody's choices.

Who chooses (a model, a person) is not known here: choices come in as data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints

from chapter_offline.knowledge.briefs import MOST_CALLS, MOST_RECORDS, Brief
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.knowledge.nouns import Noun
from chapter_offline.knowledge.traits import Traits

ALWAYS = frozenset({"gateway", "worker", "store"})


class Question(Shape):
    """A closed choice. examples: (system, answer), shown first. values: the figure that each option stands for, if it is a magnitude."""

    question: Annotated[str, StringConstraints(pattern=r"\{system\}")]
    options: tuple[str, ...]
    examples: tuple[tuple[str, str], ...] = ()
    values: tuple[float, ...] = ()


class YesNo(Shape):
    """Yes-or-no questions by name; `question` has places for {system} and {property}."""

    question: Annotated[str, StringConstraints(pattern=r"\{system\}.*\{property\}")]
    properties: dict[str, str]


class Choices(Shape):
    """`choices.toml`. calibration: systems whose mean answer is taken off. traits: the question about each.

    counted: nouns that a number in a system's name may count, by what they then are.
    """

    calibration: tuple[str, ...]
    counted: dict[str, tuple[str, ...]]
    nouns: dict[str, Question]
    magnitudes: dict[str, Question]
    roles: YesNo
    traits: Annotated[str, StringConstraints(pattern=r"\{property\}.*\{system\}")]


_NOUNS = ("act", "item", "person", "client", "group", "dependency")
_MAGNITUDES = ("users", "acts_per_user", "reads_per_act")


def load_choices(prompts: Path) -> Choices:
    """Raises BadInputError."""
    path = prompts / "choices.toml"
    data = read_toml(path)
    tidy: dict[str, Any] = {
        "calibration": data.pop("calibration", ()),
        "counted": data.pop("counted", {}),
        "nouns": {name: data.pop(name, None) for name in _NOUNS},
        "magnitudes": {name: data.pop(name, None) for name in _MAGNITUDES},
    }
    roles = dict(data.pop("roles", {}))
    tidy["roles"] = {"question": roles.pop("question", ""), "properties": roles}
    tidy["traits"] = dict(data.pop("traits", {})).get("question", "")
    return shaped(Choices, tidy | data, path.name)


@dataclass(frozen=True)
class Answers:
    """What was chosen for one system. nouns: by name; figures: assumptions by name.

    traits: the surest first; what one brings along need not be among them. stated: figures that the
    system's name says itself, before any choice.
    """

    system: str
    nouns: dict[str, str]
    roles: frozenset[str]
    traits: tuple[str, ...]
    figures: dict[str, float] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    stated: dict[str, float] = field(default_factory=dict)


def brief_from(prompts: Path, traits: Traits, answers: Answers) -> Brief:
    """The generic brief with these answers.

    A name is data: it is put into names only, never into a template. Raises BadInputError where
    generic.toml is malformed.
    """
    return shaped(Brief, brief_table(prompts, traits, answers), "generic.toml")


def brief_table(prompts: Path, traits: Traits, answers: Answers) -> dict[str, Any]:
    """The same as a TOML table, as `brief.toml` keeps it to be corrected and used again."""
    generic = read_toml(prompts / "briefs" / "generic.toml")
    held = traits.closed(answers.traits)
    roles = ALWAYS | answers.roles | traits.roles(held)
    decisions = {
        "durable_act": "approximate_ok" not in held,
        "fail_open": False,
        "sync_answer": True,
    }
    true = roles | set(held) | {name for name, yes in decisions.items() if yes}
    words = {name: answers.nouns[name] for name in ("item", "act", "person", "client", "group")}

    def kept(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in entry.items() if key != "needs"}
            | {"name": _named(entry["name"], words)}
            for entry in entries
            if all(
                (need.removeprefix("!") in true) != need.startswith("!")
                for need in entry.get("needs", [])
            )
        ]

    def all_of(kind: str) -> list[dict[str, Any]]:
        """The entries of a kind that hold here: those of any system, then those of its traits."""
        own = [entry for name in held for entry in getattr(traits.known[name], kind)]
        return _by_name(kept([*generic.pop(kind, []), *own]))

    components = {c["role"]: c for c in kept(generic.pop("component"))}
    for name in reversed(held):  # where two traits change one component, the surer has it
        components |= {
            c["role"]: c for c in kept(traits.known[name].component) if c["role"] in components
        }
    states = kept(generic.pop("state", []))
    states = next(filter(None, (kept(traits.known[name].state) for name in held)), states)
    calls, flows = all_of("call"), all_of("flow")
    table: dict[str, Any] = {
        "name": answers.system,
        "traits": list(held),
        "decisions": decisions,
        "nouns": dict(generic.pop("nouns")) | words,
        "component": list(components.values()),
        "flow": flows,
        "call": _few(calls, states),
        "record": all_of("record")[:MOST_RECORDS],
        "state": _with_causes(
            states, {*true, *words, *(entry["name"] for entry in (*calls, *flows))}
        ),
        "figures": {
            name: {"value": value, "why": "an order of magnitude, chosen by the model"}
            for name, value in answers.figures.items()
        }
        | {
            name: {"value": value, "why": "the name says so"}
            for name, value in answers.stated.items()
        },
        "made": answers.made,
    }
    if "dependency" in roles:
        name = Noun(answers.nouns["dependency"])
        does = "It belongs to somebody else, answers in its own time, and can be asked by key what it did."
        table["external"] = [{"role": "dependency", "name": str(name), "does": does}]
    return table | generic


def _named(name: str, words: Mapping[str, str]) -> str:
    """A name with this system's words in it: "{item} store", "return of {item.a}"."""
    for noun, word in words.items():
        name = name.replace("{" + noun + "}", word).replace("{" + noun + ".a}", Noun(word).a)
    return name


def _with_causes(states: list[dict[str, Any]], known: set[str]) -> list[dict[str, Any]]:
    """The states, each step with those of its causes that this system has."""
    return [
        state
        | {
            "goes": [
                [end, what, *(cause for cause in by if cause in known)]
                for end, what, *by in state["goes"]
            ]
        }
        for state in states
    ]


def _few(calls: list[dict[str, Any]], states: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many calls as a brief may have: those that move the main entity, then the first others."""
    needed = {name for state in states for _, _, *by in state["goes"] for name in by}
    needed |= {state.get("begins", "") for state in states}
    spare = MOST_CALLS - sum(call["name"] in needed for call in calls)
    others = [call["name"] for call in calls if call["name"] not in needed][: max(spare, 0)]
    return [call for call in calls if call["name"] in needed or call["name"] in others]


def _by_name(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first entry of each name."""
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        found.setdefault(entry["name"], entry)
    return list(found.values())
