"""What a chapter is made of besides its plan: the pieces that a model wrote.

Every piece says where it belongs, so that the page can say who wrote it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from chapter_offline.chapter.escape import markdown
from chapter_offline.chapter.notes import Note, Placed
from chapter_offline.chapter.plan import PartPlan, Plan, SectionPlan
from chapter_offline.chapter.voice import Voice


@dataclass(frozen=True)
class Attempt:
    """A model's answer to a part's hardest question."""

    question: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """A claim in the model's own words. claim: as the library has it. chance: that it is true to that."""

    claim: str
    text: str
    chance: float


@dataclass(frozen=True)
class Pieces:
    """What the model wrote.

    attempts: by part number. questions: self-test questions by section id.
    weak: a weak answer by the claim's id (Part 16). what_if: (question, section id) of Part 18.
    free: in voice `free`, the sentences of each section by id.
    missed: by part number, ids of sections that its attempt passes over.
    said: claims in the model's own words, by "SECTION.CLAIM". tried: how many it was to say.
    left_out: (section id or part, what, why) of all that was tried and did not come well.
    """

    attempts: Mapping[int, Attempt] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    weak: Mapping[str, str] = field(default_factory=dict)
    what_if: tuple[tuple[str, str], ...] = ()
    free: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: tuple[tuple[str, str, str], ...] = ()
    missed: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    said: Mapping[str, Said] = field(default_factory=dict)
    tried: int = 0


@dataclass(frozen=True)
class Chapter:
    """A whole chapter, ready for a page. parts: which of the plan's parts were asked for.

    pinned: by section, Markdown that a person has written in its place. notes: what stands where of
    a person's own documents.
    """

    plan: Plan
    voice: Voice
    model: str
    parts: tuple[int, ...]
    pieces: Pieces
    pinned: Mapping[str, str] = field(default_factory=dict)
    notes: Placed = field(default_factory=Placed)

    @property
    def composed(self) -> bool:
        """Whether it stands on claims; in voice `free` the model writes every section itself."""
        return self.voice != "free"

    def quoted(self, section: str) -> tuple[Note, ...]:
        """What of a person's documents stands in a section; nothing where a person has edited it."""
        return () if section in self.pinned else self.notes.sections.get(section, ())


def retold(plan: Plan, said: Mapping[str, Said]) -> Plan:
    """The plan with these claims in the model's words, each in its place."""

    def part_of(part: PartPlan) -> PartPlan:
        return replace(part, sections=tuple(map(section_of, part.sections)))

    def section_of(section: SectionPlan) -> SectionPlan:
        statements = tuple(
            replace(each, text=markdown(own.text), origin="model")
            if (own := said.get(f"{section.id}.{each.id}"))
            else each
            for each in section.statements
        )
        return replace(section, statements=statements)

    return replace(plan, parts=tuple(map(part_of, plan.parts)))
