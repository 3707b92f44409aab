"""The one family of errors that a user can cause, each with its exit code.

Library code raises them; only the command line shows them. Knows nothing of any room.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns; a script may rely on these numbers."""

    OK = 0
    INCOMPLETE = 1  # a check found something, or the chapter is incomplete
    USAGE = 2
    BAD_INPUT = 3  # a brief, TOML or GGUF file
    NO_MODEL = 4  # network or digest
    DOES_NOT_FIT = 5  # window, memory or disk
    IN_USE = 6
    NOT_THE_SAME = 7
    INTERRUPTED = 130


class ChapterOfflineError(Exception):
    """Something a person can mend. The message says what was wrong, where, and what to do."""

    exit_code: ExitCode = ExitCode.INCOMPLETE


class IncompleteError(ChapterOfflineError):
    """The chapter could not be finished, or does not pass its own checks."""


class UsageError(ChapterOfflineError):
    """A name, an option or a folder that can't be used as given."""

    exit_code = ExitCode.USAGE


class BadInputError(ChapterOfflineError):
    """A file that was read but can't be accepted: brief, TOML, GGUF.

    figure: the one that is wrong, if it is one; whoever knows the file can then name the line.
    """

    exit_code = ExitCode.BAD_INPUT

    def __init__(self, message: str, figure: str = "") -> None:
        super().__init__(message)
        self.figure = figure


class NoModelError(ChapterOfflineError):
    """A model that is not here and can't be had, or whose bytes are not the pinned ones."""

    exit_code = ExitCode.NO_MODEL


class DoesNotFitError(ChapterOfflineError):
    """Too little window, memory or disk for what was asked."""

    exit_code = ExitCode.DOES_NOT_FIT


class NotTheSameError(ChapterOfflineError):
    """Bytes, words or a signature that are not those that were recorded."""

    exit_code = ExitCode.NOT_THE_SAME


class InUseError(ChapterOfflineError):
    """Another run holds the folder."""

    exit_code = ExitCode.IN_USE
