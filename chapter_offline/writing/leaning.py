"""How likely a system has each trait: a model's answers and the words of the name, weighed by labels.

Small models say Yes too readily, to some questions more than to others. So an answer counts by how
far it lies above the same model's answers for other systems, and then above that system's answers to
other questions. A word of the name counts where people listed it for the trait. How much each
counts, and how rare the trait is, is fitted to labelled systems (logistic regression).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chapter_offline.knowledge.labelled import Labels
from chapter_offline.knowledge.traits import Trait
from chapter_offline.writing.logistic import Array, bar_for, chance_of, logistic

Answers = Mapping[str, float]
"""log P(Yes) - log P(No), by trait, for one system."""

_LEAST_SPREAD = 0.1
_SEEN = (1.0, 6.0)
"""Labels that every trait is taken to have had before any is counted: yes, no."""


@dataclass(frozen=True)
class Calibration:
    """What was fitted. traits: the order of the rest. mean, spread: of a model's answers, by trait.

    prior: log-odds of a trait before anything is asked. weights: of the answer, of the name's
    words, of the prior, and a constant. bar: the least probability at which a trait is taken.
    """

    traits: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    prior: tuple[float, ...]
    weights: tuple[float, ...]
    bar: float

    def probabilities(
        self, system: str, answers: Answers, traits: Mapping[str, Trait]
    ) -> dict[str, float]:
        """How likely the system has each trait."""
        asked = np.array([[answers[name] for name in self.traits]])
        leaning = _leaning(asked, np.array(self.mean), np.array(self.spread))
        hints = np.array([[hinted(system, traits[name]) for name in self.traits]])
        odds = _design(leaning, hints, np.array(self.prior)) @ np.array(self.weights)
        return dict(zip(self.traits, map(float, chance_of(odds)[0]), strict=True))


def hinted(system: str, trait: Trait) -> bool:
    """Whether a word of the system's name is among those that point to the trait."""
    return not trait.hints.isdisjoint(re.findall(r"[a-z]+(?:-[a-z]+)*", system.lower()))


def calibrate(
    answers: Mapping[str, Answers],
    labelled: Mapping[str, Labels],
    traits: Mapping[str, Trait],
    precision: float,
) -> Calibration:
    """Fits a model's answers to labelled systems.

    The bar is the lowest one above which, with each system judged by a fit to all others, so large a
    share of the traits taken are right.
    """
    fitted = _fitted(answers, labelled, traits, bar=0.5)
    sure = [
        (chance, labels)
        for system, chances in left_out(answers, labelled, traits).items()
        for name, chance in chances.items()
        if (labels := labelled[system].of(name)) is not None
    ]
    return Calibration(
        fitted.traits,
        fitted.mean,
        fitted.spread,
        fitted.prior,
        fitted.weights,
        bar_for(sure, precision),
    )


def left_out(
    answers: Mapping[str, Answers], labelled: Mapping[str, Labels], traits: Mapping[str, Trait]
) -> dict[str, dict[str, float]]:
    """For each labelled system its probabilities by a fit to all the others."""
    found = {}
    for system in labelled:
        others = {name: labels for name, labels in labelled.items() if name != system}
        fit = _fitted(answers, others, traits, bar=0.5)
        found[system] = fit.probabilities(system, answers[system], traits)
    return found


def _fitted(
    answers: Mapping[str, Answers],
    labelled: Mapping[str, Labels],
    traits: Mapping[str, Trait],
    bar: float,
) -> Calibration:
    names, systems = tuple(traits), tuple(labelled)
    asked = np.array([[answers[system][name] for name in names] for system in systems])
    truth = np.array([[_truth(labelled[system].of(name)) for name in names] for system in systems])
    known = ~np.isnan(truth)
    yes = np.where(known, truth, 0.0).sum(axis=0)
    prior = np.log((yes + _SEEN[0]) / (known.sum(axis=0) - yes + _SEEN[1]))
    mean, spread = asked.mean(axis=0), asked.std(axis=0) + _LEAST_SPREAD
    hints = np.array([[hinted(system, traits[name]) for name in names] for system in systems])
    design = _design(_leaning(asked, mean, spread), hints, prior)
    weights = logistic(design[known], truth[known])
    return Calibration(names, _plain(mean), _plain(spread), _plain(prior), _plain(weights), bar)


def _plain(values: Array) -> tuple[float, ...]:
    return tuple(map(float, values))


def _truth(label: bool | None) -> float:
    return float("nan") if label is None else float(label)


def _leaning(asked: Array, mean: Array, spread: Array) -> Array:
    """[systems, traits]: answers above the usual, less the system's own habit."""
    above = (asked - mean) / spread
    return np.asarray(above - above.mean(axis=1, keepdims=True))


def _design(leaning: Array, hints: Array, prior: Array) -> Array:
    """[systems, traits, 4]: what is weighed."""
    return np.stack(
        [leaning, hints, np.broadcast_to(prior, leaning.shape), np.ones(leaning.shape)], axis=-1
    )


@dataclass(frozen=True)
class Counted:
    """Traits taken and left, over several systems. maybe: taken where engineers would differ."""

    right: int
    wrong: int
    missed: int
    maybe: int

    @property
    def precision(self) -> float:
        """Share of those taken that hold, where people agree."""
        return self.right / max(1, self.right + self.wrong)

    @property
    def strict_precision(self) -> float:
        """The same, with those of which engineers would differ counted as wrong."""
        return self.right / max(1, self.right + self.wrong + self.maybe)

    @property
    def recall(self) -> float:
        """Share of those that hold that were taken."""
        return self.right / max(1, self.right + self.missed)


def counted(taken: Mapping[str, Sequence[str]], labelled: Mapping[str, Labels]) -> Counted:
    """What was taken against the labels."""

    def count(holds: Callable[[str, Labels], bool]) -> int:
        return sum(holds(name, labelled[s]) for s in taken for name in taken[s])

    right = count(lambda name, labels: labels.of(name) is True)
    return Counted(
        right=right,
        wrong=count(lambda name, labels: labels.of(name) is False),
        missed=sum(len(labelled[system].yes) for system in taken) - right,
        maybe=count(lambda name, labels: labels.of(name) is None),
    )
