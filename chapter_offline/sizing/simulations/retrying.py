"""A retry storm: a dependency goes down and comes back to callers that retry."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import simpy

from chapter_offline.sizing.simulations.scaled import (
    POINTS,
    SIMULATED,
    Series,
    Steps,
    arrivals,
    draws_of,
    feed,
    need_positive,
    scale_of,
)


@dataclass(frozen=True)
class Storm:
    """Callers that retry, and a dependency that is down from `down_from` to `down_until`.

    rate: first attempts a second. capacity: calls a second that the dependency can answer once it
    is back. tries: calls of one request, at most, the first included. timeout: of a call, which is
    lost while the dependency is down, and else waits its turn (the dependency works on calls whose
    caller gave up). queue_limit: a call is refused at once where those before it take so long, or
    None. budget: retries allowed for each first attempt (0.1), or None; the bucket of all callers
    holds those of `budget_window` seconds. backoff: a retry waits a random time up to
    min(backoff_most, backoff x 2 ** retries before it) ("full jitter"), or None.
    """

    rate: float
    capacity: float
    down_from: float
    down_until: float
    tries: int
    timeout: float
    horizon: float
    queue_limit: float | None = None
    budget: float | None = None
    budget_window: float = 1.0
    backoff: float | None = None
    backoff_most: float = 10.0


@dataclass(frozen=True)
class StormOutcome:
    """peak: calls over the rate of first attempts, in the step with most. recovery: from coming back
    until, step by step, at least 99% of the first attempts that arrive succeed in the end and go on
    to; None if not within the horizon (metastable). first_attempts = succeeded + failed, and calls:
    counts over the horizon. calls_series: calls a second. success_series: share of the first
    attempts of a step that succeed, at the first try or a later one.
    """

    peak: float
    recovery: float | None
    first_attempts: float
    succeeded: float
    failed: float
    calls: float
    calls_series: Series
    success_series: Series


def retry_storm(storm: Storm, seed: int, simulated: int = SIMULATED) -> StormOutcome:
    """A dependency goes down, callers retry, it comes back: does it recover?

    Before it goes down it answers every call. k calls share their fate, and take k / capacity one
    after the other; `simulated` counts calls. recovery is known to some steps of horizon / 120.
    """
    need_positive(storm, "rate", "capacity", "tries", "timeout", "horizon")
    life = storm.tries * (storm.timeout + (storm.backoff_most if storm.backoff else 0.0))
    until = storm.horizon + life  # so that all first attempts within the horizon are decided
    shortest = min(storm.timeout, storm.queue_limit or math.inf)
    scale = scale_of(storm.rate * storm.tries * until, simulated, storm.capacity * shortest / 10)
    env = simpy.Environment()
    service, jitter = draws_of(seed, "service"), draws_of(seed, "backoff")
    calls = Steps(storm.horizon)
    decided: list[tuple[float, bool]] = []
    free_at = 0.0
    bucket = max(1.0, (storm.budget or 0.0) * storm.rate * storm.budget_window / scale)
    tokens = bucket

    def call() -> float | None:
        """Seconds until the call begins to be answered, or None where it is refused or lost."""
        nonlocal free_at
        calls.add(env.now, scale)
        if env.now < storm.down_from:
            return 0.0
        if env.now < storm.down_until:
            return math.inf
        wait = max(0.0, free_at - env.now)
        if storm.queue_limit is not None and wait > storm.queue_limit:
            return None
        free_at = env.now + wait + service.gammavariate(scale, 1 / storm.capacity)
        return wait

    def may_retry() -> bool:
        nonlocal tokens
        if storm.budget is None:
            return True
        if tokens < 1:
            return False
        tokens -= 1
        return True

    def request() -> Generator[simpy.Event, Any, None]:
        nonlocal tokens
        arrived = env.now
        tokens = min(bucket, tokens + (storm.budget or 0.0))
        for retries in range(storm.tries):
            wait = call()
            if wait is not None and wait <= storm.timeout:
                decided.append((arrived, True))
                return
            if wait is not None:
                yield env.timeout(storm.timeout)
            if retries + 1 == storm.tries or not may_retry():
                break
            if storm.backoff is not None:
                most = min(storm.backoff_most, storm.backoff * 2.0**retries)
                yield env.timeout(jitter.uniform(0, most))
        decided.append((arrived, False))

    moments = arrivals(draws_of(seed, "arrivals"), scale, ((until, storm.rate),))
    env.process(feed(env, moments, lambda: env.process(request())))
    env.run(until=until)
    decided = sorted((at, good) for at, good in decided if at < storm.horizon)
    succeeded = sum(good for _, good in decided)
    return StormOutcome(
        peak=max(calls.sums) / calls.step / storm.rate,
        recovery=_recovery(decided, storm),
        first_attempts=len(decided) * scale,
        succeeded=succeeded * scale,
        failed=(len(decided) - succeeded) * scale,
        calls=math.fsum(calls.sums),
        calls_series=calls.series(),
        success_series=_success(decided, storm.horizon),
    )


def _success(decided: list[tuple[float, bool]], horizon: float) -> Series:
    """Share of success, of the steps that have first attempts."""
    all_of, good_of = Steps(horizon), Steps(horizon)
    for at, good in decided:
        all_of.add(at, 1)
        good_of.add(at, good)
    return tuple(
        (moment, good / total)
        for (moment, good), (_, total) in zip(good_of.series(), all_of.series(), strict=True)
        if total
    )


def _recovery(decided: list[tuple[float, bool]], storm: Storm) -> float | None:
    """From coming back to the last failure of the last step with less than 99% of success."""
    after = [(at, good) for at, good in decided if at >= storm.down_until]
    step = storm.horizon / POINTS
    bad = [moment for moment, share in _success(after, storm.horizon) if share < 0.99]
    if not bad:
        return 0.0
    if bad[-1] > storm.horizon - step:
        return None
    return max(at for at, good in after if not good and at < bad[-1] + step / 2) - storm.down_until
