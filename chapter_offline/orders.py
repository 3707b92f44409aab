"""What a person asks for, and names and numbers of theirs, checked."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.catalog.pins import load_pins
from chapter_offline.chapter.escape import clean
from chapter_offline.chapter.notes import Notes
from chapter_offline.chapter.plan import Depth, Plan
from chapter_offline.chapter.voice import Voice
from chapter_offline.errors import UsageError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.writing.changes import Changes
from chapter_offline.writing.manifest import Manifest, Origin

LONGEST_NAME = 200
BRIEF = "brief.toml"


@dataclass(frozen=True)
class Order:
    """What a person asked for. out: None for `chapters/NAME` in the current folder.

    brief: a file, or a brief that is at hand. notes: a person's documents to quote, a file or a folder, or
    as they were read. words: of the whole chapter, whatever its depth; None for the depth's.
    effort: candidates a claim, in the voices that say claims again. memory: bytes that it all may take; 0 for what is free.
    ask: asks a person whether something is essential to the system (what, how likely).
    fresh: what an earlier run left there is kept aside and not gone on with. change: what
    becomes of the run's changes; None leaves them. origin: of the brief, where it is known.
    """

    system: str
    model: str = "auto"
    voice: Voice = "quoted"
    effort: int = 3
    depth: Depth = "standard"
    words: int | None = None
    out: Path | None = None
    window: int = 4096
    parts: tuple[int, ...] = tuple(range(1, 19))
    seed: int = 1
    threads: int = 0
    gpu_layers: int = 0
    memory: int = 0
    brief: Path | Brief | None = None
    notes: Path | Notes | None = None
    log: Path | None = None
    ask: Callable[[str, float], bool] | None = None
    fresh: bool = False
    change: Callable[[Changes, Plan], Changes] | None = None
    origin: Origin | None = None


def order_of(made: Manifest, model: str | None) -> Order:
    """The order that a chapter was made by. model: as of `known_model`, which raises UsageError."""
    settings = made.settings
    return Order(
        system=made.system,
        model=known_model(made.model.name, model),
        voice=settings.voice,
        effort=settings.effort,
        depth=settings.depth or "standard",
        words=None if settings.depth else settings.words,
        window=settings.window,
        parts=settings.parts,
        seed=settings.seed,
        gpu_layers=made.engine.gpu_layers,
    )


def known_model(name: str, given: str | None) -> str:
    """The model to take: the one given, or the pin of that name.

    Raises UsageError where the name is that of a file, which no pin has.
    """
    if given is None and name not in {pin.name for pin in load_pins()}:
        raise UsageError(f"the chapter's model, {name}, has no pin; give its file with --model")
    return given or name


def checked_name(system: str) -> str:
    """A system's name as a person may give it. Raises UsageError."""
    if any(not char.isprintable() for char in system.strip()):
        raise UsageError("the system's name has control characters in it; name it in plain words")
    name = clean(system)
    if not any(char.isalnum() for char in name):
        raise UsageError('the system needs a name, such as "Distributed rate limiter"')
    if len(name) > LONGEST_NAME:
        raise UsageError(
            f"the system's name has {len(name):,} characters; at most {LONGEST_NAME} are taken"
        )
    return name


def parse_parts(text: str) -> tuple[int, ...]:
    """ "1,4-6" as (1, 4, 5, 6). Raises UsageError."""
    numbers: set[int] = set()
    for piece in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})(?:\s*-\s*(\d{1,9}))?\s*", piece, re.ASCII)
        if not found:
            raise UsageError(f"--parts {text[:80]}: write numbers and ranges, such as 1,4-6")
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= 18:
            raise UsageError(f"--parts {text[:80]}: a chapter has the parts 1 to 18, in this order")
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))
