"""`chapter-offline whatif`: a chapter's figures computed again under other assumptions."""

from pathlib import Path
from typing import Any

import click

from chapter_offline.errors import BadInputError, IncompleteError, UsageError

_SHOWN = 25


@click.command("whatif")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--set",
    "changes",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    help="An assumption of Appendix A and its new value: users=10x, timeout=250ms, fill=30%. May be given several times.",
)
@click.option("--all", "everything", is_flag=True, help="Show every figure and section that moves.")
@click.option(
    "--write",
    "out",
    type=click.Path(path_type=Path),
    metavar="NEWDIR",
    help="Write the chapter with these assumptions there, by the same model and settings.",
)
@click.option(
    "--model", help="With --write: another model, or the file where the chapter's has no pin."
)
def whatif(
    folder: Path, changes: tuple[str, ...], everything: bool, out: Path | None, model: str | None
) -> None:
    """Shows what would change in the chapter in DIR if assumptions were others.

    Its figures, the decisions that turn, the constraints that break, the sections that would read otherwise.
    """
    from chapter_offline.rewriting import ask_what_if

    if model and out is None:
        raise UsageError("--model: only with --write, which says where")
    if out is not None and out.resolve() == folder.resolve():
        raise UsageError(f"--write {out}: that is the chapter itself; name another folder")
    asked = ask_what_if(folder, changes)
    _show(asked, everything)
    if asked.after.violations:
        kind = IncompleteError if out is None else BadInputError
        raise kind("the constraints above don't hold: set more figures with --set")
    if out is not None:
        from chapter_offline.write_command import write_and_show

        write_and_show(asked.order(out, model), quiet=False)


def _show(asked: Any, everything: bool) -> None:
    from chapter_offline.console import table

    found = asked.found
    rows = [(m.name, m.label, m.before, m.after) for m in found.moved]
    shown = rows if everything else rows[:_SHOWN]
    click.echo(
        table(("figure", "what it is", "now", "then"), shown) if rows else "No figure moves."
    )
    if len(rows) > len(shown):
        click.echo(f"... and {len(rows) - len(shown)} more; --all shows them")
    click.echo("\nDecisions that turn:" if found.turned else "\nNo decision turns.")
    for was, now in found.turned:
        click.echo(
            f"  {now.about} ({now.today} against {now.limit}):\n    now:  {was.chosen}\n    then: {now.chosen}"
        )
    if asked.after.violations:
        click.echo("\nWhat can't be true together then:")
        for broken in asked.after.violations:
            click.echo(f"  {broken.text}")
    ids = [section.id for section in found.sections]
    whole = len(list(asked.after.sections(asked.made.settings.parts)))
    if not ids:
        click.echo(f"\nNone of {whole} sections would read otherwise.")
        return
    click.echo(f"\n{len(ids)} of {whole} sections would read otherwise:")
    more = "" if everything or len(ids) <= _SHOWN else f", and {len(ids) - _SHOWN} more"
    click.echo("  " + ", ".join(ids if everything else ids[:_SHOWN]) + more)
