"""The output folder: ours or refused, and its files whole or not there."""

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chapter_offline.errors import ChapterOfflineError, DoesNotFitError, InUseError, UsageError

LOCK = ".chapter-offline.lock"
HOLDER = ".chapter-offline.holder"
OURS = (
    "manifest.json",
    "run.json",
    "brief.toml",
    "chapter.md",
    "transcript.json",
    "journal.sqlite",
    LOCK,
)
"""What shows that a folder is ours; the lock alone, where a run was cut short."""

_MOVED = (
    *OURS[:-1],
    "notes.json",
    "journal.sqlite-wal",
    "journal.sqlite-shm",
    "manifest.json.sig",
    "chapter.html",
    "chapter.epub",
    "diagrams",
)
_UNFINISHED = ".writing-"


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
    if any(not name.startswith(_UNFINISHED) for name in present) and not present & set(OURS):
        raise UsageError(f"--out {folder}: the folder exists and holds other files; name a new one")
    probe = folder / f"{_UNFINISHED}probe"  # by its name it is in nobody's way if we die here
    write_whole(probe, b"chapter-offline")
    probe.unlink(missing_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the folder for this run, and clears away what one that was killed has left half written.

    Raises InUseError that says which process has it.
    """
    import filelock

    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise InUseError(
            f"{folder}: another run{_holder(folder)} is writing there; wait for it, or name another --out"
        ) from None
    except OSError as error:
        raise _refused(folder, error) from None
    try:
        for half in (*folder.glob(f"{_UNFINISHED}*"), *folder.glob(f"*/{_UNFINISHED}*")):
            half.unlink(missing_ok=True)
        write_whole(folder / HOLDER, f"{os.getpid()}\n".encode())
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _holder(folder: Path) -> str:
    """Which process holds the folder, as it has said itself."""
    try:
        return f" (process {int((folder / HOLDER).read_text(encoding='utf-8'))})"
    except (OSError, ValueError):
        return ""


def set_aside(folder: Path) -> Path | None:
    """Moves what a run has left into a folder beside it, and returns that; None where nothing was."""
    there = [name for name in _MOVED if (folder / name).exists()]
    if not there:
        return None
    aside = unused(folder, "before-{}")
    try:
        aside.mkdir()
        for name in there:
            os.rename(folder / name, aside / name)
    except OSError as error:
        raise _refused(aside, error) from None
    return aside


def unused(folder: Path, pattern: str) -> Path:
    """The first name of this pattern, numbered from 1, that nothing there has."""
    number = 1
    while (folder / pattern.format(number)).exists():
        number += 1
    return folder / pattern.format(number)


def remove_own(folder: Path, name: str, digest: str) -> bool:
    """Removes a file that an earlier run has written, unless it was changed since; whether it did."""
    path = folder / name
    with contextlib.suppress(OSError):
        if (
            path.resolve().is_relative_to(folder.resolve())
            and hashlib.sha256(path.read_bytes()).hexdigest() == digest
        ):
            path.unlink()
            return True
    return False


def write_whole(path: Path, data: bytes) -> str:
    """Writes a file under a temporary name, syncs it and renames it; returns its sha256 in hex.

    Raises UsageError or DoesNotFitError; the file of before, if any, is then as it was.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_UNFINISHED)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise _refused(path, error) from None
    return hashlib.sha256(data).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Waits until a rename is on the disk, where folders can be synced."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _refused(path: Path, error: OSError) -> ChapterOfflineError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DoesNotFitError(f"{path}: no space is left on this disk; free some and run again")
    return UsageError(f"{path}: can't be written: {error.strerror}; name another folder with --out")
