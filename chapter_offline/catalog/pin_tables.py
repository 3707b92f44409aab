"""From a table of TOML to a pin: each field within what makes sense, or refused by name.

The program's `models.toml` and the user's own have the same tables. Knows nothing of files on disk.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chapter_offline.catalog.pins import Pin, PinnedFile, Thinking, WheelPart
from chapter_offline.errors import BadInputError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LINK = re.compile(r"https://[!-~]+")
# Exactly a name and a version: pip would also take options, paths and addresses here.
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_THINKING: tuple[Thinking, ...] = ("never", "optional", "always")
_MOST_FILES = 256
_COUNTS = ("active_parameters", "layers", "kv_layers", "kv_heads", "head_length", "sliding_window")
_TEXTS = ("base_model", "architecture", "quantization", "turn_opening")


def pins_of(path: Path, data: Mapping[str, Any], mine: bool = False) -> tuple[Pin, ...]:
    """The pins of a file's content, in its order; none where it has no `models`."""
    models, licenses = data.get("models", {}), data.get("licenses", {})
    if not isinstance(models, dict):
        raise BadInputError(f'{path}: models must be tables [models."NAME"]')
    if not isinstance(licenses, dict):
        raise BadInputError(f"{path}: licenses must be a table of links")
    return tuple(_pin(path, name, table, licenses, mine) for name, table in models.items())


def is_file_path(file: str) -> bool:
    """Whether a text is the path of a GGUF file inside a repo, and stays inside it."""
    usual = not any(part in ("", ".", "..") or "\\" in part for part in file.split("/"))
    return file.endswith(".gguf") and usual and file.isprintable()


def _pin(path: Path, name: str, table: object, licenses: Mapping[str, Any], mine: bool) -> Pin:
    """One table of the file as a pin."""
    where = f"{path}: model {name[:60]!r}"
    if not NAME.fullmatch(name):
        raise BadInputError(f"{where}: a name is lower case letters, digits, '.', '-' and '_'")
    if not isinstance(table, dict):
        raise BadInputError(f"{where}: must be a table")
    license_name = _text(where, table, "license")
    link = _optional(where, table, "license_link", _LINK) or licenses.get(license_name, "")
    if not isinstance(link, str) or (link and not _LINK.fullmatch(link)):
        raise BadInputError(f"{where}: the link of licence {license_name!r} must be https://...")
    thinking = table.get("thinking", "never")
    if thinking not in _THINKING:
        raise BadInputError(f"{where}: thinking must be one of {', '.join(_THINKING)}")
    first = _file(where, table)
    from_hub = not mine or "repo" in table or "commit" in table
    fields: dict[str, Any] = {key: _optional(where, table, key) for key in _TEXTS}
    fields["kv_layers"] = _count(where, table, "layers") if "layers" in table else 0
    fields |= {key: _count(where, table, key) for key in _COUNTS if key in table}
    return Pin(
        name=name,
        file=first.file,
        sha256=first.sha256,
        bytes=first.bytes,
        license=license_name,
        parameters=_count(where, table, "parameters"),
        trained_window=_count(where, table, "trained_window"),
        kv_bytes_per_token=_count(where, table, "kv_bytes_per_token"),
        repo=_text(where, table, "repo", REPO) if from_hub else "",
        commit=_text(where, table, "commit", COMMIT) if from_hub else "",
        more=_more(where, table),
        wheels=tuple(
            _wheel(f"{where}: wheel {n}", part)
            for n, part in enumerate(_list(where, table, "wheels"), 1)
        ),
        license_link=link,
        made_from=_optional(where, table, "made_from", _SHA256),
        thinking=thinking,
        mine=mine,
        **fields,
    )


def _file(where: str, table: Mapping[str, Any]) -> PinnedFile:
    file = _text(where, table, "file")
    if not is_file_path(file):
        raise BadInputError(f"{where}: file must be the path of a .gguf file inside the repo")
    return PinnedFile(file, _text(where, table, "sha256", _SHA256), _count(where, table, "bytes"))


def _more(where: str, table: Mapping[str, Any]) -> tuple[PinnedFile, ...]:
    entries = _list(where, table, "more")
    if len(entries) >= _MOST_FILES:
        raise BadInputError(f"{where}: more lists {len(entries)} files; {_MOST_FILES - 1} at most")
    files = []
    for n, entry in enumerate(entries, 2):
        if not isinstance(entry, dict):
            raise BadInputError(f"{where}: file {n}: must be {{ file, sha256, bytes }}")
        files.append(_file(f"{where}: file {n}", entry))
    return tuple(files)


def _list(where: str, table: Mapping[str, Any], key: str) -> list[Any]:
    entries = table.get(key, [])
    if not isinstance(entries, list):
        raise BadInputError(f"{where}: {key} must be a list of tables")
    return entries


def _wheel(where: str, part: object) -> WheelPart:
    if not isinstance(part, dict):
        raise BadInputError(f"{where}: must be {{ requirement = ..., member = ... }}")
    requirement = _text(where, part, "requirement", _REQUIREMENT)
    return WheelPart(requirement, _text(where, part, "member"))


def _optional(
    where: str, table: Mapping[str, Any], key: str, shape: re.Pattern[str] | None = None
) -> str:
    return _text(where, table, key, shape) if key in table else ""


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
