"""Writing needs no network: there is none, and no socket is opened."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import PROGRAM, surroundings

pytestmark = pytest.mark.process

_WATCHED = """
import sys

def watch(event, arguments):
    if event.startswith("socket."):
        sys.stderr.write(f"opened: {event} {arguments}\\n")

sys.addaudithook(watch)
from chapter_offline.cli import main
main(sys.argv[1:])
"""
WRITE = ("write", "Distributed rate limiter", "--window=2048", "--threads=1", "--parts=15,17")


def written(folder: Path, model: Path, *program: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*program, *WRITE, "--depth=quick", "--model", model, "--out=made"],
        cwd=folder,
        env=surroundings(folder),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_chapter_is_written_where_there_is_no_network(tmp_path: Path, tiny_model: Path) -> None:
    unshare = ("unshare", "--map-root-user", "--net")
    try:
        alone = subprocess.run([*unshare, "true"], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if alone.returncode:
        pytest.skip(f"this system lets no one leave its network: {alone.stderr.strip()}")
    done = written(tmp_path, tiny_model, *unshare, PROGRAM)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made" / "chapter.md").is_file()
    assert list((tmp_path / "made" / "diagrams").iterdir())


def test_no_socket_is_opened(tmp_path: Path, tiny_model: Path) -> None:
    done = written(tmp_path, tiny_model, sys.executable, "-c", _WATCHED)
    assert done.returncode == 0, done.stderr
    assert "opened: " not in done.stderr


def test_the_watch_sees_sockets(tmp_path: Path) -> None:
    begun, _, _ = _WATCHED.partition("from chapter_offline")
    code = begun + "import socket; socket.socket().close()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "opened: socket.__new__" in done.stderr
