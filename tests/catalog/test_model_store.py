"""Where models lie, and when their bytes are looked at."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_pins import MODEL, Recorder, make_pin

from chapter_offline.catalog.store import (
    file_sha256,
    hub_root,
    is_here,
    model_path,
    own_root,
    verify,
)
from chapter_offline.errors import BadInputError, NoModelError

PIN = make_pin()


def put(data: bytes = MODEL) -> Path:
    """Lays a file where the pin's should lie."""
    path = model_path(PIN)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_folder_of_models_can_be_chosen(store: Path) -> None:
    assert (hub_root(), own_root()) == (store, store)
    named = store / "models--someone--tiny-GGUF" / "snapshots" / PIN.commit / "tiny.gguf"
    assert model_path(PIN) == named


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"XDG_CACHE_HOME": "/cache"}, "/cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/cache", "HF_HOME": "/hf"}, "/hf/hub"),
        ({"HF_HOME": "/hf", "HF_HUB_CACHE": "/large/disk"}, "/large/disk"),
        ({"HF_HUB_CACHE": "/large/disk", "CHAPTER_OFFLINE_MODELS": "/ours"}, "/ours"),
    ],
)
def test_without_a_choice_it_is_the_hubs_own_cache(
    variables: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CHAPTER_OFFLINE_MODELS", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert hub_root() == Path(folder)
    if "CHAPTER_OFFLINE_MODELS" not in variables:
        code = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
        theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert theirs.stdout.strip() == folder


def test_models_of_no_repo_lie_in_the_users_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAPTER_OFFLINE_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", "/some/where")
    assert own_root() == Path("/some/where/chapter-offline/models")
    mine = make_pin(repo="", commit="", mine=True)
    assert model_path(mine) == own_root() / "tiny" / "tiny.gguf"


def test_a_file_in_its_former_place_is_used_from_there(store: Path) -> None:
    former = store / "tiny" / "tiny.gguf"
    former.parent.mkdir(parents=True)
    former.write_bytes(MODEL)
    assert is_here(PIN)
    assert verify(PIN) == former


def test_what_the_hubs_own_library_fetched_is_here(store: Path) -> None:
    repo = store / "models--someone--tiny-GGUF"
    (repo / "blobs").mkdir(parents=True)
    (repo / "blobs" / PIN.sha256).write_bytes(MODEL)
    (repo / "snapshots" / PIN.commit).mkdir(parents=True)
    (repo / "snapshots" / PIN.commit / "tiny.gguf").symlink_to(f"../../blobs/{PIN.sha256}")
    assert verify(PIN).read_bytes() == MODEL


def test_a_file_of_another_size_is_not_here() -> None:
    assert not is_here(PIN)
    put(MODEL[:-1])
    assert not is_here(PIN)
    put()
    assert is_here(PIN)


def test_good_bytes_are_hashed_once(watch: Recorder) -> None:
    put()
    assert verify(PIN, watch) == model_path(PIN)
    assert watch.bytes == [len(MODEL)]
    verify(PIN, watch)
    assert watch.pieces == [("checking tiny.gguf", len(MODEL))]


def test_a_change_of_one_byte_is_found_after_the_file_was_found_good() -> None:
    path = put()
    verify(PIN)
    later = path.stat().st_mtime_ns + 1
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"\xff")
    os.utime(path, ns=(later, later))
    with pytest.raises(NoModelError, match=PIN.sha256):
        verify(PIN)


def test_a_mismatch_says_both_digests_and_leaves_the_file() -> None:
    path = put(bytes(len(MODEL)))
    with pytest.raises(NoModelError) as error:
        verify(PIN)
    message = str(error.value)
    assert PIN.sha256 in message
    assert file_sha256(path) in message
    assert "models pull tiny" in message
    assert message.count("\n") == 1
    assert path.exists()


def test_a_model_that_is_not_here_names_the_command() -> None:
    with pytest.raises(NoModelError, match="chapter-offline models pull tiny"):
        verify(PIN)


def test_nothing_is_written_beside_a_strangers_file(tmp_path: Path) -> None:
    folder = tmp_path / "strangers"
    folder.mkdir()
    file = folder / "own.gguf"
    file.write_bytes(b"abc")
    first = file_sha256(file)
    assert first == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert list(folder.iterdir()) == [file]


def test_a_store_that_cannot_be_written_still_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watch: Recorder
) -> None:
    occupied = tmp_path / "occupied"
    occupied.write_bytes(b"a file where a folder should be")
    monkeypatch.setenv("CHAPTER_OFFLINE_MODELS", str(occupied))
    file = tmp_path / "own.gguf"
    file.write_bytes(b"abc")
    assert file_sha256(file, watch) == file_sha256(file, watch)
    assert len(watch.pieces) == 2


def test_a_damaged_memory_of_digests_is_not_believed(store: Path, watch: Recorder) -> None:
    put()
    verify(PIN)
    (marker,) = (store / ".digests").iterdir()
    marker.write_text("[1, 2")
    verify(PIN, watch)
    assert watch.bytes == [len(MODEL)]


def test_a_file_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="can't be read"):
        file_sha256(tmp_path / "none.gguf")


def test_all_bytes_are_read_again_where_that_is_asked_for(watch: Recorder) -> None:
    put()
    verify(PIN)
    verify(PIN, watch, anew=True)
    assert watch.bytes == [len(MODEL)]
