"""Replays a chapter: reads every word of the model through the model again, wherever it was written.

For another processor, a GPU, another build of llama.cpp: the bytes would differ there, the words' place
among what the model may say does not. A changed word, another model, or a coarser file of it shows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline.catalog.choose import ResolvedModel, resolve_model
from chapter_offline.catalog.progress import Progress as CatalogProgress
from chapter_offline.chapter.plan import make_plan
from chapter_offline.circumstances import differing
from chapter_offline.engine.around import Around
from chapter_offline.engine.interface import (
    ChoiceJob,
    Chosen,
    Engine,
    Reread,
    Scored,
    ScoreJob,
    Settings,
    WriteJob,
    Written,
)
from chapter_offline.errors import BadInputError, NotTheSameError
from chapter_offline.filing import PAGE
from chapter_offline.knowledge.briefs import load_brief
from chapter_offline.knowledge.library import load_library
from chapter_offline.orders import BRIEF, Order, order_of
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.output.sections import first_difference
from chapter_offline.outputs import check_outputs
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.author import Author
from chapter_offline.writing.changes import Changed
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.manifest import Manifest, digest_of, read_manifest
from chapter_offline.writing.notes.placing import placing_for
from chapter_offline.writing.notes.reading import kept_notes
from chapter_offline.writing.progress import Progress, Silent
from chapter_offline.writing.transcript import TRANSCRIPT, Transcript, read_transcript
from chapter_offline.writing.voices.drafted import Verdict

SAME_MODEL = 0.015
"""Nats a token by which log-probabilities move, on average, at most, where it is the same model: other
schedules moved them by 0.004 and 0.011, other quantisations of the same weights by 0.020 to 0.101."""


@dataclass(frozen=True)
class Strange:
    """A token that its sampler could not have drawn. text: its sentence."""

    key: str
    text: str
    token: int


@dataclass(frozen=True)
class Replayed:
    """What a replay found.

    tokens: read. strange: those that could not have been drawn. other_draws: those that could, and that
    the seed doesn't draw here. moved: nats a token by which log-probabilities moved, on average.
    choices, scores: how many were read; their moved: nats, on average. circumstances: what differs from
    those recorded. composed: whether the page was made again of the words; "" if so, else why not.
    """

    tokens: int
    strange: tuple[Strange, ...]
    other_draws: int
    moved: float
    choices: int
    choices_moved: float
    scores: int
    scores_moved: float
    circumstances: tuple[str, ...]
    composed: str

    @property
    def reason(self) -> str:
        """Why the chapter is not what its manifest says; "" if it may be."""
        if self.strange:
            first = self.strange[0]
            return (
                f"{len(self.strange)} of {self.tokens:,} tokens could not have been drawn; the first in "
                f"{first.key}: “{first.text}”"
            )
        if self.moved > SAME_MODEL:
            return (
                f"log-probabilities moved by {self.moved:.3f} nats a token, more than {SAME_MODEL}: "
                "another model, or another quantisation of it"
            )
        if self.other_draws and not self.circumstances:
            return f"{self.other_draws} of {self.tokens:,} tokens are not those that the seed draws"
        return ""


def replay(
    folder: Path,
    model: str | None,
    gpu_layers: int | None,
    progress: Progress,
    watch: CatalogProgress | None = None,
) -> Replayed:
    """Replays the chapter in a folder. model: a file or a name, where it isn't the recorded one.

    Raises NotTheSameError where a file is not the recorded one, or the page is not made of the
    transcript's words; UsageError, BadInputError and DoesNotFitError as `write` does.
    """
    from chapter_offline.engine.llama import open_engine

    made = read_manifest(folder)
    check_outputs(folder, made)
    transcript = read_transcript((folder / TRANSCRIPT).read_bytes(), str(folder / TRANSCRIPT))
    load_brief(folder / BRIEF)  # a damaged one is said before the model is loaded
    order = order_of(made, model)
    resolved = resolve_model(order.model, order.window, watch)
    engine = open_engine(
        resolved.path,
        Settings(
            window=order.window,
            seed=order.seed,
            gpu_layers=order.gpu_layers if gpu_layers is None else gpu_layers,
            model_sha256=resolved.sha256,
            turn_opening=made.settings.turn_opening,
        ),
    )
    try:
        composed = _compose(folder, made, order, transcript, engine, progress)
        return _read_again(made, transcript, engine, resolved, composed, progress)
    except BadInputError as error:
        raise NotTheSameError(f"{folder}: {error}: another model, or another text") from None
    finally:
        engine.close()


class _Told(Around):
    """An engine that answers from a transcript, and only what it was asked then."""

    def __init__(self, engine: Engine, transcript: Transcript) -> None:
        super().__init__(engine)
        self._wrote = {job.key: (job.messages, result) for job, result in transcript.wrote}
        self._scored = {job.key: (job, result) for job, result in transcript.scored}

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        for job in jobs:
            messages, result = self._wrote.get(job.key, ((), None))
            if result is None or messages != job.messages:
                raise NotTheSameError(f"{job.key}: the transcript has other words for the model")
            yield result

    def choose(self, jobs: Iterable[ChoiceJob]) -> Iterator[Chosen]:
        raise NotImplementedError("a brief is read, not chosen again")

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]:
        for job in jobs:
            asked, result = self._scored.get(job.key, (None, None))
            if result is None or asked != job:
                raise NotTheSameError(f"{job.key}: the transcript has another text for the model")
            yield result


def _compose(
    folder: Path,
    made: Manifest,
    order: Order,
    transcript: Transcript,
    engine: Engine,
    progress: Progress,
) -> str:
    """Makes the page of the transcript's words; why not, where prompts or program are others."""
    prompts = prompts_dir()
    if digest_of(prompts) != made.prompts.sha256:
        return "the prompts here are others than the chapter's"
    if made.judge and made.judge.model != made.model.sha256:
        return "what the model says of claims was judged by another model"
    progress.stage("making the page of the recorded words", 0)
    library = load_library(prompts)
    brief = load_brief(folder / BRIEF)
    told = Changed(_Told(engine, transcript), made.changes)
    plan = make_plan(library, brief, order.depth, order.words)
    asking = load_asking(prompts)
    notes = kept_notes(folder) if made.notes else None
    author = Author(
        told,
        plan,
        order.voice,
        asking,
        vendor_names(prompts),
        made.model.name,
        Verdict(told, made.judge) if made.judge else None,
        order.effort,
        placing_for(told, plan, asking, prompts, notes),
    )
    try:
        chapter = author.write(order.parts, Silent()).chapter
    except NotTheSameError:
        if engine.settings.model_sha256 == made.model.sha256:
            raise
        return "this model counts tokens otherwise, so what it would be told differs"
    page = chapter_markdown(replace(chapter, pinned=made.changes.pinned))
    if where := first_difference(page, (folder / PAGE).read_text(encoding="utf-8")):
        raise NotTheSameError(
            f"{folder / PAGE}: {where}: these are not the words of the transcript"
        )
    return ""


def _read_again(
    made: Manifest,
    transcript: Transcript,
    engine: Engine,
    model: ResolvedModel,
    composed: str,
    progress: Progress,
) -> Replayed:
    progress.stage("reading the model's words again", len(transcript.wrote))
    strange: list[Strange] = []
    moved: list[float] = []
    other = 0
    for (_, written), seen in zip(transcript.wrote, engine.reread(transcript.wrote), strict=True):
        other += _compare(written, seen, strange, moved)
    choices = [
        abs(now - then)
        for (_, before), after in zip(
            transcript.chose, engine.choose(job for job, _ in transcript.chose), strict=True
        )
        for then, now in zip(before.log_probs, after.log_probs, strict=True)
    ]
    scores = [
        abs(before.mean_log_prob - after.mean_log_prob)
        for (_, before), after in zip(
            transcript.scored, engine.score(job for job, _ in transcript.scored), strict=True
        )
    ]
    return Replayed(
        tokens=len(moved),
        strange=tuple(strange),
        other_draws=other,
        moved=_mean(moved),
        choices=len(transcript.chose),
        choices_moved=_mean(choices),
        scores=len(scores),
        scores_moved=_mean(scores),
        circumstances=differing(made, engine, model),
        composed=composed,
    )


def _compare(written: Written, seen: Reread, strange: list[Strange], moved: list[float]) -> int:
    """Notes what is strange and how far each token moved; returns how many the seed draws otherwise."""
    other = 0
    for name, sentences in seen.tokens.items():
        for text, before, after in zip(
            written.sentences[name], written.tokens[name], sentences, strict=True
        ):
            for then, now in zip(before, after, strict=True):
                moved.append(abs(then.log_prob - now.log_prob))
                other += now.allowed and not now.drawn
                if not now.allowed:
                    strange.append(Strange(written.key, text, now.id))
    return other


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
