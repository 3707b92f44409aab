"""The chat template of a GGUF file, rendered into pieces that are safe to tokenise.

A template is a stranger's code: it runs in jinja2's immutable sandbox, with bounds on what it
reads and writes. The text of a message never passes through it: a mark stands in its place, so
that what a template does to control tokens can be told from what a message happens to say.
Knows nothing of tokens.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from jinja2 import TemplateError

from chapter_offline.engine.interface import Message
from chapter_offline.engine.sandbox import make_environment, time_limit
from chapter_offline.errors import BadInputError

TEMPLATE_DATE = datetime(2025, 1, 1, tzinfo=UTC)
"""What a template that prints today's date is told, so that a run can be repeated."""

TEMPLATE_SECONDS = 5.0
"""What rendering a conversation may take; published templates take milliseconds."""

_TEMPLATE_LIMIT = 128 * 1024  # characters; the longest template among the pinned models has 17,000
_OUTPUT_LIMIT = 1024 * 1024  # characters, without the messages' text
_T = TypeVar("_T")

_MARK = "Wq7kPzJ"  # letters and digits only, so that filters such as trim and tojson leave it alone
_MARKS = re.compile(_MARK + r"(\d+)x")


@dataclass(frozen=True)
class Piece:
    """A stretch of a rendered conversation. `special`: control tokens may be read in it."""

    text: str
    special: bool


class _RefusedError(Exception):
    """The template called raise_exception."""


def _refuse(message: str) -> None:
    raise _RefusedError(message)


class ChatTemplate:
    """Turns a conversation into pieces, ending where the model's turn begins.

    source: the template's text. specials: what it may name, e.g. bos_token and eos_token.
    model: how to name the model in an error. A template that does not compile is a BadInputError.
    """

    def __init__(self, source: str, specials: Mapping[str, str], model: str) -> None:
        self._model = model
        self.source = source
        if len(source) > _TEMPLATE_LIMIT:
            raise self._bad(f"it has {len(source)} characters, more than {_TEMPLATE_LIMIT}")
        self._specials = dict(specials)
        self._template = self._guarded(
            lambda: make_environment(_refuse, TEMPLATE_DATE.strftime).from_string(source)
        )

    def render(self, messages: Sequence[Message], thinks: bool = False) -> tuple[Piece, ...]:
        """The conversation with its generation prompt; messages' own text is never special.

        thinks: the template is told that the model may think before it answers. A template that refuses a system message gets its text at the head of the next one. One
        that drops a message, or fails in another way, is a BadInputError.
        """
        try:
            return self._pieces(messages, thinks)
        except _RefusedError as refusal:
            merged = _without_system(messages)
            if merged is None:
                raise self._bad(f"it refuses the conversation: {refusal}") from None
        try:
            return self._pieces(merged, thinks)
        except _RefusedError as refusal:
            raise self._bad(f"it refuses the conversation: {refusal}") from None

    def _pieces(self, messages: Sequence[Message], thinks: bool) -> tuple[Piece, ...]:
        texts: list[str] = []
        turns: list[dict[str, str]] = []
        for message in messages:
            core = message.text.strip()
            # White space at the ends stays outside the mark: whether it is trimmed is for the
            # template to say.
            head, _, tail = message.text.partition(core) if core else (message.text, "", "")
            mark = f"{_MARK}{len(texts)}x" if core else ""
            texts.append(core)
            turns.append({"role": message.role, "content": head + mark + tail})
        with time_limit(TEMPLATE_SECONDS):
            rendered = self._guarded(lambda: self._render(turns, thinks))
        pieces: list[Piece] = []
        seen = set()
        position = 0
        for match in _MARKS.finditer(rendered):
            index = int(match[1])
            if index >= len(texts):
                continue
            pieces.append(Piece(rendered[position : match.start()], special=True))
            pieces.append(Piece(texts[index], special=False))
            seen.add(index)
            position = match.end()
        pieces.append(Piece(rendered[position:], special=True))
        lost = [i for i, text in enumerate(texts) if text and i not in seen]
        if lost:
            raise self._bad(f"it drops or changes the {messages[lost[0]].role} message's text")
        return tuple(piece for piece in pieces if piece.text)

    def _render(self, turns: list[dict[str, str]], thinks: bool) -> str:
        parts: list[str] = []
        size = 0
        # `enable_thinking` is what Qwen3 and its kin ask for: the empty think block that opens an
        # immediate answer. Other templates do not look at it.
        for part in self._template.generate(
            messages=turns, add_generation_prompt=True, enable_thinking=thinks, **self._specials
        ):
            size += len(part)
            if size > _OUTPUT_LIMIT:
                raise self._bad(f"it writes more than {_OUTPUT_LIMIT} characters")
            parts.append(part)
        return "".join(parts)

    def _guarded(self, call: Callable[[], _T]) -> _T:
        """A stranger's template may raise anything; only what we raise ourselves passes."""
        try:
            return call()
        except (_RefusedError, BadInputError):
            raise
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise self._bad(f"{type(error).__name__}: {error}") from None
        except (AttributeError, RecursionError, MemoryError) as error:
            raise self._bad(f"{type(error).__name__}: {error}") from None

    def _bad(self, reason: str) -> BadInputError:
        reason = " ".join(reason.split())[:300]
        return BadInputError(
            f"{self._model}: its chat template can't be used: {reason}.\n"
            "Choose another GGUF file of this model, one whose template is a plain chat template."
        )


def _without_system(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """The conversation with its system message put before the next one; None if it has none."""
    if len(messages) < 2 or messages[0].role != "system":
        return None
    first = Message(messages[1].role, f"{messages[0].text}\n\n{messages[1].text}")
    return (first, *messages[2:])
