"""How true a model's own words are to a claim, by likelihood both ways.

A text that says the claim makes the claim likely, and is itself what a reader of the claim would
write. The unit is the claim: a rewrite of one to three sentences is judged whole. How much each way
counts, and where the bar lies, is fitted to rewrites that people labelled, for each model by itself.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from chapter_offline.engine.interface import Engine, Scored, ScoreJob
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.logistic import Array, bar_for, chance_of, logistic

PRECISION = 0.95
"""Of the rewrites that are taken, the share that shall be true on labelled ones that a fit has not seen."""
_RARE = 0.01
_FEWEST_TAKEN = 8
"""A bar that lets fewer labelled rewrites pass rests on luck."""


@dataclass(frozen=True)
class Rewrite:
    """A claim and a text that is to say the same. key: unique among those judged together."""

    key: str
    claim: str
    text: str


class Labelled(Shape, extra="ignore"):
    """A rewrite that people judged. system: what the claim is about; rewrites of one system stay together."""

    note: str
    text: str
    label: Literal["ok", "loss", "wrong"]
    system: str = ""

    @property
    def good(self) -> bool:
        """Only what lost nothing is good."""
        return self.label == "ok"


@dataclass(frozen=True)
class Likelihood:
    """Natural logs. claim: of the whole claim given the text. text: of the text given the claim, a token."""

    claim: float
    text: float


class Judge(Shape):
    """Chance that a rewrite is true to its claim: logistic in both likelihoods.

    model: sha256 of the file that judges. name: for people. bar: the least chance that will do.
    """

    model: str
    name: str
    of_claim: float
    of_text: float
    constant: float
    bar: float

    @property
    def lets_pass(self) -> bool:
        """Whether any rewrite can reach the bar."""
        return self.bar < 1

    def chance(self, found: Likelihood) -> float:
        """Between 0 and 1."""
        odds = self.of_claim * found.claim + self.of_text * found.text + self.constant
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, odds))))


class _Judges(Shape):
    judge: tuple[Judge, ...] = ()


def load_judges(prompts: Path) -> Mapping[str, Judge]:
    """The fitted judges by the sha256 of their model. Raises BadInputError."""
    path = prompts / "judges.toml"
    found = shaped(_Judges, read_toml(path), str(path))
    return {judge.model: judge for judge in found.judge}


def load_labelled_rewrites(path: Path) -> tuple[Labelled, ...]:
    """A JSON list of objects with note, text and label. Raises BadInputError."""
    try:
        read = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{path}: can't be read: {error}") from None
    if not isinstance(read, list) or not read:
        raise BadInputError(f"{path}: it holds no list of rewrites")
    return tuple(shaped(Labelled, each, f"{path}: rewrite {n}") for n, each in enumerate(read, 1))


def score_jobs(asking: Asking, rewrites: Sequence[Rewrite]) -> Iterator[ScoreJob]:
    """Two jobs a rewrite; all of one way after another, so that the examples are read once."""
    for each in rewrites:
        given = asking.messages("restate", {"text": each.text})
        yield ScoreJob(f"claim|{each.key}", given, each.claim)
    for each in rewrites:
        given = asking.messages("retell", {"statement": each.claim})
        yield ScoreJob(f"text|{each.key}", given, each.text)


def likelihoods(scored: Mapping[str, Scored], rewrites: Sequence[Rewrite]) -> dict[str, Likelihood]:
    """What the score jobs of these rewrites say of each, by its key."""
    found = {}
    for each in rewrites:
        claim = scored[f"claim|{each.key}"]
        text = scored[f"text|{each.key}"].mean_log_prob
        found[each.key] = Likelihood(claim.mean_log_prob * claim.text_tokens, text)
    return found


def likelihoods_of(
    engine: Engine, asking: Asking, labelled: Sequence[Labelled]
) -> list[Likelihood]:
    """What a model says of labelled rewrites, in their order."""
    rewrites = [Rewrite(str(n), each.note, each.text) for n, each in enumerate(labelled)]
    scored = {result.key: result for result in engine.score(score_jobs(asking, rewrites))}
    return list(likelihoods(scored, rewrites).values())


def fit(found: Sequence[Likelihood], labelled: Sequence[Labelled], model: str, name: str) -> Judge:
    """A judge fitted to labelled rewrites; its bar is set by `left_out` chances.

    The bar is 1, which nothing reaches, where no bar keeps so many of those taken right.
    """
    weights = _weights(found, labelled)
    sure = sorted(left_out(found, labelled), reverse=True)
    bar = bar_for(sure, PRECISION)
    taken = sum(chance >= bar for chance, _ in sure)
    of_claim, of_text, constant = (round(weight, 6) for weight in weights)
    return Judge(
        model=model,
        name=name,
        of_claim=of_claim,
        of_text=of_text,
        constant=constant,
        bar=round(bar, 6) if taken >= _FEWEST_TAKEN else 1.0,
    )


def left_out(found: Sequence[Likelihood], labelled: Sequence[Labelled]) -> list[tuple[float, bool]]:
    """For each rewrite, its chance by a fit to those of all other systems, and whether it is good.

    How many are good of all is no secret between the fits: else a system with many good ones would
    be judged by a fit to few, and all of its own stand too low among the others.
    """
    share = sum(each.good for each in labelled) / len(labelled)
    usual = math.log((share + _RARE) / (1 - share + _RARE))
    judged: dict[int, float] = {}
    for system in dict.fromkeys(each.system for each in labelled):
        rest = [n for n, each in enumerate(labelled) if each.system != system]
        own = [n for n, each in enumerate(labelled) if each.system == system]
        fitted = rest or own
        slopes = _weights([found[n] for n in fitted], [labelled[n] for n in fitted])[:2]
        middle = _design(found[n] for n in fitted)[:, :2].mean(axis=0) @ np.array(slopes)
        chances = _chances((*slopes, usual - float(middle)), [found[n] for n in own])
        judged |= dict(zip(own, chances, strict=True))
    return [(judged[n], each.good) for n, each in enumerate(labelled)]


def _design(found: Iterable[Likelihood]) -> Array:
    return np.array([[each.claim, each.text, 1.0] for each in found])


def _weights(found: Sequence[Likelihood], labelled: Sequence[Labelled]) -> tuple[float, ...]:
    """Fitted on likelihoods brought to one spread, so that both are held equally small."""
    design = _design(found)
    mean, spread = design[:, :2].mean(axis=0), design[:, :2].std(axis=0) + 1e-6
    design[:, :2] = (design[:, :2] - mean) / spread
    weights = logistic(design, np.array([float(each.good) for each in labelled]))
    scaled = weights[:2] / spread
    return float(scaled[0]), float(scaled[1]), float(weights[2] - scaled @ mean)


def _chances(weights: Sequence[float], found: Sequence[Likelihood]) -> list[float]:
    return [float(chance) for chance in chance_of(_design(found) @ np.array(weights))]
