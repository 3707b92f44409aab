"""The pins: what ships, and what a file of pins must look like."""

from pathlib import Path

import pytest
from small_pins import make_pin

from chapter_offline.catalog.header import read_header
from chapter_offline.catalog.pins import find_pin, load_pins
from chapter_offline.errors import BadInputError, UsageError


def test_two_dozen_models_ship_from_one_for_a_gigabyte_to_one_for_a_large_gpu() -> None:
    pins = load_pins()
    assert len(pins) >= 24
    assert [pin.bytes for pin in pins] == sorted(pin.bytes for pin in pins)
    assert (pins[0].name, pins[-1].name) == ("smollm2-135m", "llama-3.3-70b")


def test_every_pin_says_what_fit_and_a_person_need() -> None:
    for pin in load_pins():
        assert pin.license_link.startswith("https://")
        assert pin.base_model
        assert pin.architecture
        assert 0 < pin.kv_layers <= pin.layers
        assert pin.kv_bytes_per_token == 4 * pin.kv_layers * pin.kv_heads * pin.head_length


def test_models_for_a_place_without_the_hub_come_from_wheels_too() -> None:
    assert {pin.name: len(pin.wheels) for pin in load_pins() if pin.wheels} == {
        "smollm2-135m": 1,
        "qwen2.5-coder-0.5b": 6,
        "qwen2.5-coder-1.5b": 22,
    }


@pytest.mark.model
def test_a_pin_says_the_same_as_the_header_of_its_file(real_model: Path) -> None:
    pin, header = find_pin("smollm2-135m"), read_header(real_model)
    assert (header.file_bytes, header.parameters, header.trained_window) == (
        pin.bytes,
        pin.parameters,
        pin.trained_window,
    )
    assert header.kv_bytes_per_token == pin.kv_bytes_per_token
    assert (header.architecture, header.layers, header.kv_heads[0], header.key_length) == (
        pin.architecture,
        pin.layers,
        pin.kv_heads,
        pin.head_length,
    )


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("qwen2.5-coder-1.5", "qwen2.5-coder-1.5b"),
        ("SmolLM2-135M", "smollm2-135m"),
        ("smolm2-135m", "smollm2-135m"),
        ("coder", "qwen2.5-coder-0.5b, qwen2.5-coder-1.5b"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(asked: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"nearest: {near}"):
        find_pin(asked)


def test_a_name_near_to_none_is_answered_in_one_short_line() -> None:
    with pytest.raises(UsageError, match="models list") as error:
        find_pin("\x1b[31m" + "z" * 10_000)
    assert len(str(error.value)) < 250
    assert "\x1b" not in str(error.value)


GOOD = """
[models."m"]
repo = "a/b"
file = "m.gguf"
commit = "0123456789abcdef0123456789abcdef01234567"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
bytes = 10
license = "MIT"
parameters = 5
trained_window = 2048
kv_bytes_per_token = 64
wheels = [{ requirement = "some-pkg==1.0", member = "some_pkg/part.bin" }]
"""


def test_a_well_formed_table_is_a_pin(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(GOOD)
    (pin,) = load_pins(file)
    assert (pin.name, pin.bytes, pin.wheels[0].member) == ("m", 10, "some_pkg/part.bin")
    assert pin.turn_opening == ""


def test_a_pin_may_say_how_a_turn_opens(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(GOOD + 'turn_opening = "<think>\\n\\n</think>\\n\\n"\n')
    assert load_pins(file)[0].turn_opening == "<think>\n\n</think>\n\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"m"]', '"../m"]', "a name is lower case"),
        ('"m.gguf"', '"../../m.gguf"', "file must be the path"),
        ('"m.gguf"', '"m.sh"', "file must be the path"),
        ('"a/b"', '"a/b/../c"', "repo must look like"),
        ("bytes = 10", "bytes = -1", "bytes must be a whole number"),
        ("bytes = 10", "bytes = true", "bytes must be a whole number"),
        ("bytes = 10", "bytes = 10\nmore = 3", "more must be a list"),
        ("bytes = 10", "bytes = 10\nmore = [3]", "file 2: must be"),
        ("bytes = 10", "bytes = 10\nmore = [{ file = '../x.gguf' }]", "file 2: file must be"),
        ("bytes = 10", "bytes = 10\nlayers = 0", "layers must be a whole number"),
        ("bytes = 10", "bytes = 10\nthinking = 'much'", "thinking must be one of"),
        ("bytes = 10", "bytes = 10\nlicense_link = 'file:///x'", "license_link must look like"),
        ('license = "MIT"', "", "license must be a text"),
        ("89abcdef01234567", "89abcdef0123456", "must look like"),
        ("parameters = 5", "parameters = 5\nturn_opening = 3", "turn_opening must be a text"),
        ('"some-pkg==1.0"', '"--index-url=http://x/ p==1"', "requirement must look like"),
        ('"some-pkg==1.0"', '"p @ http://x/p.whl"', "requirement must look like"),
        ('"some-pkg==1.0"', '"p>=1"', "requirement must look like"),
    ],
)
def test_a_malformed_table_is_refused_by_field(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in GOOD
    file = tmp_path / "models.toml"
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(BadInputError, match=told) as error:
        load_pins(file)
    assert str(file) in str(error.value)


@pytest.mark.parametrize("content", ["", "models = 3", "[models", "\udcff"])
def test_a_file_without_models_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "models.toml"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadInputError, match=r"models.toml: "):
        load_pins(file)


def test_a_file_in_a_folder_of_the_repo_lies_under_its_own_name() -> None:
    assert make_pin(file="q4/tiny.gguf").local_file == "tiny.gguf"
