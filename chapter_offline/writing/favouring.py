"""Which claims a system favours among those that weigh the same: by the log-odds that its name gives them.

Two systems with the same traits have the same claims of the same weights. What of them fits the one
and not the other, the model says by how much likelier a claim is where the system is named.
"""

import time
from collections.abc import Iterator, Mapping, Sequence

from chapter_offline.chapter.equals import Equal, equals
from chapter_offline.engine.interface import Engine, ScoreJob
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.library import Library
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.budget import Need, check_fits
from chapter_offline.writing.progress import Happened, Progress

MOST_ASKED = 40
"""Claims of which the model is asked; see `chapter.equals` for which they are."""
_SCORED_WORDS = 30
_STAGE = "ordering claims of equal weight"


def with_favours(
    engine: Engine, asking: Asking, library: Library, brief: Brief, progress: Progress
) -> Brief:
    """The brief of a system with the claims that it favours, as the model has it.

    Raises DoesNotFitError before the first question where one does not fit the window.
    """
    among = equals(library, brief, MOST_ASKED)
    asked = list(jobs(asking, brief.name, among))
    check_fits(engine, _needs(engine, asked))
    progress.stage(_STAGE, len(asked))
    started, scores = time.monotonic(), dict[str, float]()
    for number, scored in enumerate(engine.score(asked), 1):
        scores[scored.key] = scored.mean_log_prob
        seconds, claim = time.monotonic() - started, scored.key.partition("|")[2]
        progress.happened(Happened(_STAGE, 0, claim, number, len(asked), 0, seconds))
    return brief.model_copy(update={"favoured": in_order(among, scores)})


def jobs(asking: Asking, system: str, among: Sequence[Equal]) -> Iterator[ScoreJob]:
    """Two a claim: where the system is named, then all again where none is, so that each prompt is read once."""
    for key, name in (("favour", system), ("favour of any", "")):
        messages = asking.messages("favour", {"system": name})
        for each in among:
            text = " ".join(each.text.split()[:_SCORED_WORDS])
            yield ScoreJob(f"{key}|{each.name}", messages, text)


def in_order(among: Sequence[Equal], scores: Mapping[str, float]) -> tuple[str, ...]:
    """Names of the claims, that first which the system's name makes likelier by most nats a token.

    scores: of `jobs`, by key.
    """
    raised = {
        each.name: scores[f"favour|{each.name}"] - scores[f"favour of any|{each.name}"]
        for each in among
    }
    return tuple(sorted(raised, key=lambda name: -raised[name]))


def _needs(engine: Engine, asked: Sequence[ScoreJob]) -> Iterator[Need]:
    for job in asked:
        tokens = engine.count(job.messages) + engine.count_text(job.text)
        yield Need(job.key.replace("|", " "), tokens)
