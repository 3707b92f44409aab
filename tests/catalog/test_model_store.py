"""Where models lie, and when their bytes are looked at."""

import os
from pathlib import Path

import pytest
from small_pins import MODEL, Recorder, make_pin

from chapter_offline.catalog.store import file_sha256, is_here, model_path, store_root, verify
from chapter_offline.errors import BadInputError, NoModelError

PIN = make_pin()


def put(data: bytes = MODEL) -> Path:
    """Lays a file where the pin's should lie."""
    path = model_path(PIN)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_folder_of_models_can_be_chosen(store: Path) -> None:
    assert store_root() == store
    assert model_path(PIN) == store / "tiny" / "tiny.gguf"


def test_without_a_choice_it_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAPTER_OFFLINE_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", "/some/where")
    assert store_root() == Path("/some/where/chapter-offline/models")


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
