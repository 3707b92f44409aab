"""The names that claims and briefs may use: nouns, roles, traits, decisions, figures."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from chapter_offline.knowledge.files import Shape, read_toml, shaped

LARGEST = 1e15
"""Of an assumption, in its unit: more is a slip, and would overflow what is derived from it."""


class FigureEntry(Shape):
    """A figure: exactly one of `given`, `chosen` (numbers in `unit`) and `is` (an expression).

    least, most: what an assumption may be; a share in % is at most 100 if it doesn't say otherwise.
    """

    unit: str
    actor: str
    label: str
    given: float | None = Field(default=None, allow_inf_nan=False)
    chosen: float | None = Field(default=None, allow_inf_nan=False)
    is_: str | None = Field(default=None, alias="is")
    least: float = 0
    most: float | None = None
    round: Literal["up"] | None = None
    why: str = ""

    @model_validator(mode="after")
    def _one_origin(self) -> "FigureEntry":
        if sum(origin is not None for origin in (self.given, self.chosen, self.is_)) != 1:
            raise ValueError("a figure has exactly one of given, chosen, is")
        return self

    def refuses(self, value: float) -> str:
        """Why it can't have this value, or ""."""
        most = self.most if self.most is not None else 100 if self.unit == "%" else LARGEST
        if self.least <= value <= most:
            return ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{value:g}{unit} makes no sense; write {self.least:g} to {most:g}"


class Names(Shape):
    """`names.toml`. Values are descriptions for writers."""

    nouns: dict[str, str]
    roles: dict[str, str]
    traits: dict[str, str]
    decisions: dict[str, str]
    figures: dict[str, FigureEntry]

    @property
    def conditions(self) -> frozenset[str]:
        """What may stand in a claim's `needs`."""
        return frozenset(self.roles) | frozenset(self.traits) | frozenset(self.decisions)

    def special(self, needs: Iterable[str]) -> bool:
        """Whether what needs these conditions is said of some systems only: one of them is a trait."""
        return any(need in self.traits for need in needs)


def load_names(prompts: Path) -> Names:
    """Raises BadInputError."""
    path = prompts / "names.toml"
    return shaped(Names, read_toml(path), path.name)
