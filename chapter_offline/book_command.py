"""`chapter-offline book` and `compare`: several finished chapters together."""

from pathlib import Path

import click

from chapter_offline.errors import UsageError


@click.command("book")
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR..."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("book"),
    show_default=True,
    help="The folder for the pages.",
)
def book(folders: tuple[Path, ...], out: Path) -> None:
    """Makes the chapters in DIR... into one folder of pages.

    With an index by system, by trait, by decision and by term, and a search that needs no server.
    """
    from chapter_offline.collecting import make_book

    click.echo(make_book(folders, out, lambda line: click.echo(line, err=True)))


@click.command("compare")
@click.argument("one", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("other", type=click.Path(path_type=Path), metavar="DIR")
def compare(one: Path, other: Path) -> None:
    """Shows which decisions differ between the chapters in two folders, and by which number."""
    from chapter_offline.chapter.comparing import compare as compared
    from chapter_offline.chapter.escape import plain
    from chapter_offline.console import table
    from chapter_offline.rendering import open_finished

    if one.resolve() == other.resolve():
        raise UsageError(f"{one} and {other}: that is one chapter; name two")
    here = open_finished(one)
    there = open_finished(other, here.library)
    names = [plain(each.chapter.plan.title) for each in (here, there)]
    found = compared(here.chapter.plan, there.chapter.plan)
    click.echo("Decisions that differ:" if found.differ else "No decision differs.")
    for pair in found.differ:
        click.echo(f"  {plain(pair[0].about)}")
        for name, at in zip(names, pair, strict=True):
            sign = ">" if at.passed else "≤"
            click.echo(f"    {name}: {at.today} {sign} {at.limit}. {plain(at.chosen)}")
    if found.alike:
        click.echo("\nDecided alike:")
        rows = [
            (plain(a.about), f"{a.today} / {a.limit}", f"{b.today} / {b.limit}")
            for a, b in found.alike
        ]
        click.echo(table(("decision", *names), rows))
    for kind, entries in (
        ("Only one has to decide:", [(plain(at.about), first) for at, first in found.only]),
        ("Traits of one alone:", [(name.replace("_", " "), first) for name, first in found.traits]),
    ):
        if entries:
            click.echo(f"\n{kind}")
            for what, first in entries:
                click.echo(f"  {names[0 if first else 1]}: {what}")
