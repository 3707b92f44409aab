"""Prompts once read, kept on disk for later processes: tokens, and the cache's state after them.

A file's name is a digest of all that determines the state's bits (model, libraries, settings) and
one of the tokens. What is read back is checked whole, so a damaged or foreign file is passed over,
and written anew when the same prompt has been read. Nothing here knows of waves or of llama.cpp.
"""

import contextlib
import hashlib
import os
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHORTEST = 64
"""Tokens of the shortest prefix worth a file; fewer are read again in a fraction of a second."""

_MAGIC = b"chapter-offline prefix 1\n"
_HEAD = struct.Struct("<25s32s32sIQ")  # magic, context, digest of the rest, tokens, bytes of state
_SUFFIX = ".prefix"

_Tokens = NDArray[np.int32]


@dataclass(frozen=True)
class Stored:
    """A prefix on disk. tokens: [length]."""

    path: Path
    tokens: _Tokens


class Prefixes:
    """The prefixes in a folder that were read in one context.

    context: names all that determines a state's bits beside the tokens. limit: bytes that the
    folder may hold, those of other contexts counted. note: told, on one line, of what went wrong;
    a folder that can't be read or written costs time and no results.
    """

    def __init__(
        self, folder: Path, context: Sequence[str], limit: int, note: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._context = hashlib.sha256("\0".join(context).encode()).digest()
        self._limit = limit
        self._note = note
        self._stored: dict[str, Stored] = {}
        with self._noting("reading"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for path in folder.glob(f"{self._context.hex()[:16]}-*{_SUFFIX}"):
                tokens = self._read_tokens(path)
                if tokens is not None and path.name == self._name(tokens):
                    self._stored[path.name] = Stored(path, tokens)

    def find(self, tokens: _Tokens, whole: bool) -> tuple[Stored, int] | None:
        """The stored prefix that has most in common with the tokens, and how much.

        whole: only a prefix that the tokens begin with, all of it. Of equals the shortest.
        """
        best: tuple[Stored, int] | None = None
        for stored in sorted(self._stored.values(), key=lambda stored: len(stored.tokens)):
            length = common(stored.tokens, tokens)
            if length < (len(stored.tokens) if whole else SHORTEST):
                continue
            if best is None or length > best[1]:
                best = stored, length
        return best

    def load(self, stored: Stored) -> bytes | None:
        """The state after all its tokens; None, and forgotten, where the file is no longer good."""
        data = b""
        with self._noting("reading"):
            data = stored.path.read_bytes()
            os.utime(stored.path)  # what is used is not the oldest
        head = _HEAD.size + 4 * len(stored.tokens)
        if not self._is_whole(data):
            self.forget(stored)
            self._note(f"{stored.path}: damaged, and passed over")
            return None
        return data[head:]

    def forget(self, stored: Stored) -> None:
        """Takes a prefix as not stored, so that it is written anew."""
        self._stored.pop(stored.path.name, None)

    def has(self, tokens: _Tokens) -> bool:
        return self._name(tokens) in self._stored

    def save(self, tokens: _Tokens, state: bytes) -> None:
        """Writes a prefix, whole or not at all; the oldest of the folder go to make room."""
        rest = tokens.astype("<i4").tobytes() + state
        digest = hashlib.sha256(rest).digest()
        head = _HEAD.pack(_MAGIC, self._context, digest, len(tokens), len(state))
        size = len(head) + len(rest)
        path = self._folder / self._name(tokens)
        if size > self._limit:
            return
        with self._noting("writing"):
            self._make_room(size)
            part = tempfile.NamedTemporaryFile(  # noqa: SIM115
                dir=self._folder, prefix="part-", suffix=_SUFFIX, delete=False
            )
            try:
                with part:
                    part.write(head)
                    part.write(rest)
                os.replace(part.name, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(part.name)
                raise
            self._stored[path.name] = Stored(path, tokens.copy())

    def _make_room(self, size: int) -> None:
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        total = size + sum(length for _, length, _ in found)
        for _, length, path in sorted(found):
            if total <= self._limit:
                return
            path.unlink(missing_ok=True)
            self._stored.pop(path.name, None)
            total -= length

    def _name(self, tokens: _Tokens) -> str:
        digest = hashlib.sha256(tokens.astype("<i4").tobytes()).hexdigest()
        return f"{self._context.hex()[:16]}-{digest[:32]}{_SUFFIX}"

    def _read_tokens(self, path: Path) -> _Tokens | None:
        """The tokens that a file of this context says it has; None for any other file."""
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            count = self._count(head, os.fstat(file.fileno()).st_size)
            if count is None:
                return None
            return np.frombuffer(file.read(4 * count), "<i4").astype(np.int32)

    def _count(self, head: bytes, size: int) -> int | None:
        """Tokens of a file by its head, if head and size are those of a file of this context."""
        if len(head) < _HEAD.size:
            return None
        magic, context, _, count, length = _HEAD.unpack(head)
        if (magic, context) != (_MAGIC, self._context):
            return None
        return int(count) if size == _HEAD.size + 4 * count + length else None

    def _is_whole(self, data: bytes) -> bool:
        if self._count(data[: _HEAD.size], len(data)) is None:
            return False
        digest = _HEAD.unpack_from(data)[2]
        return bool(hashlib.sha256(memoryview(data)[_HEAD.size :]).digest() == digest)

    @contextlib.contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._note(f"{what} the cache of prompts in {self._folder} failed: {error}")


def common(one: _Tokens, other: _Tokens) -> int:
    """Length of the common prefix."""
    length = min(len(one), len(other))
    different = one[:length] != other[:length]
    return int(different.argmax()) if different.any() else length
