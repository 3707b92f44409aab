"""A writing job underway: what has been fed, what may come next, which sentence is refused.

A script is told the logits after its last token and answers with the tokens to feed next; it
never runs the model itself. So the same script goes through any loop, alone or among others, and
its answers depend on nothing but its job, the seed and the logits.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from chapter_offline.engine.interface import Given, Span, WriteJob, Written
from chapter_offline.engine.sampling import Logits, candidates, draw, uniform
from chapter_offline.engine.sentences import is_finished
from chapter_offline.engine.task import Step, check_window
from chapter_offline.engine.tokens import Vocabulary

CUT = "cut off by max_tokens"
UNFINISHED = "the turn ended in mid-sentence"
EMPTY = "nothing written"
BROKEN = "not valid UTF-8"
_BLANKS = 8  # tokens of white space before a sentence, at most


@dataclass
class _Sentence:
    """A sentence being sampled: `tokens` are fed or about to be, `data` are their bytes."""

    index: int
    attempt: int = 0
    drawn: int = 0
    tokens: list[int] = field(default_factory=list)
    data: bytes = b""


@dataclass
class _SpanState:
    """A span being filled. opening: shown given text before it, part of its first sentence."""

    span: Span
    opening: str
    accepted: list[str] = field(default_factory=list)
    text: str = ""
    output: int = 0

    def whole(self, own: str) -> str:
        """A sentence as the guards see it."""
        return (own if self.accepted else self.opening + own).strip()


class Script:
    """One job, step by step.

    prompt: tokens of the conversation. window: what prompt and longest output may take together;
    more is a DoesNotFitError. `tokens` is what lies in the cache once the last step is done.
    """

    def __init__(
        self, job: WriteJob, prompt: tuple[int, ...], vocabulary: Vocabulary, seed: int, window: int
    ) -> None:
        self.job = job
        self.tokens: list[int] = list(prompt)
        self._vocabulary = vocabulary
        self._seed = seed
        self._turn = len(prompt)
        self._given = {
            i: vocabulary.text(step.text)
            for i, step in enumerate(job.steps)
            if isinstance(step, Given)
        }
        self.prompt_tokens = self._turn + sum(map(len, self._given.values()))
        spans = [step for step in job.steps if isinstance(step, Span)]
        if len({span.name for span in spans}) != len(spans):
            raise ValueError(f"{job.key}: two spans have the same name")
        self.planned = self.prompt_tokens + sum(span.max_tokens for span in spans)
        check_window(job.key, self.planned, window)
        self._done: list[_SpanState] = []
        self._rejected: Counter[str] = Counter()
        self._rejected_tokens = 0
        self._next = 0  # index of the step after the current span
        self._state: _SpanState | None = None
        self._sentence = _Sentence(0)
        self._start = 0  # tokens before the current sentence
        self._saved: Logits | None = None  # the logits there

    def begin(self) -> Step:
        """The first step: the prompt, and what is given before the first span."""
        self.tokens.extend(self._enter())
        self._start = len(self.tokens)
        if self._state is None:
            return Step(0, (), hold=0, done=True)
        return Step(0, tuple(self.tokens), hold=self._start)

    def advance(self, logits: Logits) -> Step:
        """Takes the logits after the last token, gives the next step.

        logits: [vocabulary]; copied where it is kept, and left as it is.
        """
        row = logits
        if self._saved is None:
            self._saved = row = logits.copy()
        while (step := self._draw(row)) is None:
            row = self._saved
        return step

    def result(self) -> Written:
        """What was written; complete once a step says `done`."""
        return Written(
            key=self.job.key,
            spans={s.span.name: s.text.strip() for s in self._done},
            sentences={s.span.name: tuple(s.accepted) for s in self._done},
            rejected=dict(self._rejected),
            prompt_tokens=self.prompt_tokens,
            output_tokens=sum(s.output for s in self._done),
            rejected_tokens=self._rejected_tokens,
        )

    # The methods below give the next step, or None: draw again, from the saved logits.

    def _draw(self, row: Logits) -> Step | None:
        assert self._state is not None
        state, sentence, line = self._state, self._sentence, self._state.span.end == "line"
        token = self._pick(row)
        before = _decoded(sentence.data)
        if self._vocabulary.is_end(token):
            return self._turn_ended(row, before or "")
        piece = self._vocabulary.piece(token)
        if before and before.strip():
            gap = before[len(before.rstrip()) :] + piece.decode("utf-8", "ignore")
            if gap[:1].isspace() and (
                "\n" in gap[: len(gap) - len(gap.lstrip())]
                if line
                else is_finished(state.whole(before), gap)
            ):
                return self._complete(before, row, token)
        if state.output + len(sentence.tokens) >= state.span.max_tokens:
            return self._reject(CUT)
        sentence.tokens.append(token)
        sentence.data += piece
        text = _decoded(sentence.data)
        if text is None:
            return self._reject(BROKEN) if _is_broken(sentence.data) else self._feed((token,))
        if not text.strip():
            if state.accepted and text.count("\n") > 1:
                return self._leave(())
            if len(sentence.tokens) >= _BLANKS:
                return self._reject(EMPTY)
        # A token such as ".\n" ends a sentence by itself; it is fed after the guards have spoken.
        elif "\n" in (text.lstrip() if line else text[len(text.rstrip()) :]) and (
            line or is_finished(state.whole(text), "\n")
        ):
            return self._complete(text, None, token)
        return self._feed((token,))

    def _pick(self, row: Logits) -> int:
        """Draws a token; the place of the draw is all that it depends on beside the logits."""
        assert self._state is not None
        span, sentence = self._state.span, self._sentence
        recent = self.tokens[max(self._turn, len(self.tokens) - span.sampler.repeat_last_n) :]
        tokens, probabilities = candidates(row, span.sampler, recent)
        told = self._state.text
        if self._state.accepted and not sentence.tokens and not told[-1:].isspace():
            # Another try at a sentence begins with white space too, or it would run on.
            apart = np.array([self._begins_apart(int(t)) for t in tokens])
            if apart.any():
                tokens, probabilities = tokens[apart], probabilities[apart]
                probabilities = probabilities / probabilities.sum()
        place = (span.name, sentence.index, sentence.attempt, sentence.drawn)
        sentence.drawn += 1
        return draw(tokens, probabilities, uniform(self._seed, self.job.key, *place))

    def _begins_apart(self, token: int) -> bool:
        return self._vocabulary.is_end(token) or self._vocabulary.piece(token)[:1].isspace()

    def _turn_ended(self, row: Logits, text: str) -> Step | None:
        assert self._state is not None
        state = self._state
        if not text.strip():
            return self._leave(()) if state.accepted else self._reject(EMPTY)
        if state.span.end == "line" or is_finished(state.whole(text)):
            return self._complete(text, row, None)
        return self._reject(UNFINISHED)

    def _complete(self, text: str, row: Logits | None, token: int | None) -> Step | None:
        """A sentence is whole: asks the guards.

        With `row`, the sentence is in the cache and `token`, drawn from that row, comes after it
        (None: the turn is at its end). Without, `token` is its own last one, still to be fed.
        """
        assert self._state is not None
        state, sentence, span = self._state, self._sentence, self._state.span
        own = (
            text
            if span.end != "line"
            else text[: len(text) - len(text.lstrip())] + (text.lstrip().split("\n", 1)[0])
        )
        whole = state.whole(own)
        for guard in span.guards:
            if (reason := guard(whole, tuple(state.accepted))) is not None:
                return self._reject(reason)
        state.accepted.append(whole)
        state.text += own
        state.output += len(sentence.tokens)
        pending = (token,) if row is None and token is not None else ()
        after = token if row is not None else None
        piece = b"" if after is None else self._vocabulary.piece(after)
        gap = text[len(text.rstrip()) :] + piece.decode("utf-8", "ignore")
        ended = (
            span.end != "sentences"
            or sentence.index + 1 >= span.max_sentences
            or (row is not None and after is None)
            or gap[: len(gap) - len(gap.lstrip())].count("\n") > 1
            or state.output >= span.max_tokens
        )
        self._saved = None if row is None else row.copy()
        self._start = len(self.tokens)
        if ended:
            return self._leave(pending)
        self._sentence = _Sentence(sentence.index + 1)
        if pending:
            return self._feed(pending, anew=True)
        assert after is not None
        # This draw has shown that the sentence before was whole, so it is kept, not drawn again.
        self._sentence.tokens.append(after)
        self._sentence.data = piece
        return self._feed((after,))

    def _reject(self, reason: str) -> Step | None:
        """Refuses the current sentence: another try, the next sentence, or the span's end."""
        assert self._state is not None
        span, sentence = self._state.span, self._sentence
        self._rejected[reason] += 1
        self._rejected_tokens += len(sentence.tokens)
        del self.tokens[self._start :]
        if reason == CUT and self._state.accepted:
            return self._leave(())
        if sentence.attempt + 1 < span.tries:
            self._sentence = _Sentence(sentence.index, sentence.attempt + 1)
            return None
        if span.end != "sentences" or sentence.index + 1 >= span.max_sentences:
            return self._leave(())
        self._sentence = _Sentence(sentence.index + 1)
        return None

    def _leave(self, pending: tuple[int, ...]) -> Step | None:
        """Ends the span and goes on to the next one. pending: accepted, but not yet fed."""
        assert self._state is not None
        if not self._state.accepted:
            self._state.text = ""
        del self.tokens[self._start :]
        self._done.append(self._state)
        feed = pending + self._enter()
        if self._state is None:
            return Step(len(self.tokens), (), hold=len(self.tokens), done=True)
        if not feed:
            return None
        self._saved = None
        return self._feed(feed, anew=True)

    def _enter(self) -> tuple[int, ...]:
        """Goes to the next span; returns the tokens given before it."""
        tokens: tuple[int, ...] = ()
        shown = ""
        self._state = None
        while self._next < len(self.job.steps):
            step = self.job.steps[self._next]
            if isinstance(step, Span):
                self._state = _SpanState(step, shown, text=shown)
                self._sentence = _Sentence(0)
                self._next += 1
                return tokens
            tokens += self._given[self._next]
            shown += step.text if step.shown else ""
            self._next += 1
        if shown and self._done and self._done[-1].accepted:
            self._done[-1].text += shown
        return tokens

    def _feed(self, tokens: tuple[int, ...], anew: bool = False) -> Step:
        """Feeds tokens of the current sentence; `anew`: a sentence begins after them."""
        keep = len(self.tokens)
        self.tokens.extend(tokens)
        if anew:
            self._start = len(self.tokens)
        return Step(keep, tokens, hold=self._start)


def _decoded(data: bytes) -> str | None:
    """The text, or None where it ends within a character or is broken."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _is_broken(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data"
    return False
