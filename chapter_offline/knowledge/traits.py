"""Traits: what makes one system unlike another, each with all that it brings into a chapter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import (
    BriefClaim,
    Call,
    Component,
    Flow,
    Record,
)
from chapter_offline.knowledge.claims import Claim, SectionText
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.knowledge.names import FigureEntry
from chapter_offline.knowledge.rules import Constraint
from chapter_offline.knowledge.states import Sentence, State, Word

_KINDS: dict[str, type[Shape]] = {
    "component": Component,
    "flow": Flow,
    "call": Call,
    "record": Record,
    "state": State,
}


class Shown(Shape):
    """Examples for a question about a trait: systems that have it, and as many that don't."""

    yes: tuple[Word, ...] = Field(min_length=1, max_length=4)
    no: tuple[Word, ...] = Field(min_length=1, max_length=4)

    @model_validator(mode="after")
    def _even(self) -> "Shown":
        if len(self.yes) != len(self.no):
            raise ValueError("as many systems under yes as under no")
        return self


class Trait(Shape):
    """One file of `traits/`.

    about: for writers. asks: ends the question "Is it essential that …?". shown: systems that a model
    is shown with their answers first. hints: words of a system's name that point to it. implies,
    excludes: other traits. roles: that a system with it needs. words: candidates for nouns. adds: what
    comes to derived figures of `names.toml`; instead: figures in place of such. What stands in component, flow, call, record and state goes into a made brief; `needs` as in
    `generic.toml`.
    """

    about: Sentence
    asks: Sentence
    shown: Shown
    hints: frozenset[str] = frozenset()
    implies: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    words: dict[str, tuple[Word, ...]] = Field(default_factory=dict)
    figures: dict[str, FigureEntry] = Field(default_factory=dict)
    adds: dict[str, str] = Field(default_factory=dict)
    instead: dict[str, FigureEntry] = Field(default_factory=dict)
    constraint: tuple[Constraint, ...] = ()
    component: tuple[dict[str, Any], ...] = ()
    flow: tuple[dict[str, Any], ...] = ()
    call: tuple[dict[str, Any], ...] = ()
    record: tuple[dict[str, Any], ...] = ()
    state: tuple[dict[str, Any], ...] = ()
    claims: tuple[BriefClaim, ...] = ()

    @model_validator(mode="after")
    def _entries(self) -> "Trait":
        for kind, shape in _KINDS.items():
            for number, entry in enumerate(getattr(self, kind), start=1):
                own = {key: value for key, value in entry.items() if key != "needs"}
                try:
                    shape.model_validate(own)
                except ValidationError as error:
                    first = error.errors()[0]
                    place = ".".join(map(str, first["loc"]))
                    raise ValueError(f"{kind} {number}: {place}: {first['msg']}") from None
        return self


@dataclass(frozen=True)
class Traits:
    """All traits by name, in the order of their files' names."""

    known: Mapping[str, Trait]

    def closed(self, names: Iterable[str]) -> tuple[str, ...]:
        """These traits and all that they bring along, each once, in this order."""
        found: dict[str, None] = {}
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                waiting += self.known[name].implies
        return tuple(found)

    def clash(self, names: Iterable[str]) -> tuple[str, str] | None:
        """Two of these traits that exclude each other, or None."""
        given = list(names)
        for name in given:
            for other in given:
                if other in self.known[name].excludes:
                    return name, other
        return None

    def roles(self, names: Iterable[str]) -> frozenset[str]:
        """The roles that these traits need."""
        return frozenset(role for name in names for role in self.known[name].roles)

    @property
    def abouts(self) -> dict[str, str]:
        """What each is, for writers."""
        return {name: trait.about for name, trait in self.known.items()}

    @property
    def figures(self) -> dict[str, FigureEntry]:
        """The figures of all. Raises BadInputError where two traits give one name."""
        found: dict[str, FigureEntry] = {}
        for name, trait in self.known.items():
            if twice := set(found) & set(trait.figures):
                raise BadInputError(
                    f"traits/{name}.toml: figures: {min(twice)!r} is in another trait's file already"
                )
            found |= trait.figures
        return found

    @cached_property
    def home(self) -> dict[str, str]:
        """The trait to whose file a claim belongs, by the claim's full name ("p08.races.two")."""
        return {
            f"{claim.at}.{claim.id}": name
            for name, trait in self.known.items()
            for claim in trait.claims
        }

    def sections(self) -> dict[str, list[Claim]]:
        """Their claims by section, each under the condition of its trait."""
        found: dict[str, list[Claim]] = {}
        for name, trait in self.known.items():
            for claim in trait.claims:
                own = claim.model_dump(exclude={"at"}, by_alias=True)
                own["needs"] = (name, *(need for need in claim.needs if need != name))
                found.setdefault(claim.at, []).append(Claim.model_validate(own))
        return found

    def counted(
        self, names: Iterable[str], general: Mapping[str, FigureEntry]
    ) -> dict[str, FigureEntry]:
        """The general figures as these traits have them: with what they add, and what they replace."""
        found, counted = dict(general), [self.known[name] for name in names]
        for trait in counted:
            found |= trait.instead
        for trait in counted:
            for figure, more in trait.adds.items():
                whole = f"{found[figure].is_} + {more}"
                found[figure] = found[figure].model_copy(update={"is_": whole})
        return found

    def constraints(self) -> list[Constraint]:
        """Their constraints, each under the condition of its trait."""
        return [
            rule.model_copy(update={"needs": (name, *rule.needs)})
            for name, trait in self.known.items()
            for rule in trait.constraint
        ]


def load_traits(prompts: Path) -> Traits:
    """Reads `traits/*.toml`. Raises BadInputError."""
    known = {
        path.stem: shaped(Trait, read_toml(path), f"traits/{path.name}", path)
        for path in sorted((prompts / "traits").glob("*.toml"))
    }
    for name, trait in known.items():
        for other in (*trait.implies, *trait.excludes):
            if other not in known:
                raise BadInputError(f"traits/{name}.toml: {other!r} is no trait")
    traits = Traits(known)
    for name in known:
        if pair := traits.clash(traits.closed([name])):
            raise BadInputError(
                f"traits/{name}.toml: it brings {' and '.join(pair)} together, which exclude each other"
            )
    return traits


def with_trait_claims(known: SectionText, special: Iterable[Claim]) -> SectionText:
    """A section with the claims of traits in their place: behind the statement that opens it.

    What belongs behind a certain claim says so itself (`after`).
    """
    opening = 1
    while opening < len(known.claims) and known.claims[opening].join:
        opening += 1
    claims = (*known.claims[:opening], *special, *known.claims[opening:])
    return known.model_copy(update={"claims": claims})
