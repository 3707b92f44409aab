"""GGUF files put together by hand, so that any byte of one can be wrong."""

import struct
from collections.abc import Sequence

U32, STRING, ARRAY, U64 = 4, 8, 9, 10


def text(value: str | bytes) -> bytes:
    """A string: its length, then its bytes."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def key(name: str, kind: int, value: bytes) -> bytes:
    """One entry of the metadata."""
    return text(name) + struct.pack("<I", kind) + value


def number(name: str, value: int) -> bytes:
    """A whole number of 32 bits."""
    return key(name, U32, struct.pack("<I", value))


def words(name: str, values: Sequence[str]) -> bytes:
    """An array of strings."""
    head = struct.pack("<IQ", STRING, len(values))
    return key(name, ARRAY, head + b"".join(text(value) for value in values))


def tensor(name: str, dimensions: Sequence[int], kind: int = 0, offset: int = 0) -> bytes:
    """What the header says of one tensor; kind 0 is F32."""
    lengths = b"".join(struct.pack("<Q", n) for n in dimensions)
    return (
        text(name) + struct.pack("<I", len(dimensions)) + lengths + struct.pack("<IQ", kind, offset)
    )


def usual(**changed: int) -> list[bytes]:
    """The metadata of a small model with a chat template; `changed` sets numbers anew."""
    numbers = {
        "context_length": 2048,
        "block_count": 2,
        "embedding_length": 64,
        "attention.head_count": 4,
        "attention.head_count_kv": 2,
        **{name.replace("__", "."): value for name, value in changed.items()},
    }
    return [
        key("general.architecture", STRING, text("llama")),
        key("general.name", STRING, text("Tiny")),
        *(number(f"llama.{name}", value) for name, value in numbers.items()),
        words("tokenizer.ggml.tokens", [f"token {n}" for n in range(300)]),
        key("tokenizer.chat_template", STRING, text("{{ messages }}")),
    ]


def gguf(
    keys: Sequence[bytes] | None = None,
    tensors: Sequence[bytes] | None = None,
    *,
    data: int = 32,
    magic: bytes = b"GGUF",
    version: int = 3,
    key_count: int | None = None,
    tensor_count: int | None = None,
) -> bytes:
    """A whole file: header, padding to 32, then `data` bytes of weights.

    The counts are those of the lists unless given.
    """
    keys = usual() if keys is None else keys
    tensors = [tensor("w", [8])] if tensors is None else tensors
    head = magic + struct.pack(
        "<IQQ",
        version,
        len(tensors) if tensor_count is None else tensor_count,
        len(keys) if key_count is None else key_count,
    )
    head += b"".join(keys) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)
