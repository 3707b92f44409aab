"""`chapter-offline render`: other files of a finished chapter."""

from pathlib import Path

import click

from chapter_offline.errors import UsageError


@click.command("render")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--to",
    "wanted",
    default="html",
    show_default=True,
    metavar="KINDS",
    help="html (one page for any browser), epub (a book for readers of books), or both: html,epub.",
)
def render(folder: Path, wanted: str) -> None:
    """Makes the chapter in DIR into a page or a book for readers, beside chapter.md. Needs no model."""
    from chapter_offline.rendering import KINDS
    from chapter_offline.rendering import render as make
    from chapter_offline.signing import SIGNATURE

    kinds = tuple(dict.fromkeys(kind.strip() for kind in wanted.split(",")))
    for kind in kinds:
        if kind not in KINDS:
            raise UsageError(f"--to {kind[:40]}: there are {' and '.join(KINDS)}")
    signed = (folder / SIGNATURE).exists()
    for path in make(folder, kinds):
        click.echo(path)
    if signed and not (folder / SIGNATURE).exists():
        click.echo(
            "the manifest names other files now, so its signature is removed: sign it again",
            err=True,
        )
