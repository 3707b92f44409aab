"""Models of one's own: imported, requantized, split, used, removed."""

from pathlib import Path

import gguf
import pytest
from hub_server import HubServer
from small_pins import MODEL, make_pin
from tiny_gguf import write_tiny_gguf

from chapter_offline.catalog import bringing, own_pins
from chapter_offline.catalog.bringing import import_file, remove, requantized
from chapter_offline.catalog.choose import resolve_model
from chapter_offline.catalog.header import read_header
from chapter_offline.catalog.pins import find_pin, load_pins
from chapter_offline.catalog.pull import pull
from chapter_offline.catalog.store import file_sha256, is_here, model_path
from chapter_offline.errors import BadInputError, NoModelError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "My Model.Q8_0.gguf", quantization="Q8_0")


def split(file: Path, folder: Path) -> list[Path]:
    """The same tensors in two files, as `llama-gguf-split` leaves them."""
    reader = gguf.GGUFReader(file)
    tensors = list(reader.tensors)
    halves = [tensors[: len(tensors) // 2], tensors[len(tensors) // 2 :]]
    paths = []
    for number, half in enumerate(halves):
        path = folder / f"halved-{number + 1:05}-of-00002.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        for field in reader.fields.values() if number == 0 else ():
            if not field.name.startswith("GGUF.") and field.name != "general.architecture":
                kind, *inner = field.types
                writer.add_key_value(field.name, field.contents(), kind, *inner[:1])
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", 2)
        writer.add_int32("split.tensors.count", len(tensors))
        for tensor in half:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        paths.append(path)
    return paths


def test_a_strangers_file_becomes_a_model_of_ones_own(file: Path, store: Path) -> None:
    brought = import_file(file, "", "MIT", None)
    assert brought.path == store / "my-model.q8_0" / file.name
    assert brought.path.read_bytes() == file.read_bytes()
    pin = find_pin("my-model.q8_0")
    assert (pin.mine, pin.license, pin.sha256) == (True, "MIT", file_sha256(file))
    file.unlink()
    found = resolve_model("my-model.q8_0", 2048)
    assert (found.path, found.name) == (brought.path, "my-model.q8_0")


def test_pinned_bytes_are_imported_as_the_pin(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = make_pin()
    monkeypatch.setattr(bringing, "load_pins", lambda: (pin,))
    (tmp_path / "carried.gguf").write_bytes(MODEL)
    brought = import_file(tmp_path / "carried.gguf", "", "", None)
    assert brought.known
    assert brought.path == model_path(pin)
    assert pull(pin).origin == "here"
    assert hub.requests == []


def test_a_model_in_several_files_is_imported_and_run(file: Path, tmp_path: Path) -> None:
    first, second = split(file, tmp_path)
    whole, joined = read_header(file), read_header(first)
    assert (joined.parameters, joined.weight_bytes) == (whole.parameters, whole.weight_bytes)
    assert joined.file_bytes == first.stat().st_size + second.stat().st_size
    brought = import_file(first, "halved", "MIT", None)
    assert [each.file for each in brought.pin.files] == [first.name, second.name]
    assert resolve_model("halved", 2048).sha256 == find_pin("halved").digest


def test_half_of_a_split_model_is_said_to_be_that(file: Path, tmp_path: Path) -> None:
    first, second = split(file, tmp_path)
    with pytest.raises(BadInputError, match="give the first"):
        read_header(second)
    second.unlink()
    with pytest.raises(BadInputError, match="no such file"):
        import_file(first, "halved", "", None)


@pytest.mark.parametrize("name", ["smollm2-135m", "Two Words", "../up", "-", "a" * 65])
def test_a_name_that_cannot_be_is_refused(file: Path, name: str, store: Path) -> None:
    with pytest.raises(UsageError):
        import_file(file, name, "", None)
    assert not (store / name).exists()


def test_a_file_without_a_chat_template_is_not_taken(tmp_path: Path) -> None:
    bare = write_tiny_gguf(tmp_path / "bare.gguf", template=None)
    with pytest.raises(BadInputError, match="no chat template"):
        import_file(bare, "", "", None)
    assert not any(pin.mine for pin in load_pins())


def test_another_type_of_weights_is_a_model_with_its_source(tmp_path: Path) -> None:
    import_file(write_tiny_gguf(tmp_path / "plain.gguf"), "", "MIT", None)
    made = requantized(find_pin("plain"), "q8_0", "", None)
    pin = find_pin("plain-q8_0")
    assert pin.made_from == find_pin("plain").sha256
    assert pin.sha256 == file_sha256(made.path)
    assert pin.quantization == "Q8_0"
    assert made.path.stat().st_size < 0.5 * find_pin("plain").bytes
    assert resolve_model("plain-q8_0", 2048).path == made.path


def test_an_unknown_type_of_weights_is_refused(file: Path) -> None:
    brought = import_file(file, "", "", None)
    with pytest.raises(UsageError, match="take one of f16"):
        requantized(brought.pin, "q99", "", None)


def test_what_is_removed_is_gone_with_its_entry(file: Path, store: Path) -> None:
    brought = import_file(file, "", "", None)
    own_pins.use(brought.pin.name)
    assert remove(brought.pin) == file.stat().st_size
    assert not (store / brought.pin.name).exists()
    assert not any(pin.mine for pin in load_pins())
    assert own_pins.in_use() == ""


def test_a_pulled_model_is_removed_from_the_hubs_cache(hub: HubServer, store: Path) -> None:
    pin = make_pin()
    pull(pin)
    assert remove(pin) == len(MODEL)
    assert not is_here(pin)
    assert not (store / "models--someone--tiny-GGUF").exists()


def test_bytes_that_another_commit_shows_stay(hub: HubServer) -> None:
    pin, later = make_pin(), make_pin(commit="f" * 40)
    pull(pin)
    pull(later)
    assert remove(later) == 0
    assert is_here(pin)
    assert not is_here(later)


def test_a_model_that_is_gone_and_from_nowhere_says_so(file: Path) -> None:
    pin = import_file(file, "", "", None).pin
    model_path(pin).unlink()
    with pytest.raises(NoModelError, match="bring its file again"):
        resolve_model(pin.name, 2048)
