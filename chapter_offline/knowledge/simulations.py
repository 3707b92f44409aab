"""Which simulations a chapter may use, and which figures go into them."""

from pathlib import Path

from chapter_offline.knowledge.files import Shape, read_toml, shaped


class Simulation(Shape):
    """A run of one of the models in `sizing.simulations`.

    label: a noun phrase, a template. inputs: the model's, as expressions over figures; an input that
    is left out has the model's own value. needs, when: as of a claim; where they fail there is nothing to
    simulate.
    """

    model: str
    label: str
    inputs: dict[str, str]
    needs: tuple[str, ...] = ()
    when: str = ""


def load_simulations(prompts: Path) -> dict[str, Simulation]:
    """`simulations.toml`, by name. Raises BadInputError."""
    path = prompts / "simulations.toml"
    return {
        name: shaped(Simulation, table, f"{path.name}: {name}")
        for name, table in read_toml(path).items()
    }
