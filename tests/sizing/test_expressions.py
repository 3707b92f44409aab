"""Expressions: arithmetic and comparisons, and nothing else of Python."""

import pytest

from chapter_offline.sizing.expressions import ExpressionError, evaluate, names, shown


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("a / 4", 2.5),
        ("a - 4 - 3", 3),
        ("2 ** a", 1024),
        ("2 ** (a - 8)", 4),
        ("-a + 1", -9),
        ("a > 3 and not a < 5", True),
        ("1 < a < 5 or a >= 10", True),
        ("a <= 9", False),
    ],
)
def test_arithmetic_and_comparisons_are_evaluated(text: str, value: float) -> None:
    assert evaluate(text, {"a": 10}) == value


@pytest.mark.parametrize(
    "text",
    [
        "abs(a)",
        "erlang_c(a)",
        "erlang_c(a, a, a)",
        "erlang_c(a, load=a)",
        "erlang_c(*a)",
        "a.erlang_c(a, a)",
        "__import__('os').system('true')",
        "a.real",
        "a.__class__",
        "[a]",
        "(a, a)",
        "{a}",
        "{a: a}",
        "a[0]",
        "lambda: a",
        "a if a else a",
        "[x for x in a]",
        "'a' * 3",
        "f'{a}'",
        "b'a'",
        "True",
        "None",
        "...",
        "1j",
        "a % 3",
        "a // 3",
        "a << 3",
        "a | 3",
        "a @ a",
        "~a",
        "+a",
        "a == 3",
        "a != 3",
        "a is a",
        "a in a",
        "(b := a)",
        "await a",
        "*a",
    ],
)
def test_calls_attributes_and_the_rest_of_python_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, {"a": 10})


@pytest.mark.parametrize("text", ["", "2 *", "a b", "a = 3", "import os", "1\x00", "(" * 400])
def test_what_does_not_parse_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="is not an expression"):
        evaluate(text, {"a": 10, "b": 1})


def test_an_expression_too_long_to_read_is_refused() -> None:
    with pytest.raises(ExpressionError, match="at most 500"):
        evaluate("+".join(["a"] * 400), {"a": 1})


def test_names_come_in_order_each_once() -> None:
    assert names("(c + a * c) / b ** a") == ("c", "a", "b")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a * 3", "20,800/s × 3"),
        ("a + b * 3", "20,800/s + 8 ms × 3"),
        ("(a + b) * 3", "(20,800/s + 8 ms) × 3"),
        ("a - (b - 3)", "20,800/s − (8 ms − 3)"),
        ("a - b - 3", "20,800/s − 8 ms − 3"),
        ("a / (b * 3)", "20,800/s ÷ (8 ms × 3)"),
        ("a / b / 3", "20,800/s ÷ 8 ms ÷ 3"),
        ("a / b * 3", "20,800/s ÷ 8 ms × 3"),
        ("a * (b / 3)", "20,800/s × 8 ms ÷ 3"),
        ("a * 1000000", "20,800/s × 1,000,000"),
        ("a ** 2", "20,800/s²"),
        ("(1 - b) ** 12", "(1 − 8 ms)¹²"),
        ("a * 0.5", "20,800/s × 0.5"),
        ("-a", "−20,800/s"),
        ("a ** -b", "20,800/s^(−8 ms)"),
        ("1 + erlang_c(a, b) / 3", "1 + C(20,800/s; 8 ms) ÷ 3"),
    ],
)
def test_what_is_printed_means_what_was_evaluated(text: str, seen: str) -> None:
    assert shown(text, {"a": "20,800/s", "b": "8 ms"}) == seen


@pytest.mark.parametrize("text", ["a > 3", "a and a", "not a"])
def test_what_cannot_be_printed_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="can't be printed"):
        shown(text, {"a": "3"})


@pytest.mark.parametrize(
    ("servers", "load", "chance"),
    [
        (1, 0.6, 0.6),  # one server: the chance is its load
        (2, 0.5, 1 / 3),  # by hand: 2 r^2 / (1 + r)
        (10, 0.8, 0.40918),  # tables of Erlang's formula: 10 servers at 8 erlangs
        (100, 0.9, 0.21694),  # 100 servers at 90 erlangs
        (5, 0, 0),
    ],
)
def test_erlangs_formula(servers: int, load: float, chance: float) -> None:
    assert evaluate("erlang_c(n, load)", {"n": servers, "load": load}) == pytest.approx(
        chance, abs=5e-6
    )


@pytest.mark.parametrize(("servers", "load"), [(0, 0.5), (1.5, 0.5), (10_001, 0.5), (8, -0.1)])
def test_erlangs_formula_has_a_range(servers: float, load: float) -> None:
    with pytest.raises(ExpressionError, match="erlang_c: it takes"):
        evaluate("erlang_c(n, load)", {"n": servers, "load": load})


@pytest.mark.parametrize("load", [1, 1.2])
def test_a_queue_at_full_load_never_ends(load: float) -> None:
    with pytest.raises(ZeroDivisionError):
        evaluate("erlang_c(8, load)", {"load": load})


def test_a_function_is_no_figure() -> None:
    assert names("1 + erlang_c(cores, busy) / cores") == ("cores", "busy")
