"""Reads the raw values of a GGUF file, never trusting a number that the file states.

Every length is held against what is left of the file and against a limit before anything is read
or allocated. Knows the format's types; knows nothing of what keys mean.
"""

import struct
from pathlib import Path
from typing import BinaryIO

from chapter_offline.errors import BadInputError

HEADER_LIMIT_BYTES = 128 * 1024 * 1024
"""The largest header that is read; those of published models take up to some 20 MB."""

_STRING_LIMIT = 4_000_000  # strings in all arrays together; a large vocabulary has under a million
_BLOCK_BYTES = 256 * 1024

STRING, ARRAY = 8, 9
_SCALARS = {  # type number: struct format; 7 is a bool
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<B",
    10: "<Q",
    11: "<q",
    12: "<d",
}


class Cursor:
    """A place in an open GGUF file. All errors are BadInputError and name the file."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        """`size`: bytes of the whole file. Leaving a `with` block closes it."""
        self.path = path
        self.position = 0
        self._file = file
        self.size = size
        self._strings_left = _STRING_LIMIT

    def __enter__(self) -> "Cursor":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def bad(self, why: str) -> BadInputError:
        """The error for this file, to be raised."""
        return BadInputError(f"{self.path}: {why}")

    def take(self, n: int) -> bytes:
        """The next `n` bytes."""
        self._need(n)
        data = self._file.read(n)
        if len(data) != n:
            raise self._cut_off()
        self.position += n
        return data

    def skip(self, n: int) -> None:
        """Passes over `n` bytes without reading them."""
        self._need(n)
        self._file.seek(n, 1)
        self.position += n

    def u32(self) -> int:
        """An unsigned number of 4 bytes."""
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        """An unsigned number of 8 bytes."""
        return int.from_bytes(self.take(8), "little")

    def text(self, limit: int, what: str) -> str:
        """A string of at most `limit` bytes; anything longer is refused, naming `what`."""
        length = self.u64()
        if length > limit:
            raise self.bad(f"damaged or hostile header: {what} of {length} bytes")
        return self.take(length).decode("utf-8", "replace")

    def scalar(self, kind: int) -> int | float:
        """A number of the type `kind`."""
        (value,) = struct.unpack(_SCALARS[kind], self.take(struct.calcsize(_SCALARS[kind])))
        return value if isinstance(value, float) else int(value)

    def is_scalar(self, kind: int) -> bool:
        """Whether the type `kind` is a number or a bool."""
        return kind in _SCALARS

    def skip_array(self, kind: int, count: int) -> None:
        """Passes over the `count` elements of an array whose type and count were just read."""
        if kind == STRING:
            self._skip_strings(count)
        elif kind in _SCALARS:
            self.skip(count * struct.calcsize(_SCALARS[kind]))
        else:
            raise self.bad(f"damaged or hostile header: an array of elements of type {kind}")

    def _skip_strings(self, count: int) -> None:
        """Walks over strings; their lengths can only be known one after another."""
        self._need(8 * count)
        self._strings_left -= count
        if self._strings_left < 0:
            raise self.bad(f"damaged or hostile header: more than {_STRING_LIMIT} strings")
        block, at = b"", 0
        for _ in range(count):
            if len(block) - at < 8:
                # Read ahead: one call for each of 150,000 tokens would take seconds.
                block, at = block[at:] + self._file.read(_BLOCK_BYTES), 0
                if len(block) < 8:
                    raise self._cut_off()
            (length,) = struct.unpack_from("<Q", block, at)
            at += 8
            self.position += 8
            self._need(length)
            self.position += length
            if length <= len(block) - at:
                at += length
            else:
                self._file.seek(self.position)
                block, at = b"", 0
        self._file.seek(self.position)

    def _need(self, n: int) -> None:
        """Refuses to go past the file's end, or past the largest header."""
        if n > self.size - self.position:
            raise self._cut_off()
        if self.position + n > HEADER_LIMIT_BYTES:
            raise self.bad(f"its header is larger than {HEADER_LIMIT_BYTES >> 20} MiB")

    def _cut_off(self) -> BadInputError:
        return self.bad(
            f"cut off or damaged: it ends inside its header, after {self.size} bytes. "
            "Copy or download it again"
        )
