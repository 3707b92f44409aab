"""Reads a list of systems: plain lines, CSV, TOML or JSON Lines. What is wrong is said with its place.

Knows nothing of how chapters are written.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import tomli
from pydantic import Field, ValidationError

from chapter_offline.chapter.plan import Depth
from chapter_offline.chapter.voice import Voice
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, line_of

Form = Literal["lines", "csv", "toml", "jsonl"]
FORMS: tuple[Form, ...] = get_args(Form)
STANDARD_INPUT = Path("-")

_MOST_BYTES = 32_000_000
_SUFFIXES: Mapping[str, Form] = {
    ".csv": "csv",
    ".toml": "toml",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


class Wanted(Shape):
    """What a list says of one chapter. None: as the command says for all.

    folder: its name under --out; None takes the system's.
    """

    system: str
    brief: Path | None = None
    notes: Path | None = None
    model: str | None = None
    depth: Depth | None = None
    voice: Voice | None = None
    seed: int | None = Field(default=None, ge=0, le=2**32 - 2)
    words: int | None = Field(default=None, ge=1)
    folder: str | None = None


@dataclass(frozen=True)
class Line:
    """An entry of a list. where: its place, for people ("systems.csv:3")."""

    where: str
    wanted: Wanted


def read_list(path: Path, form: Form | None = None) -> list[Line]:
    """The entries of a list, in its order; paths of briefs and notes are taken from the list's own folder.

    form: None goes by the file's ending; on standard input (`-`), by its first character. Raises
    BadInputError, with the place, for what can't be read or is no entry, and for an empty list.
    """
    data, name = _read(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInputError(f"{name}:{line}: not UTF-8 text; save the list as UTF-8") from None
    if form is None:
        form = _SUFFIXES.get(path.suffix.lower(), "lines")
        if path == STANDARD_INPUT and text.lstrip().startswith("{"):
            form = "jsonl"
    rows = {"lines": _lines, "csv": _csv, "toml": _toml, "jsonl": _jsonl}[form](text, name)
    lines = [Line(where, _wanted(row, where, path.parent)) for where, row in rows]
    if not lines:
        raise BadInputError(f"{name}: no systems in it; write one a line")
    return lines


def _read(path: Path) -> tuple[bytes, str]:
    """A list's bytes, and what to call it."""
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read(_MOST_BYTES), "standard input"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInputError(f"{path}: larger than {_MOST_BYTES:,} bytes; this is no list")
        return path.read_bytes(), str(path)
    except OSError as error:
        raise BadInputError(f"{path}: can't be read: {error.strerror or error}") from None


Rows = Iterator[tuple[str, Mapping[str, Any]]]


def _lines(text: str, name: str) -> Rows:
    """A system a line. Empty lines, and those that begin with "#", say nothing."""
    for number, line in enumerate(text.splitlines(), start=1):
        system = line.strip()
        if system and not system.startswith("#"):
            yield f"{name}:{number}", {"system": system}


def _csv(text: str, name: str) -> Rows:
    """A head with the names of columns, then an entry a row; an empty cell says nothing."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [column.strip().lower() for column in next(rows, [])]
        if "system" not in head or len(set(head)) < len(head):
            raise BadInputError(
                f"{name}:1: the first line names the columns, each once, such as: system,model,seed"
            )
        for row in rows:
            where = f"{name}:{rows.line_num}"
            if len(row) > len(head):
                raise BadInputError(
                    f"{where}: {len(row)} cells, and {len(head)} columns; quote a cell that has a comma in it"
                )
            cells = dict(zip(head, map(str.strip, row), strict=False))
            if any(cells.values()):
                yield where, {column: cell for column, cell in cells.items() if cell}
    except csv.Error as error:
        raise BadInputError(f"{name}:{rows.line_num}: not valid CSV: {error}") from None


def _toml(text: str, name: str) -> Rows:
    """Tables `[[chapter]]`."""
    try:
        tables = tomli.loads(text)
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise BadInputError(f"{name}: not valid TOML: {error}") from None
    chapters = tables.pop("chapter", [])
    if tables or not isinstance(chapters, list):
        raise BadInputError(f"{name}: a list has tables [[chapter]] and nothing else")
    for number, table in enumerate(chapters):
        yield f"{name}:{line_of(text, ('chapter', number))}", table


def _jsonl(text: str, name: str) -> Rows:
    """An object a line."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield f"{name}:{number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadInputError(f"{name}:{number}: not valid JSON: {error}") from None


def _wanted(row: Mapping[str, Any], where: str, folder: Path) -> Wanted:
    try:
        wanted = Wanted.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the entry"
        raise BadInputError(f"{where}: {place}: {first['msg']}") from None
    if wanted.depth and wanted.words is not None:
        raise BadInputError(f"{where}: depth and words both say how long it is to be; give one")
    own = {"brief": wanted.brief, "notes": wanted.notes}
    return wanted.model_copy(update={name: folder / at for name, at in own.items() if at})
