"""How the model's turn opens: at once with its answer, or with a stretch of thinking.

The markers that models think between are data, below; which of them a model has is found from its
vocabulary and its chat template.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chapter_offline.engine.template import Piece
from chapter_offline.engine.tokens import Vocabulary

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class ThinkMarkers:
    """opens: begins the thinking. closes: ends it, and `after` then leads to the answer."""

    opens: str
    closes: str
    after: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The markers in `opens` and `closes`, one by one."""
        return tuple(re.findall(r"<[^<>]+>|\[[^\[\]]+\]", self.opens + self.closes))


KNOWN = (
    ThinkMarkers("<think>\n", "</think>", "\n\n"),  # DeepSeek R1, Qwen3, SmolLM3 and their kin
    ThinkMarkers(  # gpt-oss
        "<|channel|>analysis<|message|>",
        "<|end|>",
        "<|start|>assistant<|channel|>final<|message|>",
    ),
    ThinkMarkers("[THINK]", "[/THINK]"),  # Magistral
    ThinkMarkers("<seed:think>", "</seed:think>"),  # Seed-OSS
    ThinkMarkers("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
)


def find_markers(vocabulary: Vocabulary, template: str) -> ThinkMarkers | None:
    """The markers that the model thinks between; None if it has none that are known.

    template: the source of its chat template, for models that write their markers as text.
    """
    for markers in KNOWN:
        if all(vocabulary.marker(name) is not None for name in markers.names):
            return markers
    for markers in KNOWN:
        if all(name in template for name in markers.names):
            return markers
    return None


@dataclass(frozen=True)
class Turn:
    """opening: the template's text that leads to an immediate answer; "": what it writes itself."""

    opening: str
    markers: ThinkMarkers | None

    def open(self, pieces: Sequence[Piece], thinks: bool) -> tuple[Piece, ...]:
        """A rendered conversation and what opens the model's turn.

        thinks: the model is to think first. Where a template begins the thinking by itself, an
        immediate answer ends it.
        """
        end = pieces[-1].text if pieces and pieces[-1].special else ""
        begun = self.markers is not None and end.rstrip().endswith(self.markers.opens.rstrip())
        added = self.opening
        if thinks and self.markers is not None:
            added = "" if begun else self.markers.opens
        elif begun and not added and self.markers is not None:
            added = self.markers.closes + self.markers.after
        if not added:
            return tuple(pieces)
        if not end:
            return (*pieces, Piece(added, special=True))
        return (*pieces[:-1], Piece(end + added, special=True))


class Thinking:
    """One stretch of thinking: takes the tokens drawn, says what to feed, and when it is over.

    budget: tokens that may be drawn, the closing marker among them. drawn: tokens so far. added:
    tokens that were fed at its end without being drawn. planned: of both together, the most.
    """

    def __init__(self, budget: int, markers: ThinkMarkers, vocabulary: Vocabulary) -> None:
        self._budget = budget
        self._markers = markers
        self._vocabulary = vocabulary
        self._closing = vocabulary.control(markers.closes + markers.after)
        self._after = vocabulary.control(markers.after)
        self._end = ""  # of what was thought, as long as the closing marker
        self.planned = budget + len(self._closing)
        self.drawn = 0
        self.added = 0
        self.over = False

    def take(self, token: int) -> Tokens:
        """Takes a token; returns what to feed. A turn that ends in thought is closed as well."""
        if self._vocabulary.is_end(token):
            return self._close((), self._closing)
        self.drawn += 1
        text = self._end + self._vocabulary.name(token)
        if self._markers.closes in text:
            return self._close((token,), self._after)
        self._end = text[-len(self._markers.closes) :]
        if self.drawn >= self._budget:
            return self._close((token,), self._closing)
        return (token,)

    def _close(self, own: Tokens, added: Tokens) -> Tokens:
        self.over = True
        self.added = len(added)
        return own + added
