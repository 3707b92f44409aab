"""Reads again what was written: its tokens as part of a prompt, and whether each could have come next.

Several times faster than writing, as nothing is drawn token by token. Where the rows of a wave are
pure, they are the same bits as when the text was written; elsewhere they are near.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chapter_offline.engine.drawing import Drawer, Rules, may_be_drawn
from chapter_offline.engine.filling import Filling, grammars
from chapter_offline.engine.interface import Given, Reread, Seen, Span, Token, WriteJob, Written
from chapter_offline.engine.sampling import Logits, log_probability
from chapter_offline.engine.script import barred
from chapter_offline.engine.task import Step, check_window
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.engine.turns import ThinkMarkers
from chapter_offline.errors import BadInputError


@dataclass(frozen=True)
class _Place:
    """A token that was drawn: its span, number of its sentence, and what it was drawn under."""

    span: Span
    sentence: int
    token: Token
    rules: Rules
    apart: bool


class Rereading:
    """One job with what was written for it. Parameters: see `Script`.

    Raises BadInputError for tokens that the model doesn't have or that don't spell the text.
    """

    def __init__(
        self,
        job: WriteJob,
        written: Written,
        prompt: tuple[int, ...],
        vocabulary: Vocabulary,
        seed: int,
        window: int,
        markers: ThinkMarkers | None = None,
    ) -> None:
        self._job = job
        self._vocabulary = vocabulary
        self._drawer = Drawer(vocabulary, seed, job.key)
        self._tokens = [*prompt, *written.thoughts]
        self._turn = len(self._tokens)
        self._places: dict[int, _Place] = {}
        self._lay(written, barred(vocabulary, markers))
        self.planned = len(self._tokens)
        check_window(job.key, self.planned, window)
        self._next = min(self._places, default=self.planned)
        self._seen: list[tuple[_Place, Seen]] = []

    def _lay(self, written: Written, forbidden: frozenset[int]) -> None:
        """Lays the tokens out one after the other, as they lay in the cache."""
        starts = grammars(self._job)
        shown = ""
        for step in self._job.steps:
            if isinstance(step, Given):
                self._tokens += self._vocabulary.text(step.text)
                shown += step.text if step.shown else ""
                continue
            filling = Filling(step, shown, starts.get(step.name), text=shown)
            shown = ""
            sentences = written.tokens.get(step.name, ())
            for number, sentence in enumerate(sentences):
                self._lay_sentence(filling, number, sentence, forbidden)
            if tuple(filling.accepted) != tuple(written.sentences.get(step.name, ())):
                raise BadInputError(f"{self._job.key}: its tokens don't spell its text")

    def _lay_sentence(
        self, filling: Filling, number: int, tokens: tuple[Token, ...], forbidden: frozenset[int]
    ) -> None:
        data = b""
        for token in tokens:
            if not 0 <= token.id < self._vocabulary.size:
                raise BadInputError(f"{self._job.key}: token {token.id} is none of this model's")
            # As in a script: another try at a sentence begins with white space too.
            begins = number > 0 and not data and token.draw[2] == 0
            apart = begins and not filling.text[-1:].isspace()
            span = filling.span
            rules = Rules(self._vocabulary, filling.place, forbidden, span.end != "tokens")
            self._places[len(self._tokens)] = _Place(span, number, token, rules, apart)
            self._tokens.append(token.id)
            data += self._vocabulary.piece(token.id)
            if filling.place is not None:
                filling.place = rules.after(token.id) or filling.place
        own = filling.own(data.decode("utf-8", "replace"))
        filling.accepted.append(filling.whole(own))
        filling.text += own

    def begin(self) -> Step:
        fed = tuple(self._tokens[:-1])
        if not self._places:
            return Step(0, (), hold=0, done=True)
        return Step(0, fed, hold=len(fed), outputs=self.planned - self._next)

    def advance(self, logits: Logits) -> Step | None:
        place = self._places.get(self._next)
        if place is not None:
            self._seen.append((place, self._look(place, logits)))
        self._next += 1
        if self._next < self.planned:
            return None
        return Step(self.planned - 1, (), hold=self.planned - 1, done=True)

    def _look(self, place: _Place, row: Logits) -> Seen:
        sampler, token = place.span.sampler, place.token
        recent = self._tokens[max(self._turn, self._next - sampler.repeat_last_n) : self._next]
        at = (place.span.name, *token.draw)
        drawn = self._drawer.draw(row, sampler, recent, place.rules, at, place.apart) == token.id
        allowed = drawn or may_be_drawn(row, sampler, recent, place.rules, token.id)
        return Seen(token.id, log_probability(row, token.id), allowed, drawn)

    def result(self) -> Reread:
        sentences: dict[str, list[list[Seen]]] = {}
        for place, seen in self._seen:
            own = sentences.setdefault(place.span.name, [])
            own += [[] for _ in range(place.sentence + 1 - len(own))]
            own[place.sentence].append(seen)
        return Reread(self._job.key, _frozen(sentences))


def _frozen(sentences: Mapping[str, list[list[Seen]]]) -> dict[str, tuple[tuple[Seen, ...], ...]]:
    return {name: tuple(map(tuple, own)) for name, own in sentences.items()}
