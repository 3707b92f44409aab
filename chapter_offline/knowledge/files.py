"""Reads TOML and checks its shape; whatever is wrong is said in one line with its place."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import tomli
from pydantic import BaseModel, ConfigDict, ValidationError

from chapter_offline.errors import BadInputError

_MOST_BYTES = 4_000_000
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\"-]+)\s*\]")
_KEY = re.compile(r"\s*\"?([\w-]+)\"?\s*[=.]")


class Shape(BaseModel):
    """Base of all shapes that come from files: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


M = TypeVar("M", bound=BaseModel)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises BadInputError for what can't be read or parsed."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInputError(
                f"{path}: larger than {_MOST_BYTES:,} bytes; this is no file of ours"
            )
        with path.open("rb") as file:
            return tomli.load(file)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or error}") from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise BadInputError(f"{path}: not valid TOML: nested too deeply") from None


def line_of(text: str, place: Sequence[str | int]) -> int:
    """The line of a TOML text on which a place stands, or the nearest one around it; 1 at worst.

    place: keys, and numbers in arrays of tables, as pydantic gives them: ("component", 2, "role").
    """
    table: list[str | int] = []
    counts: dict[str, int] = {}
    best, line_found = 0, 1
    inside = False  # a text over several lines
    for number, line in enumerate(text.split("\n"), start=1):
        was, inside = inside, inside ^ (line.count('"""') % 2 == 1)
        if was:
            continue
        here = list(table)
        if header := _HEADER.match(line):
            table = list(header[2].replace('"', "").split("."))
            if header[1] == "[[":
                counts[header[2]] = counts.get(header[2], -1) + 1
                table.append(counts[header[2]])
            here = list(table)
        elif key := _KEY.match(line):
            here.append(key[1])
        if len(here) > best and list(place[: len(here)]) == here:
            best, line_found = len(here), number
    return line_found


def shaped(model: type[M], data: Any, where: str, path: Path | None = None) -> M:
    """`data` as a `model`. Raises BadInputError that names the first thing that is wrong.

    path: the file that it was read from, for the number of the line.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        if path is not None:
            where += f":{line_of(path.read_text(encoding='utf-8'), first['loc'])}"
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadInputError(f"{where}: {place}: {first['msg']}{more}") from None
