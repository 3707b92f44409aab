"""A brief for a system that nobody wrote about: a common shape, filled with somebody's choices.

Who chooses (a model, a person) is not known here: choices come in as data.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints

from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.knowledge.nouns import Noun

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
    """`choices.toml`. calibration: systems whose mean answer is taken off."""

    calibration: tuple[str, ...]
    nouns: dict[str, Question]
    magnitudes: dict[str, Question]
    roles: YesNo
    traits: YesNo


_NOUNS = ("act", "item", "person", "client", "group", "dependency")
_MAGNITUDES = ("users", "acts_per_user", "reads_per_act")


def load_choices(prompts: Path) -> Choices:
    """Raises BadInputError."""
    path = prompts / "choices.toml"
    data = read_toml(path)
    tidy: dict[str, Any] = {
        "calibration": data.pop("calibration", ()),
        "nouns": {name: data.pop(name, None) for name in _NOUNS},
        "magnitudes": {name: data.pop(name, None) for name in _MAGNITUDES},
    }
    for name in ("roles", "traits"):
        table = dict(data.pop(name, {}))
        tidy[name] = {"question": table.pop("question", ""), "properties": table}
    return shaped(Choices, tidy | data, path.name)


@dataclass(frozen=True)
class Answers:
    """What was chosen for one system. nouns: by name; figures: assumptions by name."""

    system: str
    nouns: dict[str, str]
    roles: frozenset[str]
    traits: frozenset[str]
    figures: dict[str, float] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)


def brief_from(prompts: Path, answers: Answers) -> Brief:
    """The generic brief with these answers.

    A name is data: it is put into names only, never into a template. Raises BadInputError where
    generic.toml is malformed.
    """
    return shaped(Brief, brief_table(prompts, answers), "generic.toml")


def brief_table(prompts: Path, answers: Answers) -> dict[str, Any]:
    """The same as a TOML table, as `brief.toml` keeps it to be corrected and used again."""
    generic = read_toml(prompts / "briefs" / "generic.toml")
    roles = ALWAYS | answers.roles
    true = roles | answers.traits
    words = {name: answers.nouns[name] for name in ("item", "act", "person", "client", "group")}

    def kept(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        out = []
        for entry in entries:
            needs = entry.pop("needs", [])
            if all((need.removeprefix("!") in true) != need.startswith("!") for need in needs):
                out.append(entry)
        return out

    components = kept(generic.pop("component"))
    for component in components:
        for name, word in words.items():
            component["name"] = component["name"].replace("{" + name + "}", word)
    table: dict[str, Any] = {
        "name": answers.system,
        "traits": sorted(answers.traits),
        "decisions": {
            "durable_act": "approximate_ok" not in answers.traits,
            "fail_open": False,
            "sync_answer": True,
        },
        "nouns": dict(generic.pop("nouns")) | words,
        "component": components,
        "flow": kept(generic.pop("flow")),
        **{name: kept(generic.pop(name, [])) for name in ("call", "record", "state")},
        "figures": {
            name: {"value": value, "why": "an order of magnitude, chosen by the model"}
            for name, value in answers.figures.items()
        },
        "made": answers.made,
    }
    if "dependency" in roles:
        name = Noun(answers.nouns["dependency"])
        does = "It belongs to somebody else, answers in its own time, and can be asked by key what it did."
        table["external"] = [{"role": "dependency", "name": str(name), "does": does}]
    return table | generic
