"""Figures: every number of a chapter, with its unit, its origin and its derivation.

A figure is *given* (assumed of the world), *chosen* (decided by us), *derived* from others by an
expression, or *simulated* by a run over others. A derived figure is rounded to what is printed when it
is made, and further figures are derived from the rounded one: a reader who follows with a calculator
gets the same numbers. A simulated one is made when it is first asked for.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, Literal

from chapter_offline.errors import BadInputError
from chapter_offline.sizing import expressions
from chapter_offline.sizing.simulated import outcome
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
class Run:
    """A simulation over figures. inputs: expressions, by the model's own names.

    when: a comparison; where it fails, or without `holds`, there is nothing to simulate.
    """

    model: str
    inputs: Mapping[str, str]
    when: str = ""
    holds: bool = True


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


class Figures(Mapping[str, Figure]):
    """All figures of one system."""

    def __init__(
        self,
        figures: Mapping[str, Definition | Figure],
        runs: Mapping[str, Run] | None = None,
    ) -> None:
        """figures: a definition is made into its figure when that is first asked for."""
        self._figures: dict[str, Figure | Definition] = dict(figures)
        self._runs = dict(runs or {})
        self._outcomes: dict[str, Any] = {}
        self._values = _Quantities(self)

    def __getitem__(self, name: str) -> Figure:
        figure = self._figures[name]
        if isinstance(figure, Definition):
            figure = self._figures[name] = self._made(figure)
        return figure

    def _made(self, definition: Definition) -> Figure:
        run = definition.simulation
        if not run:
            where, derived = f"figure {definition.name!r}", definition.value is None
            used = _names(definition.expression, where) if derived else ()
            return _make(definition, tuple(self[name] for name in used))
        return _simulated(definition, self.outcome(run) if self.simulates(run) else None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    def __contains__(self, name: object) -> bool:
        return name in self._figures

    def definition(self, name: str) -> Definition:
        """How a figure is declared; nothing is simulated for it."""
        figure = self._figures[name]
        return figure if isinstance(figure, Definition) else figure.definition

    def simulates(self, *runs: str) -> bool:
        """Whether there is something to simulate in all of these runs, and it can be simulated.

        Raises BadInputError for a run that there isn't, or that is malformed.
        """
        for run in runs:
            if run not in self._runs:
                raise BadInputError(f"there is no simulation {run!r}")
            when = self._runs[run].when
            if not self._runs[run].holds or (
                when and not self.compare(when, f"simulation {run}: when")
            ):
                return False
        return all(self.outcome(run) is not None for run in runs)

    def outcome(self, run: str) -> Any:
        """What a simulation comes to, None where its figures are out of the model's range.

        Raises BadInputError for one that there isn't, or that is malformed.
        """
        if run not in self._outcomes:
            wanted = self._runs[run]
            self._outcomes[run] = outcome(
                wanted.model, wanted.inputs, self._values, f"simulation {run}"
            )
        return self._outcomes[run]

    def holds(self, condition: str) -> bool:
        """Whether a comparison of figures is true; false where a figure of it is missing.

        Raises ExpressionError, or pint.DimensionalityError where unlike things are compared.
        """
        if any(name not in self._figures for name in expressions.names(condition)):
            return False
        return bool(expressions.evaluate(condition, self._values))

    def compare(self, condition: str, where: str) -> bool:
        """The same as `holds`. Raises BadInputError where it compares unlike things, or is none."""
        import pint

        try:
            return self.holds(condition)
        except (ValueError, pint.DimensionalityError, ArithmeticError, TypeError) as error:
            raise BadInputError(f"{where} = {condition!r}: {error}") from None

    def derivation(self, name: str) -> str:
        """The right-hand side of a figure: "20,800/s × 3", or "" where it is assumed or simulated."""
        definition = self.definition(name)
        if definition.origin != "derived":
            return ""
        used = expressions.names(definition.expression)
        return expressions.shown(definition.expression, {n: self[n].text for n in used})

    def equation(self, name: str) -> str:
        """The derivation with its result: "20,800/s × 3 = 62,400/s"; the number if it is assumed."""
        figure = self[name]
        derivation = self.derivation(name)
        if not derivation or derivation == figure.text:
            return figure.text
        if figure.before_rounding_up:
            return f"{derivation} ≈ {figure.before_rounding_up}, rounded up to {figure.text}"
        return f"{derivation} {'=' if figure.printed.exact else '≈'} {figure.text}"

    def worked(self, expression: str) -> str:
        """A side of a comparison: "3 × 800 ms = 2.4 s"; the number alone for a figure's name.

        Raises what `holds` does, and KeyError for a figure that is missing.
        """
        used = expressions.names(expression)
        if expression in used:
            return self[expression].text
        try:
            line = expressions.shown(expression, {name: self[name].text for name in used})
        except expressions.ExpressionError:  # what a table can't print, a message can
            line = expression
        if not used:
            return line
        amount = expressions.evaluate(expression, self._values)
        if not hasattr(amount, "units"):
            amount = quantity(float(amount), "")
        alike = [self[n] for n in used if self[n].quantity.check(amount.units)]
        if not alike and not amount.dimensionless:
            return f"{line} = {amount.to_base_units():.3g~}"
        unit = alike[0].definition.unit if alike else ""
        result = printed(amount, unit, scale=True)
        return f"{line} {'=' if result.exact else '≈'} {result.text}"

    def used_by(self, name: str) -> tuple[str, ...]:
        """The figures that a derivation is made of, or that go into a simulation."""
        definition = self.definition(name)
        if definition.simulation:
            inputs = self._runs[definition.simulation].inputs.values()
            return tuple(dict.fromkeys(n for text in inputs for n in expressions.names(text)))
        return expressions.names(definition.expression or "0")

    def sources(self, names: Iterable[str]) -> tuple[str, ...]:
        """These figures and all that they are derived from, each once, the nearest first."""
        found: dict[str, None] = {}
        waiting = deque(names)
        while waiting:
            name = waiting.popleft()
            if name not in found:
                found[name] = None
                waiting.extend(self.used_by(name))
        return tuple(found)

    def with_values(self, values: Mapping[str, float]) -> "Figures":
        """These figures with other assumptions, each a number in its own unit.

        What rests on none of them is kept as it is. Raises KeyError for a figure that there isn't.
        """
        figures = self._figures | {name: self.definition(name) for name in self._resting_on(values)}
        for name, value in values.items():
            figures[name] = replace(self.definition(name), value=value)
        return Figures(figures, self._runs)

    def _resting_on(self, names: Iterable[str]) -> set[str]:
        """These figures and all that are made of them."""
        found: set[str] = set()
        waiting = deque(names)
        while waiting:
            name = waiting.popleft()
            if name not in found:
                found.add(name)
                waiting.extend(self._users.get(name, ()))
        return found

    @cached_property
    def _users(self) -> dict[str, list[str]]:
        """The figures that are made of each."""
        users: dict[str, list[str]] = {}
        for name in self._figures:
            run = self.definition(name).simulation
            when = expressions.names(self._runs[run].when) if run and self._runs[run].when else ()
            for source in (*self.used_by(name), *when):
                users.setdefault(source, []).append(name)
        return users


def _names(text: str, where: str) -> tuple[str, ...]:
    try:
        return expressions.names(text)
    except expressions.ExpressionError as error:
        raise BadInputError(f"{where}: {error}") from None


class _Quantities(Mapping[str, Any]):
    """The figures' values, as expressions want them."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def __getitem__(self, name: str) -> Any:
        return self._figures[name].quantity

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)


def derive(
    definitions: Mapping[str, Definition],
    runs: Mapping[str, Run] | None = None,
    *,
    at_once: bool = True,
) -> Figures:
    """All figures from their definitions. runs: the simulations, by name.

    at_once: every derived one is made here, so that what is wrong with any is said at once; else
    each is made when it is first asked for.

    Raises BadInputError where a derivation is circular, uses an unknown name, divides by zero, or
    does not measure what its unit says.
    """
    runs = runs or {}
    _check_order(definitions)
    made_later = {name for name, each in definitions.items() if each.simulation}
    for name, run in runs.items():
        for text in filter(None, (*run.inputs.values(), run.when)):
            if late := made_later & set(_names(text, f"simulation {name}")):
                raise BadInputError(f"simulation {name}: {min(late)!r} is simulated itself")
    for definition in definitions.values():
        if definition.simulation and definition.simulation not in runs:
            raise BadInputError(
                f"figure {definition.name!r}: there is no simulation {definition.simulation!r}"
            )
    figures = Figures(definitions, runs)
    if at_once:
        for name in definitions:
            if name not in made_later:
                figures[name]
    return figures


_DEEPEST = 100
"""Of derivations over derivations; each is made within the one that asks for it."""


def _check_order(definitions: Mapping[str, Definition]) -> None:
    """Raises BadInputError where no figure could be made: a circle, an unknown or a simulated source."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in done:
            return
        if name not in definitions:
            raise BadInputError(
                f"figure {path[-1]!r} is derived from {name!r}, which is not defined"
            )
        if name in path:
            raise BadInputError(f"figures are derived in a circle: {' -> '.join([*path, name])}")
        if definitions[name].simulation:
            raise BadInputError(f"figure {path[-1]!r} is derived from a simulated one, {name!r}")
        if len(path) > _DEEPEST:
            raise BadInputError(f"figure {path[0]!r} is derived through too many others")
        expression = definitions[name].expression
        for source in _names(expression, f"figure {name!r}") if expression else ():
            visit(source, [*path, name])
        done.add(name)

    for name, definition in definitions.items():
        if not definition.simulation:
            visit(name, [])


def _simulated(definition: Definition, result: Any) -> Figure:
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
def _make(definition: Definition, sources: tuple[Figure, ...]) -> Figure:
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
