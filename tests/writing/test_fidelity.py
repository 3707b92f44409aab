"""Judging rewrites by likelihood: what is asked, what is fitted, what is let pass."""

import json
import random
from pathlib import Path

import pytest
from systems import PROMPTS

from chapter_offline.errors import BadInputError
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.fidelity import (
    PRECISION,
    Judge,
    Labelled,
    Likelihood,
    Rewrite,
    fit,
    left_out,
    load_judges,
    load_labelled_rewrites,
    score_jobs,
)
from chapter_offline.writing.logistic import auc, auc_interval, bar_for

CLAIM = "A lease is no lock, because its holder may sleep through its end."
JUDGE = Judge(model="00", name="a judge", of_claim=0.1, of_text=1.0, constant=3.0, bar=0.8)


def made(good: int, bad: int, apart: float) -> tuple[list[Likelihood], list[Labelled]]:
    """Likelihoods of rewrites of three systems; the good ones are `apart` higher."""
    draws = random.Random(3)
    likely, labelled = [], []
    for number in range(good + bad):
        ok = number < good
        lift = apart if ok else 0.0
        likely.append(Likelihood(draws.gauss(-60 + 20 * lift, 10), draws.gauss(-2 + lift, 0.5)))
        labelled.append(
            Labelled(note=CLAIM, text="x", label="ok" if ok else "wrong", system=f"s{number % 3}")
        )
    return likely, labelled


def test_a_likelier_text_has_the_better_chance() -> None:
    chances = [JUDGE.chance(Likelihood(-40.0, text)) for text in (-3.0, -1.0, -0.2)]
    assert chances == sorted(chances)
    assert JUDGE.chance(Likelihood(-1e9, -1e9)) < 1e-9


def test_both_ways_are_asked_one_way_after_the_other() -> None:
    rewrites = [Rewrite("a", CLAIM, "A holder may sleep."), Rewrite("b", CLAIM, "Locks sleep.")]
    jobs = list(score_jobs(load_asking(PROMPTS), rewrites))
    assert [job.key for job in jobs] == ["claim|a", "claim|b", "text|a", "text|b"]
    assert [job.text for job in jobs] == [CLAIM, CLAIM, "A holder may sleep.", "Locks sleep."]
    assert "Locks sleep." in jobs[1].messages[-1].text
    assert CLAIM in jobs[3].messages[-1].text


def test_the_bar_lets_pass_what_is_nearly_always_right() -> None:
    likely, labelled = made(60, 60, apart=2.0)
    judge = fit(likely, labelled, "00", "a judge")
    taken = [good for chance, good in left_out(likely, labelled) if chance >= judge.bar]
    assert judge.lets_pass
    assert len(taken) >= 30
    assert sum(taken) >= PRECISION * len(taken)


def test_noise_lets_nothing_pass() -> None:
    assert not fit(*made(20, 60, apart=0.0), "00", "a judge").lets_pass


def test_a_few_lucky_ones_make_no_bar() -> None:
    assert not fit(*made(5, 60, apart=3.0), "00", "a judge").lets_pass


def test_area_under_the_curve() -> None:
    assert auc([(0.9, True), (0.8, True), (0.1, False)]) == 1.0
    assert auc([(0.5, True), (0.5, False)]) == 0.5
    low, high = auc_interval([(n / 40, n > 20) for n in range(40)] + [(0.3, True), (0.7, False)])
    assert 0.8 < low <= high <= 1.0


def test_a_bar_that_nothing_reaches() -> None:
    assert bar_for([(0.9, False), (0.2, True)], 0.9) == 1.0
    assert bar_for([(0.9, True), (0.8, True), (0.2, False)], 0.9) == 0.8


def test_the_labelled_rewrites_are_of_several_systems_and_models() -> None:
    labelled = load_labelled_rewrites(PROMPTS / "rewrites.json")
    assert len(labelled) >= 150
    assert len({each.system for each in labelled}) >= 4
    assert any(each.good for each in labelled)


def test_two_readers_agree_on_most_of_them() -> None:
    rows = json.loads((PROMPTS / "rewrites.json").read_text(encoding="utf-8"))
    agreed = [row["label"] for row in rows if row["labels"][0] == row["labels"][1]]
    assert len(agreed) >= 0.9 * len(rows)
    assert all(row["label"] != "ok" for row in rows if row["labels"] != ["ok", "ok"])


def test_kept_judges_name_pinned_models() -> None:
    from chapter_offline.catalog.pins import load_pins

    assert set(load_judges(PROMPTS)) <= {pin.digest for pin in load_pins()}


@pytest.mark.parametrize("text", ["", "{}", "[]", '[{"note": "a", "text": "b", "label": "fine"}]'])
def test_a_file_of_other_things_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rewrites.json"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"rewrites\.json"):
        load_labelled_rewrites(path)
