"""Where every sentence of a chapter comes from, with the scores of what the model wrote."""

from collections.abc import Iterator, Mapping, Sequence

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.origins import Origin, blocks
from chapter_offline.engine.sentences import split_sentences
from chapter_offline.knowledge.files import Shape

Scores = Mapping[str, Mapping[str, Sequence[float]]]
"""By job and span, the mean log-probability a token of each accepted sentence."""


class Sentence(Shape):
    """A sentence, or a row of a table. claim: whose it is, if a claim's.

    log_prob: mean natural log-probability a token, of what the model wrote. chance: that a claim in
    the model's words is true to the claim, as the judge had it. place: file and line of what is
    quoted from a person's notes.
    """

    part: int
    section: str
    origin: Origin
    text: str
    claim: str = ""
    log_prob: float | None = None
    chance: float | None = None
    place: str | None = None


def sentences(chapter: Chapter, scores: Scores) -> Iterator[Sentence]:
    """Every sentence of the parts that were asked for, in the order of the page."""
    for block in blocks(chapter):
        found = [score for each in scores.get(block.job, {}).values() for score in each]
        texts = (block.text,) if block.origin == "computed" else split_sentences(block.text)
        for number, text in enumerate(texts):
            yield Sentence(
                part=block.part,
                section=block.section,
                origin=block.origin,
                text=text,
                claim=block.claim,
                log_prob=round(found[number], 3) if len(found) == len(texts) else None,
                chance=None if block.chance is None else round(block.chance, 3),
                place=block.place or None,
            )


def counted(found: Sequence[Sentence]) -> dict[str, dict[Origin, int]]:
    """How many sentences of each part come from where."""
    counts: dict[str, dict[Origin, int]] = {}
    for sentence in found:
        part = counts.setdefault(str(sentence.part), {})
        part[sentence.origin] = part.get(sentence.origin, 0) + 1
    return counts
