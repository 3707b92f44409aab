"""Systems whose traits people labelled, by which a model's choices are calibrated and measured."""

from pathlib import Path

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


class _Labelled(Shape):
    systems: dict[str, Labels]


def load_labelled(path: Path, traits: Traits) -> dict[str, Labels]:
    """Labels by system. Raises BadInputError, also for a trait that there isn't."""
    systems = shaped(_Labelled, read_toml(path), path.name, path).systems
    for system, labels in systems.items():
        if strange := {*labels.yes, *labels.maybe} - set(traits.known):
            raise BadInputError(f"{path.name}: {system}: {min(strange)!r} is no trait")
        if twice := set(labels.yes) & set(labels.maybe):
            raise BadInputError(f"{path.name}: {system}: {min(twice)!r} is both yes and maybe")
    return systems
