"""A slow dependency, and the pool of calls to it."""

import math
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Slow:
    """A pool of calls to a dependency that is slow for a while.

    pool: calls at once. rate: calls wanted a second. normal, slow: seconds of a call, `slow` for one
    that begins from `slow_from` to `slow_until`. timeout: a call is cut after it. wait_limit: one
    that finds no room waits so long for it, and is then refused; 0 refuses at once ("fail fast").
    """

    pool: int
    rate: float
    normal: float
    slow: float
    slow_from: float
    slow_until: float
    timeout: float
    wait_limit: float
    horizon: float


@dataclass(frozen=True)
class SlowOutcome:
    """wanted = answered + timed_out + refused + open (in progress or waiting at the horizon): counts.
    exhausted_after: from the slowing until no call is free, None if it never comes to that.
    normal_after: from the end of the slowness until all calls that it slowed have ended and nobody
    waits, None if not within the horizon. calls: in progress. answers, losses: a second, of calls
    that end in time, and of those that are cut or find no room.
    """

    wanted: float
    answered: float
    timed_out: float
    refused: float
    open: float
    exhausted_after: float | None
    normal_after: float | None
    calls: Series
    answers: Series
    losses: Series


def slow_dependency(inputs: Slow, seed: int, simulated: int = SIMULATED) -> SlowOutcome:
    """A dependency slows down, its callers' pool runs out, it is fast again.

    A call takes half to one and a half times its mean (uniform). The pool is made of pool / k slots,
    at least two, each for k calls. Both times come from a run of their own, with a shorter slowness
    and up to 200 slots. Where all slow calls are cut, they begin and end in waves; there the
    slowness is taken to end just after a wave began, so that normal_after is the most it can be.
    """
    need_positive(inputs, "pool", "rate", "normal", "slow", "timeout")
    scale = scale_of(inputs.rate * inputs.horizon, simulated, inputs.pool / 10)
    outcome = _slow_dependency(inputs, seed, max(1, int(inputs.pool / scale)), alike=scale == 1)
    lead = min(inputs.slow_from, 5 * inputs.normal)
    span = 5 * min(1.5 * inputs.slow, inputs.timeout) + 2 * inputs.wait_limit
    span += 1.2 * inputs.pool / inputs.rate  # a wave begins for as long as the pool takes to fill
    slow_until = lead + min(span, inputs.slow_until - inputs.slow_from)
    horizon = slow_until + min(span, inputs.horizon - inputs.slow_until)
    slots = int(min(inputs.pool, 200, max(2, simulated * inputs.pool / (inputs.rate * horizon))))
    closer = replace(inputs, slow_from=lead, slow_until=slow_until, horizon=horizon)
    close = _slow_dependency(closer, seed, slots, alike=True)
    exhausted, normal = close.exhausted_after, close.normal_after
    return replace(
        outcome,
        exhausted_after=outcome.exhausted_after if exhausted is None else exhausted,
        normal_after=outcome.normal_after if normal is None else normal,
    )


def _cut(mean: float, timeout: float) -> tuple[float, float]:
    """Mean seconds of a call that is cut at a timeout, and the share of calls that are."""
    share = min(1.0, max(0.0, 1.5 - timeout / mean))
    return share * timeout + (1 - share) * mean * (2 - share) / 2, share


def _slow_dependency(inputs: Slow, seed: int, slots: int, *, alike: bool) -> SlowOutcome:
    """One run. alike: the calls of a slot take the same time, instead of each its own."""
    scale = inputs.pool / slots
    env = simpy.Environment()
    calls, answers, losses = (Steps(inputs.horizon) for _ in range(3))
    draws = draws_of(seed, "calls")
    wanted = refused = slowed = 0
    answered = timed_out = changed = 0.0
    exhausted_after: float | None = None
    normal_after: float | None = None

    def is_slow(moment: float) -> bool:
        return inputs.slow_from <= moment < inputs.slow_until

    def track() -> None:
        nonlocal changed
        calls.spread(changed, env.now, (slots - pool.free) * scale)
        changed = env.now

    def give_up() -> None:
        while pool.waiting and env.now - pool.waiting[0] > inputs.wait_limit:
            refuse(pool.waiting.popleft() + inputs.wait_limit)

    def arrive() -> None:
        nonlocal wanted, exhausted_after
        wanted += 1
        give_up()
        if pool.free:
            track()
            pool.start(env.now)
            if not pool.free and exhausted_after is None and env.now >= inputs.slow_from:
                exhausted_after = env.now - inputs.slow_from
        elif inputs.wait_limit > 0:
            pool.waiting.append(env.now)
        else:
            refuse(env.now)

    def refuse(moment: float) -> None:
        nonlocal refused
        refused += 1
        losses.add(moment, scale)

    def begin(_arrived: float) -> float:
        nonlocal slowed
        slowed += is_slow(env.now)
        mean = inputs.slow if is_slow(env.now) else inputs.normal
        if alike:
            return min(inputs.timeout, mean * draws.uniform(0.5, 1.5))
        seconds, _ = _cut(mean, inputs.timeout)
        return seconds * (1 + draws.uniform(-0.5, 0.5) / math.sqrt(scale))

    def finish(_arrived: float, started: float) -> None:
        nonlocal answered, timed_out, slowed
        track()
        slowed -= is_slow(started)
        if alike:
            cut = float(env.now >= started + inputs.timeout)
        else:
            _, cut = _cut(inputs.slow if is_slow(started) else inputs.normal, inputs.timeout)
        timed_out += cut
        answered += 1 - cut
        answers.add(env.now, (1 - cut) * scale)
        losses.add(env.now, cut * scale)
        give_up()
        settle()

    def settle(_event: simpy.Event | None = None) -> None:
        nonlocal normal_after
        if normal_after is None and env.now >= inputs.slow_until and not slowed:
            give_up()
            normal_after = None if pool.waiting else env.now - inputs.slow_until

    pool = Servers(env, slots, begin, finish)
    moments = arrivals(draws_of(seed, "arrivals"), scale, ((inputs.horizon, inputs.rate),))
    env.process(feed(env, moments, arrive))
    env.timeout(inputs.slow_until).callbacks.append(settle)
    env.run(until=inputs.horizon)
    track()
    give_up()
    return SlowOutcome(
        wanted=wanted * scale,
        answered=answered * scale,
        timed_out=timed_out * scale,
        refused=refused * scale,
        open=(wanted - answered - timed_out - refused) * scale,
        exhausted_after=exhausted_after,
        normal_after=normal_after,
        calls=calls.series(),
        answers=answers.series(),
        losses=losses.series(),
    )
