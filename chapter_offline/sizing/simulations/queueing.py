"""A burst of requests through one queue."""

import math
from dataclasses import dataclass

import simpy

from chapter_offline.sizing.simulations.scaled import (
    SIMULATED,
    Series,
    Servers,
    Steps,
    arrivals,
    draws_of,
    feed,
    need_positive,
    scale_of,
)


@dataclass(frozen=True, kw_only=True)
class Burst:
    """Servers with one queue, and a burst of requests.

    servers: machines x processors. service_time: mean of one request (exponential). base_rate,
    burst_rate: requests a second outside and in the burst, which lasts from `start` for `length`.
    patience: a client gives up so long after it asked; the server works on it nevertheless.
    queue_limit: a request is refused at once where those before it in the queue take so long, or
    None. settled_wait: waits up to this are back to normal. horizon: seconds simulated.
    """

    servers: int
    service_time: float
    base_rate: float
    burst_rate: float
    start: float
    length: float
    patience: float
    queue_limit: float | None = None
    settled_wait: float
    horizon: float


@dataclass(frozen=True)
class BurstOutcome:
    """What became of the requests that arrived in the burst: counts, then times, then a series.

    arrived = answered (in time) + refused (at once) + late (answered after the client gave up:
    wasted) + waiting (not ended at the horizon). longest_wait: in the queue, of one answered in
    time. mean_wait: in the queue, of all that were begun. recovery: from the burst's end until the
    queue is no longer than settled_wait, None if not within the horizon. goodput: answers in time a
    second.
    """

    arrived: float
    answered: float
    refused: float
    late: float
    waiting: float
    longest_wait: float
    mean_wait: float
    recovery: float | None
    goodput: Series


def burst_through_queue(burst: Burst, seed: int, simulated: int = SIMULATED) -> BurstOutcome:
    """A burst, with shedding (queue_limit) or without.

    Where k is more than the servers, one stands for all. Waits that are shorter than k / capacity
    (those without overload, in a large system) come out as 0 to 2 of these; a limit is kept to one.
    """
    need_positive(burst, "servers", "service_time", "patience", "horizon")
    end = burst.start + burst.length
    capacity = burst.servers / burst.service_time
    requests = burst.base_rate * (burst.horizon - burst.length) + burst.burst_rate * burst.length
    limit = math.inf if burst.queue_limit is None else burst.queue_limit
    scale = scale_of(requests, simulated, capacity * min(burst.patience, limit) / 10)
    servers = max(1, round(burst.servers / scale))
    grain = scale / capacity
    service = servers * grain
    patience = burst.patience + service - burst.service_time  # of a whole batch, not its first
    env = simpy.Environment()
    draws = draws_of(seed, "service")
    goodput = Steps(burst.horizon)
    arrived = answered = refused = late = begun = 0
    waited = longest = 0.0
    recovery: float | None = None

    def in_burst(moment: float) -> bool:
        return burst.start <= moment < end

    def arrive() -> None:
        nonlocal arrived, refused
        arrived += in_burst(env.now)
        if queue.free:
            queue.start(env.now)
        elif len(queue.waiting) * grain < limit:
            queue.waiting.append(env.now)
        else:
            refused += in_burst(env.now)

    def begin(moment: float) -> float:
        nonlocal begun, waited
        if in_burst(moment):
            begun += 1
            waited += env.now - moment
        return draws.gammavariate(scale, service / scale)

    def finish(moment: float, started: float) -> None:
        nonlocal answered, late, longest
        in_time = env.now - moment <= patience
        if in_time:
            goodput.add(env.now, scale)
        if in_burst(moment):
            answered += in_time
            late += not in_time
            longest = max(longest, started - moment) if in_time else longest
        settle()

    def settle(_event: simpy.Event | None = None) -> None:
        nonlocal recovery
        if recovery is None and env.now >= end and len(queue.waiting) * grain <= burst.settled_wait:
            recovery = env.now - end

    queue = Servers(env, servers, begin, finish)
    rates = (
        (burst.start, burst.base_rate),
        (end, burst.burst_rate),
        (burst.horizon, burst.base_rate),
    )
    env.process(feed(env, arrivals(draws_of(seed, "arrivals"), scale, rates), arrive))
    env.timeout(end).callbacks.append(settle)
    env.run(until=burst.horizon)
    return BurstOutcome(
        arrived=arrived * scale,
        answered=answered * scale,
        refused=refused * scale,
        late=late * scale,
        waiting=(arrived - answered - refused - late) * scale,
        longest_wait=longest,
        mean_wait=waited / begun if begun else 0.0,
        recovery=recovery,
        goodput=goodput.series(),
    )
