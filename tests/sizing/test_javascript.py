"""Figures as a page derives them: the same as Python's, on random assumptions and on each causal model."""

import json
import math
import random

import pytest
import quickjs
from systems import library, made_brief

from chapter_offline.chapter.figuring import figures_for, with_values
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.sizing import expressions, javascript
from chapter_offline.sizing.figures import Figures
from chapter_offline.sizing.functions import FUNCTIONS
from chapter_offline.sizing.units import printed, quantity

SYSTEMS = [*library().briefs, made_brief(traits=["leases"], roles=["coordinator"])]


def names_of(figures: Figures) -> list[str]:
    return [name for name in figures if not figures.definition(name).simulation]


def in_javascript(figures: Figures) -> quickjs.Context:
    """A context in which `derive(changes)` derives these figures."""
    context = quickjs.Context()
    names = names_of(figures)
    context.eval(javascript.library())
    made = f"figures({javascript.definitions(figures, names)}, {javascript.units(figures, names)})"
    context.eval(
        f"const derive = {made}; const texts = (changes, names) => {{"
        "const all = derive(changes); return JSON.stringify(names.map((n) => all.figure(n).text)); };"
    )
    return context


def changed_at_random(brief: Brief, figures: Figures, seed: int) -> dict[str, float]:
    """Some assumptions, from a hundredth of what they are to a hundred times as much, as far as a brief may go."""
    draw, entries = random.Random(seed), library().figures(brief)
    assumed = [n for n in names_of(figures) if figures.definition(n).value is not None]
    changes = {}
    for name in draw.sample(assumed, 8):
        value = figures[name].magnitude * 10 ** draw.uniform(-2, 2)
        whole = figures[name].magnitude == round(figures[name].magnitude)
        changed = float(max(1, round(value))) if whole else float(f"{value:.3g}")
        if not entries[name].refuses(changed):
            changes[name] = changed
    return changes


@pytest.mark.parametrize("brief", SYSTEMS, ids=lambda brief: brief.name)
def test_a_page_derives_what_python_does(brief: Brief) -> None:
    figures = figures_for(library(), brief)
    context = in_javascript(figures)
    names = names_of(figures)
    compared = 0
    for seed in range(4):
        changes = changed_at_random(brief, figures, seed) if seed else {}
        other = with_values(brief, {name: (value, "") for name, value in changes.items()})
        expected = figures_for(library(), other, at_once=False)
        told = json.loads(context.eval(f"texts({json.dumps(changes)}, {json.dumps(names)})"))
        for name, text in zip(names, told, strict=True):
            try:
                derived = expected[name].text
            except BadInputError:  # it comes to no number; a brief with these values is refused
                continue
            assert text == derived, (name, changes)
            compared += 1
    assert compared > 400


ARGUMENTS = {
    "erlang_c": [(1, 0.5), (8, 0.6), (400, 0.97), (3, 0)],
    "zipf_share": [(10, 1e6, 0.8), (1, 50, 1), (300, 300, 2), (0, 64, 0.7)],
    "stale_share": [(3, 0.02), (0, 5), (1e-6, 1e-3)],
    "replicas_up": [(3, 2, 0.99), (5, 3, 0.999), (100, 90, 0.9), (4, 0, 0.1)],
    "quorum_wait": [(3, 2, 0.01, 0.002), (5, 5, 0, 1), (900, 450, 0.001, 0.5)],
    "smaller": [(2, 3), (3, 2), (1, 1)],
    "sqrt": [(2,), (0,), (1e12,)],
    "lru_hit": [(100, 10_000, 0.8), (1, 300, 1), (5_000, 4_000, 0.7), (2e5, 1e7, 1.1)],
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_causal_model_reckons_the_same(name: str) -> None:
    figures = figures_for(library(), made_brief())
    context = in_javascript(figures)
    for given in ARGUMENTS[name]:
        formula = javascript.formula(f"{name}({', '.join(map(repr, given))})")
        told = context.eval(f"derive().evaluate({formula})")
        expected = FUNCTIONS[name].reckon(*map(float, given))
        assert math.isclose(told, expected, rel_tol=1e-9, abs_tol=1e-300), given


@pytest.mark.parametrize(
    "expression",
    [
        "1 / 0",
        "sqrt(0 - 1)",
        "erlang_c(8, 1)",
        "erlang_c(2.5, 0.5)",
        "zipf_share(1, 1e12, 1)",
        "0 ** (0 - 1)",
    ],
)
def test_what_has_no_end_or_no_meaning_is_nothing(expression: str) -> None:
    context = in_javascript(figures_for(library(), made_brief()))
    assert context.eval(f"derive().evaluate({javascript.formula(expression)})") is None


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("2 < 3", True),
        ("0.1 + 0.2 <= 0.3", True),
        ("0.1 + 0.2 > 0.3", False),
        ("1 < 2 <= 2 and not 3 >= 4", True),
        ("1 > 2 or 2 ** 3 - 1 == 7", None),
    ],
)
def test_comparisons_hold_as_they_do_in_python(condition: str, holds: bool | None) -> None:
    context = in_javascript(figures_for(library(), made_brief()))
    if holds is None:
        with pytest.raises(expressions.ExpressionError, match="may not stand"):
            javascript.formula(condition)
        return
    assert context.eval(f"derive().evaluate({javascript.formula(condition)})") is holds


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_printed_the_same(seed: int) -> None:
    figures = figures_for(library(), made_brief())
    context = in_javascript(figures)
    draw = random.Random(seed)
    units = sorted({figures.definition(name).unit for name in figures})
    for _ in range(300):
        unit = draw.choice(units)
        value = draw.choice([1, -1, 1, 1]) * 10 ** draw.uniform(-7, 14)
        value = draw.choice([value, round(value), float(f"{value:.4g}")])
        amount = quantity(value, unit)
        base = amount.to_base_units().magnitude
        told = context.eval(f"derive().printed({base!r}, {json.dumps(unit)}).text")
        assert told == printed(amount, unit, scale=True).text, (value, unit)


def test_a_name_can_not_leave_its_quotes() -> None:
    assert javascript.formula("a * 2") == '(v, f) => (v("a") * 2)'
    assert "<" not in javascript.units(figures_for(library(), made_brief()), ["users"]).replace(
        "\\u003c", ""
    )
