"""What the simulations share: the scale, arrivals, servers behind a queue, and series in steps."""

import random
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any

import simpy

Series = tuple[tuple[float, float], ...]
"""Points (seconds, value), each the mean over one step of the horizon, at the step's middle."""

SIMULATED = 8_000
POINTS = 120


def draws_of(seed: int, process: str) -> random.Random:
    return random.Random(f"{seed} {process}")


def scale_of(requests: float, simulated: int, most: float) -> float:
    """Requests that one simulated request stands for: `most`, or what keeps the arrivals few.

    Raises ValueError where that is more than five times `most`.
    """
    scale = max(1.0, min(requests / simulated, most), requests / (3 * simulated))
    if scale > max(1.0, 5 * most):
        raise ValueError(
            f"{requests:,.0f} requests can't be simulated in steps of {5 * most:,.0f}: take a shorter time"
        )
    return scale


def need_positive(inputs: Any, *names: str) -> None:
    for name in names:
        if not getattr(inputs, name) > 0:
            raise ValueError(f"{name} must be above 0, and is {getattr(inputs, name):g}")


def arrivals(
    draws: random.Random, scale: float, rates: tuple[tuple[float, float], ...]
) -> Iterator[float]:
    """Moments of arrival of every `scale`-th request; rates are (until, requests a second)."""
    if any(rate < 0 for _, rate in rates):
        raise ValueError("a rate of requests is below 0")
    now, due = 0.0, draws.gammavariate(scale, 1)
    for until, rate in rates:
        while rate and now + due / rate < until:
            now += due / rate
            yield now
            due = draws.gammavariate(scale, 1)
        due -= (until - now) * rate
        now = until


def feed(
    env: simpy.Environment, moments: Iterator[float], arrive: Callable[[], Any]
) -> Generator[simpy.Event, Any, None]:
    for moment in moments:
        yield env.timeout(max(0.0, moment - env.now))
        arrive()


class Steps:
    """Amounts, summed over the equal steps of a horizon."""

    def __init__(self, horizon: float) -> None:
        self.step = horizon / POINTS
        self.sums = [0.0] * POINTS

    def add(self, moment: float, amount: float) -> None:
        i = int(moment / self.step)
        if i < POINTS:
            self.sums[i] += amount

    def spread(self, start: float, end: float, level: float) -> None:
        """Adds level x seconds to each step between two moments."""
        i = int(start / self.step)
        while start < end and i < POINTS:
            stop = min(end, (i + 1) * self.step)
            self.sums[i] += level * (stop - start)
            start, i = stop, i + 1

    def series(self, values: list[float] | None = None) -> Series:
        """The sums, each over its step's length, or `values` of the steps."""
        values = [total / self.step for total in self.sums] if values is None else values
        return tuple(((i + 0.5) * self.step, value) for i, value in enumerate(values))


class Servers:
    """Servers behind one queue, first come, first served.

    begin: from a request's moment of arrival to the seconds it takes. finish: is told arrival and
    beginning when one ends, while it still counts as busy.
    """

    def __init__(
        self,
        env: simpy.Environment,
        count: int,
        begin: Callable[[float], float],
        finish: Callable[[float, float], None],
    ) -> None:
        self.env, self.free, self.begin, self.finish = env, count, begin, finish
        self.waiting: deque[float] = deque()

    def start(self, arrived: float) -> None:
        self.free -= 1
        done = self.env.timeout(self.begin(arrived), (arrived, self.env.now))
        done.callbacks.append(self._done)

    def _done(self, event: Any) -> None:
        self.finish(*event.value)
        self.free += 1
        if self.waiting:
            self.start(self.waiting.popleft())
