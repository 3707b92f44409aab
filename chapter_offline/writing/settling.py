"""The last pass: what only the whole chapter shows. A sentence that two pieces share stays in the first."""

from collections.abc import Iterable
from dataclasses import replace

from chapter_offline.chapter.document import Pieces
from chapter_offline.engine.sentences import split_sentences
from chapter_offline.writing.guards.repeats import words_of

_FEWEST_WORDS = 6
"""Shorter sentences may come twice."""


def settled(pieces: Pieces, plan_texts: Iterable[str] = ()) -> Pieces:
    """The pieces without sentences that the plan or an earlier piece has; what is left out is noted.

    plan_texts: what stands on the page whatever the model writes.
    """
    seen = {_key(sentence) for text in plan_texts for sentence in split_sentences(text)}
    left_out = list(pieces.left_out)

    def fresh(section: str, kind: str, sentences: Iterable[str]) -> tuple[str, ...]:
        kept = []
        for sentence in sentences:
            key = _key(sentence)
            if key.count(" ") + 1 >= _FEWEST_WORDS and key in seen:
                left_out.append((section, kind, "said before, in another section"))
            else:
                seen.add(key)
                kept.append(sentence)
        return tuple(kept)

    attempts = {
        part: replace(each, sentences=fresh(f"p{part:02d}.attempt", "attempt", each.sentences))
        for part, each in pieces.attempts.items()
    }
    weak = {
        claim: " ".join(fresh(claim, "weak", split_sentences(text)))
        for claim, text in pieces.weak.items()
    }
    free = {name: fresh(name, "free", sentences) for name, sentences in pieces.free.items()}
    return replace(
        pieces,
        attempts=attempts,
        weak={claim: text for claim, text in weak.items() if text},
        free=free,
        left_out=tuple(left_out),
    )


def _key(sentence: str) -> str:
    return " ".join(words_of(sentence))
