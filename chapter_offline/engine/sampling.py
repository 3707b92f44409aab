"""Draws the next token from a row of logits, in NumPy.

A draw is a hash of where it stands (seed, job, span, sentence, attempt, token), so a sampler has
no state, and nothing needs rolling back when a sentence is refused.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chapter_offline.engine.interface import Sampler
from chapter_offline.errors import BadInputError

Logits = NDArray[np.float32]


def uniform(*place: int | str) -> float:
    """A number in [0, 1), determined by `place` alone, the same on every machine."""
    digest = hashlib.blake2b("\x1f".join(map(str, place)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def penalised(logits: Logits, sampler: Sampler, recent: Sequence[int]) -> Logits:
    """A copy of the logits in which those of the last `repeat_last_n` tokens are lower.

    logits: [vocabulary]. recent: the tokens before this one, oldest first.
    """
    row = logits.copy()
    if sampler.repeat_penalty != 1.0 and sampler.repeat_last_n > 0 and recent:
        seen = np.unique(np.asarray(recent[-sampler.repeat_last_n :], dtype=np.intp))
        values = row[seen]
        penalty = np.float32(sampler.repeat_penalty)
        row[seen] = np.where(values > 0, values / penalty, values * penalty)
    return row


def candidates(
    logits: Logits,
    sampler: Sampler,
    recent: Sequence[int],
    among: NDArray[np.intp] | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Tokens that may be drawn, likeliest first, and their probabilities.

    logits: [vocabulary], left as it is. recent: as in `penalised`. among: the tokens to choose
    from, in order; None means all. `min_p` is measured before the temperature, as in llama.cpp: a
    token stays if its probability is at least min_p times the likeliest one's. Raises
    BadInputError where the logits are no numbers.
    """
    row = penalised(logits, sampler, recent)
    if among is not None:
        row = row[among]
    top = float(_highest(row))
    if sampler.temperature <= 0:
        tokens = np.flatnonzero(row == np.float32(top))[:1]
        return tokens if among is None else among[tokens], np.ones(1)
    floor = top + float(np.log(sampler.min_p)) if sampler.min_p > 0 else -np.inf
    tokens = np.flatnonzero(row >= floor)
    values = row[tokens].astype(np.float64)
    order = np.argsort(-values, kind="stable")  # stable: equal logits stand in the order of ids
    weights = np.exp((values[order] - top) / sampler.temperature)
    tokens = tokens[order]
    return tokens if among is None else among[tokens], weights / weights.sum()


def draw(tokens: NDArray[np.intp], probabilities: NDArray[np.float64], number: float) -> int:
    """The token that `number`, in [0, 1), falls on."""
    place = int(np.searchsorted(np.cumsum(probabilities), number, side="right"))
    return int(tokens[min(place, len(tokens) - 1)])


def log_probability(logits: Logits, token: int) -> float:
    """Natural log of one token's probability. logits: [vocabulary]. Raises as `candidates` does."""
    top = _highest(logits)
    # float32 terms, summed pairwise: the same bits from the same logits, at half the time.
    total = float(np.exp(logits - top).sum(dtype=np.float64))
    return float(logits[token]) - float(top) - float(np.log(total))


def _highest(logits: Logits) -> np.float32:
    top: np.float32 = logits.max()  # not a number, if one of them isn't
    if not np.isfinite(top):
        raise BadInputError(
            "The model's probabilities are no numbers: its file is damaged, or this build of "
            "llama.cpp computes its architecture wrongly"
        )
    return top
