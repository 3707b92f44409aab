"""The command line as a person uses it: a process of its own, in a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import tomli_w
from systems import made_brief

PROGRAM = Path(sys.executable).with_name("chapter-offline")


@dataclass(frozen=True)
class Ran:
    """What a process left: its exit code and what it said."""

    code: int
    out: str
    err: str


def run(
    *arguments: str | Path,
    folder: Path,
    program: Path = PROGRAM,
    environment: Mapping[str, str] | None = None,
    prepare: Callable[[], None] | None = None,
) -> Ran:
    """Runs the program in a folder, with no pinned model in reach and no terminal."""
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=surroundings(folder) | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        preexec_fn=prepare,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def write(*arguments: str | Path, folder: Path, **more: object) -> Ran:
    """Runs `write` on one thread."""
    return run("write", *arguments, "--threads", "1", folder=folder, **more)  # type: ignore[arg-type]


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of a process: no model in the store, nothing to be fetched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return kept | {
        "XDG_CONFIG_HOME": str(folder.parent / f"{folder.name}-config"),
        "CHAPTER_OFFLINE_MODELS": str(folder.parent / f"{folder.name}-no-models"),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "COLUMNS": "100",
    }


def user_brief(**change: object) -> bytes:
    """A user's own brief, with something changed."""
    table = made_brief("Lift control").model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude_none=True
    )
    return tomli_w.dumps(table | change).encode()
