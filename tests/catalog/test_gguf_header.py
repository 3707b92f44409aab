"""The header reader, against honest files and hostile ones."""

import os
import random
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from gguf_bytes import ARRAY, STRING, U32, gguf, key, number, tensor, text, usual, words
from tiny_gguf import write_tiny_gguf

from chapter_offline.catalog.header import Header, read_header
from chapter_offline.errors import BadInputError


def read(tmp_path: Path, data: bytes) -> Header:
    file = tmp_path / "model.gguf"
    file.write_bytes(data)
    return read_header(file)


def refused(tmp_path: Path, data: bytes) -> str:
    """The message with which a file is refused; one line that names it."""
    with pytest.raises(BadInputError) as error:
        read(tmp_path, data)
    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'model.gguf'}: ")
    assert "\n" not in message
    assert len(message) < 400 + len(str(tmp_path))
    return message


def test_what_the_reference_writer_wrote_is_read(tmp_path: Path) -> None:
    file = write_tiny_gguf(tmp_path / "tiny.gguf", layers=3, trained_window=4096)
    header = read_header(file)
    assert (header.architecture, header.name) == ("llama", "tiny llama")
    assert (header.layers, header.trained_window, header.embedding_length) == (3, 4096, 64)
    assert header.kv_heads == (1, 1, 1)
    assert header.kv_bytes_per_token == 2 * 3 * 1 * (32 + 32)
    assert "<|im_start|>" in (header.chat_template or "")
    assert header.file_bytes == file.stat().st_size


@pytest.mark.parametrize("quantization", ["F32", "F16", "Q8_0", "Q4_0"])
def test_weights_of_each_type_are_held_against_the_file(tmp_path: Path, quantization: str) -> None:
    file = write_tiny_gguf(tmp_path / "tiny.gguf", quantization=quantization)
    assert read_header(file).parameters > 90_000
    os.truncate(file, file.stat().st_size - 64)
    with pytest.raises(BadInputError, match="cut off: "):
        read_header(file)


def test_a_file_without_a_chat_template_says_none(tmp_path: Path) -> None:
    assert read(tmp_path, gguf(usual()[:-1])).chat_template is None


def test_heads_may_differ_from_layer_to_layer(tmp_path: Path) -> None:
    heads = struct.pack("<IQ", U32, 2) + struct.pack("<II", 1, 3)
    keys = [k for k in usual() if b"head_count_kv" not in k]
    header = read(tmp_path, gguf([*keys, key("llama.attention.head_count_kv", ARRAY, heads)]))
    assert header.kv_heads == (1, 3)
    assert header.kv_bytes_per_token == 2 * 4 * (16 + 16)


def test_a_large_vocabulary_is_passed_over_quickly_and_in_little_memory(tmp_path: Path) -> None:
    vocabulary = words("tokenizer.ggml.merges", [f"token {n}" for n in range(100_000)])
    file = tmp_path / "model.gguf"
    file.write_bytes(gguf([vocabulary, *usual()]))
    tracemalloc.start()
    assert read_header(file).name == "Tiny"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_long_string_in_an_array_is_passed_over(tmp_path: Path) -> None:
    long = words("tokenizer.ggml.tokens2", ["a" * 3_000_000, "b", "c" * 600_000, "d"])
    assert read(tmp_path, gguf([long, *usual()])).name == "Tiny"


def test_a_name_is_fit_for_a_terminal(tmp_path: Path) -> None:
    name = key("general.name", STRING, text("\x1b[2JBad\nname" + "x" * 500))
    keys = [name, *(k for k in usual() if b"general.name" not in k)]
    assert read(tmp_path, gguf(keys)).name == ("[2JBadname" + "x" * 500)[:100]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"GGU", "is not a GGUF file"),
        (b"GGUF\x03", "cut off"),
        (b"#!/bin/sh\necho hello\n", "is not a GGUF file"),
        (b"GGUF" + bytes(54), "version 0"),
        (gguf(magic=b"GGML"), "is not a GGUF file"),
        (gguf(version=1), "version 1"),
        (b"GGUF" + struct.pack(">I", 3) + bytes(50), "big-endian"),
        (gguf(tensors=[]), "no weights"),
        (gguf(keys=[]), "names no architecture"),
        (gguf(usual()[:1]), "lacks llama.block_count"),
    ],
)
def test_what_is_no_model_is_refused_with_the_reason(
    tmp_path: Path, data: bytes, told: str
) -> None:
    assert told in refused(tmp_path, data)


HUGE = 2**63
HOSTILE = {
    "58 bytes that claim an array of 2^60": (
        gguf([key("a", ARRAY, struct.pack("<IQ", U32, 2**60))])[:58],
        "ends inside its header",
    ),
    "2^63 keys": (gguf(key_count=HUGE), f"claims {HUGE} keys"),
    "2^63 tensors": (gguf(tensor_count=HUGE), f"and {HUGE} tensors"),
    "more keys than there are": (gguf(key_count=60_000), "header"),
    "a key of 2^63 bytes": (
        gguf([struct.pack("<Q", HUGE) + b"abc"]),
        f"a key of {HUGE} bytes",
    ),
    "a string of 2^63 bytes": (
        gguf([key("a", STRING, struct.pack("<Q", HUGE))]),
        "ends inside its header",
    ),
    "a template of 2^40 bytes": (
        gguf([key("tokenizer.chat_template", STRING, struct.pack("<Q", 2**40))]),
        f"chat_template of {2**40} bytes",
    ),
    "an array of 2^61 strings": (
        gguf([key("a", ARRAY, struct.pack("<IQ", STRING, 2**61))]),
        "ends inside its header",
    ),
    "a string of 2^62 bytes in an array": (
        gguf([key("a", ARRAY, struct.pack("<IQQ", STRING, 1, 2**62))]),
        "ends inside its header",
    ),
    "an array in an array": (
        gguf([key("a", ARRAY, struct.pack("<IQIQ", ARRAY, 1, U32, 0))]),
        "an array of elements of type 9",
    ),
    "a type that does not exist": (gguf([key("a", 77, b"abcd")]), "has the type 77"),
    "a key twice": (gguf([*usual(), number("llama.block_count", 2)]), "stands in it twice"),
    "block_count 0": (gguf(usual(block_count=0)), "llama.block_count is 0"),
    "block_count 2^32-1": (gguf(usual(block_count=2**32 - 1)), "llama.block_count is 4294967295"),
    "context_length 0": (gguf(usual(context_length=0)), "llama.context_length is 0"),
    "heads of keys without end": (
        gguf(usual(attention__head_count_kv=2**31)),
        f"head_count_kv is {2**31}",
    ),
    "an alignment of 3": (gguf([*usual(), number("general.alignment", 3)]), "alignment is 3"),
    "an alignment of 0": (gguf([*usual(), number("general.alignment", 0)]), "alignment is 0"),
    "a tensor of 2^80 weights": (gguf(tensors=[tensor("w", [2**40, 2**40])]), f"{2**80} weights"),
    "a tensor of 9 dimensions": (gguf(tensors=[tensor("w", [1] * 9)]), "has 9 dimensions"),
    "a tensor twice": (
        gguf(tensors=[tensor("w", [8]), tensor("w", [8])]),
        "'w' stands in it twice",
    ),
    "a tensor beyond the end": (gguf(tensors=[tensor("w", [8], offset=2**50)]), "cut off: "),
    "half a block": (gguf(tensors=[tensor("w", [33], kind=2)]), "rows of 33 weights"),
    "weights of an unknown type, all too many": (
        gguf(tensors=[tensor("w", [2**30], kind=99)]),
        "cut off: ",
    ),
    "an architecture that is markup": (
        gguf([key("general.architecture", STRING, text("<b>{{ x }}</b>"))]),
        "names no architecture",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_without_memory(tmp_path: Path, name: str) -> None:
    data, told = HOSTILE[name]
    tracemalloc.start()
    assert told in refused(tmp_path, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = gguf()
    read(tmp_path, whole)
    for length in range(0, len(whole), 7):
        refused(tmp_path, whole[:length])


def test_random_damage_is_an_error_line_or_harmless(tmp_path: Path) -> None:
    whole, chance = gguf(), random.Random(1)
    harmless = 0
    for _ in range(1500):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(whole))] = chance.choice((0, 1, 127, 255))
        try:
            read(tmp_path, bytes(damaged))
            harmless += 1
        except BadInputError:
            pass
    assert 0 < harmless < 1500


def test_a_header_larger_than_any_model_has_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    start = gguf([key("a", STRING, struct.pack("<Q", 200 * 2**20))])[:60]
    with file.open("wb") as out:
        out.write(start)
        out.truncate(300 * 2**20)  # sparse: takes no room
    with pytest.raises(BadInputError, match="larger than 128 MiB"):
        read_header(file)


def test_strings_without_end_are_not_walked_over(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    start = gguf([key("a", ARRAY, struct.pack("<IQ", STRING, 6_000_000))])
    with file.open("wb") as out:
        out.write(start[: start.index(b"\x80\x8d\x5b") + 8])
        out.truncate(100 * 2**20)  # sparse: 6 million strings of length 0
    before = time.monotonic()
    with pytest.raises(BadInputError, match="more than 4000000 strings"):
        read_header(file)
    assert time.monotonic() - before < 1


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    for path, told in (
        (tmp_path, "a folder"),
        (pipe, "not a regular file"),
        (tmp_path / "none.gguf", "no such file"),
        (tmp_path / ("x" * 5000), "can't be read"),
    ):
        with pytest.raises(BadInputError, match=told):
            read_header(path)
