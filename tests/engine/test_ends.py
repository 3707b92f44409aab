"""Ends of a turn, empty turns and split letters: a model that says exactly what it is told to."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import gguf
import numpy as np
import pytest

from chapter_offline.engine.context import Context, Row
from chapter_offline.engine.interface import (
    ChoiceJob,
    Message,
    Settings,
    Span,
    WriteJob,
    Written,
)
from chapter_offline.engine.llama import open_engine
from chapter_offline.engine.loaded import LlamaEngine
from chapter_offline.engine.sampling import Logits
from chapter_offline.engine.script import BROKEN, EMPTY, UNFINISHED
from chapter_offline.engine.tokens import Vocabulary
from chapter_offline.errors import BadInputError


@pytest.fixture
def engine(tiny_model: Path) -> Iterator[LlamaEngine]:
    with open_engine(tiny_model, Settings(window=256, threads=1)) as opened:
        yield opened


def dictate(context: Context, tokens: Sequence[int]) -> None:
    """Lets the model be certain of these tokens, one after the other."""
    left = iter(tokens)
    decode = context.decode

    def certain(rows: Sequence[Row]) -> Logits:
        logits = decode(rows)
        if not len(logits):
            return logits
        told = np.full_like(logits, -50.0)
        told[:, next(left)] = 50.0
        return told

    context.decode = certain  # type: ignore[method-assign]


def say(engine: LlamaEngine, *said: str | bytes, end: str = "sentences") -> Written:
    """A job whose model says these tokens, each given by its bytes or its name."""
    assert engine._loaded is not None
    dictate(engine._loaded.context, [_token(engine._vocabulary, each) for each in said])
    span = Span("text", end=end, tries=1, max_sentences=1)  # type: ignore[arg-type]
    (result,) = engine.write([WriteJob("job", (Message("user", "x"),), (span,))])
    return result


def _token(vocabulary: Vocabulary, said: str | bytes) -> int:
    for token in range(vocabulary.size):
        if said in (vocabulary.piece(token), vocabulary.name(token)):
            return token
    raise ValueError(f"no token {said!r}")


def ends(engine: LlamaEngine) -> list[str]:
    vocabulary = engine._vocabulary
    return [vocabulary.name(t) for t in range(vocabulary.size) if vocabulary.is_end(t)]


def test_every_end_of_generation_token_is_known(engine: LlamaEngine) -> None:
    assert {"<|im_end|>", "<|endoftext|>"} <= set(ends(engine))
    assert "<|im_start|>" not in ends(engine)


@pytest.mark.parametrize("end", ["<|im_end|>", "<|endoftext|>"])
def test_any_of_them_ends_a_turn_and_is_not_shown(engine: LlamaEngine, end: str) -> None:
    result = say(engine, b" Each", b" store", b".", end)
    assert result.sentences["text"] == ("Each store.",)
    assert not result.rejected


@pytest.mark.parametrize("end", ["<|im_end|>", "<|endoftext|>"])
def test_a_turn_that_ends_at_once_is_empty_by_name(engine: LlamaEngine, end: str) -> None:
    result = say(engine, end)
    assert result.spans == {"text": ""}
    assert result.rejected == {EMPTY: 1}
    assert result.output_tokens == 0


def test_a_turn_that_ends_in_mid_sentence_is_refused_by_name(engine: LlamaEngine) -> None:
    result = say(engine, b" Each", b" store", "<|im_end|>")
    assert result.spans == {"text": ""}
    assert result.rejected == {UNFINISHED: 1}


def test_a_letter_split_over_tokens_is_put_together(engine: LlamaEngine) -> None:
    euro = "€".encode()  # three bytes, three tokens
    parts = [euro[i : i + 1] for i in range(3)]
    result = say(engine, b" Each", b" ", *parts, b"5", b".", "<|im_end|>")
    assert result.sentences["text"] == ("Each €5.",)


def test_bytes_that_are_no_letter_are_refused_by_name(engine: LlamaEngine) -> None:
    result = say(engine, b" Each", "€".encode()[:1], b" store")
    assert result.rejected == {BROKEN: 1}
    assert result.spans == {"text": ""}


def test_a_turn_that_ends_within_a_letter_shows_nothing_of_it(engine: LlamaEngine) -> None:
    result = say(engine, b" Each", b".", "€".encode()[:1], "<|im_end|>")
    assert "\ufffd" not in result.spans["text"]
    assert result.rejected


def test_a_model_whose_numbers_are_none_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    damaged = Path(shutil.copy(tiny_model, tmp_path / "damaged.gguf"))
    tensors = gguf.GGUFReader(damaged, "r+").tensors
    (norm,) = (tensor for tensor in tensors if tensor.name == "output_norm.weight")
    norm.data[:] = np.nan
    talk = (Message("user", "Say something."),)
    with open_engine(damaged, Settings(window=256, threads=1)) as engine:
        with pytest.raises(BadInputError, match="are no numbers: its file is damaged"):
            list(engine.write([WriteJob("one", talk, (Span("said", max_tokens=8),))]))
        with pytest.raises(BadInputError, match="are no numbers"):
            list(engine.choose([ChoiceJob("two", talk, ("Yes", "No"))]))
