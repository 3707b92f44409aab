"""The spec: 18 parts and 101 requirements, from the user's own brief for a chapter."""

import re
from pathlib import Path
from typing import Literal

from chapter_offline.knowledge.files import Shape, read_toml, shaped

Form = Literal["prose", "list", "table", "timeline", "dialogue", "facet", "diagram"]


class Requirement(Shape):
    """One thing that must be covered. `instruction` is said to whoever writes the section.

    labels: how the pieces begin into which an entry's text falls, "…" for any words ("Inject:", "For …:").
    whole: a section that makes sense only with all its claims, at any length.
    idea: the one idea that its diagram teaches, if it has one; a template, a whole sentence.
    """

    id: str
    heading: str
    form: Form
    instruction: str
    labels: tuple[str, ...] = ()
    whole: bool = False
    idea: str = ""


class Part(Shape):
    """A part of the chapter. `question`: its hardest one, a template over the brief."""

    number: int
    title: str
    question: str
    requirement: tuple[Requirement, ...]

    @property
    def key(self) -> str:
        return f"p{self.number:02d}"


class Spec(Shape):
    """What a chapter must cover, for whom, and in which tone."""

    role: str
    audience: str
    goal: str
    tone: tuple[str, ...]
    avoid: tuple[str, ...]
    part: tuple[Part, ...]

    def heading(self, section: str) -> tuple[str, int]:
        """Heading and part number of a requirement's id such as "p08.clocks". Raises KeyError."""
        for part in self.part:
            for requirement in part.requirement:
                if f"{part.key}.{requirement.id}" == section:
                    return requirement.heading, part.number
        raise KeyError(section)


def label_pattern(label: str) -> str:
    """A regular expression for what begins with a requirement's label, "…" standing for any words."""
    return re.escape(label).replace("…", "[^.:;]{1,60}")


def load_spec(prompts: Path) -> Spec:
    """Raises BadInputError."""
    path = prompts / "spec.toml"
    return shaped(Spec, read_toml(path), path.name)
