"""The budget: how the window of tokens is shared out, counted with the model's own tokenizer.

A conversation may be said in several ways, from the richest to the barest; the first that fits
with its output is taken. Nothing is ever cut off in silence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chapter_offline.engine.interface import Engine, Message
from chapter_offline.errors import DoesNotFitError

Ways = Sequence[Callable[[], tuple[Message, ...]]]

_STEP = 256


@dataclass(frozen=True)
class Fitted:
    """messages: the way that fits. prompt_tokens: exact. way: 0 for the richest."""

    messages: tuple[Message, ...]
    prompt_tokens: int
    way: int


def fit(engine: Engine, key: str, ways: Ways, output: int, given: str = "") -> Fitted:
    """The first way whose prompt, with `output` tokens after it, fits the window.

    Raises DoesNotFitError that names a window that would do.
    """
    needed = 0
    for number, way in enumerate(ways):
        messages = way()
        tokens = engine.count(messages, given)
        needed = tokens + output
        if needed <= engine.settings.window:
            return Fitted(messages, tokens, number)
    would_do = -(-needed // _STEP) * _STEP
    raise DoesNotFitError(
        f"{key}: {needed} tokens are needed at least, and the window has {engine.settings.window}.\n"
        f"Use --window {would_do} or more."
    )
