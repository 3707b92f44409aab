"""Loads a file that nobody vouches for in a process of its own first.

A header can be well formed and still make llama.cpp crash, hang or take all memory. The child loads
the model, reads a conversation through its chat template and writes a word; it has limits on
memory, time and what it may write. A file that has passed is not tried again with the same
llama.cpp.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from chapter_offline.catalog.fit import footprint, need_of
from chapter_offline.catalog.header import Header
from chapter_offline.catalog.sources import in_one_line
from chapter_offline.catalog.store import own_root
from chapter_offline.catalog.trial import WINDOW, settings_for
from chapter_offline.errors import BadInputError

_SECONDS = 60.0
_BYTES_A_SECOND = 20_000_000  # that a slow disk reads
_SPARE_BYTES = 1_500_000_000  # of memory, for libraries and threads' stacks
_NO_GPUS = dict.fromkeys(
    ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GGML_VK_VISIBLE_DEVICES"), ""
)


def try_out(path: Path, digest: str, header: Header, seconds: float = _SECONDS) -> None:
    """Loads a file in a child. Raises BadInputError, in one line, where it doesn't stand it.

    seconds: beside those that its bytes take to be read.
    """
    marker = own_root() / ".tried" / f"{digest}.json"
    build = _build()
    if _tried(marker) == build:
        return
    limit = footprint(need_of(header, path.name), settings_for(header)).total + _SPARE_BYTES
    allowed = seconds + header.file_bytes / _BYTES_A_SECOND
    try:
        done = subprocess.run(
            [
                sys.executable,
                "-P",
                "-m",
                "chapter_offline.catalog.trial",
                path.absolute(),
                str(limit),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | _NO_GPUS | {"GGML_NO_BACKTRACE": "1"},
            timeout=allowed,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise _bad(path, f"it wasn't loaded within {allowed:.0f} seconds") from None
    if done.returncode:
        raise _bad(path, _why(done.returncode, done.stderr.decode("utf-8", "replace")))
    with contextlib.suppress(OSError):
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(json.dumps(build), encoding="utf-8")


def _bad(path: Path, why: str) -> BadInputError:
    return BadInputError(
        f"{path}: tried in a process of its own, and {why}; choose another GGUF file of this model"
    )


def _why(code: int, said: str) -> str:
    """What ended the child, in words."""
    last = in_one_line("\n".join(reversed(said.splitlines())), 160)
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"llama.cpp died of it ({signal.Signals(-code).name})"
        return f"llama.cpp died of it (signal {-code})"
    return last or f"it ended with status {code}"


def _build() -> dict[str, str]:
    """What the verdict on a file holds for: this llama.cpp."""
    import importlib.metadata

    return {
        "llama-cpp-python": importlib.metadata.version("llama-cpp-python"),
        "window": str(WINDOW),
    }


def _tried(marker: Path) -> object:
    try:
        return json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
