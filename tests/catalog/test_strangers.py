"""Files that nobody vouches for: mutated headers against the reader, whole files against the child."""

import random
import struct
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from gguf_bytes import gguf
from tiny_gguf import write_tiny_gguf

from chapter_offline.catalog import strangers
from chapter_offline.catalog.choose import resolve_model
from chapter_offline.catalog.header import read_header
from chapter_offline.catalog.strangers import try_out
from chapter_offline.errors import BadInputError

_ODD = (0, 1, 2, 3, 7, 8, 9, 31, 64, 127, 128, 255)
_LONG = (0, 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1)


def mutated(whole: bytes, header: int, chance: random.Random) -> bytes:
    """A file with its header damaged in one of the ways that files come damaged, or hostile."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 3)):
        end = min(header, len(data))
        at = chance.randrange(4, end)
        match chance.randrange(6):
            case 0:
                data[at] = chance.choice(_ODD)
            case 1:
                data[at : at + 8] = struct.pack("<Q", chance.choice(_LONG))
            case 2:
                data[at : at + 4] = struct.pack("<I", chance.choice(_LONG) & 0xFFFFFFFF)
            case 3:
                del data[at : at + chance.randint(1, 64)]
            case 4:
                data[at:at] = data[at : at + chance.randint(1, 200)]
            case 5:
                other = chance.randrange(4, end)
                data[at : at + 8] = data[other : other + 8]
    if not chance.randrange(20):
        del data[chance.randrange(len(data)) :]
    return bytes(data)


def refusal(call: Callable[[], object]) -> str:
    """The line with which something is refused; "" where it isn't."""
    try:
        call()
    except BadInputError as error:
        return str(error)
    return ""


def read_all(file: Path, whole: bytes, header: int, count: int, seed: int) -> int:
    """Reads so many mutations of a file; returns how many were refused."""
    chance, refused = random.Random(seed), 0
    for _ in range(count):
        file.write_bytes(mutated(whole, header, chance))
        begun = time.process_time()
        why = refusal(partial(read_header, file))
        refused += bool(why)
        assert not why or (str(file) in why and "\n" not in why)
        assert time.process_time() - begun < 2
    return refused


@pytest.mark.parametrize("count", [600, pytest.param(12_000, marks=pytest.mark.slow)])
def test_mutated_headers_are_an_error_line_or_harmless(tmp_path: Path, count: int) -> None:
    file = tmp_path / "model.gguf"
    whole = write_tiny_gguf(tmp_path / "tiny.gguf", layers=1).read_bytes()
    small = gguf()
    real = read_all(file, whole, 16_000, count // 6, seed=1)
    made = read_all(file, small, len(small) - 32, count - count // 6, seed=2)
    assert 0 < real + made < count


def verdicts(tmp_path: Path, count: int, seed: int) -> dict[str, int]:
    """What became of so many mutated files: refused by the reader, by the child, or run."""
    whole = write_tiny_gguf(tmp_path / "tiny.gguf", layers=1).read_bytes()
    chance = random.Random(seed)
    found = {"reader": 0, "child": 0, "run": 0}
    tried = 0
    while tried < count:
        file = tmp_path / "model.gguf"
        file.write_bytes(mutated(whole, 16_000, chance))
        if refusal(partial(read_header, file)):
            found["reader"] += 1
            continue
        tried += 1
        name = f"{tried:064x}"
        why = refusal(partial(try_out, file, name, read_header(file)))
        assert "\n" not in why
        found["child" if why else "run"] += 1
    return found


@pytest.mark.process
@pytest.mark.parametrize("count", [4, pytest.param(300, marks=pytest.mark.slow)])
def test_what_passes_the_reader_and_kills_llama_cpp_kills_a_child_alone(
    tmp_path: Path, count: int
) -> None:
    found = verdicts(tmp_path, count, seed=3)
    assert found["child"] + found["run"] == count
    assert found["reader"] > 0


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_tiny_gguf(tmp_path / "good.gguf")


@pytest.mark.process
def test_a_good_file_is_tried_once(
    good: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_model(str(good), 2048)
    (marker,) = (store / ".tried").iterdir()

    def no_child(*_: object, **__: object) -> None:
        raise AssertionError("a child was started")

    monkeypatch.setattr(strangers.subprocess, "run", no_child)
    resolve_model(str(good), 2048)
    marker.unlink()
    with pytest.raises(AssertionError):
        resolve_model(str(good), 2048)


@pytest.mark.process
def test_a_token_that_stands_twice_is_an_error_line(good: Path) -> None:
    data = good.read_bytes()
    assert data.count("Ġwhile".encode()) == 1
    good.write_bytes(data.replace("Ġwhile".encode(), "Ġcount".encode()))
    why = refusal(partial(resolve_model, str(good), 2048))
    assert "tried in a process of its own" in why
    assert "\n" not in why


@pytest.mark.process
@pytest.mark.parametrize(
    ("template", "told"),
    [
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "longer",
        ),
        ("{{ messages[0]['content'] }}{% include 'x' %}", "template"),
        ("{{ 'nothing of what was said' }}", "drops or changes"),
    ],
)
def test_a_hostile_template_is_found_before_the_file_is_used(
    tmp_path: Path, template: str, told: str
) -> None:
    file = write_tiny_gguf(tmp_path / "hostile.gguf", template=template)
    with pytest.raises(BadInputError, match=told):
        resolve_model(str(file), 2048)


@pytest.mark.process
def test_a_child_that_takes_too_long_is_ended(good: Path) -> None:
    with pytest.raises(BadInputError, match="wasn't loaded within"):
        try_out(good, "0" * 64, read_header(good), seconds=0.01)
