"""`chapter-offline reproduce`, `replay` and `verify`: where a chapter came from."""

from collections.abc import Sequence
from pathlib import Path

import click

from chapter_offline.console import shown
from chapter_offline.errors import NotTheSameError

_folder = click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
_model = click.option("--model", help="The model's file, where no pin has its name.")
_quiet = click.option("--quiet", is_flag=True, help="Say nothing but the result.")


@click.command("reproduce")
@_folder
@_model
@click.option(
    "--threads", type=click.IntRange(min=0), default=0, help="Threads.  [default: the cores]"
)
@_quiet
def reproduce(folder: Path, model: str | None, threads: int, quiet: bool) -> None:
    """Makes the chapter in DIR again from its manifest, elsewhere, and compares byte by byte."""
    from chapter_offline import reproducing

    with shown(quiet) as (progress, watch):
        found = reproducing.reproduce(folder, model, threads, progress, watch)
    if not found.different:
        click.echo(f"{folder}: identical: {found.files} files, byte by byte")
        return
    _show(found.circumstances)
    where = f"; the page first differs in {found.section}" if found.section else ""
    raise NotTheSameError(f"{folder}: not the same: {', '.join(found.different)}{where}")


@click.command("replay")
@_folder
@_model
@click.option(
    "--gpu-layers", type=click.IntRange(min=-1), help="Layers on the GPU.  [default: as recorded]"
)
@click.option(
    "--sign",
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="Sign the manifest if all is well.",
)
@_quiet
def replay(
    folder: Path, model: str | None, gpu_layers: int | None, sign: Path | None, quiet: bool
) -> None:
    """Reads every word of the model in DIR's chapter through the model again, on any machine.

    Says whether each token is one that it may say there, and how far log-probabilities moved.
    """
    from chapter_offline import replaying

    with shown(quiet) as (progress, watch):
        found = replaying.replay(folder, model, gpu_layers, progress, watch)
    _show(found.circumstances)
    if found.composed:
        click.echo(f"the page was not made again of the recorded words: {found.composed}")
    click.echo(
        f"{found.tokens:,} tokens: {found.tokens - len(found.strange):,} within what may be drawn, of which the seed draws "
        f"all but {found.other_draws:,}; log-probabilities moved by {found.moved:.4f} nats a token\n"
        f"{found.choices:,} choices moved by {found.choices_moved:.4f} nats, {found.scores:,} scores by {found.scores_moved:.4f}"
    )
    if found.reason:
        raise NotTheSameError(f"{folder}: {found.reason}")
    click.echo(f"{folder}: these are the model's words")
    if sign is not None:
        sign_and_show(folder, sign)


@click.command("verify")
@_folder
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="KEY.pub",
    help="The signer's public key; without it the signature is checked, not whose it is.",
)
def verify(folder: Path, key: Path | None) -> None:
    """Checks the signature over DIR's manifest, and every file that the manifest names."""
    from chapter_offline import signing
    from chapter_offline.outputs import check_outputs
    from chapter_offline.writing.manifest import read_manifest

    made = read_manifest(folder)
    check_outputs(folder, made)
    signed = signing.verify(folder, key)
    whose = (
        f"by {key}" if signed.known else "by a key that you must know: give --key to check whose"
    )
    click.echo(f"{folder}: {len(made.outputs)} files as the manifest names them")
    click.echo(f"{folder}: a good signature {whose} ({signed.key})")


def sign_and_show(folder: Path, key: Path) -> None:
    from chapter_offline import signing

    click.echo(f"signed: {signing.sign(folder, key)}", err=True)


def _show(circumstances: Sequence[str]) -> None:
    for line in circumstances:
        click.echo(f"differs: {line}")
