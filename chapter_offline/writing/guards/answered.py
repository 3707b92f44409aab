"""A question that the statement before it answers, as far as words can tell."""

import re
from collections.abc import Sequence

from chapter_offline.writing.guards.clauses import NEGATION, SENTENCE_END, nearest
from chapter_offline.writing.guards.subject import Guard, stems

SHARE = 0.75
"""Of a question's words of substance, as many come from the statement."""

_CLAUSE_END = re.compile(r"(?<=[.?!,;:()]) ?")
_POINTS_AWAY = re.compile(r"^Why \w+(?:n't)? (?:it|they|this|that|these|those|he|she|we|you)\b")


def answered(statement: str) -> Guard:
    """A guard for one question about this statement.

    It refuses what brings in something else, what points at something outside the question, what
    the statement itself asks, and what takes for granted the opposite of what the statement says.
    """
    known = stems(statement)
    sentences = SENTENCE_END.split(statement)
    clauses = _CLAUSE_END.split(statement)

    def guard(sentence: str, accepted: Sequence[str]) -> str | None:
        own = stems(sentence)
        if not own or len(own & known) < SHARE * len(own):
            return "brings in something else"
        if _POINTS_AWAY.match(sentence):
            return "does not name its subject"
        near = nearest(sentence, sentences)
        if near.endswith("?"):
            return "asked by the statement itself"
        denies = NEGATION.search(sentence)
        if denies and not NEGATION.search(near):
            return "denies what the statement says"
        if not denies and NEGATION.search(nearest(sentence, clauses)):
            return "says what the statement denies"
        return None

    return guard
