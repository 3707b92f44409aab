"""Wheels of the program and of all that it needs, as they travel in a bundle.

What is installed here is packed again, each file held against the digest that its own list states;
no index is asked. llama-cpp-python alone is built anew, for a named baseline, since what was built
here may use whatever this very processor has.
"""

import base64
import csv
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chapter_offline.errors import BadInputError, NoModelError, UsageError
from chapter_offline.resources import models_file, prompts_dir

PROGRAM = "chapter-offline"
LLAMA = "llama-cpp-python"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip's first day: the same wheel each time
_BUILD_SECONDS = 3 * 3600


@dataclass(frozen=True)
class Baseline:
    """A kind of processor. march: what compilers call it. options: llama.cpp's own, switched on.

    flags: of Linux's /proc/cpuinfo, that it must have.
    """

    march: str
    options: tuple[str, ...]
    flags: tuple[str, ...]


_V2 = ("sse4_2", "popcnt", "ssse3")
_V3 = (*_V2, "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "abm")
_V4 = (*_V3, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")
_V3_OPTIONS = ("SSE42", "AVX", "AVX2", "FMA", "F16C", "BMI2")
BASELINES = {
    "x86-64-v2": Baseline("x86-64-v2", ("SSE42",), _V2),
    "x86-64-v3": Baseline("x86-64-v3", _V3_OPTIONS, _V3),
    "x86-64-v4": Baseline("x86-64-v4", (*_V3_OPTIONS, "AVX512"), _V4),
    "armv8-a": Baseline("armv8-a", (), ("asimd",)),
    "armv8.2-a": Baseline("armv8.2-a+dotprod+fp16", (), ("asimd", "asimddp", "asimdhp")),
}
_ALL_OPTIONS = ("SSE42", "AVX", "AVX2", "FMA", "F16C", "BMI2", "AVX512")


@dataclass(frozen=True)
class Wheel:
    """A wheel on disk. license: as its metadata says."""

    name: str
    version: str
    license: str
    path: Path


def usual_baseline() -> str:
    """The baseline for a platform like this one."""
    import platform

    return "armv8-a" if platform.machine() in ("aarch64", "arm64") else "x86-64-v3"


def needed() -> list[str]:
    """The program and all that it needs here, by name, without what is only for its tests."""
    found: dict[str, None] = {}
    waiting = [PROGRAM]
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found[name] = None
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            raise UsageError(f"{name} isn't installed here; install the program anew") from None
        for text in requires:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
                waiting += _extras(requirement)
    return sorted(found)


def _extras(requirement: Requirement) -> Iterator[str]:
    for extra in requirement.extras:
        for text in metadata.requires(requirement.name) or []:
            more = Requirement(text)
            if more.marker is not None and more.marker.evaluate({"extra": extra}):
                yield more.name


def pack(name: str, folder: Path) -> Wheel:
    """Packs what is installed under that name into a wheel in `folder`.

    Raises BadInputError where a file is not what the package's own list says.
    """
    if canonicalize_name(name) == PROGRAM:
        return _pack_program(folder)
    dist = metadata.distribution(name)
    listed = [file for file in dist.files or () if file.hash is not None]
    info = next(str(file.parent) for file in dist.files or () if file.name == "METADATA")
    members = []
    for file in listed:
        path = Path(str(file.locate()))
        data = path.read_bytes()
        stated = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, data).digest())  # type: ignore[union-attr]
        if stated.decode().rstrip("=") != file.hash.value:  # type: ignore[union-attr]
            raise BadInputError(f"{path}: changed since {name} was installed; install it anew")
        member = _member(file, info)
        if member:
            members.append((member, data))
    tags = _tags(dist)
    return _write(dist, info, members, tags, folder)


def _member(file: metadata.PackagePath, info: str) -> str:
    """The path inside the wheel of an installed file; "" for what pip makes itself."""
    parts = PurePosixPath(file.as_posix()).parts
    if file.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json") and parts[0] == info:
        return ""
    if ".." not in parts:
        return "/".join(parts)
    inner = parts[len(parts) - parts[::-1].index("..") :]
    if inner[0] in ("bin", "Scripts"):
        return ""  # made anew from the entry points
    return "/".join((info.replace(".dist-info", ".data"), "data", *inner))


def _tags(dist: metadata.Distribution) -> list[str]:
    text = dist.read_text("WHEEL") or ""
    return [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Tag:")]


def _pack_program(folder: Path) -> Wheel:
    """The program's own wheel, from the files that run now, wherever they lie."""
    dist = metadata.distribution(PROGRAM)
    package = Path(__file__).resolve().parents[1]
    members = [
        (f"chapter_offline/{path.relative_to(package).as_posix()}", path.read_bytes())
        for path in _files(package)
        if "_data" not in path.relative_to(package).parts
    ]
    data = "chapter_offline/_data"
    members.append((f"{data}/models.toml", models_file().read_bytes()))
    prompts = prompts_dir()
    members += [
        (f"{data}/prompts/{path.relative_to(prompts).as_posix()}", path.read_bytes())
        for path in _files(prompts)
    ]
    info = f"chapter_offline-{dist.version}.dist-info"
    members += [
        (f"{info}/METADATA", (dist.read_text("METADATA") or "").encode()),
        (f"{info}/entry_points.txt", (dist.read_text("entry_points.txt") or "").encode()),
        (
            f"{info}/WHEEL",
            b"Wheel-Version: 1.0\nGenerator: chapter-offline\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
    ]
    return _write(dist, info, members, ["py3-none-any"], folder)


def _files(folder: Path) -> Iterable[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


def _write(
    dist: metadata.Distribution,
    info: str,
    members: list[tuple[str, bytes]],
    tags: list[str],
    folder: Path,
) -> Wheel:
    name = dist.metadata["Name"]
    stem = info.removesuffix(".dist-info")
    path = folder / f"{stem}-{_joined(tags)}.whl"
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            rows.writerow((member, f"sha256={digest}", len(data)))
            _add(archive, member, data)
        rows.writerow((f"{info}/RECORD", "", ""))
        _add(archive, f"{info}/RECORD", record.getvalue().encode())
    return Wheel(name, dist.version, _license(dist), path)


def _joined(tags: list[str]) -> str:
    """Tags as a wheel's name has them: py2.py3-none-any."""
    if not tags:
        raise BadInputError("a package that was not installed from a wheel; install it anew")
    columns = zip(*(tag.split("-") for tag in tags), strict=True)
    return "-".join(".".join(dict.fromkeys(column)) for column in columns)


def _add(archive: zipfile.ZipFile, member: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(member, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    executable = member.endswith(".so") or ".so." in member
    entry.external_attr = (0o755 if executable else 0o644) << 16
    archive.writestr(entry, data)


def _license(dist: metadata.Distribution) -> str:
    for field in ("License-Expression", "License"):
        stated = next(iter(dist.metadata.get_all(field) or ()), "")
        if stated and len(stated) < 80:
            return str(stated)
    kinds = (text for text in dist.metadata.get_all("Classifier") or () if "License ::" in text)
    return ", ".join(text.rpartition(" :: ")[2] for text in kinds) or "unknown"


def llama_wheel(baseline: str, cache: Path, given: Path | None = None) -> Wheel:
    """llama-cpp-python's wheel for a baseline: the one given, one built before, or built now.

    Building takes minutes, a C++ compiler, and a package index that has the sources. Raises
    UsageError for an unknown baseline, NoModelError where it can't be built.
    """
    if baseline not in BASELINES:
        raise UsageError(f"--baseline {baseline[:40]}: take one of {', '.join(BASELINES)}")
    dist = metadata.distribution(LLAMA)
    if given is None:
        tag = f"{sys.implementation.cache_tag}-{dist.version}"
        folder = cache / "wheels" / f"{baseline}-{tag}"
        given = next(iter(sorted(folder.glob("*.whl"))), None) or _build(
            baseline, dist.version, folder
        )
    prefix = f"llama_cpp_python-{dist.version}-"
    if not given.is_file() or not given.name.startswith(prefix):
        raise UsageError(f"{given}: must be a wheel {prefix}*.whl, as the version installed here")
    return Wheel(LLAMA, dist.version, _license(dist), given)


def _build(baseline: str, version: str, folder: Path) -> Path:
    kind = BASELINES[baseline]
    options = [f"-DGGML_{name}={'ON' if name in kind.options else 'OFF'}" for name in _ALL_OPTIONS]
    flags = [f"-DCMAKE_{language}_FLAGS=-march={kind.march}" for language in ("C", "CXX")]
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    fresh.mkdir(parents=True, exist_ok=True)
    # The whole of -march is given: GGML_NATIVE would take whatever this very processor has.
    arguments = " ".join(["-DGGML_NATIVE=OFF", "-DGGML_OPENMP=OFF", *options, *flags])
    command = [
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-cache-dir",
        "--disable-pip-version-check", "--no-binary", LLAMA, "--wheel-dir", str(fresh),
        f"{LLAMA}=={version}",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        env=os.environ | {"CMAKE_ARGS": arguments},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    built = sorted(fresh.glob("*.whl"))
    if done.returncode or len(built) != 1:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise NoModelError(
            f"{LLAMA} can't be built for {baseline}: {lines[-1].strip()[:200]}\n"
            "Building needs a C++ compiler and a package index; or give a wheel with --llama-wheel"
        )
    fresh.replace(folder)
    return folder / built[0].name
