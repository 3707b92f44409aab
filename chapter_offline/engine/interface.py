"""What the engine promises: jobs in; text, choices and scores out.

The engine runs one model. It knows nothing of chapters: a caller hands it jobs and gets results
in the jobs' order. Everything here is plain data, so that an implementation can be exchanged.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Guard = Callable[[str, Sequence[str]], str | None]
"""Looks at one sentence and those accepted before it in this span; a reason refuses it."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation, before the chat template."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class Sampler:
    """How the next token is drawn. `temperature` 0 takes the likeliest."""

    temperature: float = 0.7
    min_p: float = 0.08
    repeat_penalty: float = 1.1
    repeat_last_n: int = 128


@dataclass(frozen=True)
class Given:
    """Text that is fed in the model's turn. `shown` puts it into the result's text as well."""

    text: str
    shown: bool = False


@dataclass(frozen=True)
class Span:
    """Text that the model fills in, sentence by sentence, each seen by the guards.

    end: "sentence" stops after one accepted sentence, "line" at a line's end, "sentences" after
        `max_sentences`; none of them ends in half a sentence: what is cut by `max_tokens` is
        dropped. "grammar" stops when the grammar's text is complete, "tokens" after exactly
        `max_tokens`, wherever that is (the model can't end its turn before); for the guards the
        text of either is one sentence.
    max_tokens: an upper bound on what is written for the span, rejected sentences not counted.
    tries: how often one sentence is sampled before the span goes on (or ends) without it.
    grammar: holds the span's text, whichever its end: GBNF with a rule `root`, or a JSON schema.
        A text that is complete and can't go on ends the span.
    """

    name: str
    end: Literal["sentence", "line", "sentences", "tokens", "grammar"] = "sentences"
    max_sentences: int = 6
    max_tokens: int = 160
    tries: int = 3
    sampler: Sampler = Sampler()
    guards: tuple[Guard, ...] = ()
    grammar: str | Mapping[str, object] | None = None


@dataclass(frozen=True)
class WriteJob:
    """A conversation, and a script of steps that makes up the model's turn.

    key: names the job (a section's id); with the seed it determines every draw.
    thinking: tokens that the model may think before the first step, drawn by the first span's
        sampler and never shown. A model that is not known to think writes at once.
    """

    key: str
    messages: tuple[Message, ...]
    steps: tuple[Given | Span, ...]
    thinking: int = 0


@dataclass(frozen=True)
class ChoiceJob:
    """A conversation and two or more ways in which the model's turn may begin."""

    key: str
    messages: tuple[Message, ...]
    options: tuple[str, ...]


@dataclass(frozen=True)
class ScoreJob:
    """A conversation and the text whose likelihood as the model's turn is asked for.

    `opening` is fed before the text and not scored.
    """

    key: str
    messages: tuple[Message, ...]
    text: str
    opening: str = ""


@dataclass(frozen=True)
class Token:
    """A token of an accepted sentence. log_prob: as in `Written.scores`.

    draw: where it was drawn, which with the seed, the job and the span says how: number of the
        sentence, of the try at it, of the draw.
    """

    id: int
    log_prob: float
    draw: tuple[int, int, int]


@dataclass(frozen=True)
class Written:
    """What came of a writing job.

    spans: the accepted text of each span, by name ("" where nothing was accepted).
    sentences: the same, sentence by sentence.
    rejected: how many sentences each reason refused.
    prompt_tokens: tokens of the conversation, of given text, and of what ends the thinking.
    output_tokens: tokens of accepted text; rejected_tokens: of what was rolled back.
    scores: by span, for each sentence the mean of its tokens' natural log-probabilities, as the
        model has them: before penalties, temperature, min_p and grammar.
    thinking_tokens: tokens that were thought.
    tokens: of each sentence of `sentences`. thoughts: those fed between the conversation and the
        first step.
    """

    key: str
    spans: Mapping[str, str]
    sentences: Mapping[str, tuple[str, ...]]
    rejected: Mapping[str, int]
    prompt_tokens: int
    output_tokens: int
    rejected_tokens: int
    scores: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    thinking_tokens: int = 0
    tokens: Mapping[str, tuple[tuple[Token, ...], ...]] = field(default_factory=dict)
    thoughts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chosen:
    """log_probs: natural log of each option's probability, summed over its tokens."""

    key: str
    log_probs: tuple[float, ...]
    prompt_tokens: int


@dataclass(frozen=True)
class Scored:
    """mean_log_prob: natural log-probability per token of the text."""

    key: str
    mean_log_prob: float
    text_tokens: int
    prompt_tokens: int


@dataclass(frozen=True)
class Settings:
    """How a model is run.

    window: tokens that prompt and output of one job may take together.
    threads: 0 takes the physical cores of this machine.
    gpu_layers: layers on the GPU; -1 means all.
    turn_opening: what follows the chat template where an answer is to come at once, as a template
        would write it (an empty think block, a channel's header). "" adds nothing, unless the
        template has begun to think: then the thinking is closed.
    slots: jobs that are decoded together, 64 at most; 0 lets the engine choose.
    cells: tokens that the KV cache is to hold, if the engine isn't to choose; never less than the
        window needs. More make tasks wait less for one another, and change no bit where results
        are pure.
    devices: the GPUs to use, by the names that `devices()` gives; () takes all.
    tensor_split: the share of each GPU in the model, in their order; () by their free memory.
    split_mode: whether GPUs share layers ("layer"), rows of matrices ("row"), or one has all.
    kv_type: how the KV cache stores its numbers; a quantized one needs flash attention.
    fixed_waves: blocks of `slots` jobs, in the order given, run by themselves; where results
        can't be pure (`ModelFacts.pure`), it is so in any case.
    cache_dir: a folder that keeps prompts once read for later processes; None keeps nothing.
    cache_bytes: the most that it may hold; the oldest go.
    model_sha256: the model file's, if known; names it in the cache.
    """

    window: int = 4096
    seed: int = 1
    threads: int = 0
    gpu_layers: int = 0
    slots: int = 0
    cells: int = 0
    log_file: str | None = None
    turn_opening: str = ""
    devices: tuple[str, ...] = ()
    tensor_split: tuple[float, ...] = ()
    split_mode: Literal["layer", "row", "none"] = "layer"
    flash_attention: bool = True
    kv_type: Literal["f16", "q8_0", "q4_0"] = "f16"
    fixed_waves: bool = False
    cache_dir: Path | None = None
    cache_bytes: int = 1024**3
    model_sha256: str = ""


Job = WriteJob | ChoiceJob | ScoreJob
Result = Written | Chosen | Scored


@dataclass(frozen=True)
class Request:
    """A job among those of others. seed: of its draws, in place of the settings'.

    ended: told of what was written as soon as it is there.
    """

    job: Job
    seed: int
    ended: Callable[[Written], None] | None = None


@dataclass(frozen=True)
class ModelFacts:
    """What the loaded file says of itself, and what it is run by.

    pure: a job's results are the same bits in any company. Else they depend on the jobs that it
        shares a wave with: blocks of `slots` jobs in the order given, a last block as it is.
    slots: jobs that are decoded together; 1 where one runs after another.
    libraries: file name and sha256 of every shared library of llama.cpp in use.
    """

    name: str
    architecture: str
    parameters: int
    trained_window: int
    has_chat_template: bool
    pure: bool = True
    slots: int = 1
    libraries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A token read again. log_prob: as in `Written.scores`, now.

    allowed: whether its sampler could draw it. drawn: whether it does, by the seed and the place.
    """

    id: int
    log_prob: float
    allowed: bool
    drawn: bool


@dataclass(frozen=True)
class Reread:
    """What was seen of a job's tokens, by span and sentence."""

    key: str
    tokens: Mapping[str, tuple[tuple[Seen, ...], ...]]


class Engine(Protocol):
    """One loaded model. Results come in the jobs' order, each once it and all before are done."""

    @property
    def facts(self) -> ModelFacts: ...

    @property
    def settings(self) -> Settings: ...

    def prompt(self, messages: Sequence[Message], thinking: bool = False) -> tuple[int, ...]:
        """Tokens of a conversation, up to where the model's answer (or its thinking) begins."""
        ...

    def count(self, messages: Sequence[Message], given: str = "") -> int:
        """Tokens of a conversation after the chat template, plus given text in the model's turn."""
        ...

    def count_text(self, text: str) -> int:
        """Tokens of plain text."""
        ...

    def write(
        self, jobs: Iterable[WriteJob], ended: Callable[[Written], None] | None = None
    ) -> Iterator[Written]:
        """ended: told of each result as soon as it is there, in whatever order they end."""
        ...

    def choose(self, jobs: Iterable[ChoiceJob]) -> Iterator[Chosen]: ...

    def score(self, jobs: Iterable[ScoreJob]) -> Iterator[Scored]: ...

    def reread(self, written: Iterable[tuple[WriteJob, Written]]) -> Iterator[Reread]:
        """Reads what was written as part of a prompt. Guards don't count, nothing is drawn anew.

        Raises BadInputError for tokens that don't spell the text or that the model doesn't have.
        """
        ...

    def close(self) -> None:
        """Frees the model and everything with it; the engine can't be used afterwards."""
        ...


class SharedEngine(Engine, Protocol):
    """An engine that several may use at a time."""

    def serve(self, requests: Iterator[Request]) -> Iterator[Result]:
        """Jobs of any kind, as those of one call: where results are pure, in any company.

        requests: asked for more whenever a slot is free, even after it had none: what it has then
        is done as well. The run is over once all is done and there is no more.
        """
        ...
