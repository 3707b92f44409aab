"""Voice `free`: the model writes every section itself, from its requirement, the brief and the figures.

The plain way, and what every other voice must beat. What it knows of other parts is data: their
headings, never their text.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from chapter_offline.chapter.document import Pieces
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import THIN, PartPlan, Plan, SectionPlan
from chapter_offline.engine.interface import Engine, Message, Span, WriteJob, Written
from chapter_offline.writing import guards
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.budget import fit
from chapter_offline.writing.voices.quoted import Task

_TEXT = "text"
_TOKENS = 220
ROUNDS = 3
"""How often a section that stays thin is tried in all."""

_WORDS = "90"
_FIELD = "request traffic data failure latency load user write read store cost region attack design"
_FEW_FIGURES = 6
_MANY_FIGURES = 16


class Free:
    """The jobs of one chapter in voice `free`, and what becomes of their results."""

    def __init__(self, engine: Engine, plan: Plan, asking: Asking, names: Sequence[str]) -> None:
        self._engine, self._plan, self._asking = engine, plan, asking
        figures = [
            f"{row.label}: {row.value}" for row in (*plan.given, *plan.chosen, *plan.derived)
        ]
        self._figures = [plain(figure) for figure in figures]
        self._vendors = guards.vendors(names)
        self._numbers = guards.numbers(self._figures)
        self._components = [plain(c.name) for c in plan.brief.component]

    def tasks(self, parts: Sequence[int]) -> list[Task]:
        """One writing job a section, each in the richest way that fits the window."""
        return [
            self._task(part, section)
            for part in self._plan.parts
            if part.number in parts
            for section in part.sections
        ]

    def _task(self, part: PartPlan, section: SectionPlan) -> Task:
        fitted = fit(self._engine, list(self._ways(part, section)), _TOKENS)
        subject = guards.subject(
            self._plan.title,
            self._plan.summary,
            section.heading,
            section.instruction,
            section.component,
            part.title,
            *self._components,
            _FIELD,
        )
        checks = (*guards.ALWAYS, self._vendors, self._numbers, subject)
        span = Span(_TEXT, max_sentences=7, max_tokens=_TOKENS, guards=checks)
        return Task("free", part.number, section.id, WriteJob(section.id, fitted.messages, (span,)))

    def again(self, tasks: Sequence[Task], written: Mapping[str, Written], turn: int) -> list[Task]:
        """The sections that are thin so far, to be tried once more with other draws."""
        by_section = {task.section: task for task in tasks}
        return [
            replace(task, job=replace(task.job, key=f"{section}.{turn}"))
            for section, task in by_section.items()
            if _length(self._best(section, tasks, written)) < THIN
        ]

    def _ways(
        self, part: PartPlan, section: SectionPlan
    ) -> Iterator[Callable[[], tuple[Message, ...]]]:
        spec = self._values(part, section)
        for figures, others in (
            (_MANY_FIGURES, True),
            (_FEW_FIGURES, True),
            (_FEW_FIGURES, False),
            (0, False),
        ):
            values = spec | {
                "figures": "; ".join(self._figures[:figures]),
                "others": ", ".join(
                    s.heading
                    for s in part.sections
                    if s.id != section.id and s.component == section.component
                )
                if others
                else "",
            }
            yield lambda v=values: self._asking.messages("free", v)  # type: ignore[misc]

    def _values(self, part: PartPlan, section: SectionPlan) -> dict[str, str]:
        spec = self._plan.spec
        return {
            "role": spec.role,
            "audience": spec.audience,
            "goal": spec.goal,
            "tone": ", ".join(spec.tone),
            "avoid": ", ".join(spec.avoid),
            "system": plain(self._plan.title),
            "summary": plain(self._plan.summary),
            "parts": ", ".join(self._components),
            "heading": section.heading,
            "component": section.component,
            "instruction": section.instruction,
            "words": _WORDS,
        }

    def pieces(self, tasks: Sequence[Task], written: Mapping[str, Written]) -> Pieces:
        """The sections' sentences, and what was refused of those that stayed thin."""
        free: dict[str, tuple[str, ...]] = {}
        left_out: list[tuple[str, str, str]] = []
        for section in dict.fromkeys(task.section for task in tasks):
            free[section] = self._best(section, tasks, written)
            if _length(free[section]) < THIN:
                refused: Counter[str] = Counter()
                for task in tasks:
                    if task.section == section:
                        refused.update(written[task.job.key].rejected)
                reasons = ", ".join(f"{reason} ({n})" for reason, n in refused.items())
                left_out.append((section, "section", reasons or "the model ended"))
        return Pieces(free=free, left_out=tuple(left_out))

    def _best(
        self, section: str, tasks: Sequence[Task], written: Mapping[str, Written]
    ) -> tuple[str, ...]:
        """The longest of a section's tries; the first of equal ones."""
        tries = [written[t.job.key].sentences[_TEXT] for t in tasks if t.section == section]
        return max(tries, key=_length)


def _length(sentences: Sequence[str]) -> int:
    return sum(len(sentence.split()) for sentence in sentences)
