"""What a GGUF file says of itself, read without trusting it and without loading it.

Reads the metadata that fit and the engine ask for, and holds the file's size against what its
tensors claim, so that a file that was cut off is found before it is loaded. Knows nothing of pins.
"""

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline.catalog.cursor import ARRAY, STRING, Cursor
from chapter_offline.catalog.tensors import Tensors, read_tensors
from chapter_offline.errors import BadInputError

_MAX_KEYS = 65_536
_MAX_TENSORS = 65_536
_MAX_LAYERS = 4_096
_MAX_SPLITS = 256
_KEY_BYTES = 1_024
_TEMPLATE_BYTES = 1024 * 1024
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_SPLIT = re.compile(r"(.+)-([0-9]{5})-of-([0-9]{5})\.gguf")
_WANTED_TEXTS = {
    "general.architecture": 1_024,
    "general.name": 64 * 1024,
    "tokenizer.chat_template": _TEMPLATE_BYTES,
}


@dataclass(frozen=True)
class Header:
    """What a GGUF file says of itself.

    name: for people, printable, may be empty. trained_window: tokens of the trained context.
    layers, embedding_length, feed_forward_length, vocabulary: counts. kv_heads: heads of keys and
    values, one number a layer. key_length, value_length: numbers in a head.
    experts: of a mixture, 0 for a dense model. sliding_window: tokens, 0 for none.
    state_bytes: of what a recurrent or hybrid model keeps of one sequence besides, 0 for others.
    parameters: weights in all tensors, a count. layer_bytes: of each layer's tensors.
    other_bytes: of all other tensors; embedding_bytes: of the input embeddings alone.
    tied: the file has no output matrix of its own, so the embeddings serve as one.
    chat_template: the Jinja source, or None where the file has none.
    file_bytes: size of the file, or of all files of a model that is split into `splits`.
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
    feed_forward_length: int = 0
    vocabulary: int = 0
    experts: int = 0
    sliding_window: int = 0
    state_bytes: int = 0
    layer_bytes: tuple[int, ...] = ()
    other_bytes: int = 0
    embedding_bytes: int = 0
    tied: bool = False
    splits: int = 1

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of KV cache that one token takes at 16 bits a number, if all layers keep it."""
        return 2 * sum(self.kv_heads) * (self.key_length + self.value_length)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(self.layer_bytes) + self.other_bytes

    @property
    def alone(self) -> bool:
        """Whether its memory, or its experts, let its tasks only run one by one on a CPU."""
        return self.state_bytes > 0 or self.experts > 0


def read_header(path: Path) -> Header:
    """Reads and checks the header of a GGUF file; takes some 0.1 s and at most some 10 MB.

    Of a model that is split, the first file is given, and the others are read as well. Raises
    BadInputError, in one line, where a file is missing, isn't GGUF, is cut off or damaged.
    """
    first = read_header_of(path, _opened(path))
    if first.splits == 1:
        return first
    return joined(first, map(_opened, split_paths(path, first.splits)[1:]))


def read_header_of(path: Path, cursor: Cursor) -> Header:
    """The header of one file that is open already, or that lies elsewhere; closes it.

    path: names the file in errors. Of a split model, says what its first file says.
    """
    with cursor:
        try:
            return _read(cursor)
        except OSError as error:
            raise _unreadable(path, error) from error


def _opened(path: Path) -> Cursor:
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            # A pipe or a device would block, or never end.
            what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise BadInputError(f"{path}: {what}; give the path of a GGUF file")
        file = path.open("rb")
        return Cursor(path, file, os.fstat(file.fileno()).st_size)
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: no such file; give the path of a GGUF file") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> BadInputError:
    return BadInputError(f"{path}: can't be read: {error.strerror or error}")


def split_paths(path: Path, count: int) -> tuple[Path, ...]:
    """The files of a split model, by the name of its first. Raises BadInputError."""
    found = _SPLIT.fullmatch(path.name)
    if not found or int(found[2]) != 1 or int(found[3]) != count:
        raise BadInputError(
            f"{path}: one of {count} files of a split model; give the first, NAME-00001-of-{count:05}.gguf"
        )
    return tuple(
        path.with_name(f"{found[1]}-{n:05}-of-{count:05}.gguf") for n in range(1, count + 1)
    )


def joined(first: Header, others: Iterable[Cursor]) -> Header:
    """What the first file of a split model says, with the tensors of all; closes the others.

    Raises BadInputError.
    """
    parts = [first]
    for cursor in others:
        with cursor:
            parts.append(_tensors_only(cursor, first))
    return replace(
        first,
        parameters=sum(part.parameters for part in parts),
        file_bytes=sum(part.file_bytes for part in parts),
        layer_bytes=tuple(map(sum, zip(*(part.layer_bytes for part in parts), strict=True))),
        other_bytes=sum(part.other_bytes for part in parts),
        embedding_bytes=max(part.embedding_bytes for part in parts),
        tied=all(part.tied for part in parts),
    )


def _tensors_only(cursor: Cursor, first: Header) -> Header:
    """A further file of a split model: the first one's facts, with this one's tensors."""
    _check_start(cursor)
    numbers, _, _, tensors = _parts(cursor)
    if numbers.get("split.count") != first.splits:
        raise cursor.bad("not of the same split model as the file before it")
    return replace(
        first,
        parameters=tensors.parameters,
        file_bytes=cursor.size,
        layer_bytes=tensors.of_layers(first.layers),
        other_bytes=tensors.others,
        embedding_bytes=tensors.embedding,
        tied=not tensors.output,
    )


def _read(cursor: Cursor) -> Header:
    _check_start(cursor)
    numbers, lists, texts, tensors = _parts(cursor)
    if numbers.get("split.count", 1) > 1 and numbers.get("split.no", 0):
        count = numbers["split.count"]
        raise cursor.bad(f"one of {count} files of a split model; give the first of them")
    return _header(cursor, numbers, lists, texts, tensors)


def _parts(
    cursor: Cursor,
) -> tuple[dict[str, int], dict[str, tuple[int, ...]], dict[str, str], Tensors]:
    """Metadata and tensors, the latter held against the file's size."""
    tensor_count, key_count = cursor.u64(), cursor.u64()
    if key_count > _MAX_KEYS or tensor_count > _MAX_TENSORS:
        raise cursor.bad(
            f"damaged or hostile header: it claims {key_count} keys and {tensor_count} tensors"
        )
    numbers, lists, texts = _metadata(cursor, key_count)
    splits = numbers.get("split.count", 1)
    if not 0 <= splits <= _MAX_SPLITS:
        raise cursor.bad(f"damaged or hostile header: split.count is {splits}")
    # The first file of a split model may hold metadata alone.
    if not tensor_count and splits < 2:
        raise cursor.bad("holds no weights (a vocabulary alone?); give the file of a whole model")
    tensors = read_tensors(cursor, tensor_count)
    alignment = numbers.get("general.alignment", 32)
    if not 1 <= alignment <= 65_536 or alignment & (alignment - 1):
        raise cursor.bad(f"damaged or hostile header: general.alignment is {alignment}")
    needed = -(-cursor.position // alignment) * alignment + tensors.end if tensor_count else 0
    if cursor.size < needed:
        raise cursor.bad(
            f"cut off: {cursor.size} bytes of at least {needed} are here. Copy or download it again"
        )
    return numbers, lists, texts, tensors


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
            if key == "tokenizer.ggml.tokens":
                numbers[key] = length
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


def _header(
    cursor: Cursor,
    numbers: dict[str, int],
    lists: dict[str, tuple[int, ...]],
    texts: dict[str, str],
    tensors: Tensors,
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
    # llama.cpp takes four for these where the file doesn't say.
    usual = 4 if architecture in ("qwen35", "qwen35moe", "qwen3next") else 0
    every = number("full_attention_interval", 0, _MAX_LAYERS, usual)
    if every:
        # All but each nth layer keep a state, and no keys and values.
        per_layer = tuple(0 if (n + 1) % every else heads for n, heads in enumerate(per_layer))
    inner, state = number("ssm.inner_size", 0, 1 << 20, 0), number("ssm.state_size", 0, 1 << 20, 0)
    groups, kernel = number("ssm.group_count", 0, 1 << 16, 0), number("ssm.conv_kernel", 0, 1024, 0)
    cache = number("shortconv.l_cache", 0, 1024, 0)
    numbers_a_layer = max(0, kernel - 1) * (inner + 2 * groups * state) + inner * state
    numbers_a_layer += max(0, cache - 1) * embedding
    recurrent = per_layer.count(0) if any(per_layer) and 0 in per_layer else layers
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
        parameters=tensors.parameters,
        chat_template=texts.get("tokenizer.chat_template") or None,
        file_bytes=cursor.size,
        feed_forward_length=number("feed_forward_length", 0, 1 << 24, 0),
        vocabulary=numbers.get("tokenizer.ggml.tokens", 0),
        experts=number("expert_count", 0, 1 << 16, 0),
        sliding_window=number("attention.sliding_window", 0, 1 << 31, 0),
        state_bytes=4 * numbers_a_layer * recurrent,
        layer_bytes=tensors.of_layers(layers),
        other_bytes=tensors.others,
        embedding_bytes=tensors.embedding,
        tied=not tensors.output,
        splits=max(1, numbers.get("split.count", 1)),
    )
