"""Other words for what the spec's headings say, as people write them: `headings.toml`."""

from collections.abc import Mapping
from pathlib import Path

from chapter_offline.knowledge.files import Shape, read_toml, shaped


class Headings(Shape):
    """Of parts by number, of requirements by id."""

    parts: Mapping[str, tuple[str, ...]]
    requirements: Mapping[str, tuple[str, ...]]


def load_headings(prompts: Path) -> Headings:
    """Raises BadInputError."""
    path = prompts / "headings.toml"
    return shaped(Headings, read_toml(path), path.name)
