"""A person's own documents, as far as a chapter may quote them: statements with their file and line.

What they say is nobody's knowledge here: it is quoted, marked, and taken for granted nowhere.
"""

from collections.abc import Container
from typing import Annotated

from pydantic import AfterValidator, Field

from chapter_offline.chapter.escape import clean
from chapter_offline.knowledge.files import Shape

PINNED = "its section was edited by hand"


def _on_one_line(text: str) -> str:
    if not text or text != clean(text):
        raise ValueError("it stands on one line, without control characters")
    return text


_Text = Annotated[str, AfterValidator(_on_one_line)]
_Line = Annotated[int, Field(ge=1)]


class _InDocument(Shape):
    """Something that begins on a line of a document. line: from 1."""

    file: _Text
    line: _Line

    @property
    def place(self) -> str:
        """ "postmortem.md:12"."""
        return f"{self.file}:{self.line}"


class Note(_InDocument):
    """A statement as it stands in a document, on one line and without Markdown. line: where it begins, from 1."""

    text: _Text


class Unquoted(_InDocument):
    """What is not quoted, and why. line: from 1."""

    why: _Text


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

    def beside(self, pinned: Container[str]) -> "Placed":
        """The same where these sections are a person's: nothing is quoted there."""
        gone = [note for name, each in self.sections.items() if name in pinned for note in each]
        own = [Unquoted(file=note.file, line=note.line, why=PINNED) for note in gone]
        return Placed(
            sections={name: each for name, each in self.sections.items() if name not in pinned},
            left_out=(*self.left_out, *own),
        )

    @property
    def files(self) -> tuple[str, ...]:
        """The documents that are quoted."""
        return tuple(sorted({note.file for each in self.sections.values() for note in each}))
