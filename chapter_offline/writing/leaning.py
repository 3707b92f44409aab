"""How likely a system has each trait: a model's answers and the words of the name, weighed by labels.

Small models say Yes too readily, to some questions more than to others. So an answer counts by how
far it lies above the same model's answers for other systems, and then above that system's answers to
other questions. A word of the name counts where people listed it for the trait, and also for traits
that keep company with it in labelled systems (who is paid is known by name, what is measured is
only added). How much each counts is fitted to labels (logistic regression), as is how rare a trait is.
Weights are the same for all traits: those of its own for each trait gained nothing.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chapter_offline.knowledge.labelled import Labelled, Labels
from chapter_offline.knowledge.traits import Trait
from chapter_offline.writing.logistic import Array, bar_for, chance_of, logistic

Answers = Mapping[str, float]
"""log P(Yes) - log P(No), by trait, for one system."""

_LEAST_SPREAD = 0.1
_LEAST_VARIANCE = 0.02
_SEEN = (1.0, 6.0)
"""Labels that every trait is taken to have had before any is counted: yes, no."""


@dataclass(frozen=True)
class Known:
    """What labels say before anything is asked. traits: the order of the rest.

    prior: log-odds of each trait. company: [traits, traits], how far two go together (a
    correlation, drawn to zero for rare traits), zero for a trait with itself.
    """

    traits: tuple[str, ...]
    prior: tuple[float, ...]
    company: tuple[tuple[float, ...], ...]


def known_from(labels: Iterable[Labels], traits: Iterable[str]) -> Known:
    """Counts labels; those of which engineers would differ count neither way."""
    names = tuple(traits)
    return _known(names, _truths(labels, names))


@dataclass(frozen=True)
class Calibration:
    """What was fitted, and what it goes with. mean, spread: of a model's answers, by trait.

    weights: of the answer, of the name's words, of the prior, of the words for traits in company,
    and a constant. bar: the least probability at which a trait is taken.
    """

    known: Known
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    bar: float

    def probabilities(
        self, system: str, answers: Answers, traits: Mapping[str, Trait]
    ) -> dict[str, float]:
        """How likely the system has each trait."""
        names = self.known.traits
        asked = np.array([[answers[name] for name in names]])
        leaning = _leaning(asked, np.array(self.mean), np.array(self.spread))
        odds = _design(leaning, _hints([system], traits, names), self.known) @ np.array(
            self.weights
        )
        return dict(zip(names, map(float, chance_of(odds)[0]), strict=True))


def hinted(system: str, trait: Trait) -> bool:
    """Whether a word of the system's name, or several in a row, is among those that point to the trait."""
    return not trait.hints.isdisjoint(_phrases(system))


def calibrate(
    answers: Mapping[str, Answers],
    labelled: Labelled,
    traits: Mapping[str, Trait],
    precision: float,
) -> Calibration:
    """Fits a model's answers about the labelled systems that are asked.

    The bar is the lowest one above which, with each system judged by a fit to all others, so large a
    share of the traits taken are right.
    """
    sheet = _Sheet.of(answers, labelled, traits)
    sure = [
        (chance, labels)
        for system, chances in left_out(answers, labelled, traits).items()
        for name, chance in chances.items()
        if (labels := labelled.asked[system].of(name)) is not None
    ]
    return replace(_fitted(sheet), bar=bar_for(sure, precision))


def left_out(
    answers: Mapping[str, Answers], labelled: Labelled, traits: Mapping[str, Trait]
) -> dict[str, dict[str, float]]:
    """For each asked system its probabilities by a fit to all the others."""
    sheet = _Sheet.of(answers, labelled, traits)
    return {
        system: _fitted(sheet.without(row)).probabilities(system, answers[system], traits)
        for row, system in enumerate(labelled.asked)
    }


@dataclass(frozen=True)
class _Sheet:
    """What a fit sees, [systems, traits] each. studied: labels of systems that are not asked about."""

    names: tuple[str, ...]
    asked: Array
    hints: Array
    truth: Array
    studied: Array

    @classmethod
    def of(
        cls, answers: Mapping[str, Answers], labelled: Labelled, traits: Mapping[str, Trait]
    ) -> "_Sheet":
        names = tuple(traits)
        asked = np.array([[answers[system][name] for name in names] for system in labelled.asked])
        return cls(
            names,
            asked,
            _hints(labelled.asked, traits, names),
            _truths(labelled.asked.values(), names),
            _truths(labelled.studied.values(), names),
        )

    def without(self, row: int) -> "_Sheet":
        """The same without one asked system."""
        asked, hints, truth = (
            np.delete(table, row, axis=0) for table in (self.asked, self.hints, self.truth)
        )
        return replace(self, asked=asked, hints=hints, truth=truth)


def _fitted(sheet: _Sheet) -> Calibration:
    known = _known(sheet.names, np.vstack([sheet.truth, sheet.studied]))
    mean, spread = sheet.asked.mean(axis=0), sheet.asked.std(axis=0) + _LEAST_SPREAD
    design = _design(_leaning(sheet.asked, mean, spread), sheet.hints, known)
    agreed = ~np.isnan(sheet.truth)
    weights = logistic(design[agreed], sheet.truth[agreed])
    return Calibration(known, _plain(mean), _plain(spread), _plain(weights), bar=0.5)


def _known(names: tuple[str, ...], truth: Array) -> Known:
    agreed = ~np.isnan(truth)
    seen, yes = agreed.sum(axis=0), np.where(agreed, truth, 0.0).sum(axis=0)
    rate = yes / np.maximum(seen, 1)
    above = np.where(agreed, truth - rate, 0.0) / np.sqrt(rate * (1 - rate) + _LEAST_VARIANCE)
    company = above.T @ above / max(len(truth), 1)
    np.fill_diagonal(company, 0.0)
    prior = np.log((yes + _SEEN[0]) / (seen - yes + _SEEN[1]))
    return Known(names, _plain(prior), tuple(map(_plain, company)))


def _truths(labels: Iterable[Labels], names: Sequence[str]) -> Array:
    """[systems, traits]: 1 yes, 0 no, not a number where engineers would differ."""
    rows = [[_truth(each.of(name)) for name in names] for each in labels]
    return np.array(rows).reshape(len(rows), len(names))


def _truth(label: bool | None) -> float:
    return float("nan") if label is None else float(label)


def _hints(systems: Iterable[str], traits: Mapping[str, Trait], names: Sequence[str]) -> Array:
    """[systems, traits]: 1 where the name points to the trait."""
    said = [_phrases(system) for system in systems]
    return np.array([[not traits[n].hints.isdisjoint(each) for n in names] for each in said], float)


def _phrases(system: str) -> set[str]:
    """All words of a name, and all that stand in a row."""
    words = re.findall(r"\w+(?:-\w+)*", system.lower())
    return {" ".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1)}


def _plain(values: Array) -> tuple[float, ...]:
    return tuple(map(float, values))


def _leaning(asked: Array, mean: Array, spread: Array) -> Array:
    """[systems, traits]: answers above the usual, less the system's own habit."""
    above = (asked - mean) / spread
    return np.asarray(above - above.mean(axis=1, keepdims=True))


def _design(leaning: Array, hints: Array, known: Known) -> Array:
    """[systems, traits, 5]: what is weighed.

    Company is a mean over the traits that the name points to; a sum made long names too sure.
    """
    prior = np.broadcast_to(np.array(known.prior), leaning.shape)
    company = hints @ np.array(known.company) / np.maximum(hints.sum(axis=1, keepdims=True), 1.0)
    return np.stack([leaning, hints, prior, company, np.ones(leaning.shape)], axis=-1)


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
