"""Spans with a grammar or a length, and the scores of sentences, over a tiny random model."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_gguf import write_tiny_gguf

from chapter_offline.engine.drawing import Drawer, Rules
from chapter_offline.engine.grammar import read_grammar
from chapter_offline.engine.interface import (
    Engine,
    Given,
    Message,
    Sampler,
    Settings,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.engine.library import load_library
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.readings import start
from chapter_offline.engine.sampling import Logits
from chapter_offline.engine.script import CUT, NO_TOKEN, TOO_MANY, Script
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.errors import BadInputError

SETTINGS = Settings(window=768, threads=1)
USER = (Message("user", "Say what it is."),)
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 30},
        "kind": {"enum": ["store", "queue", 'ü "q"']},
        "shards": {"type": "integer"},
    },
    "required": ["name", "kind", "shards"],
}
CLAIM = 'root ::= ([A-Z] [a-z ]{3,12} ". "){1,3}'


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[Engine]:
    opened = open_engine(tiny_model, SETTINGS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def vocabulary(tiny_model: Path) -> Iterator[Vocabulary]:
    api = load_library().api
    model = api.llama_model_load_from_file(
        str(tiny_model).encode(), api.llama_model_default_params()
    )
    yield Vocabulary(api, api.llama_model_get_vocab(model))
    api.llama_model_free(model)


def write(engine: Engine, *steps: Given | Span, key: str = "job") -> Written:
    (result,) = engine.write([WriteJob(key, USER, steps)])
    return result


def refuse_some(sentence: str, accepted: Sequence[str]) -> str | None:
    """Refuses about half of all sentences, whatever they say."""
    return "odd" if len(sentence) % 2 else None


# ---------------------------------------------------------------------- grammars


@pytest.mark.parametrize("temperature", [0.0, 0.7, 2.0])
def test_a_schema_s_text_is_json_that_holds_to_it(engine: Engine, temperature: float) -> None:
    sampler = Sampler(temperature=temperature, min_p=0.08 if temperature < 1 else 0.0)
    span = Span("data", end="grammar", grammar=SCHEMA, max_tokens=150, sampler=sampler)
    jobs = [WriteJob(f"job {n}", USER, (span,)) for n in range(4)]
    for result in engine.write(jobs):
        data = json.loads(result.spans["data"])
        assert sorted(data) == ["kind", "name", "shards"]
        assert data["kind"] in SCHEMA["properties"]["kind"]["enum"]  # type: ignore[index]
        assert isinstance(data["shards"], int)


def test_text_goes_on_after_a_grammar_is_complete(engine: Engine) -> None:
    word = Span("word", end="grammar", grammar='root ::= "yes" | "no"')
    result = write(engine, word, Given(", so ", shown=True), Span("rest", end="sentence"))
    assert result.spans["word"] in {"yes", "no"}
    assert result.spans["rest"].startswith(", so")


def test_letters_of_several_bytes_can_be_asked_for(engine: Engine) -> None:
    result = write(engine, Span("text", end="grammar", grammar='root ::= [é€😀]{3} "!"'))
    assert re.fullmatch("[é€😀]{3}!", result.spans["text"])


def test_sentences_can_be_held_by_a_grammar(engine: Engine) -> None:
    for n in range(4):
        span = Span("text", grammar=CLAIM, guards=(refuse_some,), tries=6)
        result = write(engine, span, key=f"job {n}")
        assert 1 <= len(result.sentences["text"]) <= 3
        assert all(
            re.fullmatch(r"[A-Z][a-z ]{3,12}\.", text) and len(text) % 2 == 0
            for text in result.sentences["text"]
        )


def test_a_refused_text_is_written_again_from_the_grammar_s_start(engine: Engine) -> None:
    seen: list[str] = []

    def guard(text: str, accepted: Sequence[str]) -> str | None:
        seen.append(text)
        return "first ones" if len(seen) <= 2 else None

    span = Span("data", end="grammar", grammar=SCHEMA, max_tokens=150, guards=(guard,))
    result = write(engine, span)
    assert result.rejected == {"first ones": 2}
    assert len(set(seen)) == 3
    assert all(json.loads(text) for text in seen)
    assert result.spans["data"] == seen[2]


def test_a_grammar_s_text_that_is_cut_off_is_dropped(engine: Engine) -> None:
    span = Span("data", end="grammar", grammar='root ::= [a-z ]{400} "."', max_tokens=20, tries=2)
    result = write(engine, span)
    assert result.spans["data"] == ""
    assert result.rejected == {CUT: 2}


def test_a_text_that_may_end_is_kept_when_its_tokens_run_out(engine: Engine) -> None:
    bare = Span("data", end="grammar", grammar="root ::= [a-z]+", max_tokens=9)
    result = write(engine, bare)
    assert re.fullmatch("[a-z]+", result.spans["data"])


def test_min_p_is_measured_among_what_is_allowed(vocabulary: Vocabulary) -> None:
    row = np.full(vocabulary.size, 20, np.float32)
    row[[ord("a"), ord("b"), ord("c")]] = 1, 0.5, -9
    place = start(read_grammar("root ::= [abc]"))
    drawer = Drawer(vocabulary, 1, "job")
    drawn = {drawer.draw(row, Sampler(50), (), Rules(vocabulary, place), (n,)) for n in range(60)}
    assert drawn == {ord("a"), ord("b")}


def test_a_grammar_that_no_token_can_follow_rejects_by_name(engine: Engine) -> None:
    result = write(engine, Span("data", end="grammar", grammar='root ::= "a\\x00"'))
    assert result.spans["data"] == ""
    assert result.rejected == {NO_TOKEN: 3}


def test_a_grammar_with_too_many_readings_rejects_by_name(engine: Engine) -> None:
    grammar = 'root ::= (([a-z ]{1,300}){1,300}){1,300} "#"'
    result = write(engine, Span("data", end="grammar", grammar=grammar, max_tokens=100, tries=1))
    assert result.spans["data"] == ""
    assert result.rejected == {TOO_MANY: 1}


@pytest.mark.parametrize(
    "grammar", ["root ::= (", {"type": "banana"}, 'root ::= "a" root'], ids=["text", "schema", "no"]
)
def test_a_bad_grammar_names_its_job_before_anything_is_decoded(
    engine: Engine, grammar: str | dict[str, object], capfd: pytest.CaptureFixture[str]
) -> None:
    span = Span("data", end="grammar", grammar=grammar)
    with pytest.raises(BadInputError, match=r"^bad, span data: A (grammar|JSON schema)"):
        next(
            engine.write([WriteJob("good", USER, (Span("text"),)), WriteJob("bad", USER, (span,))])
        )
    assert capfd.readouterr() == ("", "")


def test_a_span_that_ends_by_a_grammar_needs_one(engine: Engine) -> None:
    with pytest.raises(ValueError, match="has none"):
        write(engine, Span("data", end="grammar"))


# ---------------------------------------------------------------------- tokens


def test_a_span_of_n_tokens_has_them_exactly(tmp_path: Path) -> None:
    eager = open_engine(write_tiny_gguf(tmp_path / "eager.gguf", end_bias=2.0), SETTINGS)
    try:
        for tokens in (1, 7, 40):
            steps = (Span("text", end="tokens", max_tokens=tokens), Given("\n"), Span("more"))
            result = write(eager, steps[0])
            assert result.output_tokens == tokens
            assert result.rejected == {}
            assert result.spans["text"]
            assert write(eager, *steps).spans["text"] == result.spans["text"]
    finally:
        eager.close()


def test_guards_see_n_tokens_as_one_sentence(engine: Engine) -> None:
    span = Span("text", end="tokens", max_tokens=12, guards=(lambda s, a: "no",), tries=2)
    result = write(engine, span)
    assert (result.spans["text"], result.rejected) == ("", {"no": 2})
    assert (result.output_tokens, result.rejected_tokens) == (0, 2 * 12)


# ---------------------------------------------------------------------- scores


def test_each_accepted_sentence_has_its_score(engine: Engine) -> None:
    for n in range(3):
        result = write(engine, Span("text", guards=(refuse_some,), tries=5), key=f"job {n}")
        assert len(result.scores["text"]) == len(result.sentences["text"]) > 0
        assert all(score < 0 for score in result.scores["text"])


@pytest.mark.parametrize("sampler", [Sampler(), Sampler(temperature=0), Sampler(1.5, 0.3, 1.5)])
def test_scores_are_of_the_model_s_distribution_whatever_the_sampler(
    vocabulary: Vocabulary, sampler: Sampler
) -> None:
    ends: list[int] = []

    def note(sentence: str, accepted: Sequence[str]) -> str | None:
        if len(sentence) % 3 == 0:
            return "three"
        ends.append(len(script.tokens))
        return None

    span = Span("text", sampler=sampler, guards=(note,), tries=6, max_sentences=4)
    script = Script(WriteJob("job", USER, (span,)), (1, 2, 3), vocabulary, 1, 2048)
    breaks = [t for t in range(vocabulary.size) if b"\n" in vocabulary.piece(t)]
    step = script.begin()
    while not step.done:
        step = script.advance(made_up_logits(script.tokens, breaks))
    result = script.result()
    assert len(result.scores["text"]) == len(ends) > 1
    assert sum(result.rejected.values()) or sampler.temperature == 0
    begin = 3
    for score, end in zip(result.scores["text"], ends, strict=True):
        row = [made_up_logits(script.tokens[:n], breaks) for n in range(begin, end)]
        expected = [
            float(logits[token]) - np.log(np.exp(logits.astype(np.float64)).sum())
            for logits, token in zip(row, script.tokens[begin:end], strict=True)
        ]
        assert score == pytest.approx(np.mean(expected), abs=1e-5)
        begin = end


def made_up_logits(tokens: Sequence[int], barred: Sequence[int]) -> Logits:
    """Logits for the tiny vocabulary that depend on all tokens before: words, and full stops."""
    row = np.random.default_rng(list(tokens)).standard_normal(352).astype(np.float32)
    row[256:316] += 4
    row[ord(".")] += 6
    row[list(barred)] = -np.inf
    return row


# ---------------------------------------------------------------------- purity


def mixed_jobs() -> list[WriteJob]:
    """Jobs of every kind of span, some of which are refused at times."""
    steps: list[tuple[Given | Span, ...]] = [
        (Span("text", end="grammar", grammar=SCHEMA, max_tokens=120, guards=(refuse_some,)),),
        (Span("text", max_sentences=3, max_tokens=60, guards=(refuse_some,), tries=4),),
        (Span("text", end="tokens", max_tokens=15), Given("\n"), Span("more", end="line")),
        (Span("text", grammar=CLAIM, guards=(refuse_some,), tries=4),),
    ]
    return [
        WriteJob(f"job {n}", (Message("user", "why " * (n % 5 + 1)),), steps[n % 4])
        for n in range(8)
    ]


def test_grammars_lengths_and_scores_are_the_same_in_any_company(engine: Engine) -> None:
    company = {result.key: result for result in engine.write(mixed_jobs())}
    assert any(result.rejected for result in company.values())
    for job in reversed(mixed_jobs()):
        (alone,) = engine.write([job])
        assert alone == company[job.key]


@pytest.mark.parametrize("slots", [1, 3])
def test_the_width_of_the_wave_changes_no_bit(tiny_model: Path, engine: Engine, slots: int) -> None:
    other = open_engine(tiny_model, replace(SETTINGS, slots=slots))
    try:
        assert list(other.write(mixed_jobs())) == list(engine.write(mixed_jobs()))
    finally:
        other.close()


@pytest.mark.parametrize(("architecture", "tokenizer"), [("lfm2", "gpt2"), ("gemma3", "llama")])
def test_other_models_hold_to_a_grammar_as_well(
    tmp_path: Path, architecture: str, tokenizer: str
) -> None:
    path = tmp_path / "other.gguf"
    opened = open_engine(
        write_tiny_gguf(path, architecture=architecture, tokenizer=tokenizer), SETTINGS
    )
    try:
        together = list(opened.write(mixed_jobs()))
        for job, result in zip(mixed_jobs(), together, strict=True):
            assert list(opened.write([job])) == [result]
        texts = [result.spans["text"] for result in together[::4]]
        assert any(texts)
        assert all(json.loads(text) for text in texts if text)
    finally:
        opened.close()


@pytest.mark.model
def test_the_real_model_writes_the_same_json_alone_and_in_company(real_model: Path) -> None:
    opened = open_engine(real_model, Settings(window=1024, threads=1))
    try:
        span = Span("data", end="grammar", grammar=SCHEMA, max_tokens=80)
        jobs = [
            WriteJob(f"job {n}", (Message("user", f"Name component {n} as JSON."),), (span,))
            for n in range(4)
        ]
        company = list(opened.write(jobs))
        assert list(opened.write(jobs[1:2])) == company[1:2]
        texts = [result.spans["data"] for result in company if result.spans["data"]]
        assert texts
        assert all(json.loads(text)["kind"] for text in texts)
    finally:
        opened.close()
