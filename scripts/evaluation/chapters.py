"""Chapters by each voice and by plain prompting, measured by the same code in one table.

Every page is read as a stranger's, so that none has an advantage: requirements by headings, 40 words.
"""

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from chapter_offline.console import table
from chapter_offline.resources import prompts_dir
from chapter_offline.review.chapter import Checker
from chapter_offline.review.measures import length_score
from chapter_offline.review.page import read_page
from chapter_offline.review.source import Source
from evaluation.versions import BASELINES, Result, Version, made

_APPENDICES = "\n## Appendix A"
_MODEL = ("An attempt by ", "A weak answer (", "Check yourself")


@dataclass(frozen=True)
class Measured:
    """A version's figures. score: of its length, 0 to 100. eights, fours: shares of 0 to 1.

    by_model: the share of words that the model wrote. minutes: of wall time. peak: GB.
    """

    covered: float
    words: float
    score: float
    eights: float
    fours: float
    repeated: float
    unfinished: float
    vendors: float
    chatter: float
    diagrams: float
    invalid: float
    by_model: float
    minutes: float
    peak: float


def measured(version: Version, result: Result, checker: Checker) -> Measured:
    """The figures of one chapter, without its appendices."""
    page = result.text.partition(_APPENDICES)[0]
    report = checker.check(Source(Path("chapter.md"), page, None, ()))
    return Measured(
        covered=report.covered,
        words=report.words,
        score=length_score(report.words, version.asked),
        eights=report.eights,
        fours=report.fours,
        repeated=report.count("repeated"),
        unfinished=report.count("unfinished"),
        vendors=report.count("vendor"),
        chatter=report.count("chatter"),
        diagrams=report.diagrams,
        invalid=report.count("diagram"),
        by_model=_share_of_model(version, page),
        minutes=result.seconds / 60,
        peak=result.peak / 1e9,
    )


def _share_of_model(version: Version, page: str) -> float:
    """Of a page's words, those that the model wrote: all of a plain call's, of `quoted` what is marked so,
    of other voices all that is no table."""
    if version.way in BASELINES:
        return 1.0
    blocks = [block for section in read_page(page) for block in section.blocks]
    if version.way == "quoted":
        own = [block for block in blocks if block.label.startswith(_MODEL)]
    else:
        own = [block for block in blocks if block.where != "cell"]
    return sum(block.words for block in own) / max(1, sum(block.words for block in blocks))


def evaluate(
    systems: Sequence[str],
    models: Sequence[str],
    ways: Sequence[str],
    seeds: int,
    settings: tuple[str, int, int],
    report: Path | None,
) -> dict[Version, Result]:
    """Writes or recalls all versions, prints the table, and returns what was written.

    settings: depth, window, threads.
    """
    depth, window, threads = settings
    checker = Checker(prompts_dir())
    rows: list[tuple[str, ...]] = []
    everything: list[dict[str, object]] = []
    results: dict[Version, Result] = {}
    for system, model, way in product(systems, models, ways):
        found: list[Measured] = []
        for seed in range(1, seeds + 1):
            version = Version(system, model, way, depth, seed, window, threads)
            print(f"{system}, {model}, {way}, seed {seed} …", file=sys.stderr, flush=True)
            results[version] = made(version)
            found.append(measured(version, results[version], checker))
            everything.append({"version": asdict(version), "figures": asdict(found[-1])})
        rows.append((system, model, way, *_cells(found)))
    heads = (
        "system",
        "model",
        "way",
        "covered",
        "words",
        "S_l",
        "8-grams rep.",
        "4-grams dist.",
        "said twice",
        "unfinished",
    )
    heads += ("vendors", "chatter", "diagrams", "by model", "minutes", "peak GB")
    print(table(heads, rows))
    if report:
        report.write_text(json.dumps(everything, indent=1), encoding="utf-8")
    return results


def _cells(found: Sequence[Measured]) -> Iterator[str]:
    def of(name: str, form: str = "{:.0f}") -> str:
        """The median, and with several seeds the range."""
        values = [getattr(each, name) for each in found]
        middle = form.format(statistics.median(values))
        if min(values) == max(values):
            return middle
        return f"{middle} ({form.format(min(values))}–{form.format(max(values))})"

    yield of("covered")
    yield of("words", "{:,.0f}")
    yield of("score")
    yield of("eights", "{:.1%}")
    yield of("fours", "{:.1%}")
    yield from (of(name) for name in ("repeated", "unfinished", "vendors", "chatter"))
    drawn = [each.diagrams - each.invalid for each in found]
    yield f"{statistics.median(drawn):.0f} of {statistics.median(each.diagrams for each in found):.0f}"
    yield of("by_model", "{:.0%}")
    yield of("minutes", "{:.1f}")
    yield of("peak", "{:.2f}")
