"""Where a person's statements may be quoted: each in the section that it fits best, or nowhere.

Words that both have leave a few sections to choose from. Among these the model chooses by likelihood:
how much likelier a section makes the statement than sections do that have nothing to do with it.
A part gets the same quotations alone as in the whole chapter.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.notes import Note, Notes, Placed, Unquoted
from chapter_offline.chapter.plan import Plan
from chapter_offline.engine.interface import Engine, Scored, ScoreJob
from chapter_offline.knowledge.headings import load_headings
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.budget import Need, check_fits
from chapter_offline.writing.notes.nearness import Nearness

MOST_ASKED = 40
"""Statements of which the model is asked, those that are nearest to a section."""
MOST_IN_A_SECTION = 2
BAR = 0.05
"""Nats a token by which a section must make a statement likelier than the others do."""
_MOST_SECTIONS = 4
_NEAR_ENOUGH = 0.5
"""Of the nearest section's nearness, what another must have to be chosen from as well."""
_OTHERS = 2
_SCORED_WORDS = 40

_FAR = "no section shares enough words with it"
_MANY = f"{MOST_ASKED} other statements share more words with the chapter"
_UNFIT = "no section makes it likelier than others do"
_FULL = f"{MOST_IN_A_SECTION} other statements fit its section better"
_OTHER_PARTS = "it fits a part that was not asked for"


@dataclass(frozen=True)
class _Asked:
    """A statement with the sections to choose from, the nearest first, and those to compare them with."""

    number: int
    note: Note
    near: tuple[str, ...]
    others: tuple[str, ...]

    def key(self, section: str) -> str:
        """Of the job that asks how likely the section makes it."""
        return f"note {self.number + 1} of {self.note.place}|{section}"


class Placing:
    """Places the statements of `notes` in a plan's sections. headings: see `Nearness`."""

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        asking: Asking,
        notes: Notes,
        headings: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._engine, self._asking, self._notes = engine, asking, notes
        self._sections = {section.id: section for section in plan.sections()}
        self._nearness = Nearness(self._sections.values(), headings)

    @cached_property
    def _near(self) -> dict[int, tuple[float, _Asked]]:
        """Of the statements that are near to a section, by number: how near, and what can be asked."""
        found = {}
        for number, note in enumerate(self._notes.statements):
            ranked = self._nearness.ranked(note.text)
            best = ranked[0][0]
            if best:
                near = [name for each, name in ranked if each >= _NEAR_ENOUGH * best]
                apart = [name for _, name in ranked[len(ranked) // 2 :] if name not in near]
                apart.sort(key=lambda name: _drawn(name, note.text))
                asked = _Asked(number, note, tuple(near[:_MOST_SECTIONS]), tuple(apart[:_OTHERS]))
                found[number] = (best, asked)
        return found

    @cached_property
    def _asked(self) -> dict[int, _Asked]:
        """Those of which the model is asked: the nearest, by number."""
        nearest = sorted(self._near, key=lambda number: (-self._near[number][0], number))
        return {number: self._near[number][1] for number in sorted(nearest[:MOST_ASKED])}

    def _of(self, parts: Sequence[int]) -> list[_Asked]:
        """Those that may come to stand in these parts, in the order of the documents."""
        return [
            asked
            for asked in self._asked.values()
            if any(self._sections[name].part in parts for name in asked.near)
        ]

    def jobs(self, parts: Sequence[int]) -> list[ScoreJob]:
        """How likely each section makes each statement. Raises DoesNotFitError."""
        jobs = [job for asked in self._of(parts) for job in self._scores(asked)]
        needs = (
            Need(job.key, self._engine.count(job.messages) + self._engine.count_text(job.text))
            for job in jobs
        )
        check_fits(self._engine, needs)
        return jobs

    def _scores(self, asked: _Asked) -> Iterator[ScoreJob]:
        text = " ".join(asked.note.text.split()[:_SCORED_WORDS])
        for name in (*asked.near, *asked.others):
            section = self._sections[name]
            values = {
                "heading": section.heading,
                "component": plain(section.component),
                "frame": plain(section.frame),
            }
            yield ScoreJob(asked.key(name), self._asking.messages("place", values), text)

    def placed(self, parts: Sequence[int], scores: Mapping[str, Scored]) -> Placed:
        """The quotations of these parts. scores: of `jobs`, by key."""
        why: dict[int, str] = {}
        wanted: dict[str, list[tuple[float, int]]] = {}
        here = {asked.number: asked for asked in self._of(parts)}
        for number in range(len(self._notes.statements)):
            if asked := here.get(number):
                best, name = _best(asked, lambda key: scores[key].mean_log_prob)
                if best > BAR:
                    wanted.setdefault(name, []).append((-best, number))
                why[number] = _FULL if best > BAR else _UNFIT
            elif number in self._asked:
                why[number] = _OTHER_PARTS
            else:
                why[number] = _MANY if number in self._near else _FAR
        sections: dict[str, tuple[Note, ...]] = {}
        for name in self._sections:
            numbers = sorted(n for _, n in sorted(wanted.get(name, []))[:MOST_IN_A_SECTION])
            if numbers and self._sections[name].part in parts:
                sections[name] = tuple(self._notes.statements[n] for n in numbers)
            for n in numbers:
                if name in sections:
                    del why[n]
                else:
                    why[n] = _OTHER_PARTS
        return Placed(sections=sections, left_out=tuple(self._left_out(why)))

    def _left_out(self, why: Mapping[int, str]) -> Iterator[Unquoted]:
        """With what was skipped as it was read, each document's in its order."""
        statements = self._notes.statements
        own = [
            Unquoted(file=statements[n].file, line=statements[n].line, why=reason)
            for n, reason in why.items()
        ]
        order = {name: place for place, name in enumerate(self._notes.files)}
        yield from sorted(
            [*own, *self._notes.skipped], key=lambda each: (order.get(each.file, 0), each.line)
        )


def placing_for(
    engine: Engine, plan: Plan, asking: Asking, prompts: Path, notes: Notes | None
) -> Placing | None:
    """Where notes are placed, if there are any. Raises BadInputError for malformed prompts."""
    if notes is None:
        return None
    return Placing(engine, plan, asking, notes, load_headings(prompts).requirements)


def _best(asked: _Asked, likely: Callable[[str], float]) -> tuple[float, str]:
    """The section that makes a statement likeliest, and by how much above the others, in nats a token."""
    usual = fmean(likely(asked.key(name)) for name in asked.others or asked.near)
    return max((likely(asked.key(name)) - usual, name) for name in asked.near)


def _drawn(section: str, text: str) -> str:
    """An order of sections that is another for each statement."""
    return hashlib.sha256(f"{section}\0{text}".encode()).hexdigest()
