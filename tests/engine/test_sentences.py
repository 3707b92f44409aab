"""Where a sentence ends."""

import time

import pytest

from chapter_offline.engine.sentences import is_finished, split_sentences


@pytest.mark.parametrize(
    "text",
    [
        "It takes e.g.",
        "See fig.",
        "1.",
        "Retry vs.",
        "no end at all",
        "code `a.b.",
    ],
)
def test_an_abbreviation_or_a_list_number_ends_no_sentence(text: str) -> None:
    assert not is_finished(text, " 5 more")


@pytest.mark.parametrize("text", ["It ends.", "Does it?", 'He said "yes."', "It is (quite) done.)"])
def test_a_mark_and_what_closes_after_it_end_a_sentence(text: str) -> None:
    assert is_finished(text, " The next")


def test_a_text_is_split_where_its_sentences_end() -> None:
    text = "It waits 0.5 s, i.e. too long. Then it retries. Why?"
    assert split_sentences(text) == ("It waits 0.5 s, i.e. too long.", "Then it retries.", "Why?")


def test_a_word_without_end_is_soon_looked_at() -> None:
    begun = time.monotonic()
    assert is_finished("a" * 1_000_000 + ".")
    assert len(split_sentences(f"So it is. It {'a' * 1_000_000} is.")) == 2
    assert time.monotonic() - begun < 2
