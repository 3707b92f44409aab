"""Causal models: closed forms by hand, the same from SciPy, and what is out of range."""

import math
import random
from collections.abc import Callable

import pytest
from scipy import special, stats

from chapter_offline.sizing import causal


@pytest.mark.parametrize(
    ("made", "by_hand"),
    [
        (causal.drain_time(backlog=6000, rate=800, capacity=1000), 30),
        (causal.drain_time(backlog=0, rate=0, capacity=1), 0),
        (causal.retry_amplification(layers=3, tries=4), 64),
        (causal.retry_amplification(layers=0, tries=4), 1),
        (causal.budgeted_amplification(layers=3, tries=4, share=0.1), 1.331),
        (causal.budgeted_amplification(layers=2, tries=1, share=0.1), 1),
        (causal.in_progress(rate=200, seconds=0.3), 60),
        (causal.pool_exhaustion_time(pool=32, rate=400, normal=0.005, slow=0.3), 0.08),
        (causal.erlang_c(servers=1, load=0.6), 0.6),
        (causal.erlang_c(servers=2, load=0.5), 1 / 3),
        (causal.erlang_c(servers=5, load=0), 0),
        (causal.erlang_wait(servers=1, load=0.5, service=0.002), 0.002),
        (causal.availability_in_series([0.99, 0.9]), 0.891),
        (causal.availability_in_series([]), 1),
        (causal.availability_of_replicas(n=3, k=2, one=0.9), 0.972),
        (causal.availability_of_replicas(n=3, k=0, one=0.1), 1),
        (causal.quorum_latency(n=3, k=2, fixed=0.01, tail=0.006), 0.01 + 0.006 * 5 / 6),
        (causal.quorum_latency(n=1, k=1, fixed=0, tail=2), 2),
        (causal.stale_read_share(writes=2, lag=0.5), 1 - math.exp(-1)),
        (causal.stale_read_share(writes=2, lag=0, replica_share=0.5), 0),
        (causal.cross_region_commit(round_trips=2, round_trip=0.08, local=0.005), 0.165),
        (causal.generalised_harmonic(4, 1), 25 / 12),
        (causal.generalised_harmonic(1000, 0), 1000),
        (causal.zipf_share(top=1, keys=4, exponent=1), 12 / 25),
        (causal.zipf_share(top=0, keys=4, exponent=1), 0),
        (causal.zipf_share(top=20, keys=100, exponent=0), 0.2),
        (causal.cold_start_multiple(hit_rate=0.95), 20),
        (causal.lru_hit_rate(entries=50, keys=50, exponent=1), 1),
        (causal.partition_count(rate=10_000, limit=4000, fill=0.25), 10),
        (causal.partition_count(rate=10_001, limit=4000, fill=0.25), 11),
        (causal.partition_count(rate=0, limit=4000, fill=1), 1),
        (causal.rebalancing_time(stored=1.2e12, machines=8, added=4, speed=1e8), 1000),
        (causal.log_partition_bytes(rate=1000, record=500, retention=3600, segment=1e9), 2.8e9),
        (causal.error_budget(objective=0.999, window=30 * 86400), 2592),
        (causal.burn_rate(bad_share=0.0144, objective=0.999), 14.4),
        (causal.spare_cost(needed=10, spare=2, price=150), 300),
        (causal.spare_overhead(needed=2, spare=1), 0.5),
    ],
)
def test_closed_forms_worked_by_hand(made: float, by_hand: float) -> None:
    assert made == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize(
    ("servers", "load"), [(1, 0.3), (4, 0.7), (10, 0.8), (100, 0.9), (3333, 0.98)]
)
def test_erlangs_second_formula_from_his_first_as_a_ratio_of_poisson_chances(
    servers: int, load: float
) -> None:
    erlangs = servers * load
    lost = stats.poisson.pmf(servers, erlangs) / stats.poisson.cdf(servers, erlangs)
    waits = lost / (1 - load * (1 - lost))
    assert causal.erlang_c(servers, load) == pytest.approx(waits, rel=1e-9)


@pytest.mark.parametrize(
    ("n", "k", "one"), [(3, 2, 0.99), (5, 3, 0.9), (7, 7, 0.5), (900, 880, 0.97)]
)
def test_replicas_that_are_up_are_binomial(n: int, k: int, one: float) -> None:
    expected = stats.binom.sf(k - 1, n, one)
    assert causal.availability_of_replicas(n, k, one) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "k"), [(3, 2), (5, 3), (5, 5), (9, 1)])
def test_a_quorum_answers_at_an_order_statistic(n: int, k: int) -> None:
    tail = stats.expon(scale=0.02)
    chance = stats.beta(k, n - k + 1)  # of the k-th smallest of n uniform draws
    mean = chance.expect(lambda u: tail.ppf(u))
    assert causal.quorum_latency(n, k, 0.005, 0.02) == pytest.approx(0.005 + mean, rel=1e-6)


@pytest.mark.parametrize("n", [10, 64, 65, 1000, 10**6, 10**9])
@pytest.mark.parametrize("exponent", [1.01, 1.5, 2, 5])
def test_harmonic_numbers_are_differences_of_hurwitz_zeta(n: int, exponent: float) -> None:
    expected = special.zeta(exponent, 1) - special.zeta(exponent, n + 1)
    assert causal.generalised_harmonic(n, exponent) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("exponent", [0, 0.5, 0.8, 0.999999, 1, 1.2])
def test_harmonic_numbers_are_the_sums_that_they_stand_for(exponent: float) -> None:
    expected = math.fsum(i**-exponent for i in range(1, 20_001))
    assert causal.generalised_harmonic(20_000, exponent) == pytest.approx(expected, rel=1e-12)


def test_a_billion_keys_have_the_harmonic_number_that_euler_gave() -> None:
    expected = math.log(1e9) + 0.57721566490153286 + 0.5e-9
    assert causal.generalised_harmonic(10**9, 1) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("entries", "exponent"), [(100, 0.8), (1000, 1), (1000, 1.2)])
def test_che_agrees_with_an_lru_cache_that_is_read(entries: int, exponent: float) -> None:
    keys, reads = 10_000, 100_000
    ranks = random.Random(3).choices(
        range(keys), [(i + 1) ** -exponent for i in range(keys)], k=reads
    )
    cache: dict[int, None] = {}
    hits = 0
    for n, rank in enumerate(ranks):
        hits += n >= reads // 2 and rank in cache
        cache.pop(rank, None)
        cache[rank] = None
        if len(cache) > entries:
            del cache[next(iter(cache))]
    assert causal.lru_hit_rate(entries, keys, exponent) == pytest.approx(
        hits / (reads / 2), abs=0.01
    )


def test_che_with_equal_keys_holds_the_share_that_fits() -> None:
    assert causal.lru_hit_rate(1e8, 1e9, 0) == pytest.approx(0.1, rel=1e-5)
    reads = causal.characteristic_reads(1e8, 1e9, 0)
    assert reads == pytest.approx(-math.log(0.9) * 1e9, rel=1e-5)


def test_che_for_many_keys_agrees_with_the_sum_over_each() -> None:
    entries, keys, exponent = 3000, 50_000, 0.9
    whole = math.fsum(i**-exponent for i in range(1, keys + 1))
    shares = [i**-exponent / whole for i in range(1, keys + 1)]
    reads = causal.characteristic_reads(entries, keys, exponent)
    assert math.fsum(-math.expm1(-p * reads) for p in shares) == pytest.approx(entries, rel=1e-6)
    hits = math.fsum(-p * math.expm1(-p * reads) for p in shares)
    assert causal.lru_hit_rate(entries, keys, exponent) == pytest.approx(hits, rel=1e-6)


def test_more_entries_more_skew_and_fewer_keys_all_raise_the_hit_rate() -> None:
    rate = causal.lru_hit_rate(1e6, 1e8, 0.9)
    assert rate < causal.lru_hit_rate(2e6, 1e8, 0.9) < 1
    assert rate < causal.lru_hit_rate(1e6, 1e8, 1.0) < 1
    assert rate < causal.lru_hit_rate(1e6, 5e7, 0.9) < 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: causal.drain_time(10, 100, 100),
        lambda: causal.drain_time(-1, 1, 2),
        lambda: causal.drain_time(math.nan, 1, 2),
        lambda: causal.retry_amplification(1.5, 3),
        lambda: causal.retry_amplification(2, 0),
        lambda: causal.budgeted_amplification(2, 3, -0.1),
        lambda: causal.in_progress(math.inf, 1),
        lambda: causal.pool_exhaustion_time(10, 1000, 0.01, 1),
        lambda: causal.pool_exhaustion_time(1001, 1000, 0.01, 1),
        lambda: causal.erlang_c(0, 0.5),
        lambda: causal.erlang_c(1.5, 0.5),
        lambda: causal.erlang_c(2_000_000, 0.5),
        lambda: causal.erlang_c(3, 1),
        lambda: causal.erlang_c(3, math.nan),
        lambda: causal.erlang_wait(3, 0.5, -1),
        lambda: causal.availability_in_series([0.9, 1.1]),
        lambda: causal.availability_of_replicas(3, 4, 0.9),
        lambda: causal.availability_of_replicas(2000, 4, 0.9),
        lambda: causal.quorum_latency(3, 0, 0, 1),
        lambda: causal.quorum_latency(3, 4, 0, 1),
        lambda: causal.stale_read_share(1, -1),
        lambda: causal.stale_read_share(1, 1, 2),
        lambda: causal.cross_region_commit(0.5, 1),
        lambda: causal.generalised_harmonic(0, 1),
        lambda: causal.generalised_harmonic(2e9, 1),
        lambda: causal.generalised_harmonic(10, -1),
        lambda: causal.generalised_harmonic(10, math.nan),
        lambda: causal.zipf_share(11, 10, 1),
        lambda: causal.characteristic_reads(10, 10, 1),
        lambda: causal.lru_hit_rate(0, 10, 1),
        lambda: causal.lru_hit_rate(0.5, 10, 1),
        lambda: causal.cold_start_multiple(1),
        lambda: causal.partition_count(1, 1, 0),
        lambda: causal.partition_count(1, 1, 1.1),
        lambda: causal.rebalancing_time(1, 1, 0, 1),
        lambda: causal.log_partition_bytes(1, -1, 1),
        lambda: causal.error_budget(1.1, 1),
        lambda: causal.burn_rate(0.1, 1),
        lambda: causal.spare_cost(0, 1, 1),
        lambda: causal.spare_overhead(2, -1),
    ],
)
def test_outside_its_range_a_model_says_so_in_one_line(call: Callable[[], float]) -> None:
    with pytest.raises(ValueError, match=r"\S") as refused:
        call()
    assert "\n" not in str(refused.value)
    assert type(refused.value) is ValueError
