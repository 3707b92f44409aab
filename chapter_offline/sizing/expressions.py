"""Expressions over figures: arithmetic and comparisons, evaluated and printed from one source.

The page prints the same expression that the program evaluates. Only numbers, names, + - * / **,
comparisons, `and`, `or`, `not` and the functions of `functions.FUNCTIONS` are allowed; nothing is ever
passed to Python's own `eval`.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from chapter_offline.sizing.functions import FUNCTIONS
from chapter_offline.sizing.units import quantity, unit_of

_ARITHMETIC: dict[type[ast.operator], tuple[Callable[[Any, Any], Any], str, int]] = {
    ast.Add: (operator.add, " + ", 1),
    ast.Sub: (operator.sub, " − ", 1),
    ast.Mult: (operator.mul, " × ", 2),
    ast.Div: (operator.truediv, " ÷ ", 2),
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_LONGEST = 500  # a longer one would be no line of a table, and could nest too deeply to be read
_SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class ExpressionError(ValueError):
    """An expression that uses more than arithmetic and comparisons, or that does not parse."""


class OutOfRangeError(ExpressionError):
    """A function of figures that it is not made for, such as more keys than it reckons with."""


@lru_cache(maxsize=1024)
def parse(text: str) -> ast.expr:
    """The syntax tree of an expression. Raises ExpressionError."""
    if len(text) > _LONGEST:
        raise ExpressionError(
            f"{text[:40]!r}… has {len(text)} characters, and at most {_LONGEST} are taken"
        )
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"{text!r} is not an expression: {error.msg}") from None


@lru_cache(maxsize=1024)
def names(text: str) -> tuple[str, ...]:
    """The figures that an expression uses, in order, each once."""
    tree = parse(text)
    functions = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in FUNCTIONS
    }
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in functions]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in found))


def evaluate(text: str, values: Mapping[str, Any]) -> Any:
    """The value of an expression; `values` are numbers or pint quantities by name.

    Raises ExpressionError for what is not allowed, KeyError for a name that has no value,
    ZeroDivisionError, and pint.DimensionalityError where units don't match.
    """
    return _value(parse(text), values)


def _called(name: str, given: list[Any]) -> Any:
    """A function of figures. Raises OutOfRangeError, and ZeroDivisionError where it has no end."""
    function = FUNCTIONS[name]
    if len(given) != len(function.units):
        raise ExpressionError(f"{name} takes {len(function.units)} figures, not {len(given)}")
    plain = [_in(value, unit) for value, unit in zip(given, function.units, strict=True)]
    try:
        return quantity(function.reckon(*plain), function.unit)
    except ValueError as error:
        raise OutOfRangeError(f"{name}: {error}") from None


def _in(value: Any, unit: str) -> float:
    """The magnitude in a unit; a bare number is taken as it is."""
    return float(value.to(unit_of(unit)).magnitude) if hasattr(value, "to") else float(value)


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=bool()):
            raise ExpressionError("true and false are no figures")
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            power = _value(right, values)
            return _value(left, values) ** float(getattr(power, "magnitude", power))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _ARITHMETIC[type(op)][0](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in FUNCTIONS:
            return _called(name, [_value(each, values) for each in given])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, values)
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_value(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_value(part, values) for part in parts)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in _COMPARISONS for op in ops
        ):
            sides = [_value(side, values) for side in (left, *others)]
            return all(
                _COMPARISONS[type(op)](a, b)
                for op, a, b in zip(ops, sides, sides[1:], strict=False)
            )
    raise ExpressionError(f"{ast.unparse(node)!r} may not stand in an expression")


def sides(comparison: str) -> tuple[str, str]:
    """Left and right side of one "<" or "<=". Raises ExpressionError for anything else."""
    match parse(comparison):
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[right]):
            return ast.unparse(left), ast.unparse(right)
    raise ExpressionError(f"{comparison!r} is not one comparison with < or <=")


def may_be_equal(comparison: str) -> bool:
    """Whether a comparison that `sides` reads holds for equal sides too."""
    match parse(comparison):
        case ast.Compare(ops=[ast.LtE()]):
            return True
    return False


def shown(text: str, texts: Mapping[str, str]) -> str:
    """An expression as a reader sees it, each figure by its printed number."""
    return _shown(parse(text), texts)[0]


def _shown(node: ast.expr, texts: Mapping[str, str]) -> tuple[str, int]:
    match node:
        case ast.Constant(value=number):
            return (f"{number:,}" if isinstance(number, int) else f"{number!s}"), 9
        case ast.Name(id=name):
            return texts[name], 9
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            text, rank = _shown(operand, texts)
            return f"−{text if rank >= 2 else f'({text})'}", 1
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, rank = _shown(left, texts)
            power, rank_of_power = _shown(right, texts)
            if rank < 9 or " " in base:
                base = f"({base})"
            if power.isdigit():
                return base + power.translate(_SUPERSCRIPT), 9
            return f"{base}^{power if rank_of_power == 9 else f'({power})'}", 9
        case ast.BinOp(left=left, op=op, right=right):
            _, symbol, rank = _ARITHMETIC[type(op)]
            (a, rank_a), (b, rank_b) = _shown(left, texts), _shown(right, texts)
            if rank_a < rank:
                a = f"({a})"
            if rank_b < rank or (rank_b == rank and isinstance(op, ast.Sub | ast.Div)):
                b = f"({b})"
            return a + symbol + b, rank
        case ast.Call(func=ast.Name(id=name), args=given) if name in FUNCTIONS:
            return FUNCTIONS[name].shown.format(*(_shown(each, texts)[0] for each in given)), 9
    raise ExpressionError(f"{ast.unparse(node)!r} can't be printed")
