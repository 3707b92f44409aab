"""A reader follows the derivations with a calculator, and gets the numbers that are printed.

The calculator knows only what stands on the page: numbers with their units as words, + − × ÷, powers
and brackets. It shares no code with the program, but for the hit rate of an LRU cache.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import binom
from systems import all_magnitudes, all_roles, all_traits, library, made_brief, rate_limiter

from chapter_offline.chapter.figuring import figures_for
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.sizing import causal
from chapter_offline.sizing.figures import Figures

SECONDS = {"µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}
SECONDS |= {"day": 86400, "days": 86400, "month": 30 * 86400, "year": 365 * 86400}
SECONDS |= {"years": 365 * 86400}
BYTES = {"byte": 1, "bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}
SHARES = {"%": 0.01, "ppm": 1e-6}
WORDS = {"million": 1e6, "billion": 1e9, "trillion": 1e12}
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
UNIT = re.compile(
    r"(?: (million|billion|trillion)\b)?"
    r"(%| (?:ppm|µs|ms|min|h|s|days?|years?|bytes?|kB|MB|GB|TB|PB)\b)?"
    r"( a (?:day|month|year)| per GB and month| per GB|(?:/(?:s|day|month|GB)\b)*)"
)


@dataclass(frozen=True)
class Amount:
    """A number of base units (seconds, bytes, dollars) and the power of each."""

    value: float
    units: tuple[tuple[str, int], ...] = ()

    def times(self, other: "Amount", sign: int = 1) -> "Amount":
        powers = Counter(dict(self.units))
        for name, power in other.units:
            powers[name] += sign * power
        units = tuple(sorted((name, power) for name, power in powers.items() if power))
        return Amount(self.value * other.value**sign, units)

    def plus(self, other: "Amount", sign: int = 1) -> "Amount":
        assert self.units == other.units, f"{self} and {other} are unlike things"
        return Amount(self.value + sign * other.value, self.units)

    def power(self, exponent: int) -> "Amount":
        made = Amount(1.0)
        for _ in range(exponent):
            made = made.times(self)
        return made


def one(unit: str) -> Amount:
    """One of a unit, in base units."""
    if unit in SHARES:
        return Amount(SHARES[unit])
    if unit in SECONDS:
        return Amount(SECONDS[unit], (("s", 1),))
    return Amount(BYTES[unit], (("B", 1),))


def erlang(servers: int, load: float) -> float:
    """Erlang's C as a sum."""
    offered = servers * load
    full = offered**servers / math.factorial(servers) / (1 - load)
    return full / (sum(offered**k / math.factorial(k) for k in range(servers)) + full)


class Calculator:
    """Reads a line of a table from left to right, by the rules of school."""

    def __init__(self, line: str) -> None:
        self._line, self._at = line, 0

    def result(self) -> Amount:
        amount = self._sum()
        assert self._at == len(self._line), f"{self._line!r} goes on at {self._at}"
        return amount

    def _take(self, sign: str) -> bool:
        if self._line.startswith(sign, self._at):
            self._at += len(sign)
            return True
        return False

    def _sum(self) -> Amount:
        amount = self._product().times(Amount(-1)) if self._take("−") else self._product()
        while True:
            if self._take(" + "):
                amount = amount.plus(self._product())
            elif self._take(" − "):
                amount = amount.plus(self._product(), -1)
            else:
                return amount

    def _product(self) -> Amount:
        amount = self._factor()
        while True:
            if self._take(" × "):
                amount = amount.times(self._factor())
            elif self._take(" ÷ "):
                amount = amount.times(self._factor(), -1)
            else:
                return amount

    def _inside(self, *signs: str) -> list[float]:
        """Values between such signs, up to the bracket that closes."""
        values = [self._number().value]
        for sign in signs:
            assert self._take(sign)
            values.append(self._number().value)
        assert self._take(")")
        return values

    def _factor(self) -> Amount:
        if self._take("C("):  # Erlang's formula, as textbooks write it
            servers = self._sum()
            assert self._take("; ")
            load = self._sum()
            assert self._take(")")
            amount = Amount(erlang(round(servers.value), load.value))
        elif self._take("smaller("):
            one = self._sum()
            assert self._take("; ")
            amount = min(one, self._sum(), key=lambda each: each.value)
            assert self._take(")")
        elif self._take("√("):
            (value,) = self._inside()
            amount = Amount(math.sqrt(value))
        elif self._take("Zipf("):  # the share of the most wanted, by Zipf's law
            top, keys, exponent = self._inside(" of ", "; ")
            amount = Amount(harmonic(min(top, keys), exponent) / harmonic(keys, exponent))
        elif self._take("binomial("):  # so many of so many up
            n, least, one_up = self._inside(" in all, at least ", "; ")
            amount = Amount(float(binom.sf(round(least) - 1, round(n), one_up)))
        elif self._take("1 − e^−("):
            rate, lag = self._inside(" × ")
            amount = Amount(-math.expm1(-rate * lag))
        elif self._take(
            "LRU("
        ):  # no calculator's work: by the model that tests/sizing/test_causal.py checks
            entries, keys, exponent = self._inside(" of ", "; Zipf ")
            amount = Amount(causal.lru_hit_rate(min(entries, keys), keys, exponent))
        elif self._take("("):
            amount = self._sum()
            assert self._take(")")
        else:
            amount = self._number()
        raised = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+").match(self._line, self._at)
        if self._take("^"):
            return Amount(amount.value ** self._factor().value)
        if not raised:
            return amount
        self._at = raised.end()
        return amount.power(int(raised.group().translate(POWERS)))

    def _number(self) -> Amount:
        dollars = self._take("$")
        number = NUMBER.match(self._line, self._at)
        assert number, f"no number in {self._line!r} at {self._at}"
        unit = UNIT.match(self._line, number.end())
        assert unit
        self._at = unit.end()
        amount = Amount(float(number.group().replace(",", "")) * WORDS.get(unit[1] or "", 1))
        if dollars:
            amount = amount.times(Amount(1, (("$", 1),)))
        if unit[2]:
            amount = amount.times(one(unit[2].strip()))
        per = unit[3].replace(" a ", "/").replace(" per ", "/").replace(" and ", "/")
        for name in filter(None, per.split("/")):
            amount = amount.times(one(name), -1)
        return amount


def harmonic(n: float, exponent: float) -> float:
    """Sum of i ** -exponent: a million terms one by one, the rest as an integral between middles."""
    n, first = round(n), min(round(n), 1_000_000)
    head = float((np.arange(1, first + 1) ** -exponent).sum())
    if n == first:
        return head
    low, high, power = first + 0.5, n + 0.5, 1 - exponent
    return head + (math.log(high / low) if power == 0 else (high**power - low**power) / power)


def last_place(text: str) -> float:
    """Half of what the last digit of a printed number stands for, in base units.

    Zeros at the end of a large number may be rounding: three digits are taken to count.
    """
    number = NUMBER.search(text)
    assert number
    digits = number.group().replace(",", "")
    value = float(digits)
    step = 10.0 ** -len(digits.partition(".")[2])
    if value >= 100:
        step = max(step, 10.0 ** (math.floor(math.log10(value)) - 2))
    scale = Calculator(text).result().value / value if value else 1.0
    return step * scale / 2


def wrong(figures: Figures) -> list[str]:
    """Derivations that a calculator does not agree with."""
    found = []
    for name in figures:
        line, figure = figures.derivation(name), figures[name]
        if not line or not all(figures[part].usable for part in (name, *figures.used_by(name))):
            continue
        reckoned, told = Calculator(line).result(), Calculator(figure.text).result()
        if figure.definition.round_up:
            good = math.isclose(told.value, math.ceil(round(reckoned.value, 9)))
        elif " = " in figures.equation(name) or line == figure.text:
            good = math.isclose(told.value, reckoned.value, rel_tol=1e-9)
        else:
            good = abs(told.value - reckoned.value) <= last_place(figure.text) * (1 + 1e-9)
        if not good or reckoned.units != told.units:
            found.append(f"{name}: {figures.equation(name)} ({reckoned})")
    return found


@pytest.mark.parametrize(
    ("line", "value", "units"),
    [
        ("20,800/s × 3", 62_400, (("s", -1),)),
        ("1.5 million × 2%", 30_000, ()),
        ("(1 − 99.9%) × 30 days", 2592, (("s", 1),)),
        ("$150 a month × 9", 150 * 9 / 2_592_000, (("$", 1), ("s", -1))),
        ("4 GB × $0.1 per GB and month", 0.4 / 2_592_000, (("$", 1), ("s", -1))),
        ("2 kB ÷ 8 ms ÷ 2", 125_000, (("B", 1), ("s", -1))),
        ("99.9%²", 0.998001, ()),
        ("1 + C(2; 50%) ÷ 2", 7 / 6, ()),
        ("8 ÷ √(16)", 2, ()),
        ("8 × 4^(−0.5)", 4, ()),
        ("1 ÷ 4^0.5", 0.5, ()),
        ("(2 million)² ÷ 10¹²", 4, ()),
        ("Zipf(1 of 3; 1) × 11", 6, ()),
        ("binomial(3 in all, at least 2; 50%)", 0.5, ()),
        ("1 − e^−(2/s × 500 ms)", 1 - math.exp(-1), ()),
        ("LRU(3 of 3; Zipf 1)", 1, ()),
    ],
)
def test_the_calculator_reads_as_a_person_does(line: str, value: float, units: tuple) -> None:
    amount = Calculator(line).result()
    assert (amount.value, amount.units) == (pytest.approx(value), units)


def test_the_calculator_does_not_add_unlike_things() -> None:
    with pytest.raises(AssertionError, match="unlike things"):
        Calculator("3 s + 4").result()


def briefs() -> list[Brief]:
    """The library's, and made ones from the smallest to the largest."""
    magnitudes = all_magnitudes()
    return [
        rate_limiter(),
        made_brief("smallest", figures=magnitudes[0]),
        made_brief("middle", figures=magnitudes[len(magnitudes) // 2]),
        made_brief("largest", roles=all_roles(), figures=magnitudes[-1]),
        made_brief("every trait", roles=all_roles(), traits=all_traits()),
        made_brief("every trait", roles=all_roles(), traits=all_traits(), figures=magnitudes[0]),
    ]


@pytest.mark.parametrize("brief", briefs(), ids=lambda brief: brief.name)
def test_a_reader_gets_every_number_that_is_printed(brief: Brief) -> None:
    figures = figures_for(library(), brief)
    assert sum(1 for name in figures if figures.derivation(name)) > 100
    assert wrong(figures) == []


def test_a_wrong_number_would_be_found() -> None:
    class Misprint(Figures):
        def derivation(self, name: str) -> str:
            return super().derivation(name).replace("2", "3")

    figures = figures_for(library(), rate_limiter())
    assert len(wrong(Misprint({name: figures[name] for name in figures}))) > 50
