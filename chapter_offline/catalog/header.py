"""What a GGUF file says of itself, read without trusting it and without loading it.

Reads the metadata that fit and the engine ask for, and holds the file's size against what its
tensors claim, so that a file that was cut off is found before it is loaded. Knows nothing of pins.
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.catalog.cursor import ARRAY, STRING, Cursor
from chapter_offline.errors import BadInputError

_MAX_KEYS = 65_536
_MAX_TENSORS = 65_536
_MAX_LAYERS = 4_096
_KEY_BYTES = 1_024
_NAME_BYTES = 1_024
_TEMPLATE_BYTES = 1024 * 1024
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_WANTED_TEXTS = {
    "general.architecture": _NAME_BYTES,
    "general.name": 64 * 1024,
    "tokenizer.chat_template": _TEMPLATE_BYTES,
}

# ggml's types: number -> (weights a block, bytes a block).
_BLOCKS = {
    0: (1, 4),  # F32
    1: (1, 2),  # F16
    2: (32, 18),  # Q4_0
    3: (32, 20),  # Q4_1
    6: (32, 22),  # Q5_0
    7: (32, 24),  # Q5_1
    8: (32, 34),  # Q8_0
    9: (32, 40),  # Q8_1
    10: (256, 84),  # Q2_K
    11: (256, 110),  # Q3_K
    12: (256, 144),  # Q4_K
    13: (256, 176),  # Q5_K
    14: (256, 210),  # Q6_K
    15: (256, 292),  # Q8_K
    16: (256, 66),  # IQ2_XXS
    17: (256, 74),  # IQ2_XS
    18: (256, 98),  # IQ3_XXS
    19: (256, 50),  # IQ1_S
    20: (32, 18),  # IQ4_NL
    21: (256, 110),  # IQ3_S
    22: (256, 82),  # IQ2_S
    23: (256, 136),  # IQ4_XS
    24: (1, 1),  # I8
    25: (1, 2),  # I16
    26: (1, 4),  # I32
    27: (1, 8),  # I64
    28: (1, 8),  # F64
    29: (256, 56),  # IQ1_M
    30: (1, 2),  # BF16
    34: (256, 54),  # TQ1_0
    35: (256, 66),  # TQ2_0
    39: (32, 17),  # MXFP4
}


@dataclass(frozen=True)
class Header:
    """What a GGUF file says of itself.

    name: for people, printable, may be empty. trained_window: tokens of the trained context.
    layers, embedding_length: counts. kv_heads: heads of keys and values, one number a layer.
    key_length, value_length: numbers in a head. parameters: weights in all tensors, a count.
    chat_template: the Jinja source, or None where the file has none.
    file_bytes: size of the file.
    """

    architecture: str
    name: str
    trained_window: int
    layers: int
    embedding_length: int
    kv_heads: tuple[int, ...]
    key_length: int
    value_length: int
    parameters: int
    chat_template: str | None
    file_bytes: int

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of KV cache that one token takes at 16 bits a number, if all layers keep it."""
        return 2 * sum(self.kv_heads) * (self.key_length + self.value_length)


def read_header(path: Path) -> Header:
    """Reads and checks the header of a GGUF file; takes some 0.1 s and at most some 10 MB.

    Raises BadInputError, in one line, where the file is missing, isn't GGUF, is cut off or damaged.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            # A pipe or a device would block, or never end.
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise BadInputError(f"{path}: {what}; give the path of a GGUF file")
        with path.open("rb") as file:
            return _read(Cursor(path, file, os.fstat(file.fileno()).st_size))
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: no such file; give the path of a GGUF file") from error
    except OSError as error:
        raise BadInputError(f"{path}: can't be read: {error.strerror or error}") from error


def _read(cursor: Cursor) -> Header:
    _check_start(cursor)
    tensor_count, key_count = cursor.u64(), cursor.u64()
    if key_count > _MAX_KEYS or tensor_count > _MAX_TENSORS:
        raise cursor.bad(
            f"damaged or hostile header: it claims {key_count} keys and {tensor_count} tensors"
        )
    if not tensor_count:
        raise cursor.bad("holds no weights (a vocabulary alone?); give the file of a whole model")
    numbers, lists, texts = _metadata(cursor, key_count)
    parameters, data_bytes = _tensors(cursor, tensor_count)
    alignment = numbers.get("general.alignment", 32)
    if not 1 <= alignment <= 65_536 or alignment & (alignment - 1):
        raise cursor.bad(f"damaged or hostile header: general.alignment is {alignment}")
    needed = -(-cursor.position // alignment) * alignment + data_bytes
    if cursor.size < needed:
        raise cursor.bad(
            f"cut off: {cursor.size} bytes of at least {needed} are here. Copy or download it again"
        )
    return _header(cursor, numbers, lists, texts, parameters)


def _check_start(cursor: Cursor) -> None:
    """The magic, and a version whose layout is known."""
    size = cursor.size
    start = cursor.take(min(8, size))
    if start[:4] != b"GGUF":
        what = "is empty" if not size else "is not a GGUF file"
        raise cursor.bad(f"{what}; convert the model to GGUF, or give another file")
    if len(start) < 8:
        raise cursor.bad(f"cut off: only {size} bytes are here. Copy or download it again")
    version = int.from_bytes(start[4:], "little")
    if version not in (2, 3):
        why = "big-endian" if version and not version & 0xFFFF else f"version {version}"
        raise cursor.bad(f"GGUF of {why} isn't supported, only versions 2 and 3, little-endian")


def _metadata(
    cursor: Cursor, count: int
) -> tuple[dict[str, int], dict[str, tuple[int, ...]], dict[str, str]]:
    """Whole numbers, the lists of heads, and the wanted texts, by key. All else is passed over."""
    numbers: dict[str, int] = {}
    lists: dict[str, tuple[int, ...]] = {}
    texts: dict[str, str] = {}
    seen: set[str] = set()
    for _ in range(count):
        key = cursor.text(_KEY_BYTES, "a key")
        if key in seen:
            raise cursor.bad(f"damaged or hostile header: the key {key[:80]!r} stands in it twice")
        seen.add(key)
        kind = cursor.u32()
        if kind == STRING:
            if key in _WANTED_TEXTS:
                texts[key] = cursor.text(_WANTED_TEXTS[key], key)
            else:
                cursor.skip(cursor.u64())
        elif kind == ARRAY:
            element, length = cursor.u32(), cursor.u64()
            per_layer = key.endswith(".attention.head_count_kv") and length <= _MAX_LAYERS
            if per_layer and cursor.is_scalar(element):
                lists[key] = tuple(int(cursor.scalar(element)) for _ in range(length))
            else:
                cursor.skip_array(element, length)
        elif cursor.is_scalar(kind):
            value = cursor.scalar(kind)
            if isinstance(value, int):
                numbers[key] = value
        else:
            raise cursor.bad(f"damaged or hostile header: {key[:80]!r} has the type {kind}")
    return numbers, lists, texts


def _tensors(cursor: Cursor, count: int) -> tuple[int, int]:
    """(weights in all tensors, bytes from the first tensor's start to the last one's end)."""
    parameters, end = 0, 0
    seen: set[str] = set()
    for _ in range(count):
        name = cursor.text(_NAME_BYTES, "a tensor's name")
        where = f"damaged or hostile header: tensor {name[:80]!r}"
        if name in seen:
            raise cursor.bad(f"{where} stands in it twice")
        seen.add(name)
        dimensions = cursor.u32()
        if dimensions > 4:
            raise cursor.bad(f"{where} has {dimensions} dimensions")
        weights, row = 1, 1
        for n in range(dimensions):
            length = cursor.u64()
            weights *= length
            row = length if n == 0 else row
        kind, offset = cursor.u32(), cursor.u64()
        if weights >= 1 << 60:
            raise cursor.bad(f"{where} has {weights} weights")
        # A type that is newer than this table has at least one bit a weight, if not known how many.
        block_weights, block_bytes = _BLOCKS.get(kind, (8, 1))
        if kind in _BLOCKS and row % block_weights:
            raise cursor.bad(f"{where} has rows of {row} weights, not a multiple of its blocks")
        parameters += weights
        end = max(end, offset + weights // block_weights * block_bytes)
    return parameters, end


def _header(
    cursor: Cursor,
    numbers: dict[str, int],
    lists: dict[str, tuple[int, ...]],
    texts: dict[str, str],
    parameters: int,
) -> Header:
    """The metadata as a Header, each number within bounds that make sense."""
    architecture = texts.get("general.architecture", "")
    if not _ARCHITECTURE.fullmatch(architecture):
        raise cursor.bad(
            "names no architecture (general.architecture); give a language model's file"
        )

    def number(key: str, low: int, high: int, default: int | None = None) -> int:
        full = f"{architecture}.{key}"
        value = numbers.get(full, default)
        if value is None:
            raise cursor.bad(f"lacks {full}; give the file of a whole language model")
        if not low <= value <= high:
            raise cursor.bad(f"damaged or hostile header: {full} is {value}")
        return value

    layers = number("block_count", 1, _MAX_LAYERS)
    embedding = number("embedding_length", 1, 1 << 20)
    heads = number("attention.head_count", 0, 1 << 16, 0)
    head_length = embedding // heads if heads else 0
    per_layer = lists.get(f"{architecture}.attention.head_count_kv")
    if per_layer is None:
        per_layer = (number("attention.head_count_kv", 0, 1 << 16, heads),) * layers
    if any(not 0 <= n <= 1 << 16 for n in per_layer):
        raise cursor.bad(f"damaged or hostile header: {architecture}.attention.head_count_kv")
    return Header(
        architecture=architecture,
        # A name is shown on terminals: no control characters, and no more than a line of it.
        name="".join(c for c in texts.get("general.name", "") if c.isprintable())[:100],
        trained_window=number("context_length", 1, 1 << 31),
        layers=layers,
        embedding_length=embedding,
        kv_heads=per_layer,
        key_length=number("attention.key_length", 0, 1 << 16, head_length),
        value_length=number("attention.value_length", 0, 1 << 16, head_length),
        parameters=parameters,
        chat_template=texts.get("tokenizer.chat_template") or None,
        file_bytes=cursor.size,
    )
