"""Which models exist: the pins of `models.toml`, loaded and checked.

A pin is a promise about bytes: its sha256 decides, wherever the file came from. Knows nothing of
where files lie or how they are fetched.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.resources import models_file

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Exactly a name and a version: pip would also take options, paths and addresses here.
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")


@dataclass(frozen=True)
class WheelPart:
    """One wheel that carries a piece of a model's file.

    requirement: name and version as pip takes them. member: the path inside the wheel.
    """

    requirement: str
    member: str


@dataclass(frozen=True)
class Pin:
    """One model that the program knows by name.

    repo, file, commit: where the Hub has it. sha256, bytes: what its file must be.
    wheels: wheels whose members, joined in this order, are the same bytes; may be empty.
    parameters: weights of the network, a count. trained_window: tokens of its trained context.
    kv_bytes_per_token: bytes of KV cache that one token takes, at 16 bits a number.
    turn_opening: what stands behind its chat template where an answer is to come at once.
    """

    name: str
    repo: str
    file: str
    commit: str
    sha256: str
    bytes: int
    license: str
    parameters: int
    trained_window: int
    kv_bytes_per_token: int
    wheels: tuple[WheelPart, ...] = ()
    turn_opening: str = ""

    @property
    def local_file(self) -> str:
        """The file's own name, without the folders that the repo keeps it in."""
        return PurePosixPath(self.file).name


def load_pins(file: Path | None = None) -> tuple[Pin, ...]:
    """All pins, in the order of `models.toml` (or of the file given).

    Raises BadInputError, naming file, model and field, where the file can't be accepted.
    """
    path = file or models_file()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInputError(f"{path}: can't be read as TOML: {error}") from error
    models = data.get("models")
    if not isinstance(models, dict) or not models:
        raise BadInputError(f'{path}: no models; each needs a table [models."NAME"]')
    return tuple(_pin(path, name, table) for name, table in models.items())


def find_pin(name: str, pins: tuple[Pin, ...] | None = None) -> Pin:
    """The pin of that name. Raises UsageError with the nearest names for any other."""
    known = {pin.name: pin for pin in (load_pins() if pins is None else pins)}
    if name in known:
        return known[name]
    shown = repr(name if len(name) <= 60 else name[:57] + "...")
    asked = name[:100].lower()
    near = [each for each in known if asked and asked in each]
    near = near or difflib.get_close_matches(asked, known, n=3, cutoff=0.4)
    hint = f"nearest: {', '.join(near[:3])}" if near else "chapter-offline models list shows all"
    raise UsageError(
        f"no model is named {shown}; {hint}. "
        "A file of your own is given by its path: --model ./NAME.gguf"
    )


def _pin(path: Path, name: str, table: object) -> Pin:
    """One table of the file as a pin."""
    where = f"{path}: model {name[:60]!r}"
    if not _NAME.fullmatch(name):
        raise BadInputError(f"{where}: a name is lower case letters, digits, '.', '-' and '_'")
    if not isinstance(table, dict):
        raise BadInputError(f"{where}: must be a table")
    wheels = table.get("wheels", [])
    if not isinstance(wheels, list):
        raise BadInputError(f"{where}: wheels must be a list of {{ requirement, member }}")
    file = _text(where, table, "file")
    if not file.endswith(".gguf") or any(part in ("", ".", "..") for part in file.split("/")):
        raise BadInputError(f"{where}: file must be the path of a .gguf file inside the repo")
    return Pin(
        name=name,
        repo=_text(where, table, "repo", _REPO),
        file=file,
        commit=_text(where, table, "commit", _COMMIT),
        sha256=_text(where, table, "sha256", _SHA256),
        bytes=_count(where, table, "bytes"),
        license=_text(where, table, "license"),
        parameters=_count(where, table, "parameters"),
        trained_window=_count(where, table, "trained_window"),
        kv_bytes_per_token=_count(where, table, "kv_bytes_per_token"),
        wheels=tuple(_wheel(f"{where}: wheel {n}", part) for n, part in enumerate(wheels, 1)),
        turn_opening=_text(where, table, "turn_opening") if "turn_opening" in table else "",
    )


def _wheel(where: str, part: object) -> WheelPart:
    if not isinstance(part, dict):
        raise BadInputError(f"{where}: must be {{ requirement = ..., member = ... }}")
    requirement = _text(where, part, "requirement", _REQUIREMENT)
    return WheelPart(requirement, _text(where, part, "member"))


def _text(
    where: str, table: Mapping[str, Any], key: str, shape: re.Pattern[str] | None = None
) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value or (shape and not shape.fullmatch(value)):
        wanted = f"must look like {shape.pattern}" if shape else "must be a text that isn't empty"
        raise BadInputError(f"{where}: {key} {wanted}")
    return value


def _count(where: str, table: Mapping[str, Any], key: str) -> int:
    value = table.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadInputError(f"{where}: {key} must be a whole number above 0")
    return value
