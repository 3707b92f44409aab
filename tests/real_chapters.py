"""Chapters that the real 135M writes once for all tests that read them. A pytest plugin.

A test file that wants them says `pytest_plugins = ["real_chapters"]` and marks its tests `model`.
(The module is not called `chapters`: a folder of that name lies beside it once one was written.)
"""

from pathlib import Path

import pytest
from reading import OnDisk, written
from systems import DEFAULT_SYSTEM, OTHER_SYSTEM

from chapter_offline.workflow import Order


@pytest.fixture(scope="session")
def quoted_chapter(real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    """The whole default chapter in voice `quoted`, at a window of 2,048 tokens."""
    out = tmp_path_factory.mktemp("chapters") / "quoted"
    return written(Order(DEFAULT_SYSTEM, str(real_model), window=2048, threads=1, out=out))


@pytest.fixture(scope="session")
def free_chapter(real_model: Path, tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    """Three parts in voice `free` on a system that the library does not have."""
    out = tmp_path_factory.mktemp("chapters") / "free"
    return written(
        Order(
            OTHER_SYSTEM,
            str(real_model),
            voice="free",
            depth="quick",
            window=2048,
            parts=(1, 6, 9),
            threads=1,
            out=out,
        )
    )
