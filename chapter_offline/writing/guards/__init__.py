"""Guards: each looks at one sentence of the model as it is decoded, and may refuse it.

One small file each, one shape: `(sentence, accepted before it) -> reason or None`. The lists below
are read in order; the first reason counts.
"""

from collections.abc import Callable, Sequence

from chapter_offline.writing.guards.answered import answered
from chapter_offline.writing.guards.chat import chat
from chapter_offline.writing.guards.complete import complete
from chapter_offline.writing.guards.contradicting import contradicting
from chapter_offline.writing.guards.figures import same_figures
from chapter_offline.writing.guards.language import language
from chapter_offline.writing.guards.markup import markup
from chapter_offline.writing.guards.negation import negation
from chapter_offline.writing.guards.numbers import numbers
from chapter_offline.writing.guards.question import question, what_if
from chapter_offline.writing.guards.reasons import keeps_reason, reasons
from chapter_offline.writing.guards.repeats import alike, beyond, grams, repeats
from chapter_offline.writing.guards.subject import grounded, stems, subject
from chapter_offline.writing.guards.vendors import vendor_names, vendors
from chapter_offline.writing.guards.world import Strictness, closed_world, common_terms

Guard = Callable[[str, Sequence[str]], str | None]

ALWAYS: tuple[Guard, ...] = (complete, language, chat, markup, repeats)


def of_claim(claim: str) -> tuple[Guard, ...]:
    """What a sentence that says a claim in other words has to pass besides."""
    return (negation(claim), reasons(claim), keeps_reason(claim))


__all__ = [
    "ALWAYS",
    "Guard",
    "Strictness",
    "alike",
    "answered",
    "beyond",
    "chat",
    "closed_world",
    "common_terms",
    "contradicting",
    "grams",
    "grounded",
    "keeps_reason",
    "markup",
    "negation",
    "numbers",
    "of_claim",
    "question",
    "reasons",
    "same_figures",
    "stems",
    "subject",
    "vendor_names",
    "vendors",
    "what_if",
]
