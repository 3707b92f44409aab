"""Asks a model about the traits of labelled systems, once for each model, and keeps what was fitted.

The library brings the fits of the pinned models; any other model is asked when it is first needed.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import filelock

from chapter_offline.engine.interface import ChoiceJob, Engine, Message
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.knowledge.labelled import Labelled, load_labelled
from chapter_offline.knowledge.library import Library
from chapter_offline.knowledge.traits import Trait
from chapter_offline.writing.leaning import Answers, Calibration, calibrate, known_from
from chapter_offline.writing.progress import Progress, Silent

PRECISION = 0.85
"""Of the traits taken, the share that shall be right on labelled systems that a fit has not seen."""
_JUDGING = "You are a system design expert. Answer Yes or No."
_YES_NO = ("Yes", "No")


class Fit(Shape):
    """A calibration as `calibrations.toml` keeps it, without what labels alone say.

    model: sha256 of the file. questions: their digest. traits: mean and spread of the answers.
    """

    model: str
    name: str
    questions: str
    bar: float
    weights: tuple[float, ...]
    traits: dict[str, tuple[float, float]]

    def calibration(self, labelled: Labelled) -> Calibration:
        """The same with the labels that it was made from."""
        known = known_from(labelled.all.values(), self.traits)
        mean, spread = (tuple(each[n] for each in self.traits.values()) for n in range(2))
        return Calibration(known, mean, spread, self.weights, self.bar)


class _Fits(Shape):
    fit: tuple[Fit, ...] = ()


def fit_of(calibration: Calibration, model: str, name: str, questions: str) -> Fit:
    """The same as it is kept, to six digits."""
    rows = zip(calibration.known.traits, calibration.mean, calibration.spread, strict=True)
    traits = {trait: (round(mean, 6), round(spread, 6)) for trait, mean, spread in rows}
    weights = tuple(round(weight, 6) for weight in calibration.weights)
    return Fit(
        model=model,
        name=name,
        questions=questions,
        bar=round(calibration.bar, 6),
        weights=weights,
        traits=traits,
    )


def digest(question: str, traits: Mapping[str, Trait], labelled: Labelled) -> str:
    """What a fit depends on beside the model: questions, examples, words and labels."""
    parts = [
        [name, trait.asks, trait.shown.yes, trait.shown.no, sorted(trait.hints)]
        for name, trait in traits.items()
    ]
    labels = [
        [[system, each.yes, each.maybe] for system, each in group.items()]
        for group in (labelled.asked, labelled.studied)
    ]
    text = json.dumps([question, _JUDGING, parts, labels, PRECISION])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def trait_jobs(systems: Iterable[str], name: str, trait: Trait, question: str) -> list[ChoiceJob]:
    """One trait's question for several systems, with the same examples before each."""

    def asked(system: str) -> Message:
        return Message("user", question.format(property=trait.asks, system=system))

    head = [Message("system", _JUDGING)]
    for yes, no in zip(trait.shown.yes, trait.shown.no, strict=True):
        head += [asked(yes), Message("assistant", "Yes"), asked(no), Message("assistant", "No")]
    return [
        ChoiceJob(f"{system}|trait|{name}", (*head, asked(system)), _YES_NO) for system in systems
    ]


def answers(
    engine: Engine,
    systems: Iterable[str],
    traits: Mapping[str, Trait],
    question: str,
) -> Mapping[str, Answers]:
    """What the model says of each trait of each system. One trait after the other, so that its examples are read once."""
    asked = list(systems)
    found: dict[str, dict[str, float]] = {system: {} for system in asked}
    for name, trait in traits.items():
        jobs = trait_jobs(asked, name, trait, question)
        for system, chosen in zip(asked, engine.choose(jobs), strict=True):
            yes, no = chosen.log_probs
            found[system][name] = yes - no
    return found


def calibration_for(
    engine: Engine,
    library: Library,
    question: str,
    model: str,
    kept: Path,
    progress: Progress | None = None,
) -> Calibration:
    """The model's fit: the library's, one that was kept, or one that is made now and kept.

    model: sha256 of its file. kept: a folder. Raises BadInputError for malformed labels.
    """
    traits = library.traits.known
    labelled = load_labelled(library.prompts / "labelled.toml", library.traits)
    questions = digest(question, traits, labelled)
    for fit in _fits(library.prompts):
        if fit.model == model and fit.questions == questions:
            return fit.calibration(labelled)
    path = kept / f"{model}-{questions}.json"
    with _one_at_a_time(path):
        if found := _read(path):
            return found.calibration(labelled)
        (progress or Silent()).stage(
            f"calibrating the model's choices on {len(labelled.asked)} known systems, once", 0
        )
        said = answers(engine, labelled.asked, traits, question)
        fit = fit_of(calibrate(said, labelled, traits, PRECISION), model, "", questions)
        _keep(path, fit)
        return fit.calibration(labelled)


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Chapters that are written at the same time wait here for the first; where nothing can be kept, none waits."""
    lock = filelock.FileLock(path.with_suffix(".lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        pass
    try:
        yield
    finally:
        lock.release()


def _fits(prompts: Path) -> tuple[Fit, ...]:
    path = prompts / "calibrations.toml"
    return shaped(_Fits, read_toml(path), path.name, path).fit if path.is_file() else ()


def _read(path: Path) -> Fit | None:
    """What was kept; None where nothing was, or nothing that can be used."""
    try:
        return Fit.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _keep(path: Path, made: Fit) -> None:
    """Keeps a fit whole or not at all; where nothing can be kept, it is made again the next time."""
    half = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(made.model_dump_json(), encoding="utf-8")
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
