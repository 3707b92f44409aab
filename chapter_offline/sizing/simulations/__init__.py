"""Seeded simulations of what no formula gives: a burst, a retry storm, a cold cache, a slow callee.

Each is a function of inputs and a seed to an outcome; the same give the same bits. Times are in
seconds, rates a second, shares from 0 to 1. Knows nothing of figures and of any system.

Scale. A system may take a million requests a second; some `simulated` arrivals stand for all, each
for k = requests / simulated (never under 1; counts in an outcome are multiples of k). The gap
before an arrival is the sum of k exponential gaps, and its work the sum of k requests' (gamma
distributed), so loads, backlogs, drain times and shares keep their means, and rates and backlogs
the variance of the whole system. What is lost is the grain: no time is known better than to
k / capacity, and no count better than to k. k = 1 is the system itself. A function lowers k, up to
three times the arrivals, so that the grain is a tenth of the shortest time that decides (and says
what else is approximate); where it would be more than half of it, it raises ValueError.
"""

from chapter_offline.sizing.simulations.caching import ColdCache, ColdCacheOutcome, cold_cache
from chapter_offline.sizing.simulations.pooling import Slow, SlowOutcome, slow_dependency
from chapter_offline.sizing.simulations.queueing import Burst, BurstOutcome, burst_through_queue
from chapter_offline.sizing.simulations.retrying import Storm, StormOutcome, retry_storm
from chapter_offline.sizing.simulations.scaled import SIMULATED, Series

__all__ = [
    "SIMULATED",
    "Burst",
    "BurstOutcome",
    "ColdCache",
    "ColdCacheOutcome",
    "Series",
    "Slow",
    "SlowOutcome",
    "Storm",
    "StormOutcome",
    "burst_through_queue",
    "cold_cache",
    "retry_storm",
    "slow_dependency",
]
