"""Tables that stand in a section beside its claims, made from the brief's figures."""

from collections.abc import Callable
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


TABLES: dict[str, Callable[[Page], Table]] = {"p14.breaks_first": decisions}
"""By section."""
