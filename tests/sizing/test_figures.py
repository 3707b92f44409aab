"""Figures: given, chosen or derived, each with its unit and derivation."""

import pytest

from chapter_offline.errors import BadInputError
from chapter_offline.sizing.expressions import ExpressionError
from chapter_offline.sizing.figure import Definition
from chapter_offline.sizing.figures import Figures, derive


def given(value: float, unit: str = "") -> Definition:
    return Definition("", unit, "", "", "given", value=value)


def derived(expression: str, unit: str = "", *, up: bool = False) -> Definition:
    return Definition("", unit, "", "", "derived", expression=expression, round_up=up)


def make(**definitions: Definition) -> Figures:
    named = {
        name: Definition(name, d.unit, name, "service", d.origin, d.value, d.expression, d.round_up)
        for name, d in definitions.items()
    }
    return derive(named)


def refusal(**definitions: Definition) -> str:
    with pytest.raises(BadInputError) as refused:
        make(**definitions)
    return str(refused.value)


def test_a_figure_is_derived_from_others_whatever_their_order() -> None:
    figures = make(
        peak=derived("average * factor", "/s"),
        average=derived("daily", "/s"),
        daily=given(4_000_000, "/day"),
        factor=given(3),
    )
    assert figures["peak"].text == "139/s"
    assert figures.equation("peak") == "46.3/s × 3 ≈ 139/s"


def test_further_figures_use_the_rounded_one() -> None:
    figures = make(third=derived("1 / 3"), whole=derived("third * 3"))
    assert figures.equation("third") == "1 ÷ 3 ≈ 0.333"
    assert figures.equation("whole") == "0.333 × 3 = 0.999"


def test_an_exact_result_has_an_equals_sign() -> None:
    assert make(a=given(6), b=derived("a / 4")).equation("b") == "6 ÷ 4 = 1.5"


def test_machines_come_whole() -> None:
    figures = make(
        load=given(900, "/s"), one=given(400, "/s"), machines=derived("load / one", up=True)
    )
    assert figures["machines"].magnitude == 3
    assert figures.equation("machines") == "900/s ÷ 400/s ≈ 2.25, rounded up to 3"


def test_what_is_whole_already_is_not_called_rounded_up() -> None:
    assert make(a=given(8), b=derived("a / 4", up=True)).equation("b") == "8 ÷ 4 = 2"


def test_noise_in_the_last_bit_does_not_add_a_machine() -> None:
    figures = make(a=given(0.1), b=given(0.2), c=derived("(a + b) * 10", up=True))
    assert figures["c"].text == "3"


def test_an_assumption_has_no_derivation() -> None:
    figures = make(a=given(5, "ms"))
    assert figures.derivation("a") == ""
    assert figures.equation("a") == "5 ms"
    assert figures.used_by("a") == ()


def test_a_change_of_unit_alone_is_no_derivation() -> None:
    assert make(a=given(5, "ms"), b=derived("a", "ms")).equation("b") == "5 ms"


def test_small_counts_are_words() -> None:
    figures = make(a=given(3), b=given(11), c=given(2.5), d=given(3, "ms"))
    assert [figures[name].word for name in "abcd"] == ["three", "11", "2.5", "3 ms"]


def test_what_is_nothing_negative_or_endless_cannot_be_said() -> None:
    figures = make(
        zero=given(0),
        less=derived("zero - 1"),
        endless=derived("1 / zero"),
        more=derived("endless * 2", up=True),
    )
    assert [figures[name].usable for name in ("zero", "less", "endless", "more")] == [False] * 4


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        ("a > b", False),
        ("a < b", True),
        ("a < 2 and b >= 3", True),
        ("a < missing", False),
        ("t > t * a", False),
    ],
)
def test_conditions_compare_figures(condition: str, true: bool) -> None:
    figures = make(a=given(1), b=given(3), t=given(5, "ms"))
    assert figures.holds(condition) is true


def test_a_condition_that_is_no_comparison_is_refused() -> None:
    with pytest.raises(ExpressionError):
        make(a=given(1)).holds("a == 1")


def test_a_circle_is_named() -> None:
    assert refusal(a=derived("b"), b=derived("c + 1"), c=derived("a * 2")) == (
        "figures are derived in a circle: a -> b -> c -> a"
    )


def test_a_missing_figure_is_named_with_who_wants_it() -> None:
    assert refusal(a=derived("moons * 2")) == (
        "figure 'a' is derived from 'moons', which is not defined"
    )


def test_an_endless_chain_is_refused() -> None:
    chain = {f"f{i}": derived(f"f{i + 1}") for i in range(3000)}
    assert "derived through too many others" in refusal(**chain, f3000=given(1))


@pytest.mark.parametrize(
    ("expression", "unit", "told"),
    [
        ("a * 2", "/s", "figure 'x': a * 2 does not come to '/s'"),
        ("a + n", "ms", "figure 'x': a + n does not come to 'ms'"),
        ("a", "", "figure 'x': a does not come to 'a plain number'"),
        ("n", "furlong", "figure 'x': unit 'furlong' is not known"),
        ("n", "s^2", "figure 'x': unit 's^2' is not known"),
        ("abs(n)", "", "'abs', which is not defined"),
        ("n.real", "", "figure 'x': 'n.real' may not stand in an expression"),
        ("n % 2", "", "figure 'x': 'n % 2' may not stand in an expression"),
        ("n > 2", "", "figure 'x': 'n > 2' can't be printed"),
        ("n ** 9999", "", "figure 'x': n ** 9999 gives no number that can be used"),
        ("(2 - n) ** 0.5", "", "figure 'x': (2 - n) ** 0.5 gives no number that can be used"),
        ("n +", "", "figure 'x': 'n +' is not an expression"),
    ],
)
def test_a_derivation_that_cannot_be_is_named(expression: str, unit: str, told: str) -> None:
    assert told in refusal(a=given(5, "ms"), n=given(7), x=derived(expression, unit))


def test_an_empty_derivation_is_refused_by_the_figures_name() -> None:
    assert "figure 'a'" in refusal(a=derived(""))
