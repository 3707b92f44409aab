"""Tables that stand in a section beside its claims, made from the brief's figures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chapter_offline.chapter.length import count
from chapter_offline.chapter.render import Page
from chapter_offline.chapter.rules import Standing, standings
from chapter_offline.sizing.units import printed, quantity


@dataclass(frozen=True)
class Table:
    """head: the columns' names. rows: cells, as many each. All are Markdown on one line."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> int:
        """Words on the page, bars included."""
        bars = len(self.head) + 1
        cells = sum(count(*row) + bars for row in (self.head, *self.rows))
        return cells + len(self.head) + bars


def table_of(page: Page, section: str) -> Table | None:
    """The table of a section, or None where it has none or there is nothing to put into it."""
    return TABLES[section](page) if section in TABLES else None


def cast(page: Page) -> Table:
    """Who takes part, with the figures that the others reckon with."""
    present = page.brief.roles | {"person", "client", "operator"}
    rows = tuple(
        (f"**{page.noun(who).Cap}**", page.must(text, f"cast: {who}"))
        for who, text in (page.library.names.cast | page.brief.cast).items()
        if who in present
    )
    return Table(("Who takes part", "With which figures"), rows)


def growth(page: Page) -> Table:
    """What three years of growth ask for."""
    rows = tuple(
        (page.must(page.figures.definition(names[0]).label, names[0]), *_figures(page, names))
        for names in _GROWTH
    )
    return Table(("", "Today", "In a year", "In three years"), rows)


def _figures(page: Page, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        page.used.setdefault(name)
        yield page.figures[name].text


_GROWTH = (
    ("peak_rps", "next_year_rps", "rps_3"),
    ("peak_writes", "writes_next", "writes_3"),
    ("out", "out_next", "out_3"),
    ("stored_day", "day_next", "day_3"),
    ("stored_all", "all_next", "all_3"),
    ("machines_load", "machines_next", "machines_3"),
    ("partitions", "partitions_next", "partitions_3"),
    ("cost", "cost_next", "cost_3"),
)
"""The same figure today, in a year and in three years."""


def decisions(page: Page) -> Table:
    """Where the system stands at each decision, and how far the figure is from turning it."""
    rows = tuple(
        (
            f"**{at.about}**",
            f"{at.figure}: {at.today}",
            at.limit,
            _room(at),
            f"{at.chosen} {at.why}",
        )
        for at in standings(page)
    )
    return Table(("Decision", "Today", "Turns at", "Distance", "So, and why there"), rows)


def _room(at: Standing) -> str:
    factor = 1 / at.room if at.passed else at.room
    text = printed(quantity(factor, ""), "", scale=True).text
    return f"passed {text} times over" if at.passed else f"room for {text} times as much"


def shedding(page: Page) -> Table | None:
    """What becomes of a burst beyond capacity, with a limit on waiting and without."""
    if not page.figures.simulates("shed", "unshed"):
        return None
    return Table(
        ("Of a burst's requests", "All may wait", "Who would wait too long is refused"),
        (
            ("answered in time", _cell(page, "unshed_answered"), _cell(page, "shed_answered")),
            ("refused at once", "none", _cell(page, "shed_refused")),
            ("answered too late, for nobody", _cell(page, "unshed_late"), "none"),
            ("longest wait of one in time", _cell(page, "unshed_wait"), _cell(page, "shed_wait")),
            (
                "waits are short again after",
                _cell(page, "unshed_recovery"),
                _cell(page, "shed_recovery"),
            ),
        ),
    )


def storm(page: Page) -> Table | None:
    """What a store meets when it comes back, by who retries."""
    if not page.figures.simulates("storm", "calm"):
        return None
    return Table(
        ("When it comes back", "Every layer retries", "One layer, within its budget"),
        (
            ("calls over first attempts, at the worst moment", *_both(page, "peak")),
            (f"{page.noun('act').pl} that succeed in the end", *_both(page, "ok")),
            ("all succeed again after", *_both(page, "recovery")),
        ),
    )


def _both(page: Page, what: str) -> tuple[str, str]:
    return _cell(page, f"storm_{what}"), _cell(page, f"calm_{what}")


def _cell(page: Page, name: str) -> str:
    """A simulated figure; what is none, at once or never is said in words."""
    figure = page.figures[name]
    if figure.usable:
        page.used.setdefault(name)
        return figure.text
    if figure.magnitude == 0:
        return "at once" if figure.definition.unit == "s" else "none"
    return "not within the run"


TABLES: dict[str, Callable[[Page], Table | None]] = {
    "p04.users": cast,
    "p04.growth": growth,
    "p09.retry_storms": storm,
    "p10.load_shedding": shedding,
    "p14.stable": decisions,
}
"""By section."""
