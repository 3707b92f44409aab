"""Voice `quoted`: claims stand as they are. The model attempts, asks, and gives the weak answers.

Which questions are good is judged by likelihood: one on a statement if the model itself was sure of
it, a what-if if it raises the statement's probability.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chapter_offline.chapter.document import Attempt, Pieces
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import PartPlan, Plan, SectionPlan, Statement
from chapter_offline.engine.interface import (
    Engine,
    Given,
    Message,
    Sampler,
    ScoreJob,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.writing import guards
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.budget import fit
from chapter_offline.writing.voices.missed import Missed, key_statement, scored

ATTEMPT = "answer"
QUESTION = "question"
WHAT_IF_SECTIONS = (
    "p03.conflicts",
    "p04.assumptions",
    "p07.partitioned",
    "p08.clocks",
    "p09.retry_storms",
    "p10.caching",
    "p12.replication",
    "p13.privileges",
)
GOOD_QUESTION = -0.57
"""Nats a token that the model gives its own question, at least: of 126 questions by the 1.5B, read one
by one, this told good from bad best (AUC 0.75; with the guards, four of five that pass are good)."""
GOOD_WHAT_IF = 0.2
"""Nats a token by which a what-if must raise its statement's log-probability."""

_ATTEMPT_TOKENS = 110
_QUESTION_TOKENS = 36
_WEAK_TOKENS = 70
_ASKED_FEWEST, _ASKED_MOST = 25, 60
_ASKED_FACET = ".failure"


@dataclass(frozen=True)
class Task:
    """A job, and where its result belongs. kind: attempt, question, weak, what_if."""

    kind: str
    part: int
    section: str
    job: WriteJob


class Quoted:
    """The jobs of one chapter in voice `quoted`, and what becomes of their results."""

    def __init__(self, engine: Engine, plan: Plan, asking: Asking, names: Sequence[str]) -> None:
        self._engine, self._plan, self._asking = engine, plan, asking
        self._vendors = guards.vendors(names)
        self._system = plain(plan.title)
        self._summary = plain(plan.summary)
        self._missed = Missed(asking, self._system)

    def tasks(self, parts: Sequence[int]) -> list[Task]:
        """All writing jobs, part by part, each in the richest way that fits the window."""
        return [
            task for part in self._plan.parts if part.number in parts for task in self._part(part)
        ]

    def _part(self, part: PartPlan) -> Iterator[Task]:
        yield self._attempt(part)
        for section in part.sections:
            # One question a component is enough; its failures are what a reader should retain.
            if section.component and not section.id.endswith(_ASKED_FACET):
                continue
            statement = key_statement(section)
            if statement is not None:
                yield self._question(section, statement)
            if section.form == "dialogue":
                yield from (self._weak(section, s) for s in section.statements if s.ask)
        if part.number == 18:
            by_id = {section.id: section for section in self._plan.sections()}
            for name in WHAT_IF_SECTIONS:
                statement = key_statement(by_id[name])
                if statement is not None:
                    yield self._what_if(by_id[name], statement)

    def _attempt(self, part: PartPlan) -> Task:
        key = f"p{part.number:02d}.attempt"
        question = plain(part.question)
        values = {"system": self._system, "question": question, "summary": self._summary}
        fitted = fit(
            self._engine,
            [
                lambda: self._asking.messages("attempt", values),
                lambda: self._asking.messages("attempt", values | {"summary": ""}),
            ],
            _ATTEMPT_TOKENS,
        )
        about = [
            question,
            self._summary,
            *(s.frame + " " + " ".join(x.text for x in s.statements) for s in part.sections),
        ]
        span = Span(
            ATTEMPT,
            max_sentences=3,
            max_tokens=_ATTEMPT_TOKENS,
            guards=(
                *guards.ALWAYS,
                self._vendors,
                guards.beyond(question),
                guards.subject(*about),
            ),
        )
        return Task("attempt", part.number, key, WriteJob(key, fitted.messages, (span,)))

    def _question(self, section: SectionPlan, statement: Statement) -> Task:
        guard = guards.answered(_beginning(plain(statement.text)))
        return self._asked("question", section, statement, guards.question, guard)

    def _what_if(self, section: SectionPlan, statement: Statement) -> Task:
        grounded = guards.grounded(statement.text, section.frame, section.heading, self._system)
        return self._asked("what_if", section, statement, guards.what_if, grounded)

    def _asked(
        self, kind: str, section: SectionPlan, statement: Statement, *own: guards.Guard
    ) -> Task:
        key = f"{section.id}.{kind}"
        values = {"statement": _beginning(plain(statement.text))}
        examples = len(self._asking.kinds[kind].examples)
        opening = self._asking.kinds[kind].opening
        fitted = fit(
            self._engine,
            [lambda n=n: self._asking.messages(kind, values, n) for n in range(examples, -1, -1)],  # type: ignore[misc]
            _QUESTION_TOKENS,
            opening,
        )
        steps = question_span(opening, *own, guards.chat, guards.markup, self._vendors)
        part = 18 if kind == "what_if" else section.part
        return Task(kind, part, section.id, WriteJob(key, fitted.messages, steps))

    def _weak(self, section: SectionPlan, statement: Statement) -> Task:
        key = f"{section.id}.{statement.id}.weak"
        question = plain(statement.ask)
        values = {"system": self._system, "question": question}
        fitted = fit(self._engine, [lambda: self._asking.messages("weak", values)], _WEAK_TOKENS)
        span = Span(
            ATTEMPT,
            max_sentences=2,
            max_tokens=_WEAK_TOKENS,
            guards=(
                *guards.ALWAYS,
                self._vendors,
                guards.beyond(question),
                guards.subject(question, statement.text),
            ),
        )
        return Task("weak", section.part, statement.id, WriteJob(key, fitted.messages, (span,)))

    # ------------------------------------------------------------------ weighing what was written

    def weights(self, tasks: Sequence[Task], written: Mapping[str, Written]) -> list[ScoreJob]:
        """Scores that tell which what-ifs are good, and what attempts pass over.

        Keys: "what_if|SECTION", "before what_if|SECTION", and those of `Missed.jobs`.
        """
        jobs: list[ScoreJob] = []
        neutral = self._asking.messages("score", {"system": self._system})
        by_id = {section.id: section for section in self._plan.sections()}
        for task in tasks:
            if task.kind == "attempt" and (attempt := written[task.job.key].spans[ATTEMPT]):
                jobs += self._missed.jobs(self._plan.parts[task.part - 1], attempt)
            supposed = written[task.job.key].spans[QUESTION] if task.kind == "what_if" else ""
            statement = key_statement(by_id[task.section]) if supposed else None
            if statement is not None:
                text = scored(statement)
                asking = (neutral[0], Message("user", supposed))
                jobs.append(ScoreJob(f"before what_if|{task.section}", neutral, text))
                jobs.append(ScoreJob(f"what_if|{task.section}", asking, text))
        return jobs

    def pieces(
        self, tasks: Sequence[Task], written: Mapping[str, Written], scores: Mapping[str, float]
    ) -> Pieces:
        """What goes on the page, and what was left out and why."""
        attempts: dict[int, Attempt] = {}
        questions: dict[str, str] = {}
        weak: dict[str, str] = {}
        what_if: list[tuple[str, str]] = []
        missed: dict[int, tuple[str, ...]] = {}
        left_out: list[tuple[str, str, str]] = []
        for task in tasks:
            result = written[task.job.key]
            name = ATTEMPT if task.kind in {"attempt", "weak"} else QUESTION
            text = result.spans[name]
            if task.kind == "attempt":
                part = self._plan.parts[task.part - 1]
                attempts[task.part] = Attempt(part.question, result.sentences[name])
                missed[task.part] = self._missed.named(part, text, scores) if text else ()
            if not text:
                left_out.append((task.section, task.kind, _reasons(result)))
            elif task.kind == "weak":
                weak[task.section] = text
            elif task.kind in {"question", "what_if"}:
                before = [*questions.values(), *(asked for asked, _ in what_if)]
                if reason := _unfit(task, result, scores, before):
                    left_out.append((task.section, task.kind, reason))
                elif task.kind == "what_if":
                    what_if.append((text, task.section))
                else:
                    questions[task.section] = text
        return Pieces(
            attempts, questions, weak, tuple(what_if), left_out=tuple(left_out), missed=missed
        )


def question_span(opening: str, *checks: guards.Guard) -> tuple[Given, Span]:
    """A question that begins with given words."""
    span = Span(
        QUESTION,
        end="sentence",
        max_tokens=_QUESTION_TOKENS,
        tries=2,
        sampler=Sampler(temperature=0.5),
        guards=checks,
    )
    return Given(opening, shown=True), span


def _beginning(text: str) -> str:
    """The first sentences of a text: enough for a reason to be among them, and no more."""
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.?!]) (?=[A-Z])", text):
        words = len(" ".join(kept).split())
        if words >= _ASKED_FEWEST and words + len(sentence.split()) > _ASKED_MOST:
            break
        kept.append(sentence)
    return " ".join(kept)


def _unfit(task: Task, result: Written, scores: Mapping[str, float], before: Sequence[str]) -> str:
    """Why a question is not asked, or ""."""
    if any(guards.alike(result.spans[QUESTION], other) for other in before):
        return "said before"
    if task.kind == "question":
        own = result.scores[QUESTION][0]
        return "" if own >= GOOD_QUESTION else f"the model itself is not sure of it ({own:.2f})"
    gain = scores[f"what_if|{task.section}"] - scores[f"before what_if|{task.section}"]
    return "" if gain >= GOOD_WHAT_IF else f"its section does not answer it ({gain:.2f})"


def _reasons(result: Written) -> str:
    return (
        ", ".join(f"{reason} ({count})" for reason, count in result.rejected.items())
        or "nothing written"
    )
