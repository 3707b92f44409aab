"""A manifest read again: how a chapter in its folder was made."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from chapter_offline.chapter.document import Voice
from chapter_offline.chapter.plan import Depth
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.knowledge.files import shaped


class _Part(BaseModel):
    """A part of a manifest; what else stands there doesn't matter here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Model(_Part):
    name: str


class _Engine(_Part):
    gpu_layers: int


class _Prompts(_Part):
    sha256: str


class _Settings(_Part):
    voice: Voice
    depth: Depth | None
    words: int
    parts: tuple[int, ...]
    window: int
    seed: int


class Made(_Part):
    """Of a manifest, what says how the chapter was made."""

    model: _Model
    engine: _Engine
    prompts: _Prompts
    settings: _Settings


def read_manifest(path: Path) -> Made:
    """A chapter's manifest. Raises UsageError where there is none, BadInputError for a damaged one."""
    try:
        read = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{path.parent}: no manifest.json there; name a folder that `chapter-offline write` has made"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path}: can't be read: {error}") from None
    return shaped(Made, read, f"{path}: it is no manifest of a chapter")
