"""Units: how they are written in TOML, what they measure, and how a quantity is printed.

Built on pint with a registry of our own, so that a count, a time, bytes and money can't be mixed up
and nothing else is loaded. Knows no figure by name.
"""

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

_DEFINITIONS = (
    "second = [time] = s",
    "ms = 1e-3 * second",
    "µs = 1e-6 * second",
    "min = 60 * second",
    "h = 3600 * second",
    "days = 86400 * second = _ = day",
    "month = 2592000 * second",
    "years = 31536000 * second = _ = year",
    "bytes = [information] = B",
    "kB = 1e3 * bytes",
    "MB = 1e6 * bytes",
    "GB = 1e9 * bytes",
    "TB = 1e12 * bytes",
    "PB = 1e15 * bytes",
    "usd = [currency]",
    "percent = 0.01",
    "ppm = 1e-6",
)

_SPELLED = re.compile(r"[A-Za-zµ%$]*(/[A-Za-zµ]+)*")

TIMES = (
    ("µs", 1e-3),
    ("ms", 1.0),
    ("s", 120.0),
    ("min", 7200.0),
    ("h", 48 * 3600.0),
    ("days", 730 * 86400.0),
)
SIZES = (("bytes", 1e3), ("kB", 1e6), ("MB", 1e9), ("GB", 1e12), ("TB", 1e15))
"""In which unit a time or a size is printed: the first whose limit, in seconds or bytes, it is below."""
WORDS = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


@lru_cache(maxsize=1)
def registry() -> Any:
    """The unit registry (a month is 30 days, a kilobyte 1,000 bytes)."""
    import pint

    made: Any = pint.UnitRegistry(None, cache_folder=None)
    for definition in _DEFINITIONS:
        made.define(definition)
    return made


@lru_cache(maxsize=64)
def unit_of(text: str) -> Any:
    """The pint unit of a unit as TOML writes it: "", "/s", "%", "ms", "$/month", "$/GB/month".

    Raises pint.UndefinedUnitError (an AttributeError) for a unit that is not known.
    """
    if not _SPELLED.fullmatch(text):
        import pint

        raise pint.UndefinedUnitError(text)
    if not text:
        return registry().Unit("")
    spelled = text.replace("%", "percent").replace("$", "usd")
    if spelled.startswith("/"):
        spelled = "1" + spelled
    return registry().parse_units(spelled) if "/" not in spelled else registry()(spelled).units


def quantity(value: float, unit: str) -> Any:
    """A pint quantity of `value` in `unit`."""
    return registry().Quantity(value, unit_of(unit))


@dataclass(frozen=True)
class Printed:
    """A number as a reader sees it, and the quantity that it stands for.

    exact: whether nothing was lost in rounding.
    """

    number: str
    suffix: str
    prefix: str
    quantity: Any
    exact: bool

    @property
    def text(self) -> str:
        return f"{self.prefix}{self.number}{self.suffix}"


def _digits(value: float, significant: int) -> tuple[float, bool]:
    """`value` rounded as we print it, and whether that lost nothing. Whole numbers stay whole."""
    if not math.isfinite(value):
        return value, True
    nearest = round(value)
    if abs(value - nearest) <= 1e-9 * max(1.0, abs(value)) and abs(value) < 100_000:
        return float(nearest), True
    exact = Decimal(f"{value:.12g}")  # without the noise of binary fractions
    place = Decimal(1).scaleb(exact.adjusted() - significant + 1)
    rounded = float(exact.quantize(place, ROUND_HALF_UP))  # 532.5 is 533, as at school
    return rounded, abs(rounded - value) <= 1e-9 * abs(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "∞"
    if value == round(value) and abs(value) < 1e15:
        return f"{round(value):,}".replace("-", "−")
    places = max(6, 5 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}".rstrip("0").rstrip(".").replace("-", "−")


def _scaled_unit(amount: Any, unit: str) -> str:
    """The unit in which a derived quantity reads best: times and bytes by their size."""
    head, _, rest = unit.partition("/")
    if head in {"µs", "ms", "s", "min", "h", "days", "years"} and not rest:
        seconds = abs(amount.to(unit_of("s")).magnitude)
        for name, below in TIMES:
            if seconds < below:
                return name
        return "years"
    if head in {"bytes", "kB", "MB", "GB", "TB", "PB"}:
        size = abs(amount.to(unit_of("bytes" + ("/" + rest if rest else ""))).magnitude)
        for name, below in SIZES:
            if size < below:
                return name + ("/" + rest if rest else "")
        return "PB" + ("/" + rest if rest else "")
    return unit


def printed(amount: Any, unit: str, *, scale: bool, significant: int = 3) -> Printed:
    """How a quantity is printed, rounded to so many significant digits where `scale` is set.

    amount: a pint quantity. unit: the unit in which the figure is declared. scale: choose the unit
    that reads best and round (derived figures); given figures are printed as they were written.
    Raises pint.DimensionalityError when amount and unit measure different things.
    """
    shown_unit = _scaled_unit(amount, unit) if scale else unit
    value = float(amount.to(unit_of(shown_unit)).magnitude)
    exact = True
    if scale:
        if shown_unit == "%" and 99 < value < 100 and significant > 2:
            significant = 5  # of availabilities the nines count
        value, exact = _digits(value, significant)
    word = ""
    factor = 1.0
    if shown_unit in {"", "/s", "/day"} and math.isfinite(value):
        for size, name in WORDS:
            if abs(value) >= size:
                word, factor = " " + name, size
                break
    number = _number(value / factor)
    prefix, suffix = "", word
    if shown_unit.startswith("$"):
        prefix = "$"
        suffix += {
            "": "",
            "/day": " a day",
            "/month": " a month",
            "/year": " a year",
            "/GB": " per GB",
            "/GB/month": " per GB and month",
        }.get(shown_unit[1:], " " + shown_unit[1:])
    elif shown_unit in {"%"} or shown_unit.startswith("/"):
        suffix += shown_unit
    elif shown_unit:
        name = (
            shown_unit[:-1]
            if shown_unit in {"days", "years", "bytes"} and number == "1"
            else shown_unit
        )
        suffix += " " + name
    return Printed(number, suffix, prefix, quantity(value, shown_unit), exact)
