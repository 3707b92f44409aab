"""One way in a process of its own: an order on stdin, what it took on stdout, as JSON."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmark import chapter
from benchmark.ways import WAYS
from benchmark.work import Order


def main() -> None:
    order = Order.of(json.load(sys.stdin))
    if order.way.startswith("prepare"):
        _, parts, choices = order.way.split()
        jobs = chapter.prepare(order, int(parts), int(choices))
        Path(order.data).write_text(json.dumps([asdict(j) for j in jobs]), encoding="utf-8")
        print(json.dumps({"way": "prepare", "seconds": 0, "prompt_tokens": 0, "sampled": 0}))
        return
    way = {**WAYS, **chapter.WAYS}[order.way]
    print(json.dumps(asdict(way(order))))


if __name__ == "__main__":
    main()
