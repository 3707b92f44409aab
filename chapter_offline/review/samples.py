"""The systems by which claims are tried: the library's, and the made ones of `samples.toml`."""

from pathlib import Path

from pydantic import Field

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief, load_brief
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.knowledge.generic import Answers, brief_from
from chapter_offline.knowledge.library import Library


class Sample(Shape):
    """A system as a model would choose it. figures: assumptions by name."""

    system: str
    nouns: dict[str, str]
    roles: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    figures: dict[str, float] = Field(default_factory=dict)


def sample_briefs(library: Library) -> dict[str, Brief]:
    """Briefs by name: those of `briefs/` by their file's, then the made ones. Raises BadInputError."""
    path = library.prompts / "samples.toml"
    paths = sorted((library.prompts / "briefs").glob("*.toml"))
    briefs = {p.stem: load_brief(p) for p in paths if p.stem != "generic"}
    for name, table in read_toml(path).items():
        sample = shaped(Sample, table, f"{path.name}: {name}")
        answers = Answers(
            sample.system,
            sample.nouns,
            frozenset(sample.roles),
            sample.traits,
            sample.figures,
        )
        briefs[name] = brief_from(library.prompts, library.traits, answers)
    return briefs


def brief_named(library: Library, name: str) -> tuple[str, Brief]:
    """A brief by its name, or from a file. Raises BadInputError."""
    briefs = sample_briefs(library)
    if name in briefs:
        return name, briefs[name]
    if not Path(name).is_file():
        raise BadInputError(f"{name}: no such brief or file; there are {', '.join(briefs)}")
    return Path(name).name, load_brief(Path(name))
