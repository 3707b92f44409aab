"""Systems whose traits people labelled, by which a model's choices are calibrated and measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.knowledge.traits import Traits


class Labels(Shape):
    """yes: traits that hold. maybe: those of which engineers would differ, counted neither way."""

    yes: tuple[str, ...]
    maybe: tuple[str, ...] = ()

    def of(self, trait: str) -> bool | None:
        """Whether a trait holds; None where engineers would differ."""
        return None if trait in self.maybe else trait in self.yes


@dataclass(frozen=True)
class Labelled:
    """Labels by system. asked: those that a model is asked about, and measured by.

    studied: those that whoever chose the words of traits had in view. A word is right more often
    for them than for others, so they say nothing of how far words are to be believed.
    """

    asked: Mapping[str, Labels]
    studied: Mapping[str, Labels]

    @property
    def all(self) -> dict[str, Labels]:
        """Both."""
        return {**self.studied, **self.asked}


class _File(Shape):
    systems: dict[str, Labels]
    studied: dict[str, Labels] = Field(default_factory=dict)


def load_labelled(path: Path, traits: Traits) -> Labelled:
    """Reads the labels. Raises BadInputError, also for a trait that there isn't."""
    file = shaped(_File, read_toml(path), path.name, path)
    for system, labels in (*file.systems.items(), *file.studied.items()):
        if strange := {*labels.yes, *labels.maybe} - set(traits.known):
            raise BadInputError(f"{path.name}: {system}: {min(strange)!r} is no trait")
        if twice := set(labels.yes) & set(labels.maybe):
            raise BadInputError(f"{path.name}: {system}: {min(twice)!r} is both yes and maybe")
    if both := set(file.systems) & set(file.studied):
        raise BadInputError(f"{path.name}: {min(both)!r} is among systems and studied")
    return Labelled(file.systems, file.studied)
