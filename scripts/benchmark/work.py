"""What is to be done: jobs of exact sizes, the same for all ways.

A job is a number of sections. All have one system message (`shared` tokens), each has a user
message of its own (`own` tokens), and in each exactly `written` tokens are sampled.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chapter_offline.engine.interface import Message

_FILLERS = (" the", " a", "x", "7")  # words where they fit, else what any tokenizer has

Count = Callable[[str], int]


@dataclass(frozen=True)
class Sizes:
    """Tokens of the model's own tokenizer, before its chat template."""

    sections: int = 24
    shared: int = 700
    own: int = 115
    written: int = 120


@dataclass(frozen=True)
class Order:
    """What a child process does. width: sections decoded together. data: for a chapter's jobs."""

    way: str
    model: str
    sizes: Sizes
    width: int
    threads: int
    window: int
    server: str = ""
    data: str = ""

    @staticmethod
    def of(table: dict[str, Any]) -> "Order":
        return Order(**{**table, "sizes": Sizes(**table["sizes"])})

    def table(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Measured:
    """What one way took.

    seconds: the whole job, without loading the model. prompt_tokens: read, not counting what was
    shared or padded. sampled: tokens written, with those that were rolled back (`rejected`).
    writing_rate: tokens a second of the calls in which nothing but writing was done, 0 if unknown.
    outside: of the time of these calls, the share that was spent outside llama.cpp.
    guarding: seconds spent in guards.
    peak: bytes of resident memory. expected: bytes of weights and KV cache. busy: processor time by
    wall time and threads; below 0.9 others were using the machine. items: choices that were made;
    needed: tokens that these and scores must read if all that they share is read once.
    """

    way: str
    seconds: float
    prompt_tokens: int
    sampled: int
    rejected: int = 0
    writing_rate: float = 0.0
    outside: float = 0.0
    guarding: float = 0.0
    peak: int = 0
    expected: int = 0
    busy: float = 0.0
    note: str = ""
    items: int = 0
    needed: int = 0

    @property
    def rate(self) -> float:
        """Tokens written a second of the whole job."""
        return self.sampled / self.seconds


def conversations(sizes: Sizes, count: Count, prompts: Path) -> list[tuple[Message, Message]]:
    """The sections' prompts, made of the library's own prose; seeded."""
    words = _words(prompts)
    shared = _exactly(sizes.shared, words, count, 0)
    return [
        (
            Message("system", shared),
            Message("user", _exactly(sizes.own, words, count, number + 1)),
        )
        for number in range(sizes.sections)
    ]


def _words(prompts: Path) -> list[str]:
    text = (prompts / "WRITING.md").read_text(encoding="utf-8")
    return re.findall(r"[A-Za-z]+[,.]?", text)


def _exactly(tokens: int, words: list[str], count: Count, number: int) -> str:
    """Prose of exactly so many tokens, beginning with the number: no two begin alike."""
    start = random.Random(number).randrange(len(words))
    text = f"{number}:"
    for word in _circle(words, start):
        longer = f"{text} {word}"
        if count(longer) > tokens:
            break
        text = longer
    while count(text) < tokens:
        longer = (text + filler for filler in _FILLERS)
        fitting = next((each for each in longer if count(each) <= tokens), None)
        if fitting is None:
            break
        text = fitting
    if count(text) != tokens:
        raise ValueError(f"no text of exactly {tokens} tokens was found for this tokenizer")
    return text


def _circle(words: list[str], start: int) -> Iterator[str]:
    at = start
    while True:
        yield words[at % len(words)]
        at += 1
