"""A span being filled: its accepted sentences, and the one that is being sampled.

Knows of text, tokens and grammars; what is fed when, and what becomes of a sentence, is the
script's to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chapter_offline.engine.grammar import read_grammar
from chapter_offline.engine.interface import Span, Token, WriteJob
from chapter_offline.engine.readings import Place, start
from chapter_offline.engine.sampling import Logits, log_probability
from chapter_offline.engine.schema import schema_to_grammar
from chapter_offline.engine.sentences import is_finished
from chapter_offline.errors import BadInputError

_BY_SENTENCE = frozenset({"sentence", "line", "sentences"})


@dataclass(frozen=True)
class Drawn:
    """A token that was drawn. place: where the span's grammar stands after it. draw: see `Token`."""

    token: int
    piece: bytes
    place: Place | None
    draw: tuple[int, int, int]


@dataclass
class Sentence:
    """A sentence being sampled: `tokens` are fed or about to be, `data` are their bytes.

    place: where the span's grammar stands after them. log_prob: the sum of theirs. taken: they
        themselves, with how they were drawn.
    """

    index: int
    place: Place | None
    attempt: int = 0
    drawn: int = 0
    tokens: list[int] = field(default_factory=list)
    data: bytes = b""
    log_prob: float = 0.0
    taken: list[Token] = field(default_factory=list)

    def add(self, drawn: Drawn, row: Logits) -> None:
        """Takes the next token. row: the logits that it was drawn from."""
        self.tokens.append(drawn.token)
        self.data += drawn.piece
        self.place = drawn.place
        own = log_probability(row, drawn.token)
        self.log_prob += own
        self.taken.append(Token(drawn.token, own, drawn.draw))

    @property
    def closed(self) -> bool:
        """Whether the grammar allows nothing more."""
        return self.place is not None and self.place.last and self.place.whole


@dataclass
class Filling:
    """A span being filled.

    opening: shown given text before it, part of its first sentence. place: where its grammar
    stands after the accepted sentences; None without one.
    """

    span: Span
    opening: str
    place: Place | None
    accepted: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    tokens: list[tuple[Token, ...]] = field(default_factory=list)
    text: str = ""
    output: int = 0

    @property
    def by_sentence(self) -> bool:
        """Whether its text is cut into sentences, or lines."""
        return self.span.end in _BY_SENTENCE

    def whole(self, own: str) -> str:
        """A sentence as the guards see it."""
        return (own if self.accepted else self.opening + own).strip()

    def full(self, sentence: Sentence) -> bool:
        return self.output + len(sentence.tokens) >= self.span.max_tokens

    def finished(self, text: str) -> bool:
        """Whether the text may stand where nothing follows."""
        return self.span.end not in ("sentence", "sentences") or is_finished(self.whole(text))

    def ends_before(self, text: str, piece: bytes) -> bool:
        """Whether the sentence is at its end before a token that brings these bytes."""
        gap = gap_between(text, piece)
        if not text.strip() or not gap[:1].isspace():
            return False
        if self.span.end == "line":
            return "\n" in gap[: len(gap) - len(gap.lstrip())]
        return is_finished(self.whole(text), gap)

    def ends_within(self, text: str) -> bool:
        """Whether the last token, such as ".\\n", ends the sentence by itself."""
        if self.span.end == "line":
            return "\n" in text.lstrip()
        return "\n" in text[len(text.rstrip()) :] and is_finished(self.whole(text), "\n")

    def own(self, text: str) -> str:
        """What of the sentence's text is its own: of a line, what stands before its end."""
        if self.span.end != "line":
            return text
        lead = len(text) - len(text.lstrip())
        return text[:lead] + text.lstrip().split("\n", 1)[0]

    def accept(self, own: str, sentence: Sentence) -> None:
        self.accepted.append(self.whole(own))
        self.scores.append(sentence.log_prob / len(sentence.tokens))
        self.tokens.append(tuple(sentence.taken))
        self.text += own
        self.output += len(sentence.tokens)
        self.place = sentence.place


def gap_between(text: str, piece: bytes) -> str:
    """The white space at the text's end, and what comes after it."""
    return text[len(text.rstrip()) :] + piece.decode("utf-8", "ignore")


def grammars(job: WriteJob) -> dict[str, Place]:
    """Where the grammar of each span that has one starts, by name; a bad one: BadInputError."""
    found = {}
    for span in job.steps:
        if not isinstance(span, Span):
            continue
        if span.grammar is None:
            if span.end == "grammar":
                raise ValueError(f"{job.key}: the span {span.name} ends by a grammar and has none")
            continue
        try:
            text = span.grammar
            if isinstance(text, Mapping):
                text = schema_to_grammar(text)
            found[span.name] = start(read_grammar(text))
        except BadInputError as error:
            raise BadInputError(f"{job.key}, span {span.name}: {error}") from None
    return found
