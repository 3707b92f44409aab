"""Room on the disk, and errors of writing in words that help.

Knows nothing of models.
"""

import errno
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chapter_offline.errors import ChapterOfflineError, DoesNotFitError, UsageError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def need_free(folder: Path, needed_bytes: int, what: str) -> None:
    """Raises DoesNotFitError where the disk of `folder` has fewer than `needed_bytes` left."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DoesNotFitError(
            f"{what} needs {needed_bytes:,} bytes free in {folder}, and {free:,} are. "
            "Free some, or set CHAPTER_OFFLINE_MODELS to a folder on a larger disk"
        )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an OSError of the block, which writes `path`, into one that a person can mend.

    DoesNotFitError where the disk, a quota or a limit on file size is full; else UsageError.
    """
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> ChapterOfflineError:
    """The error to raise for an OSError met while writing `path`."""
    why = error.strerror or str(error)
    if error.errno in _FULL:
        return DoesNotFitError(
            f"{path}: no room to write on ({why}). "
            "Free some, or set CHAPTER_OFFLINE_MODELS to a folder on a larger disk"
        )
    return UsageError(
        f"{path}: can't be written ({why}). "
        "Make it writable, or set CHAPTER_OFFLINE_MODELS to another folder"
    )


def write_all(file: io.FileIO, data: bytes) -> None:
    """Writes all of `data` to a file opened with buffering=0. Raises OSError.

    Without a buffer, nothing is left to be written when the file is closed: a full disk is met
    here, and not a second time there, where it would hide the first error.
    """
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def sync(path: Path) -> None:
    """Waits until a file's bytes (or a folder's entries) are on the disk."""
    # Windows syncs only what is open for writing; a folder can only be opened for reading.
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
