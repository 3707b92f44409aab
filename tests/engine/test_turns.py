"""How the model's turn opens, and what it thinks before: a tiny model with think markers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_gguf import CHATML, write_tiny_gguf

from chapter_offline.engine.interface import (
    ChoiceJob,
    Engine,
    Given,
    Message,
    Sampler,
    ScoreJob,
    Settings,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.engine.library import load_library
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.script import THOUGHT, Script
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.engine.turns import KNOWN, Thinking, ThinkMarkers, find_markers
from chapter_offline.errors import DoesNotFitError

SETTINGS = Settings(window=768, threads=1)
THINK = ("<think>", "</think>")
EMPTY_BLOCK = "<think>\n\n</think>\n\n"
GPT_OSS = ("<|channel|>", "<|message|>", "<|end|>", "<|start|>", "<|return|>", "<|call|>")


def opened_by(text: str) -> str:
    """ChatML's template with a turn that opens with this text."""
    return CHATML.replace("assistant\\n' }}", "assistant\\n' }}" + text)


@pytest.fixture(scope="module")
def open_with(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Engine]]:
    """Opens tiny models with think markers; closes them at the end."""
    folder = tmp_path_factory.mktemp("thinking")
    engines: list[Engine] = []

    def open_one(turn_opening: str = "", slots: int = 0, **model: object) -> Engine:
        path = folder / f"{len(engines)}.gguf"
        write_tiny_gguf(path, **{"markers": THINK, **model})  # type: ignore[arg-type]
        settings = replace(SETTINGS, turn_opening=turn_opening, slots=slots)
        engines.append(open_engine(path, settings))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


@pytest.fixture(scope="module")
def engine(open_with: Callable[..., Engine]) -> Engine:
    return open_with()


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    api = load_library().api
    path = write_tiny_gguf(tmp_path_factory.mktemp("bare") / "m.gguf", markers=(*THINK, *GPT_OSS))
    model = api.llama_model_load_from_file(str(path).encode(), api.llama_model_default_params())
    yield Vocabulary(api, api.llama_model_get_vocab(model))
    api.llama_model_free(model)


def job(key: str, thinking: int = 0, **span: object) -> WriteJob:
    filled = replace(Span("text", max_sentences=2, max_tokens=60), **span)  # type: ignore[arg-type]
    return WriteJob(key, (Message("user", key),), (filled,), thinking)


def jobs(thinking: int) -> list[WriteJob]:
    return [job(f"job {n}", thinking * (n % 3 > 0)) for n in range(9)]


def everything(engine: Engine) -> tuple[object, ...]:
    """What the engine writes, chooses and scores for some jobs."""
    asked = (Message("user", "which one"),)
    return (
        list(engine.write(jobs(0))),
        list(engine.choose([ChoiceJob("c", asked, ("the store", "a lease"))])),
        list(engine.score([ScoreJob("s", asked, "the store before")])),
        engine.count(asked, "so"),
    )


# ---------------------------------------------------------------------- openings


@pytest.mark.parametrize("opening", [EMPTY_BLOCK, "<|im_start|>final\n", "Answer: "])
def test_an_opening_is_read_as_the_template_s_own_text(
    open_with: Callable[..., Engine], engine: Engine, opening: str
) -> None:
    told = everything(open_with(turn_opening=opening))
    written_in = opening.replace("\n", "\\n")
    assert told == everything(open_with(template=opened_by("{{ '" + written_in + "' }}")))
    assert told != everything(engine)


def test_thinking_that_a_template_begins_is_closed_for_an_immediate_answer(
    open_with: Callable[..., Engine],
) -> None:
    begins = open_with(template=opened_by("{{ '<think>\\n' }}"))
    closed = open_with(template=opened_by("{{ '<think>\\n</think>\\n\\n' }}"))
    assert everything(begins) == everything(closed)


def test_a_told_opening_is_the_last_word(open_with: Callable[..., Engine]) -> None:
    begins = open_with(turn_opening="so</think>", template=opened_by("{{ '<think>\\n' }}"))
    closed = open_with(template=opened_by("{{ '<think>\\nso</think>' }}"))
    assert everything(begins)[:3] == everything(closed)[:3]


# ---------------------------------------------------------------------- thinking


def test_thinking_is_cut_at_its_budget_and_counted_apart(open_with: Callable[..., Engine]) -> None:
    endless = open_with(marker_bias=0.0, end_bias=0.0)
    quick, thoughtful = endless.write([job("a"), replace(job("a"), thinking=25)])
    assert (quick.thinking_tokens, thoughtful.thinking_tokens) == (0, 25)
    # The opening marker and its line end; the closing one and its blank line, which is one token.
    assert thoughtful.prompt_tokens == quick.prompt_tokens + 2 + 2
    assert thoughtful.sentences["text"]
    assert thoughtful.output_tokens < 60


def test_a_model_may_end_its_thinking_itself(open_with: Callable[..., Engine]) -> None:
    brief = open_with(marker_bias=2.5)
    counts = [result.thinking_tokens for result in brief.write(jobs(200))]
    assert counts[::3] == [0, 0, 0]
    assert all(0 < count < 200 for n, count in enumerate(counts) if n % 3)


def test_a_turn_that_ends_in_thought_still_has_its_answer(open_with: Callable[..., Engine]) -> None:
    curt = open_with(marker_bias=0.0, end_bias=2.0)
    for result in curt.write([job(f"job {n}", 200, end="tokens", max_tokens=9) for n in range(4)]):
        assert result.thinking_tokens < 200
        assert result.output_tokens == 9


def test_a_template_is_told_whether_the_model_thinks(open_with: Callable[..., Engine]) -> None:
    asks = "{% if not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    asked = open_with(template=opened_by(asks), marker_bias=0.0, end_bias=0.0)
    plain = open_with(marker_bias=0.0, end_bias=0.0)
    assert list(asked.write([job("a", 20)])) == list(plain.write([job("a", 20)]))
    assert list(asked.write([job("a")])) != list(plain.write([job("a")]))


def test_a_template_that_begins_the_thinking_is_not_told_twice(
    open_with: Callable[..., Engine],
) -> None:
    begins = open_with(template=opened_by("{{ '<think>\\n' }}"))
    plain = open_with()
    assert list(begins.write(jobs(30)))[1::3] == list(plain.write(jobs(30)))[1::3]


def test_a_model_without_markers_writes_at_once(open_with: Callable[..., Engine]) -> None:
    plain = open_with(markers=())
    for result, same in zip(plain.write(jobs(50)), plain.write(jobs(0)), strict=True):
        assert result == same
        assert result.thinking_tokens == 0


def test_thinking_counts_towards_the_window(engine: Engine) -> None:
    with pytest.raises(DoesNotFitError, match="window of 768"):
        list(engine.write([job("a", 750)]))


@pytest.mark.parametrize("thinking", [0, 15])
def test_no_marker_is_shown(open_with: Callable[..., Engine], thinking: int) -> None:
    given_to_it = open_with(marker_bias=2.5)
    results = list(given_to_it.write(jobs(thinking)))
    texts = [result.spans["text"] for result in results]
    assert any(texts)
    assert not any(THOUGHT in result.rejected for result in results)  # they can't even be drawn
    assert not any("think" in text for text in texts)


def run(script: Script, wanted: Sequence[int], rest: int) -> tuple[list[int], Written]:
    """Has a script draw the wanted tokens, then `rest` for ever; what it fed, and its result."""
    queue = list(wanted)
    step = script.begin()
    while not step.done:
        row = np.full(400, -30.0, np.float32)
        row[queue.pop(0) if queue else rest] = 30
        step = script.advance(row)
    return script.tokens, script.result()


def words(vocabulary: Vocabulary, text: str) -> list[int]:
    names = {vocabulary.piece(token).decode("latin-1"): token for token in range(256, 340)}
    return [names[" " + word] if word != "." else ord(".") for word in text.split()]


def test_what_is_thought_reaches_no_span_and_no_guard(vocabulary: Vocabulary) -> None:
    seen: list[str] = []
    watched = job("a", 40, guards=(lambda s, a: seen.append(s),))
    watched = replace(watched, steps=(Given("Now", shown=True), *watched.steps))
    markers = find_markers(vocabulary, "")
    script = Script(watched, (1, 2), vocabulary, 1, 768, markers)
    (closing,) = vocabulary.control("</think>")
    thought, said = words(vocabulary, "one late clock ."), words(vocabulary, "the store holds .")
    tokens, result = run(script, [*thought, closing, *said, vocabulary.eos], vocabulary.eos)
    after = [*vocabulary.control("\n\n"), *vocabulary.text("Now")]
    assert tokens == [1, 2, *thought, closing, *after, *said]
    assert result.spans["text"] == "Now the store holds."
    assert seen == ["Now the store holds."]
    assert (result.thinking_tokens, result.output_tokens) == (5, 4)


def test_words_of_the_thought_are_not_held_against_the_answer(vocabulary: Vocabulary) -> None:
    late, store = words(vocabulary, "late store")
    span = Span("text", end="tokens", max_tokens=1, sampler=Sampler(0.0, repeat_penalty=2.0))
    asked = WriteJob("a", (Message("user", "x"),), (span,), thinking=1)
    script = Script(asked, (1, 2), vocabulary, 1, 768, find_markers(vocabulary, ""))
    script.begin()
    row = np.zeros(vocabulary.size, np.float32)
    row[[late, store]] = 10, 9
    script.advance(row)
    script.advance(row)
    assert script.result().spans["text"] == "late"


def test_markers_that_are_plain_text_are_found_and_refused(tiny_model: Path) -> None:
    api = load_library().api
    model = api.llama_model_load_from_file(
        str(tiny_model).encode(), api.llama_model_default_params()
    )
    vocabulary = Vocabulary(api, api.llama_model_get_vocab(model))
    assert find_markers(vocabulary, CHATML) is None
    markers = find_markers(vocabulary, "{{ content.split('</think>')[-1] }} <think>")
    script = Script(job("a", 40), (1, 2), vocabulary, 1, 768, markers)
    closing = list(vocabulary.control("</think>"))
    assert len(closing) > 1
    thought, said = words(vocabulary, "one late clock ."), words(vocabulary, "the store holds .")
    again = [*list(vocabulary.control(" <think> so.")), vocabulary.eos]
    drawn = [*thought, *closing, *again, *said, vocabulary.eos]
    _, result = run(script, drawn, vocabulary.eos)
    assert result.thinking_tokens == len(thought) + len(closing)
    assert result.spans["text"] == "the store holds."
    assert result.rejected == {THOUGHT: 1}
    api.llama_model_free(model)


def test_a_channel_s_thinking_leads_to_the_final_channel(vocabulary: Vocabulary) -> None:
    oss = next(markers for markers in KNOWN if "analysis" in markers.opens)
    thinking = Thinking(10, oss, vocabulary)
    (word,) = words(vocabulary, "late")
    (end,) = vocabulary.control("<|end|>")
    assert thinking.take(word) == (word,)
    assert not thinking.over
    leads = vocabulary.control("<|start|>assistant<|channel|>final<|message|>")
    assert thinking.take(end) == (end, *leads)
    assert (thinking.over, thinking.drawn, thinking.added) == (True, 2, len(leads))


def test_markers_are_those_that_the_vocabulary_has(vocabulary: Vocabulary) -> None:
    assert find_markers(vocabulary, "") == ThinkMarkers("<think>\n", "</think>", "\n\n")
    assert KNOWN[1].names == ("<|channel|>", "<|message|>", "<|end|>")


# ---------------------------------------------------------------------- purity


@pytest.mark.parametrize("slots", [1, 3])
def test_thinking_is_the_same_in_any_company(
    open_with: Callable[..., Engine], engine: Engine, slots: int
) -> None:
    company = list(open_with(slots=slots).write(jobs(30)))
    assert [result for each in jobs(30) for result in engine.write([each])] == company


@pytest.mark.parametrize("architecture", ["lfm2", "gemma3"])
def test_other_models_think_as_well(open_with: Callable[..., Engine], architecture: str) -> None:
    other = open_with(architecture=architecture)
    company = list(other.write(jobs(30)))
    assert [result for each in jobs(30) for result in other.write([each])] == company
    assert all(0 < company[n].thinking_tokens <= 30 for n in (1, 2, 4, 5))
