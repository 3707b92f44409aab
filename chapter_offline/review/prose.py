"""How a finished chapter reads, in figures: sentences said twice, repeated n-grams, lengths and shapes.

Reads a page of Markdown; headings, tables, diagrams, the note at the beginning and the appendices are
left out, and so is what a model wrote.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chapter_offline.review.echoes import words_of
from chapter_offline.review.measures import repeated

WINDOW, STEP = 2500, 250
"""Words within which short repetitions are counted, and by how many the window moves on."""
SHORT = 6
"""Sentences of fewer words ("What do you do?") may stand in a chapter twice."""
_ABBREVIATED = re.compile(r"(?:\b(?:e\.g|i\.e|vs|etc|cf)|\b[A-Z])\.$")
_MODEL = (">", "*Check yourself:*")
_FIRST_PART, _APPENDIX = "## Part ", "## Appendix "


@dataclass(frozen=True)
class Prose:
    """Figures of a chapter. Shares are of all n-grams: those that stood there before.

    twice: sentences of six words or more that stand there again. fours: the largest share in any window of 2,500 words.
    mean: words a sentence. runs: the first sentence of each three in a row of one shape.
    """

    words: int
    sentences: int
    twice: tuple[str, ...]
    eights: float
    fours: float
    mean: float
    runs: tuple[str, ...]

    def faults(self) -> Iterator[str]:
        """Where it falls short of what a chapter should be."""
        for sentence in self.twice:
            yield f"said twice: {sentence!r}"
        if self.eights > 0.01:
            yield f"{self.eights:.1%} of its runs of 8 words are repeated; at most 1% should be"
        if self.fours > 0.06:
            yield f"{self.fours:.1%} of the runs of 4 words are repeated in some {WINDOW:,} words; at most 6% should be"
        if not 14 <= self.mean <= 24:
            yield f"a sentence has {self.mean:.1f} words on average, not 14 to 24"
        for sentence in self.runs:
            yield f"three sentences in a row of the same shape, from {sentence!r}"


def read_prose(page: str) -> Prose:
    """The figures of a page."""
    blocks = list(paragraphs(page))
    sentences = [sentence for block in blocks for sentence in sentences_of(block)]
    words = [word for sentence in sentences for word in words_of(sentence)]
    said = Counter(sentence for sentence in sentences if len(sentence.split()) >= SHORT)
    lengths = [len(sentence.split()) for sentence in sentences]
    return Prose(
        words=len(words),
        sentences=len(sentences),
        twice=tuple(sentence for sentence, count in said.items() if count > 1),
        eights=repeated(words, 8),
        fours=max(
            (
                repeated(words[at : at + WINDOW], 4)
                for at in range(0, max(1, len(words) - WINDOW + STEP), STEP)
            ),
            default=0.0,
        ),
        mean=sum(lengths) / max(1, len(lengths)),
        runs=tuple(run for block in blocks for run in _runs(sentences_of(block))),
    )


def paragraphs(page: str) -> Iterator[str]:
    """What is written in a chapter's parts: paragraphs, list items and cells of words, without marks."""
    inside = fenced = False
    for line in page.splitlines():
        if line.startswith("## "):
            inside = line.startswith(_FIRST_PART)
        if line.startswith("```"):
            fenced = not fenced
        if not inside or fenced or not line.strip() or line.startswith(("#", "```", *_MODEL)):
            continue
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) == 2 and cells[0].startswith("**"):
                yield _bare(cells[1])
            continue
        yield _bare(re.sub(r"^\s*- ", "", line))


def _bare(text: str) -> str:
    """Text without emphasis, and without what stands in bold before it."""
    text = re.sub(r"^\*\*.+?\*\*\s*", "", text) if not text.endswith("**") else text
    return re.sub(r"^A staff answer: ", "", re.sub(r"\*+", "", text)).strip()


def sentences_of(text: str) -> list[str]:
    """A paragraph's sentences."""
    found: list[str] = []
    for piece in re.split(r"(?<=[.?!])[\"”’)]*\s+(?=[\"“‘(]?[A-Z0-9$])", text):
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] += " " + piece
        elif piece:
            found.append(piece)
    return found


def _shape(sentence: str) -> str:
    """What a sentence is built around: ":" or ";", or "" for neither."""
    found = re.search(r"[:;](?=\s)", sentence)
    return found.group(0) if found else ""


def _runs(sentences: Sequence[str]) -> Iterator[str]:
    """The first of every three sentences in a row that are built around the same mark."""
    for at in range(len(sentences) - 2):
        shapes = {_shape(sentence) for sentence in sentences[at : at + 3]}
        if len(shapes) == 1 and shapes != {""}:
            yield sentences[at]
