"""One figure: how it is declared, what it comes to, and how that is made."""

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from chapter_offline.errors import BadInputError
from chapter_offline.sizing import expressions
from chapter_offline.sizing.units import Printed, printed, quantity, registry, unit_of

Origin = Literal["given", "chosen", "derived", "simulated"]

_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@dataclass(frozen=True)
class Definition:
    """A figure as `prompts/names.toml` or a brief declares it.

    value: the number in `unit`, or None where `expression` derives it, over figures, or over the
    outcome of `simulation`.
    round_up: the next whole number counts (machines come whole).
    actor: the noun in whose rows of the table of figures it stands. label: template of its row.
    why: the reason for an assumption, or "".
    """

    name: str
    unit: str
    label: str
    actor: str
    origin: Origin
    value: float | None = None
    expression: str = ""
    round_up: bool = False
    why: str = ""
    simulation: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure with its value. `text` is what is printed: "62,400/s", "1.5 million", "$150 a month"."""

    definition: Definition
    printed: Printed
    before_rounding_up: str = ""

    def __hash__(self) -> int:
        return hash((self.definition.name, self.text))  # a quantity's own is slow

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def quantity(self) -> Any:
        return self.printed.quantity

    @property
    def text(self) -> str:
        return self.printed.text

    @cached_property
    def magnitude(self) -> float:
        """The value in the unit that is printed (for a count: the count)."""
        return float(self.quantity.to(unit_of(self.definition.unit)).magnitude)

    @property
    def usable(self) -> bool:
        """Whether it may stand in a text: a negative excess or an endless drain may not."""
        return math.isfinite(self.magnitude) and self.magnitude > 0

    @property
    def word(self) -> str:
        """A small count as a word: "three"."""
        value = self.magnitude
        if self.definition.unit == "" and value == round(value) and 0 <= value <= 10:
            return _SMALL[round(value)]
        return self.text


def simulated(definition: Definition, result: Any) -> Figure:
    """A figure from a simulation's outcome: to two digits, for another seed gives others.

    What never happened within the run is endless, and so is everything where nothing was run.
    """
    base = quantity(1, definition.unit).to_base_units().units
    values = {} if result is None else vars(result)
    used = expressions.names(definition.expression)
    try:
        if result is None or any(values[name] is None for name in used):
            value = math.inf
        else:
            value = float(expressions.evaluate(definition.expression, values))
    except (KeyError, TypeError, ZeroDivisionError, expressions.ExpressionError) as error:
        raise BadInputError(
            f"figure {definition.name!r}: {definition.expression}: {error}", definition.name
        ) from None
    amount = registry().Quantity(value, base)
    return Figure(definition, printed(amount, definition.unit, scale=True, significant=2))


@lru_cache(maxsize=8192)
def make(definition: Definition, sources: tuple[Figure, ...]) -> Figure:
    """The figure of a definition from those that its expression names.

    Kept, since a system is figured many times with one assumption changed, which leaves most as they are.
    """
    import pint

    try:
        if definition.value is not None:
            amount = quantity(definition.value, definition.unit)
            return Figure(definition, printed(amount, definition.unit, scale=False))
        values = {source.name: source.quantity for source in sources}
        amount = expressions.evaluate(definition.expression, values)
        expressions.shown(definition.expression, dict.fromkeys(values, ""))  # it must be printable
        if not hasattr(amount, "to"):
            amount = quantity(float(amount), "")
        exact = printed(amount, definition.unit, scale=True)
        if definition.round_up and math.isfinite(exact.quantity.magnitude):
            whole = math.ceil(round(float(amount.to(unit_of(definition.unit)).magnitude), 9))
            before = "" if exact.exact and exact.number == f"{whole:,}" else exact.text
            return Figure(
                definition,
                printed(quantity(whole, definition.unit), definition.unit, scale=False),
                before,
            )
        return Figure(definition, exact)
    except (ZeroDivisionError, expressions.OutOfRangeError):  # endless: no text may use it
        return Figure(
            definition, printed(quantity(math.inf, definition.unit), definition.unit, scale=False)
        )
    except expressions.ExpressionError as error:
        raise BadInputError(f"figure {definition.name!r}: {error}", definition.name) from None
    except pint.DimensionalityError:
        raise BadInputError(
            f"figure {definition.name!r}: {definition.expression} does not come to {definition.unit or 'a plain number'!r}",
            definition.name,
        ) from None
    except (OverflowError, TypeError):
        raise BadInputError(
            f"figure {definition.name!r}: {definition.expression} gives no number that can be used",
            definition.name,
        ) from None
    except (AttributeError, pint.UndefinedUnitError):
        raise BadInputError(
            f"figure {definition.name!r}: unit {definition.unit!r} is not known; write one such as ms, s, %, /s, GB, $/month",
            definition.name,
        ) from None
