"""Everything for a machine without a network, in one file: the program, all it needs, and a model.

`create` writes a tar whose first member is the manifest, with the sha256 of all others; `install`
takes one in, or refuses it. What the other machine runs is in `unpacking`.
"""

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chapter_offline import __version__
from chapter_offline.catalog import own_pins, unpacking
from chapter_offline.catalog.bringing import Brought, import_file
from chapter_offline.catalog.disk import need_free, writing
from chapter_offline.catalog.parts_list import parts_list
from chapter_offline.catalog.pin_tables import pins_of
from chapter_offline.catalog.pins import Pin, load_pins, read_toml
from chapter_offline.catalog.progress import NoProgress, Progress
from chapter_offline.catalog.store import file_path, verify
from chapter_offline.catalog.wheels import BASELINES, LLAMA, Wheel, llama_wheel, needed, pack
from chapter_offline.errors import BadInputError, UsageError

_CHUNK_BYTES = 4 * 1024 * 1024
_README = """A bundle of chapter-offline {version}, with the model {model}.

On a machine without a network, that has Python {python} on {system} {architecture}:

    tar xf BUNDLE.tar -C FOLDER      (or: python3 -m tarfile -e BUNDLE.tar FOLDER)
    python3 FOLDER/install.py
    FOLDER/chapter-offline/bin/chapter-offline write "Distributed rate limiter"

install.py holds every file against manifest.json before it does anything.
"""


@dataclass
class _Contents:
    """What goes into a bundle, by its path there: a file on disk, or bytes."""

    files: dict[str, Path | bytes] = field(default_factory=dict)

    def stated(self, watch: Progress) -> dict[str, dict[str, Any]]:
        """Bytes and sha256 of each."""
        stated = {}
        for name, content in sorted(self.files.items()):
            size, digest = _digest(content, name, watch)
            stated[name] = {"bytes": size, "sha256": digest}
        return stated


def create(
    pin: Pin,
    target: Path,
    baseline: str,
    cache: Path,
    llama: Path | None = None,
    license_file: Path | None = None,
    observer: Progress | None = None,
) -> dict[str, Any]:
    """Writes a bundle with the program as it runs here and a model that is here; returns its manifest.

    baseline: the kind of processor that llama.cpp is built for; llama: a wheel of it that is at
    hand. cache: where one that was built is kept. license_file: the text of the model's licence,
    where the program doesn't have it. Raises UsageError, NoModelError, BadInputError,
    DoesNotFitError.
    """
    watch = observer or NoProgress()
    if target.exists():
        raise UsageError(f"-o {target}: it is there already; name another file")
    if not target.parent.is_dir():
        raise UsageError(f"-o {target}: there is no folder {target.parent}")
    verify(pin, watch)
    with tempfile.TemporaryDirectory(prefix="chapter-offline-") as scratch:
        watch.start(0, f"packing wheels, and llama.cpp for {baseline}")
        wheels = _wheels(Path(scratch), baseline, cache, llama)
        contents = _contents(pin, wheels, license_file)
        stated = contents.stated(watch)
        contents.files["bom.json"] = _json(parts_list(wheels, pin, stated))
        size, digest = _digest(contents.files["bom.json"], "bom.json", watch)
        stated["bom.json"] = {"bytes": size, "sha256": digest}
        manifest = {
            "format": unpacking.FORMAT,
            "program": __version__,
            "model": {"name": pin.name, "sha256": pin.digest, "file": f"model/{pin.local_file}"},
            "machine": unpacking.machine()
            | {"baseline": baseline, "cpu_flags": list(BASELINES[baseline].flags)},
            "files": dict(sorted(stated.items())),
        }
        need_free(target.parent, sum(each["bytes"] for each in stated.values()), str(target))
        _write(target, _json(manifest), contents, watch)
    return manifest


def _wheels(folder: Path, baseline: str, cache: Path, llama: Path | None) -> list[Wheel]:
    built = llama_wheel(baseline, cache, llama)
    return [built, *(pack(name, folder) for name in needed() if name != LLAMA)]


def _contents(pin: Pin, wheels: list[Wheel], license_file: Path | None) -> _Contents:
    contents = _Contents()
    lines = []
    for wheel in wheels:
        contents.files[f"wheels/{wheel.path.name}"] = wheel.path
        digest = hashlib.sha256(wheel.path.read_bytes()).hexdigest()
        lines.append(f"{wheel.name}=={wheel.version} --hash=sha256:{digest}")
    contents.files["requirements.txt"] = ("\n".join(sorted(lines)) + "\n").encode()
    for part in pin.files:
        contents.files[f"model/{part.local_file}"] = file_path(pin, part)
    contents.files["model/models.toml"] = own_pins.as_toml([pin])
    contents.files["licences/model.txt"] = _license(pin, license_file)
    contents.files["install.py"] = Path(unpacking.__file__)
    contents.files["README.txt"] = _README.format(
        version=__version__, model=pin.name, **unpacking.machine()
    ).encode()
    return contents


def _license(pin: Pin, license_file: Path | None) -> bytes:
    """The model's licence: its text where that is at hand, else its name and link."""
    head = f"{pin.name}: {pin.license}\n{pin.license_link}\n"
    if license_file is not None:
        try:
            return head.encode() + b"\n" + license_file.read_bytes()
        except OSError as error:
            raise UsageError(f"--licence-file {license_file}: {error.strerror}") from error
    if pin.license == "Apache-2.0":
        return head.encode() + b"\n" + _apache()
    return head.encode()


def _apache() -> bytes:
    """The Apache licence, which is the program's own too."""
    from importlib import metadata

    for file in metadata.files("chapter-offline") or ():
        if file.name == "LICENSE":
            return Path(str(file.locate())).read_bytes()
    beside = Path(__file__).resolve().parents[2] / "LICENSE"
    return beside.read_bytes() if beside.is_file() else b""


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _digest(content: Path | bytes, name: str, watch: Progress) -> tuple[int, str]:
    if isinstance(content, bytes):
        return len(content), hashlib.sha256(content).hexdigest()
    digest, size = hashlib.sha256(), content.stat().st_size
    if size > 10 * _CHUNK_BYTES:
        watch.start(size, f"reading {Path(name).name}")
    with content.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            if size > 10 * _CHUNK_BYTES:
                watch.advance(len(chunk))
    return size, digest.hexdigest()


def _write(target: Path, manifest: bytes, contents: _Contents, watch: Progress) -> None:
    fresh = target.with_name(f".{target.name}.new")
    watch.start(0, f"writing {target.name}")
    try:
        with writing(target), tarfile.open(fresh, "w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, unpacking.MANIFEST, manifest)
            for name, content in sorted(contents.files.items()):
                _add(tar, name, content)
        with writing(target):
            fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    watch.done()


def _add(tar: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    """One member, with nothing in its head that differs from machine to machine."""
    member = tarfile.TarInfo(name)
    member.mode = 0o644
    if isinstance(content, bytes):
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
        return
    member.size = content.stat().st_size
    with content.open("rb") as file:
        tar.addfile(member, file)


def install(source: Path, program: Path | None, observer: Progress | None = None) -> Brought:
    """Takes in a bundle, or the folder that one was unpacked into: its model, and maybe its program.

    program: a folder for a virtual environment with the bundle's own wheels; None leaves it at the
    model. Nothing is put in place unless every byte is as the manifest says. Raises BadInputError,
    DoesNotFitError.
    """
    watch = observer or NoProgress()
    try:
        with _unpacked(source, watch) as (folder, manifest):
            if program is not None:
                unpacking.check_machine(manifest)
                unpacking.install_program(folder, program)
            return _model(folder, watch)
    except unpacking.RefusedError as error:
        raise BadInputError(str(error)) from error
    except OSError as error:
        raise BadInputError(f"{source}: can't be read: {error.strerror or error}") from error


@contextmanager
def _unpacked(source: Path, watch: Progress) -> Iterator[tuple[Path, dict[str, Any]]]:
    if source.is_dir():
        watch.start(0, f"checking {source}")
        yield source, unpacking.check_folder(source)
        return
    if not source.is_file():
        raise BadInputError(f"{source}: no such file; give a bundle, or the folder of one")
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=source.absolute().parent) as scratch:
        need_free(Path(scratch), source.stat().st_size, str(source))
        watch.start(0, f"checking {source}")
        yield Path(scratch), unpacking.unpack(source, Path(scratch))


def _model(folder: Path, watch: Progress) -> Brought:
    """Puts the bundle's model into the store, under the pin that it came with."""
    table = folder / "model" / "models.toml"
    (pin,) = pins_of(table, read_toml(table), mine=True)
    file = folder / "model" / pin.local_file
    if not any(each.digest == pin.digest for each in load_pins()):
        if any(each.name == pin.name for each in load_pins()):
            raise BadInputError(
                f"{table}: {pin.name} names other bytes here; remove or rename your own entry first"
            )
        own_pins.put(pin)
    return import_file(file, "", pin.license, watch)
