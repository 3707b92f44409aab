"""Simulations: what they must conserve, what theory says of them, and that their scale is harmless."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chapter_offline.sizing import causal
from chapter_offline.sizing.simulations import (
    Burst,
    ColdCache,
    Slow,
    Storm,
    burst_through_queue,
    cold_cache,
    retry_storm,
    slow_dependency,
)

pytestmark = pytest.mark.whole

# A big system: a million requests a second.
BURST = Burst(
    servers=6680,
    service_time=0.002,
    base_rate=1e6,
    burst_rate=4e6,
    start=20,
    length=60,
    patience=1.9,
    queue_limit=None,
    settled_wait=0.1,
    horizon=240,
)
SHED = replace(BURST, queue_limit=0.1)
STORM = Storm(
    rate=1e6, capacity=1.2e6, down_from=20, down_until=50, tries=3, timeout=0.4, horizon=150
)
COLD = ColdCache(rate=1e6, keys=1e8, exponent=0.9, entries=1e7, ttl=3600, store_time=0.002)
SLOW = Slow(
    pool=12_800,
    rate=2e5,
    normal=0.005,
    slow=0.3,
    slow_from=20,
    slow_until=50,
    timeout=0.4,
    wait_limit=0,
    horizon=80,
)
ALL: list[tuple[Callable[..., Any], Any]] = [
    (burst_through_queue, BURST),
    (retry_storm, replace(STORM, budget=0.1, backoff=0.2)),
    (cold_cache, COLD),
    (slow_dependency, replace(SLOW, wait_limit=0.1)),
]
SEEDS = range(12)
LOOSE = {"warm_after": 0.1}  # where a flat curve crosses a level: as cold_cache says of itself


def numbers(outcome: Any) -> dict[str, float | None]:
    return {name: value for name, value in vars(outcome).items() if not isinstance(value, tuple)}


@pytest.mark.parametrize(("simulate", "inputs"), ALL)
def test_a_seed_gives_the_same_bits_and_another_seed_others(
    simulate: Callable[..., Any], inputs: Any
) -> None:
    assert repr(simulate(inputs, 7, 3000)) == repr(simulate(inputs, 7, 3000))
    assert repr(simulate(inputs, 7, 3000)) != repr(simulate(inputs, 8, 3000))


@pytest.mark.parametrize(("simulate", "inputs"), ALL)
def test_a_series_fits_a_chart(simulate: Callable[..., Any], inputs: Any) -> None:
    outcome = simulate(inputs, 1, 3000)
    found = [value for value in vars(outcome).values() if isinstance(value, tuple)]
    assert found
    for series in found:
        moments = [moment for moment, _ in series]
        assert len(series) <= 120
        assert moments == sorted(moments)
        assert all(math.isfinite(value) and value > -1e-9 for _, value in series)


# Means of three seeds; times that are short beside a step or a grain are compared by hand below.
@pytest.mark.parametrize(
    ("simulate", "inputs", "names", "tolerance"),
    [
        (burst_through_queue, BURST, "arrived answered late longest_wait recovery", 0.01),
        (burst_through_queue, SHED, "arrived answered refused longest_wait mean_wait", 0.05),
        (retry_storm, STORM, "peak first_attempts succeeded failed calls", 0.03),
        (retry_storm, replace(STORM, budget=0.1), "peak succeeded failed calls", 0.03),
        (cold_cache, COLD, "warm_hit_rate warm_store_rate peak warm_after", 0.05),
        (slow_dependency, SLOW, "wanted answered refused exhausted_after normal_after", 0.04),
    ],
)
def test_half_or_double_the_scale_changes_little(
    simulate: Callable[..., Any], inputs: Any, names: str, tolerance: float
) -> None:
    few, middle, many = (
        [numbers(simulate(inputs, seed, simulated)) for seed in (1, 2, 3)]
        for simulated in (4000, 8000, 16_000)
    )
    for name in names.split():
        tolerance_of = LOOSE.get(name, tolerance)
        expected = sum(outcome[name] for outcome in middle)
        assert sum(outcome[name] for outcome in few) == pytest.approx(expected, rel=tolerance_of)
        assert sum(outcome[name] for outcome in many) == pytest.approx(expected, rel=tolerance_of)


# ------------------------------------------------------------------ a burst through a queue


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (1, 0.7), (4, 0.7), (16, 0.8)])
def test_waits_agree_with_erlang(servers: int, load: float) -> None:
    service, rate = 0.01, load * servers / 0.01
    horizon = 120_000 / rate
    steady = Burst(
        servers=servers,
        service_time=service,
        base_rate=rate,
        burst_rate=rate,
        start=0.05 * horizon,
        length=0.95 * horizon,
        patience=math.inf,
        queue_limit=None,
        settled_wait=1,
        horizon=horizon,
    )
    waits = [burst_through_queue(steady, seed, simulated=10**6).mean_wait for seed in (1, 2, 3)]
    expected = causal.erlang_wait(servers, load, service)
    assert sum(waits) / 3 == pytest.approx(expected, rel=0.03)


def test_a_backlog_drains_as_the_fluid_model_says() -> None:
    outcome = burst_through_queue(BURST, 1)
    capacity = BURST.servers / BURST.service_time
    backlog = (BURST.burst_rate - capacity) * BURST.length
    drain = causal.drain_time(backlog - 0.1 * capacity, BURST.base_rate, capacity)
    assert outcome.recovery == pytest.approx(drain, rel=0.02)
    too_late = 1.9 * capacity / (BURST.burst_rate - capacity)
    assert outcome.answered == pytest.approx(too_late * BURST.burst_rate, rel=0.03)


def test_shedding_answers_as_much_as_the_servers_can_and_recovers_at_once() -> None:
    outcome = burst_through_queue(SHED, 1)
    possible = SHED.servers / SHED.service_time * SHED.length
    assert outcome.answered == pytest.approx(possible, rel=0.01)
    assert outcome.late == 0
    assert outcome.longest_wait == pytest.approx(0.1, rel=0.1)
    assert outcome.recovery == pytest.approx(0, abs=0.05)
    assert outcome.answered > 4 * burst_through_queue(BURST, 1).answered


def test_without_overload_nobody_is_refused_or_late() -> None:
    outcome = burst_through_queue(replace(SHED, burst_rate=2e6), 1)
    assert (outcome.refused, outcome.late, outcome.recovery) == (0, 0, 0)
    assert outcome.answered == outcome.arrived


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_arrives_in_a_burst_is_answered_refused_late_or_waiting(seed: int) -> None:
    draw = random.Random(seed)
    servers = draw.randint(1, 400)
    capacity = servers / 0.02
    burst = Burst(
        servers=servers,
        service_time=0.02,
        base_rate=capacity * draw.uniform(0, 0.9),
        burst_rate=capacity * draw.uniform(0.5, 4),
        start=draw.uniform(0, 5),
        length=draw.uniform(1, 10),
        patience=draw.uniform(0.5, 3),
        queue_limit=draw.choice([None, draw.uniform(0.3, 2)]),
        settled_wait=0.2,
        horizon=draw.uniform(16, 30),
    )
    outcome = burst_through_queue(burst, seed, simulated=1500)
    ended = outcome.answered + outcome.refused + outcome.late + outcome.waiting
    assert ended == pytest.approx(outcome.arrived)
    assert min(outcome.answered, outcome.refused, outcome.late, outcome.waiting) >= 0
    expected = burst.burst_rate * burst.length
    grain = max(1.0, expected / 500)
    assert outcome.arrived == pytest.approx(expected, abs=5 * math.sqrt(expected) + 2 * grain)
    assert outcome.longest_wait <= burst.patience
    if burst.queue_limit is None:
        assert outcome.refused == 0


# ------------------------------------------------------------------ a retry storm


def test_unbounded_retries_keep_a_dependency_down_and_a_budget_does_not() -> None:
    storm = retry_storm(STORM, 1)
    assert storm.recovery is None
    assert storm.peak == pytest.approx(causal.retry_amplification(1, 3), rel=0.03)
    budgeted = retry_storm(replace(STORM, budget=0.1), 1)
    assert budgeted.recovery == 0
    assert budgeted.peak == pytest.approx(1.1, abs=0.1)  # the bucket holds another second's
    late = [value for moment, value in budgeted.calls_series if 25 < moment < 48]
    assert sum(late) / len(late) / STORM.rate == pytest.approx(
        causal.budgeted_amplification(1, 3, 0.1), rel=0.01
    )


def test_capacity_for_all_tries_or_a_bounded_queue_recovers() -> None:
    assert retry_storm(replace(STORM, capacity=3.5e6), 1).recovery == 0
    bounded = retry_storm(replace(STORM, queue_limit=0.2), 1).recovery
    assert bounded is not None
    assert bounded < 2


def test_without_an_outage_each_request_is_one_call_that_succeeds() -> None:
    outcome = retry_storm(replace(STORM, down_from=50), 1, 5000)
    assert outcome.failed == 0
    assert outcome.calls == pytest.approx(outcome.first_attempts)
    assert outcome.recovery == 0


def drawn_storm(draw: random.Random) -> Storm:
    rate = 10 ** draw.uniform(1.5, 5)
    return Storm(
        rate=rate,
        capacity=rate * draw.uniform(1.05, 4),
        down_from=5,
        down_until=draw.uniform(8, 20),
        tries=draw.randint(1, 5),
        timeout=draw.uniform(0.5, 2),
        horizon=40,
        queue_limit=draw.choice([None, draw.uniform(0.3, 1)]),
        backoff=draw.choice([None, 0.3]),
        backoff_most=3,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_first_attempt_succeeds_or_fails_after_one_to_all_tries(seed: int) -> None:
    storm = drawn_storm(random.Random(seed))
    outcome = retry_storm(storm, seed, 2000)
    assert outcome.succeeded + outcome.failed == pytest.approx(outcome.first_attempts)
    assert outcome.first_attempts == pytest.approx(storm.rate * storm.horizon, rel=0.15)
    assert outcome.first_attempts <= outcome.calls * 1.001
    assert outcome.calls <= outcome.first_attempts * storm.tries * 1.001
    down = storm.rate * (storm.down_until - storm.down_from)
    assert outcome.failed <= outcome.first_attempts
    if storm.tries == 1:
        assert outcome.failed >= 0.8 * down


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_a_retry_budget_never_gives_a_higher_peak_than_none(seed: int, share: float) -> None:
    storm = drawn_storm(random.Random(seed))
    free = retry_storm(storm, seed, 1000)
    budgeted = retry_storm(replace(storm, budget=share), seed, 1000)
    assert budgeted.peak <= free.peak
    assert budgeted.calls <= free.calls


# ------------------------------------------------------------------ a cold cache


@pytest.mark.parametrize("exponent", [0.6, 0.9, 1.1])
def test_a_warm_cache_hits_as_che_says(exponent: float) -> None:
    cache = replace(COLD, exponent=exponent)
    outcome = cold_cache(cache, 1)
    expected = causal.lru_hit_rate(cache.entries, cache.keys, exponent)
    assert outcome.warm_hit_rate == pytest.approx(expected, abs=0.006)
    assert outcome.warm_store_rate == pytest.approx((1 - outcome.warm_hit_rate) * cache.rate)
    assert 1 < outcome.peak < causal.cold_start_multiple(outcome.warm_hit_rate)
    assert outcome.hits[0][1] < outcome.hits[20][1] < outcome.hits[60][1]


def test_a_time_to_live_holds_what_renewal_theory_says() -> None:
    cache = ColdCache(rate=1e5, keys=1e4, exponent=0.8, entries=2e4, ttl=20, store_time=0.001)
    whole = causal.generalised_harmonic(1e4, 0.8)
    rates = [1e5 * i**-0.8 / whole for i in range(1, 10_001)]
    fetched = math.fsum(rate / (1 + rate * cache.ttl) for rate in rates)
    assert cold_cache(cache, 1, 40_000).warm_store_rate == pytest.approx(fetched, rel=0.05)


def test_coalescing_fetches_a_key_once_however_many_ask() -> None:
    small = ColdCache(rate=2000, keys=100, exponent=1, entries=200, ttl=1, store_time=0.1)
    alone, together = cold_cache(small, 1), cold_cache(replace(small, coalescing=True), 1)
    assert together.warm_store_rate < 0.7 * alone.warm_store_rate
    assert together.warm_store_rate <= 1.02 * 100 / small.ttl


@pytest.mark.parametrize("seed", SEEDS)
def test_hits_are_shares_and_the_store_is_read_at_most_as_often_as_the_cache(seed: int) -> None:
    draw = random.Random(seed)
    cache = ColdCache(
        rate=10 ** draw.uniform(2, 6),
        keys=round(10 ** draw.uniform(4, 9)),
        exponent=draw.choice([0, 0.5, 1, 1.2]),
        entries=10 ** draw.uniform(2.5, 4),
        ttl=draw.uniform(1, 600),
        store_time=0.003,
        coalescing=draw.random() < 0.5,
    )
    outcome = cold_cache(cache, seed, 1500)
    assert all(-1e-9 <= value <= 1 for _, value in outcome.hits)
    for (_, hits), (_, fetched) in zip(outcome.hits, outcome.store_reads, strict=True):
        assert fetched <= cache.rate * (1 - hits) * (1 + 1e-9)
        if not cache.coalescing:
            assert fetched == pytest.approx(cache.rate * (1 - hits))
    assert 0 <= outcome.warm_after <= outcome.horizon


# ------------------------------------------------------------------ a slow dependency


def test_a_pool_runs_out_when_littles_law_says() -> None:
    outcome = slow_dependency(SLOW, 1)
    expected = causal.pool_exhaustion_time(SLOW.pool, SLOW.rate, SLOW.normal, SLOW.slow)
    assert outcome.exhausted_after == pytest.approx(expected, rel=0.03)
    during = [value for moment, value in outcome.calls if 22 < moment < 48]
    assert min(during) == pytest.approx(SLOW.pool, rel=0.02)
    before = [value for moment, value in outcome.calls if 5 < moment < 18]
    calls = causal.in_progress(SLOW.rate, SLOW.normal)
    assert sum(before) / len(before) == pytest.approx(calls, rel=0.02)


def test_what_a_full_pool_lets_through_is_its_size_over_the_time_of_a_call() -> None:
    cut = replace(SLOW, slow=1.0)  # every slow call is cut after 0.4 s
    outcome = slow_dependency(cut, 1)
    through = cut.pool / cut.timeout * (cut.slow_until - cut.slow_from)
    assert outcome.timed_out == pytest.approx(through, rel=0.02)
    assert outcome.refused == pytest.approx(cut.rate * 30 - through, rel=0.02)
    assert outcome.normal_after == pytest.approx(cut.timeout, rel=0.05)


def test_a_pool_that_is_large_enough_refuses_nobody() -> None:
    outcome = slow_dependency(replace(SLOW, slow=0.05), 1)
    assert (outcome.refused, outcome.timed_out, outcome.exhausted_after) == (0, 0, None)
    assert outcome.normal_after == pytest.approx(1.5 * 0.05, rel=0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_calls_wanted_are_answered_cut_refused_or_open(seed: int) -> None:
    draw = random.Random(seed)
    slow = Slow(
        pool=draw.randint(4, 300),
        rate=draw.uniform(100, 2000),
        normal=0.002,
        slow=draw.uniform(0.02, 1),
        slow_from=2,
        slow_until=draw.uniform(3, 8),
        timeout=draw.uniform(0.1, 1),
        wait_limit=draw.choice([0, draw.uniform(0.05, 0.5)]),
        horizon=10,
    )
    outcome = slow_dependency(slow, seed, 4000)
    ended = outcome.answered + outcome.timed_out + outcome.refused + outcome.open
    assert ended == pytest.approx(outcome.wanted)
    assert min(outcome.answered, outcome.timed_out, outcome.refused) >= 0
    assert outcome.open >= -1e-6
    assert all(value <= slow.pool * (1 + 1e-9) for _, value in outcome.calls)
    if outcome.refused > 0.01 * outcome.wanted:
        assert outcome.exhausted_after is not None


# ------------------------------------------------------------------ what can't be simulated


@pytest.mark.parametrize(
    ("simulate", "inputs", "message"),
    [
        (burst_through_queue, replace(BURST, patience=0.001), "can't be simulated"),
        (burst_through_queue, replace(BURST, servers=0), "servers must be above 0"),
        (retry_storm, replace(STORM, timeout=0.0001), "can't be simulated"),
        (retry_storm, replace(STORM, rate=math.nan), "rate must be above 0"),
        (cold_cache, replace(COLD, exponent=1.6), "exponent must be from 0"),
        (cold_cache, replace(COLD, exponent=1.5, entries=5e7, ttl=1e9), "can't be simulated"),
        (slow_dependency, replace(SLOW, horizon=1e5), "can't be simulated"),
        (slow_dependency, replace(SLOW, pool=0), "pool must be above 0"),
    ],
)
def test_what_is_out_of_range_is_refused_in_one_line(
    simulate: Callable[..., Any], inputs: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        simulate(inputs, 1)
    assert "\n" not in str(refused.value)
