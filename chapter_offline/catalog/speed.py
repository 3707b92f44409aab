"""How long a chapter takes a model on this machine, from a short measurement of one that is here.

Rough by nature: what a token costs is taken to grow with the weights that it passes through, above
what it costs with any model.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.catalog.pins import Pin
from chapter_offline.engine.interface import Message, Settings, Span, WriteJob
from chapter_offline.engine.llama import open_engine

CHAPTER_JOBS = 136
"""Pieces that a model writes for a standard chapter in voice quoted, as the plan of one says."""
_BESIDE = 500_000_000
"""What a token costs beside its weights, in weights: whole chapters by the 135M and the 1.5B on two
cores took some 100 and 300 seconds."""
_JOBS = 4
_SHARED = "You review designs of systems. Answer shortly, in plain words, and say why. " * 3
_ASKED = "What happens to the requests of a calling program while its queue is full? " * 3
_TOKENS = 24


@dataclass(frozen=True)
class Speed:
    """Measured on the model of that name. work: its weights that a token passes through.

    seconds: that one piece took, of many decoded together. tokens: written a second, all together.
    """

    model: str
    work: int
    seconds: float
    tokens: float

    def chapter_seconds(self, pin: Pin) -> float:
        """Seconds that a standard chapter's pieces would take that model."""
        return CHAPTER_JOBS * self.seconds * (pin.work + _BESIDE) / (self.work + _BESIDE)


def measure(path: Path, pin: Pin, threads: int = 0) -> Speed:
    """Lets a model that is here write a few pieces: some seconds for a small one."""
    span = Span("answer", end="tokens", max_tokens=_TOKENS)
    jobs = [
        WriteJob(
            f"measured {n}",
            (Message("system", _SHARED), Message("user", f"{n}. {_ASKED}")),
            (span,),
        )
        for n in range(_JOBS)
    ]
    settings = Settings(
        window=1024, threads=threads, cells=_JOBS * 256, turn_opening=pin.turn_opening
    )
    with open_engine(path, settings) as engine:
        begun = time.monotonic()
        written = sum(each.output_tokens for each in engine.write(jobs))
        seconds = time.monotonic() - begun
    return Speed(pin.name, pin.work, seconds / _JOBS, written / seconds)
