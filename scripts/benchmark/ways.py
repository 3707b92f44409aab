"""The ways of writing one job. Each runs in a process of its own and returns what it took.

What is made equal: the same messages, sampler and threads; every section samples exactly
`written` tokens. The wrapper is told that no token ends a turn, which costs it nothing; the engine
and the bare loop mask such tokens (meter.py), which costs them a little. Nobody decodes the last
token of a section, but the engine with guards. Loading and a first short answer, which warms
the machine, aren't timed.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from benchmark.bare import bare
from benchmark.meter import Clock, Meter, ending_tokens, peak_bytes
from benchmark.server import served
from benchmark.work import Measured, Order, conversations
from chapter_offline.catalog.header import read_header
from chapter_offline.engine import wave
from chapter_offline.engine.interface import Message, Sampler, Settings, Span, WriteJob
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.loaded import LlamaEngine
from chapter_offline.resources import prompts_dir
from chapter_offline.writing import guards

SAMPLER = Sampler()


def wrapper(order: Order) -> Measured:
    """(a) llama-cpp-python's chat call, one section after another, nothing reused."""
    return _wrapped(order, reuse=False)


def wrapper_reuse(order: Order) -> Measured:
    """(b) the same as it comes: what a prompt shares with the one before isn't read again."""
    return _wrapped(order, reuse=True)


def _wrapped(order: Order, reuse: bool) -> Measured:
    model = open_wrapper(order)
    header = read_header(Path(order.model))

    def count(text: str) -> int:
        return len(model.tokenize(text.encode(), add_bos=False, special=False))

    jobs = conversations(order.sizes, count, prompts_dir())
    chat(model, jobs[-1], 8)
    model.reset()
    fed = [0]
    evaluate = model.eval

    def counted(tokens: Sequence[int]) -> None:
        fed[0] += len(tokens)
        evaluate(tokens)

    model.eval = counted
    clock, sampled = Clock(), 0
    for messages in jobs:
        if not reuse:
            model.reset()
        sampled += chat(model, messages, order.sizes.written)["completion_tokens"]
    return Measured(
        order.way,
        clock.seconds(),
        fed[0] - sampled + len(jobs),  # the last token of a section isn't fed
        sampled,
        peak=peak_bytes(),
        expected=header.file_bytes + model.n_ctx() * header.kv_bytes_per_token,
        busy=clock.busy(order.threads),
    )


def open_wrapper(order: Order):  # type: ignore[no-untyped-def]
    """A `Llama` with its own defaults, but the threads and the sampler's memory that all have."""
    import llama_cpp

    # No token ends a turn: the wrapper goes on sampling, as it would with ignore_eos.
    llama_cpp.llama_cpp.llama_vocab_is_eog = lambda *_: False
    model = llama_cpp.Llama(
        order.model,
        n_ctx=order.window,
        n_threads=order.threads,
        n_threads_batch=order.threads,
        last_n_tokens_size=SAMPLER.repeat_last_n,
        seed=1,
        verbose=False,
    )
    complete = model.create_completion

    def endless(*args: object, **options: object) -> object:
        # The chat format stops at its end token, by its id and by its text.
        return complete(*args, **{**options, "stop": [], "stopping_criteria": None})

    model.create_completion = endless
    return model


def chat(model, messages: tuple[Message, ...], tokens: int) -> dict[str, int]:  # type: ignore[no-untyped-def]
    """One chat call; its usage."""
    answer = model.create_chat_completion(
        [{"role": m.role, "content": m.text} for m in messages],
        max_tokens=tokens,
        temperature=SAMPLER.temperature,
        min_p=SAMPLER.min_p,
        top_p=1.0,
        top_k=0,
        repeat_penalty=SAMPLER.repeat_penalty,
    )
    return dict(answer["usage"])


def engine(order: Order) -> Measured:
    """(c) our engine, guards off."""
    return _ours(order, ())


def engine_guards(order: Order) -> Measured:
    """(c) our engine with the guards of a chapter's prose; what they refuse is written again."""
    names = guards.vendor_names(prompts_dir())
    words = (prompts_dir() / "WRITING.md").read_text(encoding="utf-8")
    return _ours(order, (*guards.ALWAYS, guards.vendors(names), guards.subject(words)))


def _ours(order: Order, looks: tuple[guards.Guard, ...]) -> Measured:
    settings = Settings(window=order.window, threads=order.threads, slots=order.width)
    header = read_header(Path(order.model))
    with open_engine(Path(order.model), settings) as model:
        meter = metered(model)
        prompts = conversations(order.sizes, model.count_text, prompts_dir())
        looks, guarding = timed(looks)
        # With guards a span is of sentences, as in a chapter: what they refuse is written again.
        span = Span(
            "text",
            end="sentences" if looks else "tokens",
            max_sentences=40,
            max_tokens=order.sizes.written,
            sampler=SAMPLER,
            guards=looks,
        )
        jobs = [WriteJob(f"section {n}", messages, (span,)) for n, messages in enumerate(prompts)]
        warm = Span("text", end="line", max_tokens=8, tries=1, sampler=SAMPLER)
        list(model.write([WriteJob("warm", (Message("user", "?"),), (warm,))]))
        meter.reset()
        guarding.clear()
        clock = Clock()
        results = list(model.write(jobs))
        seconds, busy = clock.seconds(), clock.busy(order.threads)
        sampled = sum(r.output_tokens + r.rejected_tokens for r in results)
        assert model._loaded is not None
        return Measured(
            order.way,
            seconds,
            meter.rows - sampled + (0 if looks else len(jobs)),
            sampled,
            rejected=sum(r.rejected_tokens for r in results),
            writing_rate=meter.writing_rate,
            outside=meter.outside,
            guarding=sum(guarding),
            peak=peak_bytes(),
            expected=header.file_bytes + model._loaded.context.cells * header.kv_bytes_per_token,
            busy=busy,
            note=_reasons([dict(r.rejected) for r in results]),
        )


def timed(looks: tuple[guards.Guard, ...]) -> tuple[tuple[guards.Guard, ...], list[float]]:
    """The same guards, and a list to which each look adds its seconds."""
    seconds: list[float] = []

    def watched(look: guards.Guard) -> guards.Guard:
        def guard(sentence: str, before: Sequence[str]) -> str | None:
            begun = perf_counter()
            try:
                return look(sentence, before)
            finally:
                seconds.append(perf_counter() - begun)

        return guard

    return tuple(watched(look) for look in looks), seconds


def metered(model: LlamaEngine, endless: bool = True) -> Meter:
    """A meter before the engine's context; `endless`: turns and lines don't end."""
    assert model._loaded is not None
    banned = ending_tokens(model._vocabulary) if endless else []
    return Meter(model._loaded.context, banned, wave._PADS)


def _reasons(rejected: list[dict[str, int]]) -> str:
    total: dict[str, int] = {}
    for each in rejected:
        for reason, count in each.items():
            total[reason] = total.get(reason, 0) + count
    return ", ".join(f"{reason} {count}" for reason, count in sorted(total.items()))


WAYS: dict[str, Callable[[Order], Measured]] = {
    "wrapper": wrapper,
    "wrapper-reuse": wrapper_reuse,
    "engine": engine,
    "engine-guards": engine_guards,
    "bare": bare,
    "server": served,
}
