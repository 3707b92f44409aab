"""Reads TOML and checks its shape; whatever is wrong is said in one line with its place."""

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from chapter_offline.errors import BadInputError

_MOST_BYTES = 4_000_000


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
            return tomllib.load(file)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: not valid TOML: {error}") from None
    except RecursionError:
        raise BadInputError(f"{path}: not valid TOML: nested too deeply") from None


def shaped(model: type[M], data: Any, where: str) -> M:
    """`data` as a `model`. Raises BadInputError that names the first thing that is wrong."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BadInputError(f"{where}: {place}: {first['msg']}{more}") from None
