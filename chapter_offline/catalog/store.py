"""Where models lie on this machine, and whether the bytes there are the pinned ones.

Files of the Hub lie as its own library keeps them, so that one copy serves every program:
`models--OWNER--NAME/blobs/SHA256`, with a link to it under `snapshots/COMMIT/`. Models that came
from elsewhere, or before that, lie in a folder of ours as `NAME/FILE.gguf`. A digest is kept beside
the size, time and inode that it was taken at, so that a gigabyte is hashed once and not before
every run. Knows nothing of networks.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from chapter_offline.catalog.pins import Pin, PinnedFile
from chapter_offline.catalog.progress import NoProgress, Progress
from chapter_offline.errors import BadInputError, NoModelError

FOLDER_VARIABLE = "CHAPTER_OFFLINE_MODELS"
"""The environment variable that names one folder for all models, in place of the two."""

_CHUNK_BYTES = 4 * 1024 * 1024


def hub_root() -> Path:
    """The folder of the Hub's files, as huggingface_hub itself chooses it."""
    for variable, inside in (
        (FOLDER_VARIABLE, ""),
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if chosen := os.environ.get(variable):
            return (Path(os.path.expandvars(os.path.expanduser(chosen))) / inside).absolute()
    return Path.home() / ".cache" / "huggingface" / "hub"


def own_root() -> Path:
    """The folder of models that are not the Hub's."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen)).absolute()
    import platformdirs  # here: a start that asks for no model need not pay for it

    return Path(platformdirs.user_data_dir("chapter-offline", appauthor=False)) / "models"


def repo_folder(pin: Pin) -> Path:
    """The folder of a pin's repo in the Hub's cache."""
    return hub_root() / f"models--{pin.repo.replace('/', '--')}"


def blob_path(pin: Pin, part: PinnedFile) -> Path:
    """Where the bytes of one file lie, under their digest."""
    return repo_folder(pin) / "blobs" / part.sha256


def pull_path(pin: Pin, part: PinnedFile) -> Path:
    """Where one file of a pin is put: the name under its commit, or in our own folder."""
    if not pin.repo:
        return own_root() / pin.name / part.local_file
    return repo_folder(pin) / "snapshots" / pin.commit / part.file


def file_path(pin: Pin, part: PinnedFile) -> Path:
    """Where one file of a pin lies; where it would be put, if it is nowhere."""
    path = pull_path(pin, part)
    former = own_root() / pin.name / part.local_file
    return former if former.is_file() and not _sized(path, part) else path


def model_path(pin: Pin) -> Path:
    """Where the file of a pin lies that llama.cpp is given, or would lie once it is pulled."""
    return file_path(pin, pin.files[0])


def is_here(pin: Pin) -> bool:
    """Whether files of the pinned sizes lie in their places. Cheap; `verify` looks at the bytes."""
    return all(_sized(file_path(pin, part), part) for part in pin.files)


def _sized(path: Path, part: PinnedFile) -> bool:
    try:
        return path.stat().st_size == part.bytes
    except OSError:
        return False


def verify(pin: Pin, observer: Progress | None = None, *, anew: bool = False) -> Path:
    """The path of a pin's file, once its bytes are known to be the pinned ones.

    Hashes each file unless it was hashed before and hasn't changed since; with `anew`, in any case.
    Raises NoModelError with both digests on a mismatch (nothing is deleted), and where a file
    isn't here.
    """
    for part in pin.files:
        path = file_path(pin, part)
        if not path.is_file():
            raise missing(pin)
        found = _hashed_anew(path, observer) if anew else file_sha256(path, observer)
        if found != part.sha256:
            raise mismatch(pin, f"{path}", found, part)
    return model_path(pin)


def missing(pin: Pin) -> NoModelError:
    """The error for a model that isn't here, with what brings it."""
    if pin.repo:
        return NoModelError(
            f"{pin.name} isn't here; fetch it with: chapter-offline models pull {pin.name}"
        )
    return NoModelError(
        f"{pin.name} isn't here, and was not from the Hub; bring its file again with: "
        f"chapter-offline models import {pin.local_file} --name {pin.name}"
    )


def mismatch(pin: Pin, where: str, found: str, part: PinnedFile | None = None) -> NoModelError:
    """The error for bytes that aren't the pinned ones, with both digests, in two lines."""
    pinned = (part or pin.files[0]).sha256
    again = f"Fetch it again with: chapter-offline models pull {pin.name}"
    return NoModelError(
        f"{where} is not {pin.name} as pinned: expected sha256 {pinned}, found {found}.\n"
        f"It won't be used. {again if pin.repo else 'Bring it again from where it came'}"
    )


def file_sha256(path: Path, observer: Progress | None = None) -> str:
    """The sha256 of a file, in hex, from memory where size, time and inode are unchanged.

    Raises BadInputError where the file can't be read.
    """
    try:
        remembered = _remembered(path, _fingerprint(path))
    except OSError as error:
        raise _unreadable(path, error) from error
    return remembered or _hashed_anew(path, observer)


def _hashed_anew(path: Path, observer: Progress | None) -> str:
    try:
        before = _fingerprint(path)
        digest = hash_file(path, observer)
        # A file that changed under our hands has no digest worth keeping.
        if _fingerprint(path) == before:
            remember(path, digest)
    except OSError as error:
        raise _unreadable(path, error) from error
    return digest


def _unreadable(path: Path, error: OSError) -> BadInputError:
    return BadInputError(f"{path}: can't be read: {error.strerror or error}")


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


def forget(path: Path) -> None:
    """Drops what was kept of a file."""
    _marker(path).unlink(missing_ok=True)


def _fingerprint(path: Path) -> dict[str, int]:
    """What must not change for a digest to hold: size in bytes, time in ns, inode."""
    found = path.stat()
    return {"bytes": found.st_size, "mtime_ns": found.st_mtime_ns, "inode": found.st_ino}


def _marker(path: Path) -> Path:
    """Where a file's digest is kept: in our own folder, since a stranger's may be read-only."""
    key = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return own_root() / ".digests" / f"{key}.json"


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
