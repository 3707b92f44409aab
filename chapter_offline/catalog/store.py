"""Where models lie on this machine, and whether the bytes there are the pinned ones.

A digest is kept beside the size, time and inode that it was taken at, so that a gigabyte is hashed
once and not before every run. Knows nothing of networks.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from chapter_offline.catalog.pins import Pin
from chapter_offline.catalog.progress import NoProgress, Progress
from chapter_offline.errors import BadInputError, NoModelError

FOLDER_VARIABLE = "CHAPTER_OFFLINE_MODELS"
"""The environment variable that names another folder for models."""

_CHUNK_BYTES = 4 * 1024 * 1024


def store_root() -> Path:
    """The folder of all models: $CHAPTER_OFFLINE_MODELS, or the user's own data folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen)).absolute()
    import platformdirs  # here: a start that asks for no model need not pay for it

    return Path(platformdirs.user_data_dir("chapter-offline", appauthor=False)) / "models"


def model_path(pin: Pin) -> Path:
    """Where a pin's file lies, or would lie once it is pulled."""
    return store_root() / pin.name / pin.local_file


def is_here(pin: Pin) -> bool:
    """Whether a file of the pinned size lies in its place. Cheap; `verify` looks at the bytes."""
    try:
        return model_path(pin).stat().st_size == pin.bytes
    except OSError:
        return False


def verify(pin: Pin, observer: Progress | None = None) -> Path:
    """The path of a pin's file, once its bytes are known to be the pinned ones.

    Hashes the file unless it was hashed before and hasn't changed since. Raises NoModelError with
    both digests on a mismatch (nothing is deleted), and where the file isn't here.
    """
    path = model_path(pin)
    if not path.is_file():
        raise NoModelError(
            f"{pin.name} isn't here; fetch it with: chapter-offline models pull {pin.name}"
        )
    found = file_sha256(path, observer)
    if found != pin.sha256:
        raise mismatch(pin, f"{path}", found)
    return path


def mismatch(pin: Pin, where: str, found: str) -> NoModelError:
    """The error for bytes that aren't the pinned ones, with both digests, in two lines."""
    return NoModelError(
        f"{where} is not {pin.name} as pinned: expected sha256 {pin.sha256}, found {found}.\n"
        f"It won't be used. Fetch it again with: chapter-offline models pull {pin.name}"
    )


def file_sha256(path: Path, observer: Progress | None = None) -> str:
    """The sha256 of a file, in hex, from memory where size, time and inode are unchanged.

    Raises BadInputError where the file can't be read.
    """
    try:
        before = _fingerprint(path)
        remembered = _remembered(path, before)
        if remembered:
            return remembered
        digest = hash_file(path, observer)
        # A file that changed under our hands has no digest worth keeping.
        if _fingerprint(path) == before:
            remember(path, digest)
    except OSError as error:
        raise BadInputError(f"{path}: can't be read: {error.strerror or error}") from error
    return digest


def hash_file(path: Path, observer: Progress | None = None) -> str:
    """The sha256 of a file's bytes, in hex, always read anew. Raises OSError."""
    watch = observer or NoProgress()
    digest = hashlib.sha256()
    watch.start(path.stat().st_size, f"checking {path.name}")
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            watch.advance(len(chunk))
    watch.done()
    return digest.hexdigest()


def remember(path: Path, digest: str) -> None:
    """Keeps a file's digest. Where that can't be written, the file is hashed again next time."""
    with contextlib.suppress(OSError):
        marker = _marker(path)
        kept = {"path": str(path), "sha256": digest, "fingerprint": _fingerprint(path)}
        marker.parent.mkdir(parents=True, exist_ok=True)
        fresh = marker.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps(kept), encoding="utf-8")
        os.replace(fresh, marker)


def _fingerprint(path: Path) -> dict[str, int]:
    """What must not change for a digest to hold: size in bytes, time in ns, inode."""
    found = path.stat()
    return {"bytes": found.st_size, "mtime_ns": found.st_mtime_ns, "inode": found.st_ino}


def _marker(path: Path) -> Path:
    """Where a file's digest is kept: in our own folder, since a stranger's may be read-only."""
    key = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return store_root() / ".digests" / f"{key}.json"


def _remembered(path: Path, fingerprint: dict[str, int]) -> str:
    """The digest kept for exactly this fingerprint, or ""."""
    try:
        kept = json.loads(_marker(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if not isinstance(kept, dict) or kept.get("fingerprint") != fingerprint:
        return ""
    digest = kept.get("sha256")
    return digest if isinstance(digest, str) and len(digest) == 64 else ""
