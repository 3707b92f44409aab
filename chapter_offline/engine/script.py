"""A writing job underway: what has been fed, what may come next, which sentence is refused.

A script is told the logits after its last token and answers with the tokens to feed next; it
never runs the model itself. So the same script goes through any loop, alone or among others, and
its answers depend on nothing but its job, the seed and the logits.
"""

from collections import Counter
from collections.abc import Callable

from chapter_offline.engine.drawing import Drawer, Rules
from chapter_offline.engine.filling import Drawn, Filling, Sentence, gap_between, grammars
from chapter_offline.engine.interface import Given, Span, WriteJob, Written
from chapter_offline.engine.readings import TooManyReadingsError
from chapter_offline.engine.sampling import Logits
from chapter_offline.engine.task import Step, check_window
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.engine.turns import Thinking, ThinkMarkers

CUT = "cut off by max_tokens"
UNFINISHED = "the turn ended in mid-sentence"
EMPTY = "nothing written"
BROKEN = "not valid UTF-8"
THOUGHT = "thinking outside its place"
NO_TOKEN = "the grammar allows no token"
TOO_MANY = "the grammar can be read in too many ways"
_BLANKS = 8  # tokens of white space before a sentence, at most


class Script:
    """One job, step by step.

    prompt: tokens of the conversation, up to where its answer or its thinking begins. window: what
    prompt and longest output may take together; more is a DoesNotFitError. markers: what the model
    thinks between; None if it doesn't. ended: told of the result once it is there. `tokens` is what lies in the cache once the last step is
    done.
    """

    def __init__(
        self,
        job: WriteJob,
        prompt: tuple[int, ...],
        vocabulary: Vocabulary,
        seed: int,
        window: int,
        markers: ThinkMarkers | None = None,
        ended: Callable[[Written], None] | None = None,
    ) -> None:
        self.job = job
        self._ended = ended
        self.tokens: list[int] = list(prompt)
        self._vocabulary = vocabulary
        self._drawer = Drawer(vocabulary, seed, job.key)
        self._turn = len(prompt)
        self._given = {
            i: vocabulary.text(step.text)
            for i, step in enumerate(job.steps)
            if isinstance(step, Given)
        }
        self.prompt_tokens = self._turn + sum(map(len, self._given.values()))
        self._spans = [step for step in job.steps if isinstance(step, Span)]
        if len({span.name for span in self._spans}) != len(self._spans):
            raise ValueError(f"{job.key}: two spans have the same name")
        self._grammars = grammars(job)
        self._markers = () if markers is None else markers.names
        self._barred = barred(vocabulary, markers)
        self._thinking: Thinking | None = None
        self._thoughts: tuple[int, ...] = ()
        if markers is not None and job.thinking > 0 and self._spans:
            self._thinking = Thinking(job.thinking, markers, vocabulary)
        self.planned = self.prompt_tokens + sum(span.max_tokens for span in self._spans)
        self.planned += 0 if self._thinking is None else self._thinking.planned
        check_window(job.key, self.planned, window)
        self._done: list[Filling] = []
        self._rejected: Counter[str] = Counter()
        self._rejected_tokens = 0
        self._next = 0  # index of the step after the current span
        self._state: Filling | None = None
        self._sentence = Sentence(0, None)
        self._start = 0  # tokens before the current sentence
        self._saved: Logits | None = None  # the logits there

    def begin(self) -> Step:
        """The first step: the prompt, and what is given before the first span."""
        if self._thinking is None:
            self.tokens.extend(self._enter())
        self._start = len(self.tokens)
        if not self._spans:
            return self._done_at(0)
        return Step(0, tuple(self.tokens), hold=self._start)

    def advance(self, logits: Logits) -> Step:
        """Takes the logits after the last token, gives the next step.

        logits: [vocabulary]; copied where it is kept, and left as it is.
        """
        if self._thinking is not None and not self._thinking.over:
            return self._think(self._thinking, logits)
        row = logits
        if self._saved is None:
            self._saved = row = logits.copy()
        while (step := self._draw(row)) is None:
            row = self._saved
        return step

    def result(self) -> Written:
        """What was written; complete once a step says `done`."""
        thinking = self._thinking
        return Written(
            key=self.job.key,
            spans={s.span.name: s.text.strip() for s in self._done},
            sentences={s.span.name: tuple(s.accepted) for s in self._done},
            rejected=dict(self._rejected),
            prompt_tokens=self.prompt_tokens + (0 if thinking is None else thinking.added),
            output_tokens=sum(s.output for s in self._done),
            rejected_tokens=self._rejected_tokens,
            scores={s.span.name: tuple(s.scores) for s in self._done},
            thinking_tokens=0 if thinking is None else thinking.drawn,
            tokens={s.span.name: tuple(s.tokens) for s in self._done},
            thoughts=tuple(self._thoughts),
        )

    def _think(self, thinking: Thinking, row: Logits) -> Step:
        """Draws a token of thought; what it was is for nobody to see."""
        sampler = self._spans[0].sampler
        recent = self.tokens[max(self._turn, len(self.tokens) - sampler.repeat_last_n) :]
        rules = Rules(self._vocabulary)
        token = self._drawer.draw(row, sampler, recent, rules, ("thinking", thinking.drawn))
        assert token is not None
        feed = thinking.take(token)
        if thinking.over:
            self._thoughts = (*self.tokens[self._turn :], *feed)
            self._turn = len(self.tokens) + len(feed)
            feed += self._enter()
        return self._feed(feed, anew=True)

    # The methods below give the next step, or None: draw again, from the saved logits.

    def _draw(self, row: Logits) -> Step | None:
        assert self._state is not None
        state, sentence = self._state, self._sentence
        try:
            drawn = self._pick(row)
        except TooManyReadingsError:
            return self._reject(TOO_MANY)
        if drawn is None:
            return self._reject(NO_TOKEN)
        before = _decoded(sentence.data)
        if self._vocabulary.is_end(drawn.token):
            return self._turn_ended(row, before or "")
        if before and state.by_sentence and state.ends_before(before, drawn.piece):
            return self._complete(before, row, drawn)
        if state.full(sentence):
            if before and state.span.end == "grammar" and sentence.place and sentence.place.whole:
                return self._complete(before, row, None)
            return self._reject(CUT)
        sentence.add(drawn, row)
        text = _decoded(sentence.data)
        if text is None and _is_broken(sentence.data):
            return self._reject(BROKEN)
        if sentence.closed or (state.span.end == "tokens" and state.full(sentence)):
            return self._closed(sentence.data.decode("utf-8", "ignore"), drawn)
        if text is None or not state.by_sentence:
            return self._feed((drawn.token,))
        if not text.strip():
            if state.accepted and text.count("\n") > 1:
                return self._leave(())
            if len(sentence.tokens) >= _BLANKS:
                return self._reject(EMPTY)
        # A token such as ".\n" ends a sentence by itself; it is fed after the guards have spoken.
        elif state.ends_within(text):
            return self._complete(text, None, drawn)
        return self._feed((drawn.token,))

    def _pick(self, row: Logits) -> Drawn | None:
        """Draws a token; the place of the draw is all that it depends on beside the logits."""
        assert self._state is not None
        state, span, sentence = self._state, self._state.span, self._sentence
        recent = self.tokens[max(self._turn, len(self.tokens) - span.sampler.repeat_last_n) :]
        rules = Rules(self._vocabulary, sentence.place, self._barred, span.end != "tokens")
        # Another try at a sentence begins with white space too, or it would run on.
        apart = bool(state.accepted and not sentence.tokens and not state.text[-1:].isspace())
        at = (sentence.index, sentence.attempt, sentence.drawn)
        sentence.drawn += 1
        token = self._drawer.draw(row, span.sampler, recent, rules, (span.name, *at), apart)
        if token is None:
            return None
        return Drawn(token, self._vocabulary.piece(token), rules.after(token), at)

    def _turn_ended(self, row: Logits, text: str) -> Step | None:
        assert self._state is not None
        if not text.strip():
            return self._leave(()) if self._state.accepted else self._reject(EMPTY)
        if self._state.finished(text):
            return self._complete(text, row, None)
        return self._reject(UNFINISHED)

    def _closed(self, text: str, last: Drawn) -> Step | None:
        """The span is at its end by its grammar or its length; `last` is still to be fed."""
        assert self._state is not None
        if not text.strip():
            return self._reject(EMPTY)
        if self._state.finished(text):
            return self._complete(text, None, last)
        return self._reject(UNFINISHED)

    def _complete(self, text: str, row: Logits | None, drawn: Drawn | None) -> Step | None:
        """A sentence is whole: asks the guards.

        With `row`, the sentence is in the cache and `drawn`, from that row, comes after it
        (None: the turn is at its end). Without, `drawn` is its own last token, still to be fed.
        """
        assert self._state is not None
        state, sentence, span = self._state, self._sentence, self._state.span
        own = state.own(text)
        whole = state.whole(own)
        if any(name in whole for name in self._markers):
            return self._reject(THOUGHT)
        for guard in span.guards:
            if (reason := guard(whole, tuple(state.accepted))) is not None:
                return self._reject(reason)
        state.accept(own, sentence)
        pending = (drawn.token,) if row is None and drawn is not None else ()
        after = drawn if row is not None else None
        gap = gap_between(text, b"" if after is None else after.piece)
        ended = (
            span.end != "sentences"
            or sentence.index + 1 >= span.max_sentences
            or (row is not None and after is None)
            or gap[: len(gap) - len(gap.lstrip())].count("\n") > 1
            or state.output >= span.max_tokens
            or sentence.closed
        )
        self._saved = None if row is None else row.copy()
        self._start = len(self.tokens)
        if ended:
            return self._leave(pending)
        self._sentence = Sentence(sentence.index + 1, state.place)
        if pending:
            return self._feed(pending, anew=True)
        # The token that showed the end begins the next sentence.
        assert after is not None
        assert row is not None
        self._sentence.add(after, row)
        return self._feed((after.token,))

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
            self._sentence = Sentence(sentence.index, self._state.place, sentence.attempt + 1)
            return None
        if span.end != "sentences" or sentence.index + 1 >= span.max_sentences:
            return self._leave(())
        self._sentence = Sentence(sentence.index + 1, self._state.place)
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
            return self._done_at(len(self.tokens))
        if not feed:
            return None
        self._saved = None
        return self._feed(feed, anew=True)

    def _done_at(self, length: int) -> Step:
        if self._ended is not None:
            self._ended(self.result())
        return Step(length, (), hold=length, done=True)

    def _enter(self) -> tuple[int, ...]:
        """Goes to the next span; returns the tokens given before it."""
        tokens: tuple[int, ...] = ()
        shown = ""
        self._state = None
        while self._next < len(self.job.steps):
            step = self.job.steps[self._next]
            if isinstance(step, Span):
                self._state = Filling(step, shown, self._grammars.get(step.name), text=shown)
                self._sentence = Sentence(0, self._state.place)
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


def barred(vocabulary: Vocabulary, markers: ThinkMarkers | None) -> frozenset[int]:
    """Tokens that an answer may not have: what the model thinks between."""
    found = [vocabulary.marker(name) for name in (() if markers is None else markers.names)]
    return frozenset(t for t in found if t is not None and not vocabulary.is_end(t))


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
