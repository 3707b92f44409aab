"""What a chapter is made of besides its plan: the pieces that a model wrote.

Every piece says where it belongs, so that the page can say who wrote it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from chapter_offline.chapter.plan import Plan

Voice = Literal["quoted", "free"]


@dataclass(frozen=True)
class Attempt:
    """A model's answer to a part's hardest question."""

    question: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Pieces:
    """What the model wrote.

    attempts: by part number. questions: self-test questions by section id.
    weak: a weak answer by the claim's id (Part 16). what_if: (question, section id) of Part 18.
    free: in voice `free`, the sentences of each section by id.
    left_out: (section id or part, what, why) of all that was tried and did not come well.
    """

    attempts: Mapping[int, Attempt] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    weak: Mapping[str, str] = field(default_factory=dict)
    what_if: tuple[tuple[str, str], ...] = ()
    free: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Chapter:
    """A whole chapter, ready for a page. parts: which of the plan's parts were asked for.

    pinned: by section, Markdown that a person has written in its place.
    """

    plan: Plan
    voice: Voice
    model: str
    parts: tuple[int, ...]
    pieces: Pieces
    pinned: Mapping[str, str] = field(default_factory=dict)
