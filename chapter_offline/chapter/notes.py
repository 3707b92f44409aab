"""A person's own documents, as far as a chapter may quote them: statements with their file and line.

What they say is nobody's knowledge here: it is quoted, marked, and taken for granted nowhere.
"""

from pydantic import Field

from chapter_offline.knowledge.files import Shape


class Note(Shape):
    """A statement as it stands in a document, on one line and without Markdown. line: where it begins, from 1."""

    file: str
    line: int
    text: str

    @property
    def place(self) -> str:
        """ "postmortem.md:12"."""
        return f"{self.file}:{self.line}"


class Unquoted(Shape):
    """What is not quoted, and why. line: from 1."""

    file: str
    line: int
    why: str

    @property
    def place(self) -> str:
        """As a statement's."""
        return f"{self.file}:{self.line}"


class Notes(Shape):
    """`notes.json`: what was read. files: sha256 by name, which says nothing of where they lay.

    skipped: what is no statement, where a person should hear of it.
    """

    files: dict[str, str]
    statements: tuple[Note, ...]
    skipped: tuple[Unquoted, ...] = ()


class Placed(Shape):
    """Which statements stand where. sections: by id. left_out: the others, in the order of the documents."""

    sections: dict[str, tuple[Note, ...]] = Field(default_factory=dict)
    left_out: tuple[Unquoted, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The documents that are quoted."""
        return tuple(sorted({note.file for each in self.sections.values() for note in each}))
