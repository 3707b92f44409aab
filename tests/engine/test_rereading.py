"""What was written, read again: the same bits where it was written, and what gives a change away."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kinds import KINDS, write_kind
from tiny_gguf import write_tiny_gguf

from chapter_offline.engine.interface import (
    Given,
    Message,
    Sampler,
    Settings,
    Span,
    Token,
    WriteJob,
    Written,
)
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.loaded import LlamaEngine
from chapter_offline.errors import BadInputError

SETTINGS = Settings(window=512, threads=1, slots=3)
USER = (Message("user", "Say what it is."),)


def odd(sentence: str, accepted: object) -> str | None:
    return "odd" if len(sentence) % 3 else None


JOBS = {
    "sentences, some refused": (Span("text", max_tokens=60, tries=4, guards=(odd,)),),
    "given text before and between": (
        Given("The store. ", shown=True),
        Span("first", max_sentences=2, max_tokens=30),
        Given("\nAnd so", shown=True),
        Span("second", end="line", max_tokens=30),
    ),
    "a sentence": (Span("text", end="sentence", max_tokens=40, sampler=Sampler(temperature=0)),),
    "tokens": (Span("text", end="tokens", max_tokens=20),),
    "a grammar": (
        Span("text", end="grammar", max_tokens=40, grammar='root ::= "the " [a-z ]{3,9} ". "'),
    ),
}


def jobs() -> list[WriteJob]:
    return [WriteJob(f"{name} {n}", USER, steps) for name, steps in JOBS.items() for n in range(3)]


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> Iterator[LlamaEngine]:
    with open_engine(tiny_model, SETTINGS) as opened:
        yield opened


@pytest.fixture(scope="module")
def pairs(engine: LlamaEngine) -> list[tuple[WriteJob, Written]]:
    return list(zip(jobs(), engine.write(jobs()), strict=True))


def test_tokens_spell_sentences_and_have_their_scores(
    pairs: list[tuple[WriteJob, Written]],
) -> None:
    for _, written in pairs:
        for name, sentences in written.tokens.items():
            assert len(sentences) == len(written.sentences[name])
            for tokens, score in zip(sentences, written.scores[name], strict=True):
                assert sum(t.log_prob for t in tokens) / len(tokens) == score
        assert sum(len(t) for own in written.tokens.values() for t in own) == written.output_tokens


def test_what_was_written_here_is_read_to_the_same_bits(
    engine: LlamaEngine, pairs: list[tuple[WriteJob, Written]]
) -> None:
    read = 0
    for (job, written), seen in zip(pairs, engine.reread(pairs), strict=True):
        assert seen.key == job.key
        for name, sentences in seen.tokens.items():
            for before, after in zip(written.tokens[name], sentences, strict=True):
                assert [t.log_prob for t in before] == [t.log_prob for t in after]
                assert all(t.allowed and t.drawn for t in after)
                read += len(after)
    assert read > 200


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_reads_its_own_words_as_its_own(tmp_path: Path, kind: str) -> None:
    with open_engine(write_kind(tmp_path, kind), SETTINGS) as engine:
        pairs = list(zip(jobs(), engine.write(jobs()), strict=True))
        seen = [
            (then.log_prob, now)
            for (_, written), again in zip(pairs, engine.reread(pairs), strict=True)
            for name, sentences in again.tokens.items()
            for before, after in zip(written.tokens[name], sentences, strict=True)
            for then, now in zip(before, after, strict=True)
        ]
    assert len(seen) > 50
    assert all(now.allowed for _, now in seen)
    assert max(abs(then - now.log_prob) for then, now in seen) < 0.02


def with_token(written: Written, place: int, token: int) -> Written:
    """The first sentence with another token in a place, and the text that its tokens then spell."""
    first, *others = written.tokens["text"]
    changed = (*first[:place], replace(first[place], id=token), *first[place + 1 :])
    return replace(written, tokens={"text": (changed, *others)})


def spelled(engine: LlamaEngine, written: Written) -> Written:
    """With the sentences that its tokens spell: a forger would do no less."""
    sentences = tuple(
        b"".join(engine._vocabulary.piece(t.id) for t in tokens).decode("utf-8", "replace").strip()
        for tokens in written.tokens["text"]
    )
    return replace(written, sentences={"text": sentences})


def test_a_changed_word_is_not_what_the_seed_draws(
    engine: LlamaEngine, pairs: list[tuple[WriteJob, Written]]
) -> None:
    job, written = next((j, w) for j, w in pairs if "2" in j.key and "refused" in j.key)
    own = [token.id for token in written.tokens["text"][0]]
    others = set(own) - {own[5]}
    assert len(others) > 8
    for other in others:
        (seen,) = engine.reread([(job, spelled(engine, with_token(written, 5, other)))])
        before, changed = (
            [now.drawn for now in tokens]
            for tokens in (seen.tokens["text"][0][:5], seen.tokens["text"][0][5:])
        )
        assert all(before)
        assert not changed[0]


def test_tokens_that_do_not_spell_the_text_are_refused(
    engine: LlamaEngine, pairs: list[tuple[WriteJob, Written]]
) -> None:
    job, written = next((j, w) for j, w in pairs if w.tokens.get("text"))
    other = written.tokens["text"][0][2].id
    with pytest.raises(BadInputError, match="don't spell its text"):
        list(engine.reread([(job, with_token(written, 1, other))]))
    for token in (-1, 10**6):
        with pytest.raises(BadInputError, match="none of this model's"):
            list(engine.reread([(job, with_token(written, 1, token))]))


def test_another_model_says_other_things(
    tmp_path: Path, pairs: list[tuple[WriteJob, Written]]
) -> None:
    with open_engine(write_tiny_gguf(tmp_path / "other.gguf", seed=5), SETTINGS) as other:
        seen = [
            now
            for again in other.reread(pairs)
            for sentences in again.tokens.values()
            for after in sentences
            for now in after
        ]
    assert sum(not token.allowed for token in seen) > 0.3 * len(seen)
    assert isinstance(pairs[0][1].tokens["text"][0][0], Token)
