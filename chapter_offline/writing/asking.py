"""What is said to the model: conversations from `prompts/asking.toml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from chapter_offline.engine.interface import Message
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, read_toml, shaped


class Example(Shape):
    """One turn of each side, shown before the question proper."""

    user: str
    assistant: str


class Kind(Shape):
    """A kind of job. `system` and `user` are templates. opening: how the answer must begin."""

    system: str
    user: str
    opening: str = ""
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Asking:
    """All kinds of jobs, by name."""

    kinds: Mapping[str, Kind]

    @cached_property
    def _environment(self) -> ImmutableSandboxedEnvironment:
        return ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, trim_blocks=True)

    def messages(
        self, kind: str, values: Mapping[str, str], examples: int = 99
    ) -> tuple[Message, ...]:
        """The conversation of a kind of job, with at most so many of its examples.

        Raises BadInputError where the template is broken or wants a value that is not given.
        """
        entry = self.kinds[kind]

        def filled(template: str) -> str:
            try:
                return self._environment.from_string(template).render(values).strip()
            except jinja2.TemplateError as error:
                raise BadInputError(f"asking.toml: {kind}: {error}") from None

        shown = [
            turn
            for example in entry.examples[:examples]
            for turn in (Message("user", example.user), Message("assistant", example.assistant))
        ]
        return (
            Message("system", filled(entry.system)),
            *shown,
            Message("user", filled(entry.user)),
        )


def load_asking(prompts: Path) -> Asking:
    """Raises BadInputError."""
    tables = read_toml(prompts / "asking.toml")
    return Asking(
        {name: shaped(Kind, table, f"asking.toml: {name}") for name, table in tables.items()}
    )
