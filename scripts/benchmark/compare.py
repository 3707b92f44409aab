"""Runs the ways round by round, each in a process of its own, and compares them."""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmark.work import Measured, Order
from chapter_offline.engine.layout import CPU_SLOTS

WRITING = ("wrapper", "wrapper-reuse", "engine", "engine-guards", "bare")
CHAPTER = ("chapter-wrapper", "chapter-engine")
CHOICES = ("choices-bare", "choices-engine")
SERVER = "server"
MIB = 1024**2


class BenchError(Exception):
    """A way that could not be measured, with what its process said."""


@dataclass(frozen=True)
class Ratio:
    """One figure of a round: how the ways compare. unit: "x" or "%"."""

    name: str
    value: float
    unit: str = "x"


Round = Mapping[str, Measured]


def compare(
    order: Order,
    *,
    name: str,
    rounds: int,
    ways: tuple[str, ...] = (),
    chapter: int = 0,
    choices: int = 0,
    server_slots: tuple[int, ...] = (),
    under: Sequence[str] = (),
    report: Path | None = None,
) -> dict[str, Any]:
    """Measures, prints a table and writes the report; returns what is in it."""
    known = CHAPTER if chapter else CHOICES if choices else WRITING
    known += (SERVER,) if order.server and known is WRITING else ()
    ways = ways or known
    if unknown := set(ways) - set(known):
        raise BenchError(f"no way {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if rounds < 1:
        raise BenchError("at least one round is needed")
    order = replace(order, width=order.width or CPU_SLOTS)
    measured: list[dict[str, Measured]] = []
    with tempfile.TemporaryDirectory() as folder:
        if chapter or choices:
            data = Path(folder) / "jobs.json"
            prepared = replace(order, way=f"prepare {chapter} {choices}", data=str(data))
            child(prepared, under)
            order = replace(order, data=str(data))
        for number in range(rounds):
            each: dict[str, Measured] = {}
            # Every other round runs backwards, so that no way always follows the same one.
            for way in ways if number % 2 == 0 else ways[::-1]:
                print(f"round {number + 1}: {way} ...", file=sys.stderr, end=" ", flush=True)
                if way == SERVER:
                    each[way], server_slots = _best_server(order, server_slots, under)
                else:
                    each[way] = child(replace(order, way=way), under)
                busy = f"{each[way].busy:.0%} busy"
                print(f"{each[way].seconds:.1f} s, {busy}", file=sys.stderr, flush=True)
            measured.append({way: each[way] for way in ways})
            result = _result(order, name, measured)
            if report is not None:
                report.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(order, name, measured))
    return result


def child(order: Order, under: Sequence[str] = ()) -> Measured:
    """Runs one way in a process of its own."""
    folder = Path(__file__).resolve().parent.parent
    paths = [str(folder), str(folder.parent), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [*under, sys.executable, "-m", "benchmark.child"],
        input=json.dumps(order.table()),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        said = done.stderr.strip().splitlines() or ["nothing said"]
        raise BenchError(f"{order.way} ended with exit code {done.returncode}: {said[-1]}")
    return Measured(**json.loads(lines[-1]))


def _best_server(
    order: Order, slots: tuple[int, ...], under: Sequence[str]
) -> tuple[Measured, tuple[int, ...]]:
    """The fastest of these numbers of slots, and it alone for the rounds to come."""
    tried = {n: child(replace(order, way=SERVER, width=n), under) for n in slots}
    best = min(tried, key=lambda n: tried[n].seconds)
    return tried[best], (best,)


def ratios(each: Round) -> list[Ratio]:
    """What a round says, as far as its ways go."""
    found = []

    def over(name: str, slow: str, fast: str) -> None:
        if slow in each and fast in each:
            # By tokens, should one way have written a few more than another.
            a, b = each[slow], each[fast]
            found.append(Ratio(name, (a.seconds / a.sampled) / (b.seconds / b.sampled)))

    over("engine to wrapper", "wrapper", "engine")
    over("engine to wrapper-reuse", "wrapper-reuse", "engine")
    over("engine to server", SERVER, "engine")
    if {"engine", "bare"} <= set(each):
        ours, limit = each["engine"], each["bare"]
        found.append(Ratio("whole job, share of bare", 100 * ours.rate / limit.rate, "%"))
        if limit.writing_rate:
            share = 100 * ours.writing_rate / limit.writing_rate
            found.append(Ratio("decoding, share of bare", share, "%"))
    if {"engine", "engine-guards"} <= set(each):
        off, on = each["engine"], each["engine-guards"]
        found.append(Ratio("guards, share of the time", 100 * on.guarding / on.seconds, "%"))
        # What is refused is written again, in waves that become narrow towards the end.
        found.append(Ratio("guards and writing again", 100 * (on.seconds / off.seconds - 1), "%"))
    over("chapter: engine to wrapper", "chapter-wrapper", "chapter-engine")
    if {"choices-bare", "choices-engine"} <= set(each):
        limit, ours = each["choices-bare"], each["choices-engine"]
        speed = limit.prompt_tokens / limit.seconds
        found.append(
            Ratio("choices, share of bare reading", 100 * ours.needed / ours.seconds / speed, "%")
        )
    return found


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": median(values), "max": max(values)}


def _spreads(measured: Sequence[Round]) -> dict[str, dict[str, Any]]:
    values: dict[str, list[Ratio]] = {}
    for each in measured:
        for ratio in ratios(each):
            values.setdefault(ratio.name, []).append(ratio)
    return {
        name: {"unit": all_[0].unit, **_spread([ratio.value for ratio in all_])}
        for name, all_ in values.items()
    }


def _result(order: Order, name: str, measured: Sequence[Round]) -> dict[str, Any]:
    return {
        "model": name,
        "sizes": asdict(order.sizes),
        "width": order.width,
        "threads": order.threads,
        "window": order.window,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
        },
        "rounds": [{way: asdict(m) for way, m in each.items()} for each in measured],
        "ratios": _spreads(measured),
    }


def table(order: Order, name: str, measured: Sequence[Round]) -> str:
    """All of it for people: medians over the rounds; ratios with their spread."""
    sizes = order.sizes
    head = f"{name}, {order.threads} threads, width {order.width}, {len(measured)} rounds"
    lines = [
        f"{head}; {sizes.sections} sections: {sizes.shared} shared, {sizes.own} own, {sizes.written} written"
        if not order.data
        else head,
        "",
        f"{'way':<16}{'seconds':>9}{'tokens/s':>10}{'writing/s':>11}{'outside':>9}{'read':>8}"
        f"{'written':>9}{'peak MiB':>10}{'w+KV MiB':>10}{'busy':>6}",
    ]
    for way in measured[0]:
        all_ = [each[way] for each in measured]

        def mid(field: str, all_: Sequence[Measured] = all_) -> float:
            return median(float(getattr(m, field)) for m in all_)

        lines.append(
            f"{way:<16}{mid('seconds'):>9.1f}{mid('rate'):>10.1f}{mid('writing_rate'):>11.1f}"
            f"{mid('outside'):>9.1%}{mid('prompt_tokens'):>8.0f}{mid('sampled'):>9.0f}"
            f"{mid('peak') / MIB:>10.0f}{mid('expected') / MIB:>10.0f}{mid('busy'):>6.0%}"
        )
        if all_[-1].items:
            rate = median(m.items / m.seconds for m in all_)
            lines.append(f"{'':<16}{all_[-1].items} choices, {rate:.1f} a second with all else")
        if all_[-1].note:
            lines.append(f"{'':<16}{all_[-1].note}")
    lines += ["", f"{'ratio':<34}{'min':>8}{'median':>8}{'max':>8}"]
    for name_, spread in _spreads(measured).items():
        figures = "".join(f"{spread[key]:>8.2f}" for key in ("min", "median", "max"))
        lines.append(f"{name_:<34}{figures} {spread['unit']}")
    return "\n".join(lines)
