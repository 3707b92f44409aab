"""Fixtures for every room: a tiny random model made on the spot, and the real 135M."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chapter_offline.catalog.pins import find_pin, program_pins
from chapter_offline.catalog.store import model_path
from chapter_offline.resources import models_file

sys.path.insert(0, str(Path(__file__).parent))  # so that any test can import tiny_gguf

MODEL_VARIABLE = "CHAPTER_OFFLINE_TEST_MODEL"
REAL_MODEL_PIN = "smollm2-135m"
_PULLED = model_path(find_pin(REAL_MODEL_PIN, program_pins(models_file())))
"""Where `models pull` puts it; asked for before tests get folders of their own."""


_WHOLE = re.compile(r"^pytestmark = .*pytest\.mark\.whole", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A module that is left out as a whole isn't imported: that alone plans a dozen systems."""
    if "not whole" not in config.option.markexpr or collection_path.suffix != ".py":
        return None
    return True if _WHOLE.search(collection_path.read_text(encoding="utf-8")) else None


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a run keeps for later ones, prompts once read, does not go to this machine's user.

    Nor does it read what that user has set.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of 100,000 parameters with ChatML's template and a window of 2,048."""
    from tiny_gguf import write_tiny_gguf

    return write_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The pinned 135M; a test that wants it fails where it is missing, and says how to get it."""
    named = os.environ.get(MODEL_VARIABLE)
    path = Path(named) if named else _PULLED
    if not path.is_file():
        pytest.fail(
            f"{path}: the real model is not there. Run `chapter-offline models pull "
            f"{REAL_MODEL_PIN}`, or set {MODEL_VARIABLE} to its file."
        )
    return path
