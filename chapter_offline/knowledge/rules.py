"""Rules over figures: constraints that must hold, and decisions that turn at a threshold."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import model_validator

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, read_toml, shaped


class Constraint(Shape):
    """What must hold between figures, or what a chapter says is untrue.

    holds: one comparison, the smaller side first ("tries * timeout < budget"). why: a template, a
    whole sentence. needs, when: as of a claim; where they fail, the constraint doesn't matter.
    """

    id: str
    holds: str
    why: str
    needs: tuple[str, ...] = ()
    when: str = ""


class Decision(Shape):
    """A choice that turns when one figure passes another, its limit.

    about: a noun phrase. below, above: what is chosen on either side, whole sentences. why: the
    reason for the limit, a whole sentence. All are templates. needs: as of a claim.
    """

    id: str
    about: str
    figure: str
    limit: str
    below: str
    above: str
    why: str
    needs: tuple[str, ...] = ()

    @property
    def condition(self) -> str:
        """The comparison that holds once the figure has passed the limit."""
        return f"{self.figure} > {self.limit}"


class Rules(Shape):
    """`rules.toml`: the constraints and decisions of any system, by their ids."""

    constraint: tuple[Constraint, ...]
    decision: tuple[Decision, ...]

    @model_validator(mode="after")
    def _ids(self) -> "Rules":
        for rules in (self.constraint, self.decision):
            ids = [rule.id for rule in rules]
            if twice := {each for each in ids if ids.count(each) > 1}:
                raise ValueError(f"{min(twice)!r} stands there twice")
        return self

    def with_constraints(self, more: Iterable[Constraint]) -> "Rules":
        """The same rules with further constraints, by ids of their own. Raises BadInputError."""
        own = (*self.constraint, *more)
        ids = [rule.id for rule in own]
        if twice := {each for each in ids if ids.count(each) > 1}:
            raise BadInputError(f"constraint {min(twice)!r} stands in two files")
        return self.model_copy(update={"constraint": own})


def load_rules(prompts: Path) -> Rules:
    """Raises BadInputError."""
    path = prompts / "rules.toml"
    return shaped(Rules, read_toml(path), path.name)
