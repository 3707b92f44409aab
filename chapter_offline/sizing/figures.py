"""Figures: every number of a chapter, with its unit, its origin and its derivation.

A figure is *given* (assumed of the world), *chosen* (decided by us), *derived* from others by an
expression, or *simulated* by a run over others. A derived figure is rounded to what is printed when it
is made, and further figures are derived from the rounded one: a reader who follows with a calculator
gets the same numbers. A simulated one is made when it is first asked for.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from chapter_offline.errors import BadInputError
from chapter_offline.sizing import expressions
from chapter_offline.sizing.figure import Definition, Figure, make, simulated
from chapter_offline.sizing.simulated import outcome
from chapter_offline.sizing.units import printed, quantity


@dataclass(frozen=True)
class Run:
    """A simulation over figures. inputs: expressions, by the model's own names.

    when: a comparison; where it fails, or without `holds`, there is nothing to simulate.
    """

    model: str
    inputs: Mapping[str, str]
    when: str = ""
    holds: bool = True


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
            return make(definition, tuple(self[name] for name in used))
        return simulated(definition, self.outcome(run) if self.simulates(run) else None)

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
