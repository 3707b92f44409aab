"""Units: what they measure, and how a quantity is printed."""

import pint
import pytest

from chapter_offline.sizing.units import printed, quantity, unit_of


def text(value: float, unit: str, *, scale: bool = True) -> str:
    return printed(quantity(value, unit), unit, scale=scale).text


@pytest.mark.parametrize(
    ("value", "unit", "base", "same"),
    [
        (1, "min", "s", 60),
        (1, "h", "min", 60),
        (1, "days", "h", 24),
        (1, "month", "days", 30),
        (1, "years", "days", 365),
        (1, "ms", "µs", 1000),
        (1, "GB", "bytes", 1_000_000_000),
        (50, "%", "", 0.5),
        (86_400, "/day", "/s", 1),
        (1, "$/GB/month", "$/TB/month", 1000),
    ],
)
def test_a_quantity_is_the_same_in_another_unit(
    value: float, unit: str, base: str, same: float
) -> None:
    assert quantity(value, unit).to(unit_of(base)).magnitude == pytest.approx(same, rel=1e-12)


@pytest.mark.parametrize(
    ("one", "other"), [("s", "bytes"), ("$", ""), ("/s", ""), ("GB", "GB/month"), ("$/month", "$")]
)
def test_unlike_things_do_not_add_up(one: str, other: str) -> None:
    with pytest.raises(pint.DimensionalityError):
        quantity(1, one) + quantity(1, other)


@pytest.mark.parametrize(
    "unit",
    ["furlong", "kg", "s^2", "s**2", "s s", "__import__('os')", "(", "/", "//s", "1/s", "\n"],
)
def test_a_unit_that_is_not_known_is_refused(unit: str) -> None:
    with pytest.raises(AttributeError):  # pint's UndefinedUnitError is one
        unit_of(unit)


@pytest.mark.parametrize(
    ("value", "unit", "seen"),
    [
        (20_833.333, "/s", "20,800/s"),
        (46.2962, "/s", "46.3/s"),
        (0.034722, "/s", "0.0347/s"),
        (0.3, "ms", "300 µs"),
        (1500, "ms", "1.5 s"),
        (90, "s", "90 s"),
        (150, "s", "2.5 min"),
        (200, "min", "3.33 h"),
        (49, "h", "2.04 days"),
        (1, "days", "24 h"),
        (800, "days", "2.19 years"),
        (999, "bytes", "999 bytes"),
        (1_234, "bytes", "1.23 kB"),
        (86_400_000, "kB", "86.4 GB"),
        (4_200_000, "GB/month", "4.2 PB/month"),
        (12_345, "$/month", "$12,345 a month"),
        (123_456, "$/month", "$123,000 a month"),
        (0.00042, "$", "$0.00042"),
        (3.5, "$/GB", "$3.5 per GB"),
        (99.9123, "%", "99.912%"),
        (12.345, "%", "12.3%"),
        (4_000_000, "", "4 million"),
        (1_234_567, "", "1.23 million"),
        (2_500_000_000, "/day", "2.5 billion/day"),
        (3e12, "", "3 trillion"),
        (87_654, "", "87,654"),
        (876_543, "", "877,000"),
        (532_500, "", "533,000"),
        (0.0012345, "", "0.00123"),
        (7, "", "7"),
        (6.999999999999, "", "7"),
        (0.00000312499, "", "0.00000312"),
        (float("inf"), "s", "∞ years"),
    ],
)
def test_a_derived_quantity_is_printed_with_three_digits_in_the_unit_that_reads_best(
    value: float, unit: str, seen: str
) -> None:
    assert text(value, unit) == seen


@pytest.mark.parametrize(
    ("value", "unit", "seen"),
    [
        (1500, "ms", "1,500 ms"),
        (1_234.5, "", "1,234.5"),
        (1, "days", "1 day"),
        (1, "bytes", "1 byte"),
        (0.02, "ms", "0.02 ms"),
        (99.95, "%", "99.95%"),
        (1_234_567, "", "1.234567 million"),
        (0, "", "0"),
    ],
)
def test_an_assumption_is_printed_as_it_was_written(value: float, unit: str, seen: str) -> None:
    assert text(value, unit, scale=False) == seen


def test_what_is_printed_is_what_is_counted_with() -> None:
    made = printed(quantity(20_833.333, "/s"), "/s", scale=True)
    assert made.quantity.magnitude == 20_800
    assert not made.exact


def test_rounding_that_loses_nothing_is_exact() -> None:
    assert printed(quantity(20_800, "/s"), "/s", scale=True).exact
