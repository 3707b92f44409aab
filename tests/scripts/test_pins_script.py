"""The check of every pin, against a Hub on loopback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import HubServer

from chapter_offline.catalog.pins import find_pin

ROOT = Path(__file__).resolve().parents[2]
PIN = find_pin("smollm2-135m")

pytestmark = pytest.mark.process


def checked(hub: HubServer) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "pins", PIN.name],
        env=os.environ | {"HF_ENDPOINT": hub.endpoint},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_differs_from_the_hub_is_said() -> None:
    data = b"other bytes"
    with HubServer(PIN.repo, PIN.commit, PIN.file, data) as hub:
        done = checked(hub)
        assert done.returncode == 1
        assert "sha256 is" in done.stdout
        assert f"bytes is {len(data)}, and {PIN.bytes} is pinned" in done.stdout
        hub.sha256 = PIN.sha256
        assert "sha256" not in checked(hub).stdout


def test_a_file_that_is_gone_is_said() -> None:
    with HubServer(PIN.repo, "f" * 40, PIN.file, b"") as hub:
        done = checked(hub)
    assert done.returncode == 1
    assert "404" in done.stdout
