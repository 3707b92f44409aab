"""`chapter-offline status` and `rewrite`: a chapter as a build, and parts of it made again."""

from pathlib import Path
from typing import Any

import click

from chapter_offline.errors import UsageError

_SHOWN = 20

_folder = click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
_model = click.option(
    "--model", help="The model's file, where no pin has its name, or another model."
)


@click.command("status")
@_folder
@_model
@click.option("--all", "everything", is_flag=True, help="Show every piece and section.")
def status(folder: Path, model: str | None, everything: bool) -> None:
    """Shows what of the chapter in DIR is there, what would be made again, and why.

    That is: by the prompts, and the brief.toml in DIR, as they are now.
    """
    from chapter_offline import remaking
    from chapter_offline.console import table
    from chapter_offline.writing.progress import Silent

    found = remaking.status(folder, model, Silent())
    there = found.pieces - len(found.missing)
    click.echo(f"{found.system}: {there} of {found.pieces} pieces by the model are there")
    if found.missing:
        rows = [(each.key, each.why) for each in found.missing]
        click.echo(table(("would be made", "why"), rows if everything else rows[:_SHOWN]))
        _more(len(rows), everything)
    if not found.finished:
        click.echo(f"no page is finished yet, of {len(found.sections)} sections")
    elif found.otherwise:
        click.echo(
            f"{len(found.otherwise)} of {len(found.sections)} sections have other claims, figures or tables than on the page:"
        )
        click.echo("  " + ", ".join(found.otherwise if everything else found.otherwise[:_SHOWN]))
        _more(len(found.otherwise), everything)
    else:
        click.echo(
            f"all {len(found.sections)} sections have the claims and figures that the page has"
        )
    for file, why in found.edited:
        click.echo(f"{folder / file}: {why}")
    if any(file == "chapter.md" for file, _ in found.edited):
        click.echo("what you have edited there stays only in sections that `rewrite --pin` names")
    if everything:
        click.echo("sections: " + ", ".join(found.sections))
    for name, change in found.changes.rewritten.items():
        hint = f", told: {change.hint}" if change.hint else ""
        click.echo(f"{name}: written again with seed {change.seed}{hint}")
    for name in found.changes.pinned:
        click.echo(f"{name}: pinned, as a person has edited it")


def _more(count: int, everything: bool) -> None:
    if not everything and count > _SHOWN:
        click.echo(f"... and {count - _SHOWN} more; --all shows them")


@click.command("rewrite")
@_folder
@click.argument("sections", nargs=-1, metavar="[SECTION...]")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 2),
    help="Of these sections' draws.  [default: one that they haven't had]",
)
@click.option("--hint", default="", help="What the model is told besides, for these sections.")
@click.option(
    "--pin",
    is_flag=True,
    help="Keep these sections as they stand on the page, edited by hand; the page says so.",
)
@click.option("--undo", is_flag=True, help="Make them as `write` does: no pin, no seed, no hint.")
@_model
@click.option(
    "--threads", type=click.IntRange(min=0), default=0, help="Threads.  [default: the cores]"
)
@click.option("--quiet", is_flag=True, help="Say nothing but where the chapter is.")
def rewrite(
    folder: Path,
    sections: tuple[str, ...],
    model: str | None,
    threads: int,
    quiet: bool,
    **options: Any,
) -> None:
    """Makes each SECTION (such as p08.clocks) of the chapter in DIR again, and leaves the rest.

    Without a SECTION: makes what `status` says would be made.
    """
    from chapter_offline import remaking
    from chapter_offline.write_command import make_and_show

    otherwise = options["seed"] is not None or bool(options["hint"])
    if options["pin"] + options["undo"] + otherwise > 1:
        raise UsageError(
            "--pin, --undo, and --seed or --hint: each asks for something else; give one"
        )
    if not sections and (options["pin"] or options["undo"] or otherwise):
        raise UsageError("name the sections too, such as p08.clocks; `status --all` has them")
    again = remaking.Again(
        sections, options["seed"], options["hint"], options["pin"], options["undo"]
    )
    make_and_show(
        lambda progress, watch: remaking.rewrite(folder, again, model, threads, progress, watch),
        quiet,
    )
