"""A chapter of two parts by a tiny model, written once for a file of tests, and copies of it to be changed.

A test file that wants it says `pytest_plugins = ["places"]`.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from planned import plan as plan_once
from systems import DEFAULT_SYSTEM, PROMPTS, library, rate_limiter_plan
from tiny_gguf import write_tiny_gguf

from chapter_offline import desk, replaying
from chapter_offline.output.sections import own_text
from chapter_offline.workflow import Order, write
from chapter_offline.writing.progress import Silent

QUIET = Silent()


@pytest.fixture
def planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library and the plan, which take seconds and are the same for all, are made once."""
    real = desk.load_library
    for module in (desk, replaying):
        monkeypatch.setattr(
            module, "load_library", lambda place: library() if place == PROMPTS else real(place)
        )
        monkeypatch.setattr(module, "make_plan", plan_once)


@dataclass(frozen=True)
class Place:
    """A written chapter. model: its file."""

    folder: Path
    model: str

    @property
    def page(self) -> str:
        return (self.folder / "chapter.md").read_text(encoding="utf-8")

    def json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_bytes())

    def section(self, name: str) -> str:
        return own_text(self.page, rate_limiter_plan(), name)


@pytest.fixture(scope="module")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    return write_tiny_gguf(folder / "tiny.gguf", layers=1, heads=1)


@pytest.fixture(scope="module")
def first(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    out = tmp_path_factory.mktemp("chapter") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "load_library", lambda _: library())
        patch.setattr(desk, "make_plan", plan_once)
        write(order(small_model, out), QUIET)
    return Place(out, str(small_model))


def order(model: Path, out: Path) -> Order:
    return Order(DEFAULT_SYSTEM, str(model), window=2048, parts=(3, 15), threads=1, out=out)


@pytest.fixture
def place(first: Place, tmp_path: Path) -> Place:
    """A copy of the chapter, to be changed."""
    shutil.copytree(first.folder, tmp_path / "out")
    return Place(tmp_path / "out", first.model)


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
