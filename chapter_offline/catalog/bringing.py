"""Models of the user's own: brought from a file, made from another one, and taken away.

Knows nothing of networks.
"""

import os
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline.catalog import own_pins
from chapter_offline.catalog.disk import need_free, sync, writing
from chapter_offline.catalog.header import Header, read_header, split_paths
from chapter_offline.catalog.pin_tables import NAME
from chapter_offline.catalog.pins import Pin, PinnedFile, digest_of, load_pins
from chapter_offline.catalog.progress import NoProgress, Progress
from chapter_offline.catalog.pull import part_path, place
from chapter_offline.catalog.store import (
    blob_path,
    file_path,
    file_sha256,
    forget,
    hash_file,
    is_here,
    own_root,
    pull_path,
    remember,
    repo_folder,
    verify,
)
from chapter_offline.catalog.strangers import try_out
from chapter_offline.catalog.stretches import drop
from chapter_offline.errors import BadInputError, UsageError

_CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Brought:
    """A model that is here now. path: its file. known: whether a pin names these very bytes."""

    pin: Pin
    path: Path
    known: bool


def facts_of(header: Header) -> dict[str, object]:
    """What a header says of a pin's fields."""
    kept = [heads for heads in header.kv_heads if heads]
    return {
        "architecture": header.architecture,
        "parameters": header.parameters,
        "trained_window": header.trained_window,
        "layers": header.layers,
        "kv_layers": len(kept) or header.layers,
        "kv_heads": max(kept, default=1),
        "head_length": max(1, header.key_length),
        "sliding_window": header.sliding_window,
        "kv_bytes_per_token": max(1, header.kv_bytes_per_token),
    }


def import_file(source: Path, name: str, license_name: str, observer: Progress | None) -> Brought:
    """Copies a GGUF file into the store, checked: as the pin whose bytes it has, or as one's own.

    name: "" takes the pin's, or makes one from the file's. license_name: of a model that no pin
    names. A stranger's file is first loaded in a process of its own. Raises BadInputError for a
    file that can't be used, UsageError for a name that is taken, DoesNotFitError for a full disk.
    """
    watch = observer or NoProgress()
    header = read_header(source)
    if header.chat_template is None:
        raise BadInputError(f"{source}: has no chat template, so it can't be asked anything")
    paths = split_paths(source, header.splits) if header.splits > 1 else (source,)
    digests = [file_sha256(path, watch) for path in paths]
    known = next((pin for pin in load_pins() if pin.digest == digest_of(digests)), None)
    if known and (not name or name == known.name):
        pin = known
    else:
        files = [
            PinnedFile(path.name, digest, path.stat().st_size)
            for path, digest in zip(paths, digests, strict=True)
        ]
        pin = _own(own_name(name, source.stem), files, header, license_name)
        try_out(source, pin.digest, header)
    if not is_here(pin):
        for path, part in zip(paths, pin.files, strict=True):
            _copy(path, pin, part, watch)
    if pin is not known:
        own_pins.put(pin)
    return Brought(pin, verify(pin, watch), pin is known)


def requantized(pin: Pin, kind: str, name: str, observer: Progress | None) -> Brought:
    """Makes a file of one's own from a pin's, with its weights in another type.

    kind: as llama.cpp names it, such as "q8_0". Its own sha256 is recorded, and that of its source.
    Raises as `import_file` does, and NoModelError where the source isn't here.
    """
    from chapter_offline.engine.requantize import TYPES, requantize

    watch = observer or NoProgress()
    kind = kind.lower()
    if kind not in TYPES:
        raise UsageError(f"{kind[:40]}: no type of weights; take one of {', '.join(TYPES)}")
    named = own_name(name, f"{pin.name}-{kind}")
    source = verify(pin, watch)
    folder = own_root() / named
    fresh = folder / f"{named}.gguf.incomplete"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    need_free(folder, min(4 * pin.total_bytes, 2 * pin.parameters), f"{named}")
    watch.start(0, f"writing {pin.name} in {kind}")
    requantize(source, fresh, kind)
    watch.done()
    with writing(fresh):
        digest = hash_file(fresh, watch)
        made = PinnedFile(f"{named}.gguf", digest, fresh.stat().st_size)
        header = read_header(fresh)
        sync(fresh)
        path = folder / made.local_file
        os.replace(fresh, path)
        remember(path, digest)
    own = replace(
        _own(named, [made], header, pin.license),
        license_link=pin.license_link,
        base_model=pin.base_model,
        made_from=pin.digest,
        quantization=kind.upper(),
        parameters=pin.parameters,
        active_parameters=pin.active_parameters,
        thinking=pin.thinking,
        turn_opening=pin.turn_opening,
    )
    own_pins.put(own)
    return Brought(own, path, known=False)


def remove(pin: Pin) -> int:
    """Takes a model's files away, and the user's own entry; returns the bytes set free.

    A file that the Hub's cache shows under another name or commit as well stays there. Raises
    UsageError where it can't be written.
    """
    freed = 0
    for part in pin.files:
        places = {
            file_path(pin, part),
            pull_path(pin, part),
            own_root() / pin.name / part.local_file,
        }
        with writing(own_root()):
            for path in sorted(places):
                freed += _taken(path)
            if pin.repo:
                drop(part_path(pin, part))
                part_path(pin, part).unlink(missing_ok=True)
                if not _linked(pin, part):
                    freed += _taken(blob_path(pin, part))
    for folder in _emptied(pin):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    if pin.mine:
        own_pins.drop(pin.name)
    return freed


def own_name(name: str, otherwise: str) -> str:
    """A name for a model of one's own. Raises UsageError for one that can't be, or is taken."""
    made = name or re.sub(r"[^a-z0-9._-]+", "-", otherwise.lower()).strip("-._")[:64]
    if not NAME.fullmatch(made):
        raise UsageError(
            f"--name {made[:64]!r}: a name is lower case letters, digits, '.', '-' and '_'"
        )
    if any(pin.name == made for pin in load_pins()):
        raise UsageError(f"{made}: there is a model of that name already; give another with --name")
    return made


def _own(name: str, files: list[PinnedFile], header: Header, license_name: str) -> Pin:
    first = files[0]
    return Pin(
        name=name,
        file=first.file,
        sha256=first.sha256,
        bytes=first.bytes,
        more=tuple(files[1:]),
        license=license_name or "unknown",
        mine=True,
        **facts_of(header),  # type: ignore[arg-type]
    )


def _copy(source: Path, pin: Pin, part: PinnedFile, watch: Progress) -> None:
    """Copies one file into its place, whole or not at all."""
    folder = blob_path(pin, part).parent if pin.repo else pull_path(pin, part).parent
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    need_free(folder, part.bytes, pin.name)
    fresh = folder / f"{part.sha256}.incomplete"
    watch.start(part.bytes, f"copying {part.local_file}")
    try:
        with source.open("rb") as given, writing(fresh), fresh.open("wb") as taken:
            while chunk := given.read(_CHUNK_BYTES):
                taken.write(chunk)
                watch.advance(len(chunk))
        watch.done()
        with writing(fresh):
            sync(fresh)
            place(pin, part, fresh)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _taken(path: Path) -> int:
    """Deletes a file or link; returns the bytes that this sets free."""
    if not path.is_symlink() and not path.is_file():
        return 0
    forget(path)
    size = 0 if path.is_symlink() else path.stat().st_size
    path.unlink()
    return size


def _linked(pin: Pin, part: PinnedFile) -> bool:
    """Whether the Hub's cache shows the bytes of a file under any name."""
    snapshots = repo_folder(pin) / "snapshots"
    blob = blob_path(pin, part)
    links = (path for path in snapshots.rglob("*") if path.is_symlink())
    return any(path.resolve() == blob.resolve() for path in links)


def _emptied(pin: Pin) -> list[Path]:
    """Folders that may be empty now, the innermost first."""
    own = [own_root() / pin.name]
    if not pin.repo:
        return own
    repo = repo_folder(pin)
    snapshot = repo / "snapshots" / pin.commit
    inner = [snapshot / parent for parent in Path(pin.file).parents]
    return [*own, *inner, snapshot.parent, repo / "blobs", repo / "refs", repo]


def free_bytes(folder: Path) -> int:
    """Bytes free on the disk of a folder that may not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
