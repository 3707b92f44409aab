"""A cold cache: empty, in front of a store that was sized for a warm one."""

import math
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import simpy

from chapter_offline.sizing import causal
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

_MOST_EXPONENT = 1.5
_CLOSER = 12  # times finer, over the first so-many-th of the time


@dataclass(frozen=True)
class ColdCache:
    """An empty LRU cache in front of a store.

    rate: reads a second. keys: of which the i-th most popular draws a share as i ** -exponent.
    entries: that fit. ttl: an entry lives so long from when it was filled. store_time: of one read
    of the store. coalescing: reads of a key that is being fetched wait for that fetch.
    """

    rate: float
    keys: float
    exponent: float
    entries: float
    ttl: float
    store_time: float
    coalescing: bool = False


@dataclass(frozen=True)
class ColdCacheOutcome:
    """horizon: seconds simulated. warm_hit_rate, warm_store_rate: share of hits and reads of the store
    a second over the last third of it. peak: reads of the store a second in the step with most,
    over the warm level. warm_after: until the reads of the store (mean of five steps) first come
    within 10% of the warm level. hits: share of reads, store_reads: a second.
    """

    horizon: float
    warm_hit_rate: float
    warm_store_rate: float
    peak: float
    warm_after: float
    hits: Series
    store_reads: Series


def cold_cache(cache: ColdCache, seed: int, simulated: int = SIMULATED) -> ColdCacheOutcome:
    """A cache warms from empty, for three times what that takes (Che's time, or the ttl if shorter).

    k keys of neighbouring ranks are taken as one, read as often as one of them on average, in a
    cache of entries / k: each key's own rate, and so the course in time, is kept, but not the spread
    within k ranks. The first twelfth is simulated once more, in finer steps. Shares of hits are
    those of the keys that are cached, which scatter less than counts of hits. Against k = 1, rates
    and shares were within 2% and warm_after, on so flat a curve, within 10%. Independent reads,
    exponents up to 1.5. ValueError beyond, and where nearly all reads hit and misses are too few.
    """
    need_positive(cache, "rate", "keys", "entries", "ttl", "store_time")
    if not 0 <= cache.exponent <= _MOST_EXPONENT:
        raise ValueError(f"exponent must be from 0 to {_MOST_EXPONENT}, and is {cache.exponent:g}")
    turnover = cache.ttl
    if cache.entries < cache.keys:
        reads = causal.characteristic_reads(cache.entries, cache.keys, cache.exponent)
        turnover = min(cache.ttl, reads / cache.rate)
    horizon = 3 * turnover
    miss, fetch = _warm(cache, seed, simulated, horizon)
    close_miss, close_fetch = _warm(cache, seed, simulated, horizon / _CLOSER)
    for i in range(POINTS // _CLOSER):
        part = slice(i * _CLOSER, (i + 1) * _CLOSER)
        miss[i] = math.fsum(close_miss[part]) / _CLOSER
        fetch[i] = math.fsum(close_fetch[part]) / _CLOSER
    third = POINTS // 3
    warm = math.fsum(fetch[-third:]) / third
    steps = Steps(horizon)
    return ColdCacheOutcome(
        horizon=horizon,
        warm_hit_rate=1 - math.fsum(miss[-third:]) / third,
        warm_store_rate=cache.rate * warm,
        peak=max(fetch) / warm,
        warm_after=_first_below(fetch, 1.1 * warm) * steps.step,
        hits=steps.series([1 - level for level in miss]),
        store_reads=steps.series([cache.rate * level for level in fetch]),
    )


def _first_below(levels: list[float], limit: float) -> float:
    """Steps until the mean of five first comes down to a limit, between two of them by proportion."""
    smooth = [math.fsum(levels[i : i + 5]) / 5 for i in range(len(levels) - 4)]
    at = next((i for i, level in enumerate(smooth) if level <= limit), len(smooth) - 1)
    if at == 0:
        return 0.0
    return at + 2.5 - (limit - smooth[at]) / max(limit - smooth[at], smooth[at - 1] - smooth[at])


def _warm(
    cache: ColdCache, seed: int, simulated: int, horizon: float
) -> tuple[list[float], list[float]]:
    """Shares of the reads of each step that miss, and that fetch from the store."""
    whole = causal.generalised_harmonic(cache.keys, cache.exponent)
    scale = scale_of(cache.rate * horizon, simulated, min(cache.entries, cache.keys) / 50)
    fits = max(1, round(cache.entries / scale))
    env = simpy.Environment()
    draw = _zipf(draws_of(seed, "keys"), cache.keys, cache.exponent)
    entries: OrderedDict[int, float] = OrderedDict()  # group of keys, and when it expires
    fetched: dict[int, int] = {}  # group, and fetches of it in flight
    shares: dict[int, float] = {}
    held = in_flight = 0.0  # shares of the reads
    counts, misses, fetches = Steps(horizon), Steps(horizon), Steps(horizon)

    def share(group: int) -> float:
        if group not in shares:
            low, high = (min(cache.keys, math.ceil(i * scale)) for i in (group, group + 1))
            shares[group] = _harmonic_between(low, high, cache.exponent) / whole
        return shares[group]

    def read() -> None:
        nonlocal in_flight
        counts.add(env.now, 1)
        misses.add(env.now, 1 - held)
        fetches.add(env.now, 1 - held - (in_flight if cache.coalescing else 0.0))
        group = int((draw() - 1) / scale)
        if group in entries:
            entries.move_to_end(group)
        elif not (cache.coalescing and group in fetched):
            in_flight += 0.0 if group in fetched else share(group)
            fetched[group] = fetched.get(group, 0) + 1
            env.timeout(cache.store_time, group).callbacks.append(fill)

    def fill(event: Any) -> None:
        nonlocal held, in_flight
        group = event.value
        fetched[group] -= 1
        if not fetched[group]:
            del fetched[group]
        if group in entries:
            return
        in_flight -= share(group)
        held += share(group)
        entries[group] = env.now + cache.ttl
        env.timeout(cache.ttl, (group, entries[group])).callbacks.append(expire)
        if len(entries) > fits:
            held -= share(entries.popitem(last=False)[0])

    def expire(event: Any) -> None:
        nonlocal held
        group, moment = event.value
        if entries.get(group) == moment:
            del entries[group]
            held -= share(group)

    moments = arrivals(draws_of(seed, "arrivals"), scale, ((horizon, cache.rate),))
    env.process(feed(env, moments, read))
    env.run(until=horizon)
    miss = [part / n if n else 0.0 for part, n in zip(misses.sums, counts.sums, strict=True)]
    fetch = [part / n if n else 0.0 for part, n in zip(fetches.sums, counts.sums, strict=True)]
    return miss, fetch


def _integral(x: float, exponent: float) -> float:
    """Of x ** -exponent, from 1."""
    power = 1 - exponent
    return math.expm1(power * math.log(x)) / power if power else math.log(x)


def _harmonic_between(low: float, high: float, exponent: float) -> float:
    """Sum of i ** -exponent over low < i <= high, to some four digits."""
    if low >= 64:
        return _integral(high + 0.5, exponent) - _integral(low + 0.5, exponent)
    below = causal.generalised_harmonic(low, exponent) if low else 0.0
    return causal.generalised_harmonic(high, exponent) - below


def _zipf(draws: random.Random, keys: float, exponent: float) -> Callable[[], int]:
    """Draws ranks by rejection-inversion (W. Hörmann, G. Derflinger, 1996)."""
    power = 1 - exponent

    def integral(x: float) -> float:
        return _integral(x, exponent)

    def inverse(y: float) -> float:
        return math.exp(math.log1p(power * y) / power) if power else math.exp(y)

    first, last = integral(1.5) - 1, integral(keys + 0.5)
    sure = 2 - inverse(integral(2.5) - 2.0**-exponent)

    def draw() -> int:
        while True:
            u = last + draws.random() * (first - last)
            x = inverse(u)
            rank = max(1, min(int(keys), int(x + 0.5)))
            if rank - x <= sure or u >= integral(rank + 0.5) - float(rank) ** -exponent:
                return rank

    return draw
