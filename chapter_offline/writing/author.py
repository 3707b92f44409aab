"""Conducts a chapter: the plan's jobs go through the engine, the answers become its pieces."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chapter_offline.chapter.document import Chapter, Pieces, retold
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.notes import Placed
from chapter_offline.chapter.plan import Plan
from chapter_offline.chapter.voice import Voice
from chapter_offline.engine.interface import (
    Engine,
    Given,
    Scored,
    ScoreJob,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.errors import UsageError
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.budget import Need, check_fits
from chapter_offline.writing.fidelity import Judge
from chapter_offline.writing.notes.placing import Placing
from chapter_offline.writing.progress import Happened, Progress
from chapter_offline.writing.settling import settled
from chapter_offline.writing.voices.drafted import Drafted, Verdict
from chapter_offline.writing.voices.free import ROUNDS, Free
from chapter_offline.writing.voices.quoted import Quoted, Task
from chapter_offline.writing.voices.rewrite import Rewriting


@dataclass(frozen=True)
class Authored:
    """A chapter and what it took. jobs: what came of each writing job, in their order.

    effort: candidates a claim. judge: of what the model says of claims, in the voices in which it does.
    """

    chapter: Chapter
    jobs: tuple[Written, ...]
    scored: int
    seconds: float
    effort: int
    judge: Judge | None


@dataclass(frozen=True)
class Load:
    """What will be asked of the model, before a token is written.

    writes: per part, the number of writing jobs. longest: tokens of the longest prompt with its
    output. written: at most so many tokens in all. weighed: pairs of a note and a section.
    """

    writes: dict[int, int]
    longest: int
    longest_key: str
    written: int
    weighed: int = 0


class Author:
    """Writes one chapter with one engine.

    verdict: who judges what the model says of claims in its own words; voices drafted and revised
    need it. effort: candidates a claim. placing: of a person's notes.
    """

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        voice: Voice,
        asking: Asking,
        vendors: Sequence[str],
        model: str,
        verdict: Verdict | None = None,
        effort: int = 3,
        placing: Placing | None = None,
    ) -> None:
        self._engine, self._plan, self._voice, self._model = engine, plan, voice, model
        self._verdict, self._effort, self._placing = verdict, effort, placing
        self._quoted = Quoted(engine, plan, asking, vendors)
        self._free = Free(engine, plan, asking, vendors)
        self._drafted: Drafted | None = None
        if voice in {"drafted", "revised"}:
            if verdict is None:
                raise UsageError(f"--voice {voice}: no model here can judge what it writes")
            rewriting = Rewriting(engine, asking, vendors)
            self._drafted = Drafted(rewriting, plan, asking, verdict, effort)

    def tasks(self, parts: Sequence[int]) -> list[Task]:
        """The writing jobs of these parts, fitted to the window. Raises DoesNotFitError."""
        tasks = (self._free if self._voice == "free" else self._quoted).tasks(parts)
        if self._drafted:
            tasks += self._drafted.tasks(parts)
        check_fits(self._engine, map(self._need, tasks))
        return tasks

    def _need(self, task: Task) -> Need:
        given = "".join(step.text for step in task.job.steps if isinstance(step, Given))
        output = sum(step.max_tokens for step in task.job.steps if isinstance(step, Span))
        return Need(task.job.key, self._engine.count(task.job.messages, given) + output)

    def load(self, parts: Sequence[int]) -> Load:
        """What the plan will ask of the model. Raises DoesNotFitError."""
        writes: dict[int, int] = dict.fromkeys(parts, 0)
        longest, longest_key, written = 0, "", 0
        for task in self.tasks(parts):
            writes[task.part] += 1
            need = self._need(task)
            written += sum(step.max_tokens for step in task.job.steps if isinstance(step, Span))
            if need.tokens > longest:
                longest, longest_key = need.tokens, need.key
        weighed = len(self._placing.jobs(parts)) if self._placing else 0
        return Load(writes, longest, longest_key, written, weighed)

    def write(self, parts: Sequence[int], progress: Progress) -> Authored:
        """Writes the chapter. Raises DoesNotFitError; KeyboardInterrupt passes through."""
        started = time.monotonic()
        tasks = self.tasks(parts)
        run = _Run(self._engine, self._plan, progress, started)
        notes, weighed = self._place(parts, run)
        written = run.write("writing", tasks)
        scores: dict[str, float] = {}
        if self._voice == "free":
            for turn in range(2, ROUNDS + 1):
                more = self._free.again(tasks, written, turn)
                written |= run.write("trying thin sections again", more)
                tasks = tasks + more
            pieces = self._free.pieces(tasks, written)
        else:
            quoted = [task for task in tasks if task.kind != "draft"]
            scored = run.score(self._engine, list(self._quoted.weights(quoted, written)))
            scores = {key: result.mean_log_prob for key, result in scored.items()}
            pieces = self._quoted.pieces(quoted, written, scores)
        if self._drafted:
            revise = self._voice == "revised"
            said, second = self._drafted.said(parts, written, run.write, run.score, revise)
            written |= second
            pieces = replace(pieces, said=said, tried=len(self._drafted.claims(parts)))
        return self._authored(parts, pieces, notes, written, len(scores) + weighed, started)

    def _place(self, parts: Sequence[int], run: "_Run") -> tuple[Placed, int]:
        """Where notes are quoted, and how many likelihoods that took."""
        if self._placing is None:
            return Placed(), 0
        scores = run.score(self._engine, self._placing.jobs(parts), "placing notes")
        return self._placing.placed(parts, scores), len(scores)

    def _authored(
        self,
        parts: Sequence[int],
        pieces: Pieces,
        notes: Placed,
        written: dict[str, Written],
        scored: int,
        started: float,
    ) -> Authored:
        stands = () if self._voice == "free" else map(plain, self._plan.texts())
        pieces = settled(pieces, stands)
        plan = retold(self._plan, pieces.said)
        chapter = Chapter(plan, self._voice, self._model, tuple(parts), pieces, notes=notes)
        seconds = time.monotonic() - started
        judge = self._verdict.judge if self._verdict else None
        return Authored(chapter, tuple(written.values()), scored, seconds, self._effort, judge)


class _Run:
    """Sends jobs through the engine and says what happens."""

    def __init__(self, engine: Engine, plan: Plan, progress: Progress, started: float) -> None:
        self._engine, self._plan, self._progress, self._started = engine, plan, progress, started
        self._tokens = 0

    def write(self, what: str, tasks: Sequence[Task]) -> dict[str, Written]:
        """Results by key. A part is done when its last job is."""
        if not tasks:
            return {}
        self._progress.stage(what, len(tasks))
        last = {task.part: number for number, task in enumerate(tasks)}
        jobs: list[WriteJob] = [task.job for task in tasks]
        results: dict[str, Written] = {}
        refused: dict[int, int] = {}
        for number, (task, result) in enumerate(zip(tasks, self._engine.write(jobs), strict=True)):
            results[task.job.key] = result
            self._tokens += result.output_tokens
            refused[task.part] = refused.get(task.part, 0) + sum(result.rejected.values())
            self._say(task.kind, task.part, task.section, number + 1, len(tasks))
            if last[task.part] == number:
                title = self._plan.parts[task.part - 1].title
                count = sum(1 for other in tasks if other.part == task.part)
                note = f"{count} pieces, {refused[task.part]} sentences refused"
                self._progress.part_done(task.part, title, note)
        return results

    def score(
        self, engine: Engine, jobs: Sequence[ScoreJob], what: str = "weighing"
    ) -> dict[str, Scored]:
        """Likelihoods by key, as this engine has them."""
        if not jobs:
            return {}
        self._progress.stage(what, len(jobs))
        scores: dict[str, Scored] = {}
        for number, result in enumerate(engine.score(jobs)):
            scores[result.key] = result
            self._say(what, 0, result.key.partition("|")[2], number + 1, len(jobs))
        return scores

    def _say(self, what: str, part: int, section: str, done: int, total: int) -> None:
        seconds = time.monotonic() - self._started
        self._progress.happened(Happened(what, part, section, done, total, self._tokens, seconds))
