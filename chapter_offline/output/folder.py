"""The output folder: ours or refused, and its files whole or not there."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chapter_offline.errors import ChapterOfflineError, DoesNotFitError, InUseError, UsageError

LOCK = ".chapter-offline.lock"
OURS = ("manifest.json", "run.json", "brief.toml", "chapter.md", LOCK)
"""What shows that a folder is ours; the lock alone, where a run was cut short."""


def prepare(folder: Path) -> None:
    """Makes the folder, or accepts one of ours; tries that it can be written.

    Raises UsageError for a folder that isn't ours, is no folder or can't be written, and
    DoesNotFitError where the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        present = {entry.name for entry in folder.iterdir()}
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"--out {folder}: there is a file in the way; name a folder") from None
    except OSError as error:
        raise _refused(folder, error) from None
    if present and not present & set(OURS):
        raise UsageError(f"--out {folder}: the folder exists and holds other files; name a new one")
    write_whole(folder / ".probe", b"chapter-offline")
    (folder / ".probe").unlink(missing_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the folder for this run. Raises InUseError that says which process has it."""
    import filelock

    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise InUseError(
            f"{folder}: another run is writing there; wait for it, or name another --out"
        ) from None
    except OSError as error:
        raise _refused(folder, error) from None
    try:
        yield
    finally:
        lock.release()


def write_whole(path: Path, data: bytes) -> str:
    """Writes a file under a temporary name, syncs it and renames it; returns its sha256 in hex.

    Raises UsageError or DoesNotFitError; the file of before, if any, is then as it was.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise _refused(path, error) from None
    return hashlib.sha256(data).hexdigest()


def _refused(path: Path, error: OSError) -> ChapterOfflineError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DoesNotFitError(f"{path}: no space is left on this disk; free some and run again")
    return UsageError(f"{path}: can't be written: {error.strerror}; name another folder with --out")
