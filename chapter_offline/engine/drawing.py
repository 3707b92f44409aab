"""Draws a token that may come next: by chance among the likely, by rule among the allowed.

The rules are a grammar, tokens that are barred, and whether the turn may end. A token is drawn
first and looked at then, for most are allowed; one that is not is drawn again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chapter_offline.engine.interface import Sampler
from chapter_offline.engine.readings import Known, Place
from chapter_offline.engine.sampling import Logits, candidates, draw, penalised, uniform
from chapter_offline.engine.tokens import END, NO_BYTES, Vocabulary

_BLIND_DRAWS = 8  # before all candidates are looked at


@dataclass
class Rules:
    """What may come next. place: where a grammar stands; None: no grammar. ends: the turn may end."""

    vocabulary: Vocabulary
    place: Place | None = None
    barred: frozenset[int] = frozenset()
    ends: bool = True
    _known: Known = field(default_factory=Known)

    @property
    def bind(self) -> bool:
        """Whether any token may be against them."""
        return self.place is not None or bool(self.barred) or not self.ends

    def allow(self, token: int) -> bool:
        if token in self.barred:
            return False
        if self.vocabulary.is_end(token):
            return self.ends and (self.place is None or self.place.whole)
        return self.place is None or self.after(token) is not None

    def after(self, token: int) -> Place | None:
        """Where the grammar stands after the token; None as well where there is no grammar."""
        piece = self.vocabulary.piece(token)
        return self.place.after(piece, self._known) if self.place is not None and piece else None

    def plausible(self) -> NDArray[np.intp]:
        """Tokens that may be allowed, told from their first bytes; the others are not."""
        table = np.ones(258, np.bool_)
        table[END] = self.ends
        if self.place is not None:
            table[:256] = self.place.first_bytes()
            table[NO_BYTES] = False
            table[END] &= self.place.whole
        return np.flatnonzero(table[self.vocabulary.first_bytes])


@dataclass(frozen=True)
class Drawer:
    """Draws for one job. key: the job's."""

    vocabulary: Vocabulary
    seed: int
    key: str

    def draw(
        self,
        row: Logits,
        sampler: Sampler,
        recent: Sequence[int],
        rules: Rules,
        place: tuple[int | str, ...],
        apart: bool = False,
    ) -> int | None:
        """A token; None where the rules allow none at all.

        row: [vocabulary]. recent: the tokens before this one. place: of the draw in its job, all
        that the draw depends on besides. apart: white space first, if any is likely enough.
        """
        tokens, probabilities = candidates(row, sampler, recent)
        if apart:
            spaced = np.array([self._begins_apart(int(t)) for t in tokens])
            if spaced.any():
                tokens, probabilities = tokens[spaced], probabilities[spaced]
                probabilities = probabilities / probabilities.sum()

        def number(attempt: int) -> float:
            again = (attempt,) if attempt else ()
            return uniform(self.seed, self.key, *place, *again)

        if not rules.bind:
            return draw(tokens, probabilities, number(0))
        token = _draw_allowed(tokens, probabilities, rules, number)
        if token is not None:
            return token
        # None of the likely ones: the likeliest of those that are allowed set the measure.
        likeliest = _likeliest_allowed(row, sampler, recent, rules)
        if not len(likeliest):
            return None
        tokens, probabilities = candidates(row, sampler, recent, likeliest)
        return draw(tokens, probabilities, number(_BLIND_DRAWS + 1))

    def _begins_apart(self, token: int) -> bool:
        return self.vocabulary.is_end(token) or self.vocabulary.piece(token)[:1].isspace()


def may_be_drawn(
    row: Logits, sampler: Sampler, recent: Sequence[int], rules: Rules, token: int
) -> bool:
    """Whether some draw from this row gives the token. Parameters: see `Drawer.draw`."""
    tokens, _ = candidates(row, sampler, recent)
    if token in tokens:
        return not rules.bind or rules.allow(token)
    if not rules.bind or any(rules.allow(int(other)) for other in tokens):
        return False
    return token in _likeliest_allowed(row, sampler, recent, rules)


def _draw_allowed(
    tokens: NDArray[np.intp],
    probabilities: NDArray[np.float64],
    rules: Rules,
    number: Callable[[int], float],
) -> int | None:
    """A draw from those of the tokens that are allowed; None if none is."""
    for attempt in range(_BLIND_DRAWS):
        token = draw(tokens, probabilities, number(attempt))
        if rules.allow(token):
            return token
        others = tokens != token
        tokens, probabilities = tokens[others], probabilities[others]
        if not probabilities.sum() > 0:
            return None
        probabilities = probabilities / probabilities.sum()
    allowed = np.array([rules.allow(int(token)) for token in tokens])
    if not allowed.any():
        return None
    probabilities = probabilities[allowed]
    return draw(tokens[allowed], probabilities / probabilities.sum(), number(_BLIND_DRAWS))


def _likeliest_allowed(
    row: Logits, sampler: Sampler, recent: Sequence[int], rules: Rules
) -> NDArray[np.intp]:
    """The likeliest token that is allowed, and those that `min_p` keeps beside it."""
    values = penalised(row, sampler, recent)
    tokens = rules.plausible()
    kept: list[int] = []
    floor = -np.inf
    for token in tokens[np.argsort(-values[tokens], kind="stable")].tolist():
        if values[token] < floor:
            break
        if rules.allow(token):
            if not kept:
                floor = values[token] + np.log(sampler.min_p) if sampler.min_p > 0 else -np.inf
            kept.append(token)
            if sampler.temperature <= 0:
                break
    return np.array(sorted(kept), np.intp)
