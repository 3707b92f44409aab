"""One process at a time in a folder: a lock on a file, given back by the system if we die.

Knows nothing of models.
"""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.1


@contextmanager
def exclusive(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Holds the lock file at `path` while the block runs.

    Where another process holds it, calls `on_wait` once and waits until it is free; Ctrl-C ends
    the wait. The file stays: to delete it would let two processes lock two files of one name.
    Raises OSError where the file can't be made or the disk knows no locks.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    try:
        told = False
        while not _try_lock(handle):
            if not told:
                on_wait()
                told = True
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        # Closing gives the lock back.
        os.close(handle)


def _try_lock(handle: int) -> bool:
    """Takes the lock, or says that another process has it."""
    busy = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in busy:
            return False
        raise
    return True
