"""Figures as JavaScript, so that a page can derive them again: generated from the same expressions.

`figures.js` is the twin of `units.py` and `functions.py`: it rounds, scales and prints as they do. The
values are in base units (seconds, bytes, counts, dollars, shares), so that no unit is left in a formula.
"""

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chapter_offline.sizing import expressions
from chapter_offline.sizing.figures import Figures
from chapter_offline.sizing.functions import FUNCTIONS
from chapter_offline.sizing.units import SIZES, TIMES, WORDS, quantity

_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
_LESS: dict[type[ast.cmpop], str] = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}


def library() -> str:
    """What the generated formulas call. It defines `figures(definitions, units)`."""
    return Path(__file__).with_name("figures.js").read_text(encoding="utf-8")


def formula(expression: str) -> str:
    """A function of `v`, which gives a figure's value by name, and of `f`, the causal models.

    Raises ExpressionError.
    """
    return f"(v, f) => {_source(expressions.parse(expression))}"


def _source(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return repr(number)
        case ast.Name(id=name):
            return f"v({literal(name)})"
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return f"f.over({_source(left)}, {_source(right)})"
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return f"f.power({_source(left)}, {_source(right)})"
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
            return f"({_source(left)} {_SIGNS[type(op)]} {_source(right)})"
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in FUNCTIONS:
            return f"f.{name}({', '.join(map(_source, given))})"
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"(-{_source(operand)})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return f"(!{_source(operand)})"
        case ast.BoolOp(op=op, values=parts):
            sign = " && " if isinstance(op, ast.And) else " || "
            return "(" + sign.join(map(_source, parts)) + ")"
        case ast.Compare(left=left, ops=ops, comparators=others) if all(
            type(op) in _LESS for op in ops
        ):
            sides = [_source(side) for side in (left, *others)]
            pairs = zip(ops, sides, sides[1:], strict=False)
            return "(" + " && ".join(f"f.{_LESS[type(op)]}({a}, {b})" for op, a, b in pairs) + ")"
    raise expressions.ExpressionError(f"{ast.unparse(node)!r} may not stand in an expression")


def literal(value: Any) -> str:
    """A literal that may also stand in a page's script."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def definitions(figures: Figures, names: Iterable[str]) -> str:
    """An object of what each figure is: {unit, up, value} or {unit, up, is}, by name.

    names: assumptions and derived figures, with all that they are derived from.
    """
    made = []
    for name in names:
        each = figures.definition(name)
        head = f"unit: {literal(each.unit)}, up: {literal(each.round_up)}"
        if each.value is not None:
            made.append(f"{literal(name)}: {{{head}, value: {literal(each.value)}}}")
        else:
            made.append(f"{literal(name)}: {{{head}, is: {formula(each.expression)}}}")
    return "{\n" + ",\n".join(made) + "\n}"


def units(figures: Figures, names: Iterable[str]) -> str:
    """An object of what figures.js must know of units: factors to base units, and how sizes are scaled."""
    wanted = dict.fromkeys(figures.definition(name).unit for name in names) | {"": None}
    heads = [unit.partition("/") for unit in wanted]
    scaled = [name for name, _ in TIMES] + ["years"]
    scaled += [
        size + slash + rest for _, slash, rest in heads for size in (*(n for n, _ in SIZES), "PB")
    ]
    factors = {
        unit: float(quantity(1, unit).to_base_units().magnitude) for unit in (*wanted, *scaled)
    }
    return literal({"factors": factors, "times": TIMES, "sizes": SIZES, "words": WORDS})
