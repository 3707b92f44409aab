"""Changes of one assumption whose consequences a chapter reckons out."""

from pathlib import Path

from pydantic import Field

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, read_toml, shaped


class Variation(Shape):
    """lead: what changes, a template. times: assumptions, and by what each is multiplied.

    to: assumptions that change with them, each to a figure's value of today.
    shows: figures to be shown before and after, those that move. needs: as of a claim.
    """

    id: str
    lead: str
    times: dict[str, float] = Field(min_length=1)
    to: dict[str, str] = Field(default_factory=dict)
    shows: tuple[str, ...] = Field(min_length=1)
    needs: tuple[str, ...] = ()


class _Variations(Shape):
    variation: tuple[Variation, ...]


def load_variations(
    prompts: Path, assumptions: frozenset[str], figures: frozenset[str]
) -> tuple[Variation, ...]:
    """Reads `variations.toml`. Raises BadInputError, also for a figure that there isn't."""
    path = prompts / "variations.toml"
    found = shaped(_Variations, read_toml(path), path.name, path).variation
    for each in found:
        lost = (set(each.times) | set(each.to)) - assumptions
        lost |= (set(each.shows) | set(each.to.values())) - figures
        if lost:
            raise BadInputError(
                f"{path.name}: {each.id}: {min(lost)!r} is no such figure of names.toml"
            )
    return found
