"""Guards: each looks at one sentence of the model as it is decoded, and may refuse it.

One small file each, one shape: `(sentence, accepted before it) -> reason or None`. The lists below
are read in order; the first reason counts.
"""

from collections.abc import Callable, Sequence

from chapter_offline.writing.guards.answered import answered
from chapter_offline.writing.guards.chat import chat
from chapter_offline.writing.guards.complete import complete
from chapter_offline.writing.guards.markup import markup
from chapter_offline.writing.guards.numbers import numbers
from chapter_offline.writing.guards.question import question, what_if
from chapter_offline.writing.guards.repeats import alike, grams, repeats
from chapter_offline.writing.guards.subject import grounded, stems, subject
from chapter_offline.writing.guards.vendors import vendor_names, vendors

Guard = Callable[[str, Sequence[str]], str | None]

ALWAYS: tuple[Guard, ...] = (complete, chat, markup, repeats)

__all__ = [
    "ALWAYS",
    "Guard",
    "alike",
    "answered",
    "chat",
    "grams",
    "grounded",
    "markup",
    "numbers",
    "question",
    "stems",
    "subject",
    "vendor_names",
    "vendors",
    "what_if",
]
