"""Chances fitted to what people labelled: logistic regression, the bar above which enough is right, and AUC."""

import random
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_RIDGE = 0.5
_ROUNDS = 40
_RESAMPLED = 1000


def chance_of(odds: Array) -> Array:
    """From log-odds to probabilities."""
    return np.asarray(1 / (1 + np.exp(-odds)))


def logistic(design: Array, truth: Array) -> Array:
    """Weights of a logistic regression, by Newton's method.

    design: [cases, features], the last feature constant; all weights but the constant's are held small.
    """
    weights = np.zeros(design.shape[1])
    held = _RIDGE * np.diag([*[1.0] * (design.shape[1] - 1), 1e-6])
    for _ in range(_ROUNDS):
        chance = chance_of(design @ weights)
        slope = design.T @ (chance - truth) + held @ weights
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + held
        weights = weights - np.linalg.solve(curve, slope)
    return weights


def bar_for(judged: Iterable[tuple[float, bool]], precision: float) -> float:
    """The lowest probability from which on so large a share is right; 1.0 where there is none."""
    bar, right = 1.0, 0
    for taken, (chance, holds) in enumerate(sorted(judged, reverse=True), start=1):
        right += holds
        if right >= precision * taken:
            bar = chance
    return bar


def auc(judged: Sequence[tuple[float, bool]]) -> float:
    """The chance that one that holds is judged likelier than one that doesn't; nan without both kinds."""
    good = np.array([chance for chance, holds in judged if holds])
    bad = np.array([chance for chance, holds in judged if not holds])
    if not len(good) or not len(bad):
        return float("nan")
    above = (good[:, None] > bad).mean() + 0.5 * (good[:, None] == bad).mean()
    return float(above)


def auc_interval(judged: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """The middle 90% of the AUC over seeded resamples, good and bad each drawn among themselves."""
    draws = random.Random("auc")
    good = [case for case in judged if case[1]]
    bad = [case for case in judged if not case[1]]
    if not good or not bad:
        return float("nan"), float("nan")
    found = sorted(
        auc(draws.choices(good, k=len(good)) + draws.choices(bad, k=len(bad)))
        for _ in range(_RESAMPLED)
    )
    return found[_RESAMPLED // 20], found[-_RESAMPLED // 20 - 1]
