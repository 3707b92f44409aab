"""Voices `drafted` and `revised`: the model says claims in its own words, as far as they stay true.

Several candidates a claim; the likeliest to be true is taken if it reaches the judge's bar, else the
claim stands as it was written. `revised` goes round once more: the model criticises its best
candidate and writes a second one, and the better of both counts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chapter_offline.chapter.document import Said
from chapter_offline.chapter.plan import Plan
from chapter_offline.engine.interface import Engine, Scored, ScoreJob, Written
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.fidelity import Judge, likelihoods, score_jobs
from chapter_offline.writing.voices.quoted import Task
from chapter_offline.writing.voices.rewrite import TEXT, Claim, Rewriting, candidate, claims_of

Write = Callable[[str, Sequence[Task]], Mapping[str, Written]]
Score = Callable[[Engine, Sequence[ScoreJob]], Mapping[str, Scored]]


@dataclass(frozen=True)
class Verdict:
    """Who judges rewrites: a model, which need not be the writing one, and what was fitted to its scores."""

    engine: Engine
    judge: Judge


class Drafted:
    """The drafting of one chapter."""

    def __init__(
        self, rewriting: Rewriting, plan: Plan, asking: Asking, verdict: Verdict, effort: int
    ) -> None:
        self._rewriting, self._asking, self._verdict = rewriting, asking, verdict
        self._plan, self._effort = plan, effort

    def claims(self, parts: Sequence[int]) -> list[Claim]:
        """The claims of these parts that the model may say again."""
        return [claim for section in self._plan.sections(parts) for claim in claims_of(section)]

    def tasks(self, parts: Sequence[int]) -> list[Task]:
        """The writing jobs of the first round."""
        return [
            Task("draft", claim.part, claim.section, job)
            for claim in self.claims(parts)
            for job in self._rewriting.drafts(claim, self._effort)
        ]

    def said(
        self,
        parts: Sequence[int],
        written: Mapping[str, Written],
        write: Write,
        score: Score,
        revise: bool,
    ) -> tuple[dict[str, Said], dict[str, Written]]:
        """What reached the bar, by claim, and what was written besides.

        revise: with a criticism and a second draft of each best candidate.
        """
        claims = self.claims(parts)
        results = {claim.key: _drafts(claim, written, self._effort) for claim in claims}
        best, more = self._judged(claims, results, score), dict[str, Written]()
        if revise:
            more = self._second(claims, best, write)
            again = {key: [more[f"{key}.redraft"]] for key in best if f"{key}.redraft" in more}
            second = self._judged([claim for claim in claims if claim.key in again], again, score)
            for key, said in second.items():
                best[key] = max(best[key], said, key=lambda each: each.chance)
        bar = self._verdict.judge.bar
        return {key: each for key, each in best.items() if each.chance >= bar}, more

    def _second(
        self, claims: Sequence[Claim], best: Mapping[str, Said], write: Write
    ) -> dict[str, Written]:
        """A criticism of each best candidate, and a draft that heeds it."""
        drafted = [claim for claim in claims if claim.key in best]
        criticising = [
            Task("criticism", c.part, c.section, self._rewriting.criticism(c, best[c.key].text))
            for c in drafted
        ]
        found = dict(write("criticising", criticising))
        again = [
            Task(
                "redraft", c.part, c.section, self._rewriting.again(c, best[c.key].text, criticism)
            )
            for c, task in zip(drafted, criticising, strict=True)
            if (criticism := found[task.job.key].spans[TEXT])
        ]
        return found | dict(write("drafting again", again))

    def _judged(
        self, claims: Sequence[Claim], results: Mapping[str, Sequence[Written]], score: Score
    ) -> dict[str, Said]:
        """The best candidate of each claim that has one."""
        by_claim = {
            claim.key: [r for written in results[claim.key] if (r := candidate(claim, written))]
            for claim in claims
        }
        rewrites = [rewrite for group in by_claim.values() for rewrite in group]
        scored = score(self._verdict.engine, list(score_jobs(self._asking, rewrites)))
        likely = likelihoods(scored, rewrites)
        best: dict[str, Said] = {}
        for key, group in by_claim.items():
            judged = [
                Said(r.claim, r.text, self._verdict.judge.chance(likely[r.key])) for r in group
            ]
            if judged:
                best[key] = max(judged, key=lambda each: each.chance)
        return best


def _drafts(claim: Claim, written: Mapping[str, Written], effort: int) -> list[Written]:
    return [written[f"{claim.key}.draft.{number}"] for number in range(1, effort + 1)]
