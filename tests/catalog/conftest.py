"""A store of its own for each test, and a Hub and a package index on loopback."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer
from small_pins import COMMIT, MODEL, Recorder
from wheel_index import WheelIndex


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store; no Hub and no package index in reach but those that a test sets up."""
    folder = tmp_path / "store"
    monkeypatch.setenv("CHAPTER_OFFLINE_MODELS", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in [name for name in os.environ if name.startswith(("PIP_", "HF_"))]:
        monkeypatch.delenv(name)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def watch() -> Recorder:
    return Recorder()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub that has the file of `make_pin()`; tries again soon, to spare the tests' time."""
    monkeypatch.setattr("chapter_offline.catalog.hub._FIRST_WAIT_SECONDS", 0.02)
    with HubServer("someone/tiny-GGUF", COMMIT, "tiny.gguf", MODEL) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WheelIndex]:
    """An empty package index."""
    with WheelIndex(tmp_path / "index") as server:
        monkeypatch.setenv("PIP_INDEX_URL", server.url)
        yield server
