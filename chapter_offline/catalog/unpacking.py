"""Installs a bundle: checks every byte of it first. Also the script `install.py` inside each bundle.

usage: python3 install.py [FOLDER]      on a machine that has only Python, beside the unpacked bundle

Makes a virtual environment in FOLDER (by default `chapter-offline` beside this script) with the
program and all it needs, and puts the model where the program looks for it. Asks no network. So
that it can run anywhere, it uses nothing but the standard library, and says what is wrong in a line.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

MANIFEST = "manifest.json"
FORMAT = "chapter-offline bundle 1"
_CHUNK_BYTES = 4 * 1024 * 1024
_MANIFEST_LIMIT = 4 * 1024 * 1024
_MOST_FILES = 2_000


class RefusedError(Exception):
    """The bundle is not what its manifest says, or not for this machine. One line, for a person."""


def unpack(archive: Path, folder: Path) -> dict[str, Any]:
    """Unpacks a bundle into an empty folder, each byte held against the manifest; returns that.

    The manifest is the first member. Raises RefusedError for a member that is not in it, is in it
    twice, is no plain file, would leave the folder or has other bytes; what was written by then is
    of no use.
    """
    try:
        with tarfile.open(archive, "r:") as tar:
            return _unpack(tar, archive, folder)
    except (tarfile.TarError, EOFError) as error:
        raise RefusedError(f"{archive}: no bundle, or cut off ({error})") from error


def _unpack(tar: tarfile.TarFile, archive: Path, folder: Path) -> dict[str, Any]:
    first = tar.next()
    if first is None or first.name != MANIFEST or not first.isreg():
        raise RefusedError(f"{archive}: no bundle: it doesn't begin with a {MANIFEST}")
    if first.size > _MANIFEST_LIMIT:
        raise RefusedError(f"{archive}: its {MANIFEST} has {first.size} bytes")
    content = _reader(tar, first).read()
    (folder / MANIFEST).write_bytes(content)
    manifest = read_manifest(content)
    missing = dict(manifest["files"])
    # Not `for member in tar`, which would begin anew.
    while (member := tar.next()) is not None:
        where = f"{archive}: member {member.name[:100]!r}"
        if not member.isreg():
            raise RefusedError(f"{where} is no plain file")
        if member.name not in missing:
            raise RefusedError(f"{where} is not in its manifest, or there twice")
        stated = missing.pop(member.name)
        if member.size != stated["bytes"]:
            raise RefusedError(f"{where} has {member.size} bytes, not {stated['bytes']}")
        path = folder / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        source = _reader(tar, member)
        with path.open("xb") as out:
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                out.write(chunk)
        if digest.hexdigest() != stated["sha256"]:
            raise RefusedError(f"{where} is damaged: its sha256 is {digest.hexdigest()}")
    if missing:
        raise RefusedError(f"{archive}: lacks {next(iter(missing))}")
    return manifest


def _reader(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    reader = tar.extractfile(member)
    if reader is None:
        raise RefusedError(f"member {member.name[:100]!r} is no plain file")
    return reader


def read_manifest(content: bytes) -> dict[str, Any]:
    """A manifest, with every path in it inside the bundle. Raises RefusedError."""
    try:
        manifest = json.loads(content)
        if manifest["format"] != FORMAT:
            raise RefusedError(f"{MANIFEST}: not of the format {FORMAT!r}")
        files: Mapping[str, Mapping[str, Any]] = manifest["files"]
        if len(files) > _MOST_FILES:
            raise RefusedError(f"{MANIFEST}: lists {len(files)} files")
        for name, stated in files.items():
            if not _is_inside(name) or name == MANIFEST:
                raise RefusedError(f"{MANIFEST}: {name[:100]!r} would leave the folder")
            if len(stated["sha256"]) != 64 or not isinstance(stated["bytes"], int):
                raise RefusedError(f"{MANIFEST}: {name[:100]!r} lacks bytes or sha256")
        return dict(manifest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(f"{MANIFEST}: damaged ({type(error).__name__}: {error})") from error


def _is_inside(name: str) -> bool:
    """Whether a path stays in its folder on any system, and names a plain file."""
    parts = PurePosixPath(name).parts
    plain = name.isprintable() and not any(char in name for char in '\\:*?"<>|')
    return (
        plain
        and parts != ()
        and "/".join(parts) == name
        and ".." not in parts
        and not name.startswith("/")
    )


def check_folder(folder: Path) -> dict[str, Any]:
    """Holds every file of an unpacked bundle against its manifest; returns that.

    Raises RefusedError for a file that lacks or differs. Other files may lie there.
    """
    try:
        manifest = read_manifest((folder / MANIFEST).read_bytes())
        for name, stated in manifest["files"].items():
            path = folder / name
            if path.is_symlink() or not path.is_file() or path.stat().st_size != stated["bytes"]:
                raise RefusedError(f"{path}: missing, or not of {stated['bytes']} bytes")
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
            if digest.hexdigest() != stated["sha256"]:
                raise RefusedError(f"{path}: damaged: its sha256 is {digest.hexdigest()}")
    except OSError as error:
        raise RefusedError(f"{folder}: can't be read: {error.strerror or error}") from error
    return manifest


def check_machine(manifest: Mapping[str, Any]) -> None:
    """Whether the wheels run on this Python and system. Raises RefusedError with what is needed."""
    wanted = manifest["machine"]
    here = machine()
    for what in ("python", "system", "architecture"):
        if here[what] != wanted[what]:
            raise RefusedError(
                f"this bundle is for {what} {wanted[what]}, and this is {here[what]}; "
                "make one on a machine like this"
            )
    if _numbers(here["libc"]) < _numbers(wanted["libc"]):
        raise RefusedError(
            f"this bundle needs {wanted['libc']} or newer, and this machine has {here['libc']}"
        )
    lacking = sorted(set(wanted["cpu_flags"]) - _cpu_flags()) if _cpu_flags() else []
    if lacking:
        raise RefusedError(
            f"this bundle is for {wanted['baseline']}, and this processor lacks {', '.join(lacking)}"
        )


def machine() -> dict[str, str]:
    """This Python and system, as far as wheels depend on them."""
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "system": platform.system(),
        "architecture": platform.machine(),
        "libc": " ".join(platform.libc_ver()).strip(),
    }


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(" ")[-1].split(".") if part.isdigit())


def _cpu_flags() -> set[str]:
    """What Linux says that the processor can; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    for line in text.splitlines():
        if line.startswith(("flags", "Features")):
            return set(line.partition(":")[2].split())
    return set()


def install_program(folder: Path, target: Path) -> Path:
    """Makes a virtual environment at `target` from the wheels of an unpacked bundle.

    Returns the program's path. Asks no index. Raises RefusedError.
    """
    if target.exists() and any(target.iterdir()):
        raise RefusedError(f"{target}: there is something already; name another folder")
    _run(
        [sys.executable, "-m", "venv", str(target)], "Python's venv (Debian, Ubuntu: python3-venv)"
    )
    scripts = target / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    _run(
        [
            str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--no-index", "--no-deps", "--find-links", str(folder / "wheels"),
            "--require-hashes", "--requirement", str(folder / "requirements.txt"),
        ],
        "pip",
    )  # fmt: skip
    return scripts / ("chapter-offline.exe" if os.name == "nt" else "chapter-offline")


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines() or ["no reason given"]
        raise RefusedError(f"{what} failed: {lines[-1]}")


def main(arguments: list[str]) -> int:
    """The script inside a bundle."""
    folder = Path(__file__).resolve().parent
    target = Path(arguments[0] if arguments else folder / "chapter-offline").absolute()
    try:
        manifest = check_folder(folder)
        check_machine(manifest)
        program = install_program(folder, target)
    except RefusedError as error:
        sys.stderr.write(f"install.py: {error}\n")
        return 3
    model = [str(program), "bundle", "install", str(folder)]
    if subprocess.run(model, check=False).returncode:
        return 3
    sys.stdout.write(f'{program} write "Distributed rate limiter"\n')
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
