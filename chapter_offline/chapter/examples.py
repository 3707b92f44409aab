"""Worked examples: something reckoned step by step, or gone through once, as it stands on a page."""

from collections.abc import Iterator
from dataclasses import dataclass

from chapter_offline.chapter.length import count
from chapter_offline.chapter.render import LeftOut, Page
from chapter_offline.chapter.tables import Table
from chapter_offline.knowledge.claims import Example

_BEFORE = "Worked example:"


@dataclass(frozen=True)
class Worked:
    """An example as rendered. so: what a reader should see in it."""

    title: str
    table: Table
    so: str

    @property
    def heading(self) -> str:
        """What stands in bold above the table."""
        return f"{_BEFORE} {self.title}."

    @property
    def words(self) -> int:
        """Words on the page."""
        return count(self.heading, self.so) + self.table.words


def example_for(page: Page, section: str) -> Example | None:
    """The brief's example for a section, or the library's: the first whose conditions hold, or None."""
    for example in _offered(page, section):
        where = f"{section}.example"
        if page.holds(example.needs):
            continue
        if example.when and not page.figures.compare(example.when, f"{where}: when"):
            continue
        if page.sayable(example.said, where):
            return example
    return None


def _offered(page: Page, section: str) -> Iterator[Example]:
    yield from (example for example in page.brief.example if example.at == section)
    known = page.library.claims.sections.get(section)
    yield from known.example if known else ()


def worked(page: Page, example: Example, section: str) -> Worked | None:
    """The example as it is said here, or None where it can't be said."""
    where = f"{section}.example"
    try:
        return Worked(
            page.render(example.title, where),
            Table(
                tuple(page.render(cell, where) for cell in example.head),
                tuple(tuple(page.render(cell, where) for cell in row) for row in example.rows),
            ),
            page.render(example.so, where),
        )
    except LeftOut:
        return None
