"""What is said to the model: written by people in TOML, filled in by the program."""

from pathlib import Path

import pytest
from systems import PROMPTS

from chapter_offline.errors import BadInputError
from chapter_offline.writing.asking import Asking, load_asking

ASKING = load_asking(PROMPTS)
VALUES = {
    "attempt": {"system": "lift", "summary": "It lifts.", "question": "What breaks first?"},
    "question": {"statement": "It breaks."},
    "what_if": {"statement": "It breaks."},
    "weak": {"system": "lift", "question": "What breaks first?"},
    "missed": {"system": "lift", "question": "What breaks first?", "attempt": "The rope."},
    "score": {"system": "lift"},
    "rewrite": {"statement": "1. A lock is no proof."},
    "retell": {"statement": "A lock is no proof."},
    "restate": {"text": "Having a lock proves nothing."},
    "criticise": {"statement": "A lock is no proof.", "text": "A lock is proof."},
    "redraft": {
        "statement": "1. A lock is no proof.",
        "text": "A lock is proof.",
        "criticism": "Turned round.",
    },
    "opening": {"heading": "Locks", "statement": "A lock is no proof."},
    "explaining": {"statement": "A lock is no proof."},
    "instruction": {"ask": "Say yes."},
    "place": {"heading": "Clocks", "component": "lift", "frame": "They drift."},
}


def written(tmp_path: Path, text: str) -> Asking:
    (tmp_path / "asking.toml").write_text(text)
    return load_asking(tmp_path)


@pytest.mark.parametrize("kind", VALUES)
def test_every_kind_of_job_can_be_said(kind: str) -> None:
    messages = ASKING.messages(kind, VALUES[kind])
    assert [messages[0].role, messages[-1].role] == ["system", "user"]
    assert not any("{{" in message.text or "{%" in message.text for message in messages)


def test_the_kinds_are_those_that_are_asked_for() -> None:
    assert set(ASKING.kinds) == {*VALUES, "free"}


def test_examples_stand_between_and_may_be_fewer() -> None:
    every = ASKING.messages("question", VALUES["question"])
    one = ASKING.messages("question", VALUES["question"], examples=1)
    none = ASKING.messages("question", VALUES["question"], examples=0)
    assert len(none) == 2
    assert [message.role for message in one] == ["system", "user", "assistant", "user"]
    assert every[:3] == one[:3]
    assert every[-1] == one[-1] == none[-1]


def test_what_is_the_same_for_all_jobs_of_a_kind_comes_first() -> None:
    """So it is read once."""
    one = ASKING.messages("question", {"statement": "It breaks."})
    other = ASKING.messages("question", {"statement": "It holds."})
    assert one[:-1] == other[:-1]
    assert one[-1] != other[-1]


def test_a_value_is_never_a_template() -> None:
    messages = ASKING.messages("question", {"statement": "{{ 7*7 }} {% raw %}"})
    assert messages[-1].text.endswith("{{ 7*7 }} {% raw %}")


def test_a_value_that_is_missing_is_named(tmp_path: Path) -> None:
    asking = written(tmp_path, '[ask]\nsystem = "You ask."\nuser = "{{ moons }}"')
    with pytest.raises(BadInputError, match=r"asking\.toml: ask: 'moons' is undefined"):
        asking.messages("ask", {})


def test_a_broken_template_is_named(tmp_path: Path) -> None:
    asking = written(tmp_path, '[ask]\nsystem = "You {{ ask."\nuser = "Go."')
    with pytest.raises(BadInputError, match=r"asking\.toml: ask: "):
        asking.messages("ask", {})


def test_a_kind_without_its_user_turn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"asking\.toml: ask: user: Field required"):
        written(tmp_path, '[ask]\nsystem = "You ask."')
