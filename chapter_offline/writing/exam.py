"""The exam: what share of each task a model does well, and so which voice it earns.

Some sixty short items, each judged by guards, by likelihoods, or by what the item itself demands;
no answer is judged by its style. A model's thresholds are its own: it first judges rewrites that
people labelled, and where it does that badly, another model's fit is taken, or nothing is said again.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chapter_offline.chapter.voice import Voice
from chapter_offline.engine.interface import ChoiceJob, Engine, Span, WriteJob
from chapter_offline.knowledge.labelled import Labels
from chapter_offline.knowledge.traits import Trait
from chapter_offline.writing import fidelity, guards
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.calibrating import trait_jobs
from chapter_offline.writing.demands import object_job
from chapter_offline.writing.exam_paper import Paper, Passed, Result
from chapter_offline.writing.fidelity import Labelled
from chapter_offline.writing.logistic import auc, auc_interval
from chapter_offline.writing.progress import Progress
from chapter_offline.writing.voices.drafted import Verdict
from chapter_offline.writing.voices.quoted import GOOD_QUESTION, QUESTION, question_span
from chapter_offline.writing.voices.rewrite import TEXT, Claim, Rewriting, candidate

T = TypeVar("T")

MOST_SECONDS = 600.0
_ALLOWED = 0.8 * MOST_SECONDS
_JUDGED_SHARE = 0.45
"""Of a whole exam's time, what judging the labelled rewrites takes."""
_TRIED_FIRST = 6
_DRAFTS = 3
_TOKENS = 60


@dataclass(frozen=True)
class Candidate:
    """Who is examined, and with what. second: another judge, where the model's own fit lets nothing pass."""

    engine: Engine
    name: str
    sha256: str
    asking: Asking
    vendors: Sequence[str]
    labelled: Sequence[Labelled]
    traits: Mapping[str, Trait]
    systems: Mapping[str, Labels]
    question: str
    second: Verdict | None = None


class Exam:
    """One exam of one model."""

    def __init__(self, paper: Paper, who: Candidate, progress: Progress) -> None:
        self._paper, self._who, self._progress = paper, who, progress
        self._engine, self._asking = who.engine, who.asking
        self._part = 1.0

    def take(self) -> Result:
        """The whole exam, or as much of it as fits ten minutes."""
        who = self._who
        self._part = self._affordable()
        good = [each for each in who.labelled if each.good]
        others = [each for each in who.labelled if not each.good]
        labelled = [*good, *_spread(others, self._part)]
        self._progress.stage("judging labelled rewrites", len(labelled))
        found = fidelity.likelihoods_of(self._engine, self._asking, labelled)
        own = fidelity.fit(found, labelled, who.sha256, who.name)
        judged = fidelity.left_out(found, labelled)
        verdict = Verdict(self._engine, own) if own.lets_pass else who.second
        low, high = auc_interval(judged)
        tasks = dict(self._tasks(verdict))
        voice, reasons = self.earned(auc(judged), tasks)
        return Result(
            model=who.sha256,
            name=who.name,
            judge=verdict.judge.name if verdict else "",
            auc=round(auc(judged), 3),
            interval=(round(low, 3), round(high, 3)),
            tasks=tasks,
            voice=voice,
            reasons=reasons,
            own=own,
            shortened=round(self._part, 2),
        )

    def _affordable(self) -> float:
        """The share of the items for which there is time, from how long the first few take."""
        few = self._who.labelled[:_TRIED_FIRST]
        started = time.monotonic()
        fidelity.likelihoods_of(self._engine, self._asking, few)
        whole = (time.monotonic() - started) / len(few) * len(self._who.labelled) / _JUDGED_SHARE
        return min(1.0, _ALLOWED / max(whole, 1e-9))

    def _tasks(self, verdict: Verdict | None) -> Iterator[tuple[str, Passed]]:
        tasks: tuple[tuple[str, Callable[[], Passed]], ...] = (
            ("rewriting", lambda: self._rewriting(verdict)),
            ("questions", self._questions),
            ("choices", self._choices),
            ("openings", self._openings),
            ("explaining", self._explaining),
            ("instructions", self._instructions),
            ("schema", self._objects),
        )
        for name, task in tasks:
            self._progress.stage(f"exam: {name}", 0)
            yield name, task()

    def _claims(self, count: int) -> list[str]:
        notes = list(dict.fromkeys(each.note for each in self._who.labelled))
        return _spread(notes, count * self._part / len(notes))

    def _rewriting(self, verdict: Verdict | None) -> Passed:
        notes = self._claims(self._paper.items.rewriting)
        if verdict is None:
            return Passed(passed=0, of=len(notes))
        rewriting = Rewriting(self._engine, self._asking, self._who.vendors)
        claims = [Claim(0, "exam", str(number), note) for number, note in enumerate(notes)]
        jobs = [job for claim in claims for job in rewriting.drafts(claim, _DRAFTS)]
        rewrites = [
            rewrite
            for number, written in enumerate(self._engine.write(jobs))
            if (rewrite := candidate(claims[number // _DRAFTS], written))
        ]
        scored = {
            s.key: s for s in verdict.engine.score(fidelity.score_jobs(self._asking, rewrites))
        }
        likely = fidelity.likelihoods(scored, rewrites)
        good = {
            r.claim for r in rewrites if verdict.judge.chance(likely[r.key]) >= verdict.judge.bar
        }
        return Passed(passed=len(good), of=len(notes))

    def _questions(self) -> Passed:
        notes = self._claims(self._paper.items.questions)
        opening = self._asking.kinds["question"].opening
        jobs = [
            WriteJob(
                f"exam.question.{number}",
                self._asking.messages("question", {"statement": note}),
                question_span(opening, guards.question, guards.answered(note), *self._checks()),
            )
            for number, note in enumerate(notes)
        ]
        good = [
            written.spans[QUESTION] and written.scores[QUESTION][0] >= GOOD_QUESTION
            for written in self._engine.write(jobs)
        ]
        return Passed(passed=sum(map(bool, good)), of=len(notes))

    def _choices(self) -> Passed:
        """Whether a trait is held likelier of a system that has it than of one that hasn't."""
        pairs = list(_pairs(self._who.traits, self._who.systems))
        pairs = _spread(pairs, self._paper.items.choices * self._part / len(pairs))
        jobs: list[ChoiceJob] = []
        for name, has, lacks in pairs:
            jobs += trait_jobs((has, lacks), name, self._who.traits[name], self._who.question)
        said = [chosen.log_probs[0] - chosen.log_probs[1] for chosen in self._engine.choose(jobs)]
        right = sum(said[n] > said[n + 1] for n in range(0, len(said), 2))
        return Passed(passed=right, of=len(pairs))

    def _openings(self) -> Passed:
        return self._sentences(
            "opening",
            [
                ({"heading": o.heading, "statement": o.statement}, o.statement + " " + o.heading)
                for o in self._paper.opening
            ],
        )

    def _explaining(self) -> Passed:
        return self._sentences(
            "explaining", [({"statement": o.statement}, o.statement) for o in self._paper.opening]
        )

    def _sentences(self, kind: str, asked: Sequence[tuple[Mapping[str, str], str]]) -> Passed:
        """One sentence each, which passes at its first try: on the ground of its statement, not its copy."""
        jobs = []
        for number, (values, ground) in enumerate(asked):
            checks = (*self._checks(), guards.numbers([ground]), guards.grounded(ground, share=0.6))
            span = Span(
                TEXT, end="sentence", max_tokens=_TOKENS, tries=1, guards=(*guards.ALWAYS, *checks)
            )
            jobs.append(
                WriteJob(f"exam.{kind}.{number}", self._asking.messages(kind, values), (span,))
            )
        good = [
            bool(written.spans[TEXT]) and not guards.alike(written.spans[TEXT], ground)
            for written, (_, ground) in zip(self._engine.write(jobs), asked, strict=True)
        ]
        return Passed(passed=sum(good), of=len(asked))

    def _instructions(self) -> Passed:
        jobs = [
            WriteJob(
                f"exam.instruction.{number}",
                self._asking.messages("instruction", {"ask": item.ask}),
                (Span(TEXT, max_sentences=4, max_tokens=_TOKENS, tries=1),),
            )
            for number, item in enumerate(self._paper.instruction)
        ]
        good = [
            item.kept(written.spans[TEXT], written.sentences[TEXT])
            for item, written in zip(self._paper.instruction, self._engine.write(jobs), strict=True)
        ]
        return Passed(passed=sum(good), of=len(good))

    def _objects(self) -> Passed:
        jobs = [
            object_job(f"exam.object.{n}", self._asking, item)
            for n, item in enumerate(self._paper.object)
        ]
        good = [
            item.filled(written.spans[TEXT])
            for item, written in zip(self._paper.object, self._engine.write(jobs), strict=True)
        ]
        return Passed(passed=sum(good), of=len(good))

    def _checks(self) -> tuple[guards.Guard, ...]:
        return (guards.chat, guards.markup, guards.vendors(self._who.vendors))

    def earned(self, judging: float, tasks: Mapping[str, Passed]) -> tuple[Voice, tuple[str, ...]]:
        """The last voice in order whose every line is reached, and what the next one lacks."""
        earned: Voice = "quoted"
        shares = {"judge": judging} | {name: each.share for name, each in tasks.items()}
        for voice, least in self._paper.voices.items():
            lacks = tuple(
                f"{voice}: {task} {shares[task]:.2f}, and {bar:g} is needed"
                for task, bar in least.items()
                if not shares[task] >= bar
            )
            if lacks:
                return earned, lacks
            earned = voice
        return earned, ()


def _pairs(
    traits: Mapping[str, Trait], systems: Mapping[str, Labels]
) -> Iterator[tuple[str, str, str]]:
    """A trait, a system that has it, one that hasn't; each system is taken as seldom as may be."""
    seen: dict[str, int] = dict.fromkeys(systems, 0)
    for name in traits:
        has = [system for system, labels in systems.items() if labels.of(name) is True]
        lacks = [system for system, labels in systems.items() if labels.of(name) is False]
        if has and lacks:
            pair = [min(side, key=seen.__getitem__) for side in (has, lacks)]
            for system in pair:
                seen[system] += 1
            yield name, pair[0], pair[1]


def _spread(items: Sequence[T], share: float) -> list[T]:
    """So large a share of the items, evenly spread, at least one."""
    count = max(1, round(len(items) * min(1.0, share)))
    return [items[number * len(items) // count] for number in range(count)]
