"""Guards: what each lets pass, and what it refuses with which reason. The sentences are data."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from systems import PROMPTS

from chapter_offline.errors import BadInputError
from chapter_offline.writing import guards
from chapter_offline.writing.guards.chat import chat
from chapter_offline.writing.guards.complete import complete
from chapter_offline.writing.guards.language import language
from chapter_offline.writing.guards.markup import markup
from chapter_offline.writing.guards.repeats import repeats

EXAMPLES: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parents[1] / "data" / "guard_examples.toml").read_text(encoding="utf-8")
)["example"]
PLAIN: dict[str, guards.Guard] = {
    "complete": complete,
    "language": language,
    "chat": chat,
    "markup": markup,
    "repeats": repeats,
    "question": guards.question,
    "what_if": guards.what_if,
    "vendors": guards.vendors(guards.vendor_names(PROMPTS)),
}
MADE: dict[str, Callable[[dict[str, Any]], guards.Guard]] = {
    "numbers": lambda about: guards.numbers(about["texts"]),
    "closed_world": lambda about: guards.closed_world(
        about["texts"], guards.common_terms(PROMPTS), about["strictness"]
    ),
    "contradicting": lambda about: guards.contradicting(map(tuple, about["figures"])),
    "subject": lambda about: guards.subject(*about["texts"]),
    "grounded": lambda about: guards.grounded(*about["texts"]),
    "negation": lambda about: guards.negation(about["claim"]),
    "reasons": lambda about: guards.reasons(about["claim"]),
    "keeps_reason": lambda about: guards.keeps_reason(about["claim"]),
    "answered": lambda about: guards.answered(about["claim"]),
    "beyond": lambda about: guards.beyond(about["question"]),
}


def guard_of(example: dict[str, Any]) -> guards.Guard:
    name = example["guard"]
    return PLAIN[name] if name in PLAIN else MADE[name](example["about"])


def cases() -> Iterator[Any]:
    for number, example in enumerate(EXAMPLES):
        for sentence in example["passes"]:
            yield pytest.param(example, sentence, None, id=f"{number}-{example['guard']}")
        for reason, sentences in example["refused"].items():
            for sentence in sentences:
                yield pytest.param(example, sentence, reason, id=f"{number}-{reason}")


@pytest.mark.parametrize(("example", "sentence", "reason"), list(cases()))
def test_a_guard_lets_pass_and_refuses(
    example: dict[str, Any], sentence: str, reason: str | None
) -> None:
    assert guard_of(example)(sentence, example.get("before", ())) == reason


def test_every_guard_has_examples() -> None:
    guard_names = {name for name in guards.__all__ if name in PLAIN or name in MADE}
    always = {guard.__name__ for guard in guards.ALWAYS}
    assert guard_names | always == {example["guard"] for example in EXAMPLES}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Why does a retry change nothing?", "Why does a retry change nothing here?", True),
        ("Why does a retry change nothing?", "Why is the cache asked first?", False),
        ("Why?", "Why?", False),
        ("", "", False),
    ],
)
def test_likeness_is_told_by_phrases(one: str, other: str, alike: bool) -> None:
    assert guards.alike(one, other) is alike
    assert guards.alike(other, one) is alike


def test_hundreds_of_vendors_are_known() -> None:
    names = guards.vendor_names(PROMPTS)
    assert len(names) > 400
    assert len(names) == len(set(names))


def test_an_empty_list_of_vendors_refuses_nothing() -> None:
    assert guards.vendors([])("Use Kafka for the stream.", ()) is None


def test_a_list_of_ones_own_names_is_taken() -> None:
    guard = guards.vendors(["Acme", "Thunder (word)"])
    assert guard("It runs on Acme.", ()) == "vendor"
    assert guard("It runs on Thunder.", ()) == "vendor"
    assert guard("Thunder and lightning strike it.", ()) is None


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"vendors\.txt: No such file"):
        guards.vendor_names(tmp_path)
    with pytest.raises(BadInputError, match=r"common_terms\.txt: can't be read"):
        guards.common_terms(tmp_path)


def test_lines_that_explain_the_list_are_no_vendors(tmp_path: Path) -> None:
    (tmp_path / "vendors.txt").write_text("# names\n\nKafka \nmemcache\n")
    assert guards.vendor_names(tmp_path) == ("Kafka", "memcache")
