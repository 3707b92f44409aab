"""The causal models that a figure's expression may call, with the units that they take and give.

How each is printed tells a reader what was reckoned; the appendix names the models once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from chapter_offline.sizing import causal

_MOST_SERVERS = 10_000


@dataclass(frozen=True)
class Function:
    """reckon: over plain numbers in `units`, with a result in `unit`. shown: a format for the arguments.

    It raises ValueError outside its range, and ZeroDivisionError where it grows without end.
    """

    reckon: Callable[..., float]
    units: tuple[str, ...]
    unit: str
    shown: str


def _erlang_c(servers: float, load: float) -> float:
    if not 1 <= servers <= _MOST_SERVERS or servers != int(servers) or not load >= 0:
        raise ValueError(f"it takes 1 to {_MOST_SERVERS:,} servers, and a load from 0 on")
    if load >= 1:
        raise ZeroDivisionError("at such a load no queue ends")
    return causal.erlang_c(servers, load)


def _zipf_share(top: float, keys: float, exponent: float) -> float:
    return causal.zipf_share(min(round(top), round(keys)), round(keys), exponent)


def _lru_hit(entries: float, keys: float, exponent: float) -> float:
    return causal.lru_hit_rate(min(round(entries), round(keys)), round(keys), exponent)


def _sqrt(value: float) -> float:
    if value < 0:
        raise ValueError("it takes what is not below nothing")
    return math.sqrt(value)


FUNCTIONS: dict[str, Function] = {
    "erlang_c": Function(_erlang_c, ("", ""), "", "C({}; {})"),
    "zipf_share": Function(_zipf_share, ("", "", ""), "", "Zipf({} of {}; {})"),
    "stale_share": Function(causal.stale_read_share, ("/s", "s"), "", "1 − e^−({} × {})"),
    "replicas_up": Function(
        causal.availability_of_replicas, ("", "", ""), "", "binomial({} in all, at least {}; {})"
    ),
    "quorum_wait": Function(
        causal.quorum_latency,
        ("", "", "s", "s"),
        "s",
        "fastest {1} of {0}: {2} + {3} × (H({0}) − H({0} − {1}))",
    ),
    "smaller": Function(min, ("", ""), "", "smaller({}; {})"),
    "sqrt": Function(_sqrt, ("",), "", "√({})"),
    "lru_hit": Function(_lru_hit, ("", "", ""), "", "LRU({} of {}; Zipf {})"),
}
"""By the name that an expression uses. What the letters mean is said in the label of each figure that uses one."""
