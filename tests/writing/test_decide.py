"""A brief of a system that the library doesn't have, by closed choices of the model."""

import math
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from systems import PROMPTS, choices, even_fit, few_choices, library

from chapter_offline.engine.interface import Settings
from chapter_offline.engine.llama import open_engine
from chapter_offline.knowledge.briefs import Brief, brief_toml
from chapter_offline.knowledge.generic import brief_from
from chapter_offline.knowledge.library import check_brief
from chapter_offline.writing.decide import (
    MOST_TRAITS,
    Decided,
    chosen_traits,
    decide,
    jobs,
    own_words,
    remarks_on,
)
from chapter_offline.writing.stated import stated_count

ALL = tuple(library().traits.known)
EVEN = even_fit()
SYSTEM = 'Lift "control" {{ 7*7 }} | x'


@pytest.fixture(scope="module")
def decided(tiny_model: Path) -> Iterator[Decided]:
    with open_engine(tiny_model, Settings(threads=1, window=2048)) as engine:
        yield decide(engine, SYSTEM, few_choices(), "tiny", library().traits, lambda: EVEN)


@pytest.mark.parametrize(
    ("system", "words"),
    [
        ("Parking garage availability service", ("garage",)),
        ("Smart meter backend", ("smart", "meter")),
        ("Online ticket server", ("ticket",)),
        ("Blood donation appointment booking", ("blood", "donation")),
        ("The distributed system", ()),
        ("Tickets, tickets and tickets", ("ticket",)),
        ("{{ self.__init__ }}", ("self", "init")),
        ("システム", ()),
    ],
)
def test_a_thing_may_be_named_by_the_systems_own_words(system: str, words: tuple) -> None:
    assert own_words(system) == words


def test_no_two_questions_have_one_key() -> None:
    counted = Counter(job.key for job in jobs("Lift control", choices()))
    assert set(counted.values()) == {1}
    assert len(counted) == 6 + 3 + 6


def test_a_question_shows_its_examples_and_then_asks() -> None:
    question = next(j for j in jobs("Lift control", choices()) if j.key.endswith("noun|act"))
    roles = [message.role for message in question.messages]
    assert roles == ["system", *["user", "assistant"] * 4, "user"]
    assert question.messages[-1].text.endswith("System: Lift control")
    assert all(option[0].isupper() for option in question.options)


def test_the_systems_own_words_come_first_among_its_things() -> None:
    question = next(j for j in jobs("Lift control", choices()) if j.key.endswith("noun|item"))
    assert question.options[:2] == ("Lift", "Control")


def test_every_answer_is_one_of_the_options(decided: Decided) -> None:
    answers = decided.answers
    for name, question in choices().nouns.items():
        allowed = {*question.options, *(("lift", "control") if name == "item" else ())}
        assert answers.nouns[name] in allowed
    for name, question in choices().magnitudes.items():
        assert answers.figures[name] in question.values
    assert answers.roles <= set(choices().roles.properties)
    assert set(answers.traits) <= set(ALL)
    assert len(answers.traits) <= MOST_TRAITS


def test_no_two_nouns_are_one_word(decided: Decided) -> None:
    nouns = list(decided.answers.nouns.values())
    assert len(set(nouns)) == len(nouns)


def test_every_choice_has_a_margin(decided: Decided) -> None:
    assert len(decided.margins) == 6 + 3 + 6
    assert all(math.isfinite(margin) for margin in decided.margins.values())
    assert set(decided.chances) == set(ALL)
    assert all(0 < chance < 1 for chance in decided.chances.values())


def test_the_surest_traits_are_taken_and_the_next_are_unsure(decided: Decided) -> None:
    chances, taken = decided.chances, decided.answers.traits
    assert taken
    assert sorted(taken, key=lambda name: -chances[name]) == list(taken)
    assert all(chances[name] >= EVEN.bar for name in taken)
    assert all(chances[name] >= 0.25 for name in decided.unsure)
    assert not set(decided.unsure) & set(library().traits.closed(taken))


def test_none_is_taken_that_excludes_a_surer_one() -> None:
    chances = {"read_heavy": 0.9, "write_heavy": 0.8, "money": 0.7, "presence": 0.2}
    assert chosen_traits(chances, 0.5, library().traits) == ("read_heavy", "money")


def test_a_made_brief_says_how_sure_the_model_was(decided: Decided) -> None:
    remarks = remarks_on(decided)
    brief = brief_from(PROMPTS, library().traits, decided.answers)
    text = brief_toml(brief, remarks).decode()
    assert text.startswith("# Made by a model")
    assert f"{decided.answers.traits[0]} {decided.chances[decided.answers.traits[0]]:.0%}" in text
    assert Brief.model_validate(tomllib.loads(text)) == brief


def test_what_was_decided_makes_a_brief(decided: Decided) -> None:
    brief = brief_from(PROMPTS, library().traits, decided.answers)
    check_brief(library(), brief, "made")
    assert brief.name == SYSTEM
    assert brief.made["by"] == "tiny"


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("Firmware update rollout for two million devices", (2e6, "device", "client")),
        ("Backend of half a million connected meters", (5e5, "meter", "client")),
        ("Payroll for 10k employees", (1e4, "employee", "person")),
        ("Chat for 50,000 users", (5e4, "user", "person")),
        ("Login for 2.5 million citizens", (2.5e6, "citizen", "person")),
        ("Portal for a hundred thousand students", (1e5, "student", "person")),
        ("Dispatch for 12 drivers", None),
        ("Photo album with 4 million pictures", None),
        ("Office 365 users", None),
        ("1,000,000,000,000 users", None),
        ("Two devices", None),
    ],
)
def test_a_name_may_say_how_many_of_what_it_serves(system: str, said: tuple | None) -> None:
    found = stated_count(system, choices().counted)
    assert (found and (found.number, found.noun, found.role)) == said


def test_what_the_name_counts_is_not_chosen(tiny_model: Path) -> None:
    system = "Firmware update rollout for two million devices"
    assert own_words(system) == ("firmware", "update", "rollout", "device")
    with open_engine(tiny_model, Settings(threads=1, window=2048)) as engine:
        made = decide(engine, system, few_choices(), "tiny", library().traits, lambda: EVEN)
    users = brief_from(PROMPTS, library().traits, made.answers).figures["users"]
    assert (users.value, users.why) == (2e6, "the name says so")
    assert made.answers.nouns["client"] == "device" != made.answers.nouns["item"]
    assert "noun client" not in made.margins
