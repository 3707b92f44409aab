"""Causal models: what follows from a load, a delay or a failure, each a small pure function.

Everything is a float in SI units: seconds, bytes, counts, rates a second, shares from 0 to 1. A
function says its formula, where it comes from and where it holds; outside it raises ValueError with
one line. Knows nothing of figures, of units that are printed, and of any system.
"""

import math
from collections.abc import Callable, Iterable

MOST_SERVERS = 1_000_000
MOST_KEYS = 1e9
_EXACT_RANKS = 256  # summed one by one; beyond them a sum over ranks is taken as an integral
_PANELS = 256


def _need(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _positive(**values: float) -> None:
    for name, value in values.items():
        _need(0 < value < math.inf, f"{name} must be above 0 and finite, and is {value:g}")


def _not_negative(**values: float) -> None:
    for name, value in values.items():
        _need(0 <= value < math.inf, f"{name} must be 0 or more and finite, and is {value:g}")


def _share(**values: float) -> None:
    for name, value in values.items():
        _need(0 <= value <= 1, f"{name} must be a share from 0 to 1, and is {value:g}")


def _whole(least: float, **values: float) -> None:
    for name, value in values.items():
        whole = least <= value < math.inf and value == int(value)
        _need(whole, f"{name} must be a whole number from {least:g} on, and is {value:g}")


# ------------------------------------------------------------------ queues and retries


def drain_time(backlog: float, rate: float, capacity: float) -> float:
    """Seconds until `backlog` requests are worked off: backlog / (capacity - rate).

    rate, capacity: requests a second that go on coming, and that can be served. Fluid model (G. F.
    Newell, Applications of Queueing Theory, 1982, ch. 2): holds where the backlog is many times
    what one server has in hand. ValueError unless capacity is above rate: it never drains.
    """
    _not_negative(backlog=backlog, rate=rate, capacity=capacity)
    _need(
        capacity > rate, f"a backlog never drains at {rate:g}/s into a capacity of {capacity:g}/s"
    )
    return backlog / (capacity - rate)


def retry_amplification(layers: float, tries: float) -> float:
    """Calls at the bottom for one at the top when all fail: tries ** layers.

    layers: callers stacked above the failing one, each of which tries `tries` times in all (1: it
    never retries). B. Beyer et al., Site Reliability Engineering, 2016, ch. 22. Holds while every
    call fails; an upper bound otherwise.
    """
    _whole(0, layers=layers)
    _whole(1, tries=tries)
    return float(tries**layers)


def budgeted_amplification(layers: float, tries: float, share: float) -> float:
    """The same with a retry budget at each layer: min(tries, 1 + share) ** layers.

    share: retries allowed for each first attempt, 0.1 for 10%. B. Beyer et al., Site Reliability
    Engineering, 2016, ch. 21. Holds in the long run; a full token bucket adds its content once.
    """
    _whole(0, layers=layers)
    _whole(1, tries=tries)
    _not_negative(share=share)
    return float(min(tries, 1 + share) ** layers)


def in_progress(rate: float, seconds: float) -> float:
    """Requests in progress on average: rate x seconds.

    rate: a second. seconds: from beginning to end of one. J. D. C. Little, 1961 (L = λW): holds for
    any distribution and discipline, as a long-run mean, as long as all that comes also leaves.
    """
    _not_negative(rate=rate, seconds=seconds)
    return rate * seconds


def pool_exhaustion_time(pool: float, rate: float, normal: float, slow: float) -> float:
    """Seconds from when calls begin to take `slow` until all of a pool are taken: pool / rate.

    pool: calls at once. rate: calls a second. normal, slow: seconds of one call, `normal` for those
    already begun. For t between both, rate x t calls are in progress (Mt/D/∞, S. G. Eick, W. A.
    Massey, W. Whitt, 1993). Holds for rate x normal < pool <= rate x slow; ValueError otherwise (it
    is exhausted from the start, or never).
    """
    _positive(pool=pool, rate=rate, normal=normal, slow=slow)
    _need(rate * normal < pool, f"a pool of {pool:g} is exhausted before anything slows down")
    _need(pool <= rate * slow, f"a pool of {pool:g} is never exhausted by {rate * slow:g} calls")
    return pool / rate


def erlang_c(servers: float, load: float) -> float:
    """The chance that a request finds every one of several servers behind one queue busy.

    servers: their number, 1 to 1,000,000, a whole one. load: the share of time that each is busy,
    from 0 up to but not including 1.

    Erlang's second formula (A. K. Erlang, 1917), for requests that come independently of each other
    (Poisson) and take exponentially distributed times. It is reckoned by the recursion of his first
    formula, B, which neither overflows nor cancels for any number of servers.
    """
    _whole(1, servers=servers)
    _need(servers <= MOST_SERVERS, f"at most {MOST_SERVERS:,} servers are reckoned with")
    _need(0 <= load < 1, f"load must be from 0 up to but not 1, and is {load:g}")
    lost = 1.0
    for n in range(1, int(servers) + 1):
        lost = servers * load * lost / (n + servers * load * lost)
    return lost / (1 - load * (1 - lost))


def erlang_wait(servers: float, load: float, service: float) -> float:
    """Mean seconds in the queue, of all requests: erlang_c x service / (servers x (1 - load)).

    service: mean seconds of one request. M/M/c (L. Kleinrock, Queueing Systems I, 1975, sec. 3.5);
    range as for `erlang_c`.
    """
    _not_negative(service=service)
    return erlang_c(servers, load) * service / (servers * (1 - load))


# ------------------------------------------------------------------ availability and replicas


def availability_in_series(parts: Iterable[float]) -> float:
    """Share of time that all of several parts are up: their product.

    parts: availabilities, shares. R. E. Barlow, F. Proschan, Statistical Theory of Reliability,
    1975, ch. 2. Holds for parts that fail independently.
    """
    product = 1.0
    for part in parts:
        _share(availability=part)
        product *= part
    return product


def availability_of_replicas(n: float, k: float, one: float) -> float:
    """Share of time that at least `k` of `n` replicas are up: sum over i >= k of the binomial.

    n: replicas, at most 1,000. one: availability of each, a share. Source as for a series. Holds
    for replicas that fail independently; a shared cause (a rollout, a zone) makes it less.
    """
    _whole(1, n=n)
    _need(n <= 1000, f"at most 1,000 replicas are reckoned with, not {n:g}")
    _whole(0, k=k)
    _need(k <= n, f"k is {k:g} of only {n:g} replicas")
    _share(one=one)
    size = int(n)
    chances = (
        math.comb(size, i) * one**i * (1 - one) ** (size - i) for i in range(int(k), size + 1)
    )
    return min(1.0, math.fsum(chances))


def quorum_latency(n: float, k: float, fixed: float, tail: float) -> float:
    """Mean seconds until the `k`-th fastest of `n` replicas has answered.

    fixed + tail x (H(n) - H(n-k)), H the harmonic numbers (A. Rényi, On the theory of order
    statistics, 1953). fixed: seconds that every answer takes. tail: mean of the exponentially
    distributed rest. Holds for answers that are independent of each other.
    """
    _whole(1, n=n, k=k)
    _need(k <= n, f"k is {k:g} of only {n:g} replicas")
    _need(n <= MOST_SERVERS, f"at most {MOST_SERVERS:,} replicas are reckoned with")
    _not_negative(fixed=fixed, tail=tail)
    return fixed + tail * math.fsum(1 / i for i in range(int(n - k) + 1, int(n) + 1))


def stale_read_share(writes: float, lag: float, replica_share: float = 1.0) -> float:
    """Share of reads of a key that miss its last write: replica_share x (1 - exp(-writes x lag)).

    writes: of that key, a second. lag: seconds that a replica is behind. replica_share: share of
    reads that go to a replica. Poisson writes seen at random moments (R. W. Wolff, PASTA, 1982): a
    read that its writer's own write causes is stale far more often.
    """
    _not_negative(writes=writes, lag=lag)
    _share(replica_share=replica_share)
    return -replica_share * math.expm1(-writes * lag)


def cross_region_commit(round_trips: float, round_trip: float, local: float = 0.0) -> float:
    """Seconds of a commit across regions: round_trips x round_trip + local.

    round_trips: that must follow each other (one for a leader with a majority elsewhere, L.
    Lamport, The part-time parliament, 1998; two for two-phase commit, J. Gray, 1978). round_trip:
    seconds to the region that completes the quorum. local: seconds of work on the way.
    """
    _whole(0, round_trips=round_trips)
    _not_negative(round_trip=round_trip, local=local)
    return round_trips * round_trip + local


# ------------------------------------------------------------------ keys and caches


def generalised_harmonic(n: float, exponent: float) -> float:
    """Sum of i ** -exponent for i from 1 to `n`, to some 12 digits.

    n: 1 to 1e9, a whole number. exponent: 0 to 5. The first terms one by one, the rest by
    Euler-Maclaurin with three corrections (R. L. Graham, D. E. Knuth, O. Patashnik, Concrete
    Mathematics, 1994, sec. 9.5).
    """
    _whole(1, n=n)
    _need(n <= MOST_KEYS, f"at most {MOST_KEYS:,.0f} keys are reckoned with, not {n:,.0f}")
    _need(0 <= exponent <= 5, f"exponent must be from 0 to 5, and is {exponent:g}")
    s, first = exponent, min(int(n), 64)
    head = math.fsum(i**-s for i in range(1, first + 1))
    if first == n:
        return head
    span = math.log(n / first)
    grown = span if s == 1 else first ** (1 - s) * math.expm1((1 - s) * span) / (1 - s)
    steps = (
        (n**-s - first**-s) / 2,
        -s * (n ** (-s - 1) - first ** (-s - 1)) / 12,
        s * (s + 1) * (s + 2) * (n ** (-s - 3) - first ** (-s - 3)) / 720,
        -math.prod(s + i for i in range(5)) * (n ** (-s - 5) - first ** (-s - 5)) / 30240,
    )
    return math.fsum((head, grown, *steps))


def zipf_share(top: float, keys: float, exponent: float) -> float:
    """Share of the load on the `top` most popular of `keys` keys: H(top, s) / H(keys, s).

    exponent: s of Zipf's law, the i-th key drawing a share as i ** -s (L. Breslau et al., Web
    caching and Zipf-like distributions, 1999, found 0.64 to 0.83). Range as for
    `generalised_harmonic`; top may be 0.
    """
    _whole(0, top=top)
    _need(top <= keys, f"top is {top:g} of only {keys:g} keys")
    whole = generalised_harmonic(keys, exponent)
    return generalised_harmonic(top, exponent) / whole if top else 0.0


def _over_keys(keys: float, exponent: float) -> Callable[[Callable[[float], float]], float]:
    """A sum over all keys of a function of a key's share: exact at the head, Simpson in log rank."""
    whole = generalised_harmonic(keys, exponent)
    exact = int(min(keys, _EXACT_RANKS))
    nodes = [(i**-exponent / whole, 1.0) for i in range(1, exact + 1)]
    if keys > exact:
        start, end = math.log(exact + 0.5), math.log(keys + 0.5)
        width = (end - start) / (2 * _PANELS)
        for i in range(2 * _PANELS + 1):
            rank = math.exp(start + i * width)
            part = 1 if i in {0, 2 * _PANELS} else 4 if i % 2 else 2
            nodes.append((rank**-exponent / whole, part * width / 3 * rank))
    return lambda function: math.fsum(count * function(share) for share, count in nodes)


def characteristic_reads(entries: float, keys: float, exponent: float) -> float:
    """Reads after which an LRU cache drops an entry that was not read again; divide by the rate.

    The T of entries = sum over keys of 1 - exp(-share x T) (H. Che, Y. Tung, Z. Wang, 2002). It is
    also how many reads a cold cache takes to warm. entries: that fit, 1 up to but not `keys`. Holds
    for independent reads, to about 1% from 100 entries on (C. Fricker, P. Robert, J. Roberts, 2012).
    """
    _need(1 <= entries < keys, f"entries must be from 1 up to but not {keys:g}, and is {entries:g}")
    total = _over_keys(keys, exponent)

    def held(reads: float) -> float:
        return total(lambda share: -math.expm1(-share * reads))

    low, high = 0.0, float(entries)
    while held(high) < entries and high < 1e30:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if held(middle) < entries else (low, middle)
    return (low + high) / 2


def lru_hit_rate(entries: float, keys: float, exponent: float) -> float:
    """Share of reads that a warm LRU cache answers: sum over keys of share x (1 - exp(-share x T)).

    T and range: `characteristic_reads` (Che's approximation, 2002); 1 where all keys fit. Without
    expiry; a time to live makes it less.
    """
    _positive(entries=entries)
    if entries >= keys:
        return 1.0
    reads = characteristic_reads(entries, keys, exponent)
    return _over_keys(keys, exponent)(lambda share: -share * math.expm1(-share * reads))


def cold_start_multiple(hit_rate: float) -> float:
    """The load of a store behind an empty cache over that behind a warm one: 1 / (1 - hit_rate).

    hit_rate: share of reads, 0 up to but not including 1. Every read that was a hit reaches the
    store (N. Bronson et al., Metastable failures in distributed systems, 2021).
    """
    _need(0 <= hit_rate < 1, f"hit_rate must be from 0 up to but not 1, and is {hit_rate:g}")
    return 1 / (1 - hit_rate)


# ------------------------------------------------------------------ partitions and logs


def partition_count(rate: float, limit: float, fill: float) -> int:
    """Partitions for a rate: rate / (limit x fill), rounded up, at least 1.

    rate: operations a second on all. limit: that one partition can do. fill: share of it that is
    planned for, above 0. Holds for an even spread (M. Kleppmann, Designing Data-Intensive
    Applications, 2017, ch. 6); a hot key is not divided by it.
    """
    _not_negative(rate=rate)
    _positive(limit=limit, fill=fill)
    _share(fill=fill)
    return max(1, math.ceil(round(rate / (limit * fill), 9)))


def rebalancing_time(stored: float, machines: float, added: float, speed: float) -> float:
    """Seconds until added machines hold their share of the data.

    stored x added / (machines + added) bytes move (D. Karger et al., Consistent hashing, 1997), at
    `speed` bytes a second for each of the fewer of senders and receivers. Holds for an even spread
    and a network that is not the limit.
    """
    _not_negative(stored=stored)
    _whole(1, machines=machines, added=added)
    _positive(speed=speed)
    return stored * added / (machines + added) / (speed * min(machines, added))


def log_partition_bytes(
    rate: float, record: float, retention: float, segment: float = 0.0
) -> float:
    """Bytes of one replica of a log partition: rate x record x retention + segment.

    rate: records a second into it. record: bytes. retention: seconds. segment: bytes of one file; a
    log drops whole files only, so up to one more is kept (J. Kreps, N. Narkhede, J. Rao, Kafka, 2011).
    """
    _not_negative(rate=rate, record=record, retention=retention, segment=segment)
    return rate * record * retention + segment


# ------------------------------------------------------------------ objectives and cost


def error_budget(objective: float, window: float) -> float:
    """Seconds of total failure that an objective allows: (1 - objective) x window.

    objective: share of good time, 0.999. window: seconds. B. Beyer et al., Site Reliability
    Engineering, 2016, ch. 3.
    """
    _share(objective=objective)
    _not_negative(window=window)
    return (1 - objective) * window


def burn_rate(bad_share: float, objective: float) -> float:
    """How many times faster than planned the error budget is spent: bad_share / (1 - objective).

    bad_share: share of requests that fail now. objective: below 1. At a burn of b a full budget
    lasts window / b seconds. B. Beyer et al., The Site Reliability Workbook, 2018, ch. 5.
    """
    _share(bad_share=bad_share, objective=objective)
    _need(objective < 1, "an objective of 1 leaves no budget to burn")
    return bad_share / (1 - objective)


def spare_cost(needed: float, spare: float, price: float) -> float:
    """What `spare` machines beyond those needed cost, in the unit of price: spare x price.

    needed: machines (or zones) that carry the load. price: of one of them. N+k redundancy (B. Beyer
    et al., Site Reliability Engineering, 2016, app. B).
    """
    _whole(1, needed=needed)
    _whole(0, spare=spare)
    _not_negative(price=price)
    return spare * price


def spare_overhead(needed: float, spare: float) -> float:
    """Capacity paid for beyond the load, as a share of the load: spare / needed.

    One spare zone is a half with two needed and a third with three. Source as for `spare_cost`.
    """
    _whole(1, needed=needed)
    _whole(0, spare=spare)
    return spare / needed
