"""Runs simulations over figures: expressions go in, outcomes come back, each run once.

Knows nothing of what a simulation is used for.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from chapter_offline.errors import BadInputError
from chapter_offline.sizing import expressions

SEED = 1
_Inputs = tuple[tuple[str, Any], ...]


def _models() -> dict[str, tuple[type[Any], Callable[..., Any]]]:
    """Inputs and run of each model. Imported late: a plan without simulations doesn't load SimPy."""
    from chapter_offline.sizing import simulations as known

    return {
        "burst_through_queue": (known.Burst, known.burst_through_queue),
        "retry_storm": (known.Storm, known.retry_storm),
        "cold_cache": (known.ColdCache, known.cold_cache),
        "slow_dependency": (known.Slow, known.slow_dependency),
    }


def outcome(model: str, inputs: Mapping[str, str], values: Mapping[str, Any], where: str) -> Any:
    """What a model makes of inputs, expressions over `values` (pint quantities by name).

    None where they are out of the model's range, such as a run with more requests than it can tell
    apart. Raises BadInputError for a model or an input that there isn't, or one that is missing.
    """
    import pint

    models = _models()
    if model not in models:
        raise BadInputError(f"{where}: no model {model!r}; there are {', '.join(models)}")
    fields = {field.name: field for field in dataclasses.fields(models[model][0])}
    if unknown := set(inputs) - set(fields):
        raise BadInputError(f"{where}: {model} takes no {min(unknown)!r}")
    made: dict[str, Any] = {}
    for name, text in inputs.items():
        try:
            number = _number(expressions.evaluate(text, values))
            made[name] = max(1, round(number)) if fields[name].type is int else number
        except KeyError as missing:
            raise BadInputError(f"{where}: {name}: figure {missing} is not defined") from None
        except (
            expressions.ExpressionError,
            pint.DimensionalityError,
            ArithmeticError,
            ValueError,
        ) as error:
            raise BadInputError(f"{where}: {name}: {error}") from None
    try:
        return _run(model, tuple(sorted(made.items())))
    except TypeError as error:
        raise BadInputError(f"{where}: {error}") from None
    except (ValueError, ArithmeticError):
        return None


def _number(amount: Any) -> float:
    """In seconds, bytes, counts, or one of these a second."""
    return (
        float(amount.to_base_units().magnitude)
        if hasattr(amount, "to_base_units")
        else float(amount)
    )


@lru_cache(maxsize=256)
def _run(model: str, inputs: _Inputs) -> Any:
    shape, run = _models()[model]
    return run(shape(**dict(inputs)), SEED)
