"""From --model to a checked file."""

import shutil
import socket
from pathlib import Path

import pytest
from gguf_bytes import gguf, usual
from tiny_gguf import write_tiny_gguf

from chapter_offline import resources
from chapter_offline.catalog import choose, own_pins
from chapter_offline.catalog.choose import fitted, largest_to_pull, resolve_model
from chapter_offline.catalog.fit import CHAPTER_BYTES, footprint, need_of
from chapter_offline.catalog.header import read_header
from chapter_offline.catalog.pins import load_pins
from chapter_offline.catalog.store import file_sha256, model_path
from chapter_offline.catalog.survey import least_bytes
from chapter_offline.engine.devices import Device
from chapter_offline.engine.interface import Settings
from chapter_offline.errors import BadInputError, DoesNotFitError, NoModelError, UsageError

TABLE = """
[models."{name}"]
repo = "someone/tiny"
file = "{name}.gguf"
commit = "0123456789abcdef0123456789abcdef01234567"
sha256 = "{sha256}"
bytes = {bytes}
license = "MIT"
parameters = 100_000
trained_window = {window}
kv_bytes_per_token = {kv}
"""


def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **files: Path) -> None:
    """Makes the program know just these files, each by its name."""
    tables = [
        TABLE.format(
            name=name,
            sha256=file_sha256(file),
            bytes=file.stat().st_size,
            window=read_header(file).trained_window,
            kv=read_header(file).kv_bytes_per_token,
        )
        for name, file in files.items()
    ]
    (tmp_path / "models.toml").write_text("".join(tables))
    monkeypatch.setattr(
        "chapter_offline.catalog.pins.models_file", lambda: tmp_path / "models.toml"
    )


def install(name: str, file: Path) -> Path:
    """Lays a file where the pin of that name has it."""
    (path,) = (model_path(pin) for pin in load_pins() if pin.name == name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(file, path))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small model; the catalogue knows it as "small", and a larger one as "large"."""
    small = write_tiny_gguf(tmp_path / "s.gguf", trained_window=4096)
    large = write_tiny_gguf(tmp_path / "large.gguf", layers=4)
    catalogue(tmp_path, monkeypatch, small=small, large=large)
    return small


@pytest.fixture
def large(small: Path) -> Path:
    return small.with_name("large.gguf")


def test_a_name_is_that_pins_file(small: Path) -> None:
    path = install("small", small)
    found = resolve_model("small", 2048)
    assert (found.path, found.name) == (path, "small")
    assert found.pin == load_pins()[0]
    assert found.sha256 == file_sha256(small)
    assert found.header.layers == 2


def test_auto_takes_the_largest_that_is_here(small: Path, large: Path) -> None:
    install("small", small)
    assert resolve_model("auto", 2048).name == "small"
    install("large", large)
    assert resolve_model("auto", 2048).name == "large"


def test_auto_takes_one_that_serves_the_window(small: Path, large: Path) -> None:
    install("small", small)
    install("large", large)
    assert resolve_model("auto", 4096).name == "small"
    with pytest.raises(DoesNotFitError, match="--window 4096 or less"):
        resolve_model("auto", 5000)


def test_auto_takes_one_that_fits_the_memory(small: Path, large: Path) -> None:
    install("small", small)
    install("large", large)
    sizes = [least_bytes(need_of(read_header(file), "m"), 2048) for file in (small, large)]
    assert resolve_model("auto", 2048, memory=max(sizes)).name == "large"
    assert resolve_model("auto", 2048, memory=max(sizes) - 1).name == "small"
    with pytest.raises(DoesNotFitError, match=f"small needs {sizes[0] / 1e9:.2f} GB of memory"):
        resolve_model("auto", 2048, memory=min(sizes) - 1)


def test_with_none_here_the_command_is_named_and_nothing_is_fetched(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_network)
    with pytest.raises(NoModelError, match="chapter-offline models pull large"):
        resolve_model("auto", 2048)
    with pytest.raises(NoModelError, match="chapter-offline models pull small"):
        resolve_model("small", 2048)


def test_an_unknown_name_gets_the_nearest(small: Path) -> None:
    with pytest.raises(UsageError, match="nearest: small"):
        resolve_model("smal", 2048)


def test_bytes_that_changed_are_not_used(small: Path) -> None:
    path = install("small", small)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(NoModelError, match="expected sha256"):
        resolve_model("small", 2048)


def test_a_path_is_a_file_of_ones_own(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = write_tiny_gguf(tmp_path / "own.gguf", seed=7)
    found = resolve_model(str(own), 2048)
    assert (found.pin, found.name, found.sha256) == (None, "own.gguf", file_sha256(own))
    monkeypatch.chdir(tmp_path)
    assert resolve_model("own.gguf", 2048).sha256 == found.sha256
    own.rename("plain")
    assert resolve_model("plain", 2048).sha256 == found.sha256


def test_a_path_to_pinned_bytes_is_known_as_the_pin(small: Path) -> None:
    found = resolve_model(str(small), 2048)
    assert found.name == "small"
    assert found.pin is not None


def test_a_pins_name_goes_before_a_file_of_that_name(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small").write_text("not a model")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoModelError):
        resolve_model("small", 2048)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        (b"hello", "is not a GGUF file"),
        (gguf()[:-1], "cut off"),
        (gguf(usual()[:-1]), "no chat template"),
    ],
)
def test_a_bad_file_is_bad_input(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "bad.gguf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInputError, match=told):
        resolve_model(str(file), 2048)


@pytest.mark.parametrize("spec", ["", "  ", "a\0b", "x" * 10_000])
def test_what_is_neither_name_nor_path_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="--model needs"):
        resolve_model(spec, 2048)


def test_a_window_beyond_the_trained_one_says_which_would_do(small: Path) -> None:
    with pytest.raises(DoesNotFitError, match="use --window 4096 or less"):
        resolve_model(str(small), 4097)


def test_a_model_that_does_not_fit_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    wide = gguf(usual(attention__head_count_kv=65_536, attention__key_length=65_536))
    (tmp_path / "wide.gguf").write_bytes(wide)
    with pytest.raises(DoesNotFitError, match=r"wide.gguf needs .* Do one of these: .*--memory"):
        resolve_model(str(tmp_path / "wide.gguf"), 2048)


def test_what_to_pull_is_bounded_by_size_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resources.models_file().is_file()
    monkeypatch.setattr(choose, "available_memory", lambda: 64 * 1024**3)
    assert [pin.name for pin in largest_to_pull(1_500_000_000)][:3] == [
        "qwen2.5-coder-1.5b",
        "qwen2.5-1.5b",
        "llama-3.2-1b",
    ]
    assert largest_to_pull(500_000_000)[0].name == "qwen2.5-coder-0.5b"
    monkeypatch.setattr(choose, "available_memory", lambda: 600_000_000)
    assert [pin.name for pin in largest_to_pull(1_500_000_000)] == ["smollm2-135m"]
    assert largest_to_pull(1_000) == ()


def test_the_one_in_use_goes_before_the_largest(small: Path, large: Path) -> None:
    install("small", small)
    install("large", large)
    own_pins.use("small")
    assert resolve_model("auto", 2048).name == "small"
    own_pins.use("")
    assert resolve_model("auto", 2048).name == "large"


def test_what_would_fit_is_named(small: Path, large: Path) -> None:
    install("small", small)
    install("large", large)
    limit = least_bytes(need_of(read_header(large), "large"), 1024)
    with pytest.raises(DoesNotFitError, match="use --model small"):
        resolve_model("large", 2048, memory=limit)


def test_more_layers_than_the_gpus_hold_are_refused_before_loading(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("small", small)
    model = resolve_model("small", 2048)

    def with_gpus(*free: int) -> None:
        found = [Device(f"CUDA{n}", "", "gpu", size, size, False, 0) for n, size in enumerate(free)]
        monkeypatch.setattr("chapter_offline.engine.devices.devices", lambda: tuple(found))

    all_layers = Settings(window=2048, gpu_layers=-1)
    with_gpus(10**9)
    assert fitted(model, all_layers) == all_layers
    with_gpus(10**8, 10**8)
    with pytest.raises(DoesNotFitError, match=r"of 3 layers 0 fit \(0 on CUDA0, 0 on CUDA1\)"):
        fitted(model, all_layers)


def test_the_cache_is_made_smaller_where_memory_is_tight(small: Path) -> None:
    install("small", small)
    model = resolve_model("small", 2048)
    need = need_of(model.header, "small")
    usual = footprint(need, Settings(window=2048), CHAPTER_BYTES).total
    shrunk = fitted(model, Settings(window=2048), usual - 100_000)
    assert 0 < shrunk.cells < 8192
