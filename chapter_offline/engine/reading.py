"""Choices and scores: tasks that only read.

The log-probability of a text is the sum over its tokens, each taken from the logits of the token
before it. Everything that comes before the text is one prompt, read once.
"""

from chapter_offline.engine.interface import ChoiceJob, Chosen, Scored, ScoreJob
from chapter_offline.engine.sampling import Logits, log_probability
from chapter_offline.engine.task import Step, check_window

Tokens = tuple[int, ...]


class Choice:
    """One choice: the prompt, then each option in turn in its place.

    The prompt's last logits give every option's first token; an option of one token takes nothing
    more.
    """

    def __init__(
        self, job: ChoiceJob, prompt: Tokens, options: tuple[Tokens, ...], window: int
    ) -> None:
        if not all(options):
            raise ValueError(f"{job.key}: an option without text")
        self.planned = len(prompt) + max(map(len, options))
        check_window(job.key, self.planned, window)
        self._job = job
        self._prompt = prompt
        self._options = options
        self._totals = [0.0] * len(options)
        self._todo: list[tuple[int, int]] = []  # option and place of each token after the first

    def begin(self) -> Step:
        return Step(0, self._prompt, hold=len(self._prompt))

    def advance(self, logits: Logits) -> Step | None:
        if not self._todo:
            for i, option in enumerate(self._options):
                self._totals[i] = log_probability(logits, option[0])
            self._todo = [(i, k) for i, o in enumerate(self._options) for k in range(1, len(o))]
            return self._next()
        which, place = self._todo.pop(0)
        self._totals[which] += log_probability(logits, self._options[which][place])
        return self._next() if place + 1 == len(self._options[which]) else None

    def _next(self) -> Step:
        start = len(self._prompt)
        if not self._todo:
            return Step(start, (), hold=start, done=True)
        feed = self._options[self._todo[0][0]][:-1]
        return Step(start, feed, hold=start, outputs=len(feed))

    def result(self) -> Chosen:
        return Chosen(self._job.key, tuple(self._totals), len(self._prompt))


class Score:
    """One score: the prompt and the text are read together."""

    def __init__(self, job: ScoreJob, prompt: Tokens, text: Tokens, window: int) -> None:
        if not text:
            raise ValueError(f"{job.key}: no text to score")
        self.planned = len(prompt) + len(text)
        check_window(job.key, self.planned, window)
        self._job = job
        self._prompt = prompt
        self._text = text
        self._total = 0.0
        self._seen = 0

    def begin(self) -> Step:
        fed = self._prompt + self._text[:-1]
        return Step(0, fed, hold=len(fed), outputs=len(self._text))

    def advance(self, logits: Logits) -> Step | None:
        self._total += log_probability(logits, self._text[self._seen])
        self._seen += 1
        if self._seen < len(self._text):
            return None
        return Step(self.planned - 1, (), hold=self.planned - 1, done=True)

    def result(self) -> Scored:
        count = len(self._text)
        return Scored(self._job.key, self._total / count, count, len(self._prompt))
