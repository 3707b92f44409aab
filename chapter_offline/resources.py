"""Where the files that travel with the program lie: `models.toml` and `prompts/`.

In a wheel they are package data; in a source tree they stand beside the package.
"""

from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """The folder that holds `models.toml` and `prompts/`."""
    packaged = _PACKAGE / "_data"
    return packaged if packaged.is_dir() else _PACKAGE.parent


def prompts_dir() -> Path:
    """The folder of everything that a writer, not a programmer, would edit."""
    return data_root() / "prompts"


def cache_dir() -> Path:
    """The folder of what can be made again: prompts once read, calibrations, drawings."""
    return platformdirs.user_cache_path("chapter-offline")


def models_file() -> Path:
    """The pins."""
    return data_root() / "models.toml"
