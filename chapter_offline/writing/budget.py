"""The budget: how the window of tokens is shared out, counted with the model's own tokenizer.

A conversation may be said in several ways, from the richest to the barest; the first that fits
with its output is taken. Nothing is ever cut off in silence.
"""

from collections.abc import Callable, Iterable, Sequence
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


@dataclass(frozen=True)
class Need:
    """What one job takes: tokens of its prompt and its output together."""

    key: str
    tokens: int


def fit(engine: Engine, ways: Ways, output: int, given: str = "") -> Fitted:
    """The first way whose prompt, with `output` tokens after it, fits the window.

    Where none fits, the last and barest: `check_fits` then says so, for all jobs at once.
    """
    fitted = None
    for number, way in enumerate(ways):
        messages = way()
        fitted = Fitted(messages, engine.count(messages, given), number)
        if fitted.prompt_tokens + output <= engine.settings.window:
            break
    assert fitted is not None, "a conversation can be said in no way at all"
    return fitted


def check_fits(engine: Engine, needs: Iterable[Need], least: int = 0) -> None:
    """Raises DoesNotFitError that names the largest need, and a window in which all of them fit.

    least: a window below this is not recommended, because more needs will follow.
    """
    largest = max(needs, key=lambda need: need.tokens, default=Need("", 0))
    if largest.tokens <= engine.settings.window:
        return
    would_do = max(least, -(-largest.tokens // _STEP) * _STEP)
    raise DoesNotFitError(
        f"{largest.key}: {largest.tokens:,} tokens are needed at least, and the window has "
        f"{engine.settings.window:,}.\nUse --window {would_do} or more."
    )
