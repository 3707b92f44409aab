"""The names that claims and briefs may use: nouns, roles, traits, decisions, figures."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, read_toml, shaped

LARGEST = 1e15
"""Of an assumption, in its unit: more is a slip, and would overflow what is derived from it."""


class FigureEntry(Shape):
    """A figure: exactly one of `given`, `chosen` (numbers in `unit`), `is` (an expression) and `sim` (a
    simulation's name and an expression over its outcome, "shed: answered / arrived").

    least, most: what an assumption may be; a share in % is at most 100 if it doesn't say otherwise.
    """

    unit: str
    actor: str
    label: str
    given: float | None = Field(default=None, allow_inf_nan=False)
    chosen: float | None = Field(default=None, allow_inf_nan=False)
    is_: str | None = Field(default=None, alias="is")
    sim: str | None = Field(default=None, pattern=r"^\w+: .+$")
    least: float = 0
    most: float | None = None
    round: Literal["up"] | None = None
    why: str = ""

    @property
    def origin(self) -> Literal["given", "chosen", "derived", "simulated"]:
        """Where its value comes from."""
        if self.is_ is not None or self.sim is not None:
            return "derived" if self.sim is None else "simulated"
        return "given" if self.given is not None else "chosen"

    @model_validator(mode="after")
    def _one_origin(self) -> "FigureEntry":
        if sum(o is not None for o in (self.given, self.chosen, self.is_, self.sim)) != 1:
            raise ValueError("a figure has exactly one of given, chosen, is, sim")
        return self

    def refuses(self, value: float) -> str:
        """Why it can't have this value, or ""."""
        most = self.most if self.most is not None else 100 if self.unit == "%" else LARGEST
        if self.least <= value <= most:
            return ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{value:g}{unit} makes no sense; write {self.least:g} to {most:g}"


class Names(Shape):
    """`names.toml`, and what files of `traits/` add. Values are descriptions for writers; those of `cast` are templates, by noun or role."""

    nouns: dict[str, str]
    roles: dict[str, str]
    traits: dict[str, str]
    decisions: dict[str, str]
    cast: dict[str, str]
    figures: dict[str, FigureEntry]

    @property
    def conditions(self) -> frozenset[str]:
        """What may stand in a claim's `needs`."""
        return frozenset(self.roles) | frozenset(self.traits) | frozenset(self.decisions)

    @property
    def assumptions(self) -> frozenset[str]:
        """The figures that are given or chosen."""
        return frozenset(n for n, f in self.figures.items() if f.origin in {"given", "chosen"})

    def special(self, needs: Iterable[str]) -> bool:
        """Whether what needs these conditions is said of some systems only: one of them is a trait."""
        return any(need in self.traits for need in needs)


def load_names(
    prompts: Path, traits: Mapping[str, str], figures: Mapping[str, FigureEntry]
) -> Names:
    """The names of `names.toml`, with the traits and the figures that files of `traits/` add.

    Raises BadInputError.
    """
    path = prompts / "names.toml"
    table = read_toml(path)
    table["traits"] = dict(traits)
    names = shaped(Names, table, path.name)
    if twice := set(names.figures) & set(figures):
        raise BadInputError(f"traits: the figure {min(twice)!r} is in {path.name} already")
    return names.model_copy(update={"figures": names.figures | dict(figures)})
