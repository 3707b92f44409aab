"""How a model's answers about traits are weighed: fitted to labels, judged on what a fit has not seen."""

import random
from pathlib import Path

import pytest
from systems import PROMPTS, choices, library

from chapter_offline.engine.interface import Settings
from chapter_offline.engine.llama import open_engine
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import read_toml
from chapter_offline.knowledge.labelled import Labelled, Labels, load_labelled
from chapter_offline.knowledge.traits import Trait
from chapter_offline.writing.calibrating import (
    Fit,
    answers,
    calibration_for,
    digest,
    fit_of,
    trait_jobs,
)
from chapter_offline.writing.leaning import calibrate, counted, hinted, known_from, left_out

HELD_OUT = Path(__file__).parent.parent / "data" / "held_out_systems.toml"
LABELLED = load_labelled(PROMPTS / "labelled.toml", library().traits)
PINS = {fit["name"] for fit in read_toml(PROMPTS / "calibrations.toml")["fit"]}


def trait(*hints: str) -> Trait:
    shown = {"yes": ["a"], "no": ["b"]}
    return Trait.model_validate({"about": "x", "asks": "x", "shown": shown, "hints": hints})


def made_world(signal: float, systems: int = 40) -> tuple[dict, Labelled, dict]:
    """Answers that say more of the truth the larger the signal is, labels, and traits."""
    draws = random.Random(7)
    traits = {name: trait() for name in ("red", "green", "blue", "far", "near")}
    labels, said = {}, {}
    for n in range(systems):
        yes = tuple(name for name in traits if draws.random() < 0.3)
        labels[f"system {n}"] = Labels(yes=yes)
        said[f"system {n}"] = {
            name: 5.0 + signal * (name in yes) + draws.gauss(0, 1) for name in traits
        }
    return said, Labelled(asked=labels, studied={}), traits


def test_a_model_that_knows_is_believed_and_one_that_guesses_is_not() -> None:
    for signal, least, most in ((6.0, 0.9, 1.0), (0.0, 0.0, 0.3)):
        said, labels, traits = made_world(signal)
        bar = calibrate(said, labels, traits, 0.9).bar
        taken = {
            system: [name for name, chance in chances.items() if chance >= bar]
            for system, chances in left_out(said, labels, traits).items()
        }
        assert least <= counted(taken, labels.asked).recall <= most


def test_the_bar_holds_the_precision_on_what_the_fit_has_not_seen() -> None:
    said, labels, traits = made_world(2.0)
    for precision in (0.7, 0.8, 0.9):
        bar = calibrate(said, labels, traits, precision).bar
        taken = {
            system: [name for name, chance in chances.items() if chance >= bar]
            for system, chances in left_out(said, labels, traits).items()
        }
        assert counted(taken, labels.asked).precision >= precision


def test_what_a_model_says_to_every_system_alike_changes_nothing() -> None:
    said, labels, traits = made_world(2.0)
    habit = {"red": 3.0, "green": -2.0, "blue": 0.5, "far": 7.0, "near": 0.0}
    louder = {s: {n: v + habit[n] for n, v in each.items()} for s, each in said.items()}
    once = calibrate(said, labels, traits, 0.8).probabilities("x", said["system 1"], traits)
    again = calibrate(louder, labels, traits, 0.8).probabilities("x", louder["system 1"], traits)
    assert again == pytest.approx(once)


def test_a_word_of_the_name_points_to_a_trait_and_a_part_of_a_word_does_not() -> None:
    booking = trait("booking", "seat", "real-time", "car park")
    assert hinted("Hotel BOOKING site", booking)
    assert hinted("A real-time board", booking)
    assert hinted("Car park at a station", booking)
    assert not hinted("Bookings and seating", booking)
    assert not hinted("Car in a park", booking)


def test_what_engineers_differ_about_counts_neither_way_but_strictly() -> None:
    labels = {"a": Labels(yes=("x", "y"), maybe=("z",)), "b": Labels(yes=("z",))}
    found = counted({"a": ["x", "z"], "b": ["z", "w"]}, labels)
    assert (found.right, found.wrong, found.missed, found.maybe) == (2, 1, 1, 1)
    assert found.precision == pytest.approx(2 / 3)
    assert found.strict_precision == pytest.approx(2 / 4)
    assert found.recall == pytest.approx(2 / 3)


def test_traits_that_keep_company_speak_for_each_other() -> None:
    pairs = [Labels(yes=("near", "far")), Labels(yes=()), Labels(yes=("lone",))]
    known = known_from(10 * pairs, ("near", "far", "lone"))
    near, far, _ = known.company
    assert near[1] == pytest.approx(far[0])
    assert near[1] > 0.5 > 0 > near[2]
    assert near[0] == 0


def test_a_word_for_one_trait_makes_its_company_likelier_and_others_less_likely() -> None:
    said, labelled, traits = made_world(0.0)
    named = {
        f"crimson {system}" if "red" in each.yes else system: Labels(
            yes=("red", "green") if "red" in each.yes else ("blue",)
        )
        for system, each in labelled.asked.items()
    }
    said = dict(zip(named, said.values(), strict=True))
    fit = calibrate(said, Labelled(named, {}), traits | {"red": trait("crimson")}, 0.8)
    usual = dict(zip(fit.known.traits, fit.mean, strict=True))
    plain, told = (
        fit.probabilities(name, usual, traits | {"red": trait("crimson")})
        for name in ("x", "crimson x")
    )
    assert told["green"] > plain["green"]
    assert told["blue"] < plain["blue"]


def test_studied_systems_say_how_rare_a_trait_is_and_are_asked_nothing() -> None:
    said, labelled, traits = made_world(2.0)
    many = {f"other {n}": Labels(yes=("far",)) for n in range(80)}
    alone, with_others = (
        calibrate(said, Labelled(labelled.asked, studied), traits, 0.8).known.prior
        for studied in ({}, many)
    )
    assert with_others[3] > alone[3]
    assert with_others[4] < alone[4]


def test_sixty_systems_are_asked_two_hundred_studied_and_ten_are_held_out() -> None:
    held_out = load_labelled(HELD_OUT, library().traits).asked
    assert len(LABELLED.asked) >= 60
    assert len(LABELLED.studied) >= 200
    assert len(held_out) == 10
    shown = {s for t in library().traits.known.values() for s in (*t.shown.yes, *t.shown.no)}
    assert not set(held_out) & ({*LABELLED.all} | shown | {*choices().calibration})
    assert {name for labels in LABELLED.all.values() for name in labels.yes} == set(
        library().traits.known
    )


def test_no_label_asks_for_traits_that_exclude_each_other() -> None:
    traits = library().traits
    clashes = {s: traits.clash(traits.closed(each.yes)) for s, each in LABELLED.all.items()}
    assert not {s: pair for s, pair in clashes.items() if pair}


def test_labels_with_an_unknown_trait_or_on_both_sides_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.toml"
    for labels, says in (
        ('yes = ["shiny"]', "'shiny' is no trait"),
        ('yes = ["money"], maybe = ["money"]', "'money' is both yes and maybe"),
    ):
        path.write_text(f'[systems]\n"A shop" = {{ {labels} }}\n')
        with pytest.raises(BadInputError, match=says):
            load_labelled(path, library().traits)
    path.write_text('[systems]\n"A shop" = { yes = [] }\n[studied]\n"A shop" = { yes = [] }\n')
    with pytest.raises(BadInputError, match="'A shop' is among systems and studied"):
        load_labelled(path, library().traits)


def test_a_question_shows_examples_and_then_asks() -> None:
    (job,) = trait_jobs(
        ["Lift control"], "money", library().traits.known["money"], "{property} {system}"
    )
    roles = [message.role for message in job.messages]
    assert roles == ["system", *["user", "assistant"] * 4, "user"]
    assert job.messages[-1].text.endswith("Lift control")
    assert job.options == ("Yes", "No")


def test_a_fit_reads_back_as_it_was() -> None:
    said, labels, traits = made_world(2.0)
    fit = calibrate(said, labels, traits, 0.8)
    kept = fit_of(fit, "00", "tiny", "ab")
    again = Fit.model_validate_json(kept.model_dump_json()).calibration(labels)
    assert again.known.traits == fit.known.traits
    assert again.known == fit.known
    assert again.weights == pytest.approx(fit.weights, abs=1e-5)
    assert again.bar == pytest.approx(fit.bar, abs=1e-5)


def test_the_fits_of_the_pinned_models_belong_to_the_questions_as_they_are() -> None:
    asked = digest(choices().traits, library().traits.known, LABELLED)
    fits = read_toml(PROMPTS / "calibrations.toml")["fit"]
    assert {fit["name"] for fit in fits} == PINS
    assert len(PINS) == 3
    assert {fit["questions"] for fit in fits} == {asked}


def test_a_strangers_model_is_asked_once_and_its_fit_is_kept(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Labelled(dict(list(LABELLED.asked.items())[:3]), {})
    monkeypatch.setattr("chapter_offline.writing.calibrating.load_labelled", lambda *_: few)
    question = choices().traits
    with open_engine(tiny_model, Settings(threads=1, window=1024)) as engine:
        first = calibration_for(engine, library(), question, "ff" * 32, tmp_path / "kept")
        (path,) = (tmp_path / "kept").glob("*.json")
        monkeypatch.setattr(
            "chapter_offline.writing.calibrating.answers", lambda *_: pytest.fail("asked again")
        )
        assert calibration_for(engine, library(), question, "ff" * 32, tmp_path / "kept") == first
        monkeypatch.undo()
        path.write_text("{}")
        asked = answers(
            engine, ["Lift control"], {"money": library().traits.known["money"]}, question
        )
    assert set(asked["Lift control"]) == {"money"}
