"""`chapter-offline bundle`: the program and a model in one file, for a machine without a network."""

from pathlib import Path

import click

from chapter_offline.catalog.pins import find_pin
from chapter_offline.commands import Commands

_GB = 1e9


@click.group(cls=Commands)
def bundle() -> None:
    """Carries program and model to a machine without a network, in one file that is checked on arrival."""


@bundle.command("create")
@click.option("--model", required=True, help="A model that is here, by its name.")
@click.option(
    "-o", "target", type=click.Path(path_type=Path), required=True, help="The file to write, .tar."
)
@click.option(
    "--baseline",
    default="",
    help="The kind of processor to build llama.cpp for: x86-64-v2, -v3, -v4, armv8-a, armv8.2-a.  [default: x86-64-v3 or armv8-a]",
)
@click.option(
    "--llama-wheel",
    type=click.Path(path_type=Path),
    help="A wheel of llama-cpp-python for that baseline, instead of building one.",
)
@click.option(
    "--licence-file",
    type=click.Path(path_type=Path),
    help="The text of the model's licence, to go with it. Apache-2.0's is at hand.",
)
def bundle_create(
    model: str,
    target: Path,
    baseline: str,
    llama_wheel: Path | None,
    licence_file: Path | None,
) -> None:
    """Writes a bundle: the program as it is here, all that it needs, and a model.

    llama.cpp is built anew for a named kind of processor, once; that takes minutes and a package
    index in reach.
    """
    import platformdirs

    from chapter_offline.catalog.bundling import create
    from chapter_offline.catalog.wheels import usual_baseline
    from chapter_offline.console import Bytes

    watch = Bytes()
    try:
        manifest = create(
            find_pin(model),
            target,
            baseline or usual_baseline(),
            platformdirs.user_cache_path("chapter-offline"),
            llama_wheel,
            licence_file,
            watch,
        )
    finally:
        watch.done()
    machine = manifest["machine"]
    click.echo(
        f"{target.stat().st_size / _GB:.2f} GB, for Python {machine['python']} on {machine['system']} "
        f"{machine['architecture']} ({machine['baseline']}, {machine['libc'] or 'any libc'}). There: tar xf, then python3 install.py",
        err=True,
    )
    click.echo(target)


@bundle.command("install")
@click.argument("source", type=click.Path(path_type=Path), metavar="FILE.tar|FOLDER")
@click.option(
    "--program",
    type=click.Path(path_type=Path),
    help="Also make a virtual environment in this folder, with the bundle's program.",
)
def bundle_install(source: Path, program: Path | None) -> None:
    """Takes in a bundle, if every byte is as its manifest says: its model, and with --program its program."""
    from chapter_offline.catalog.bundling import install
    from chapter_offline.console import Bytes

    watch = Bytes()
    try:
        brought = install(source, program, watch)
    finally:
        watch.done()
    click.echo(f"{brought.pin.name} is here, every byte as the bundle's manifest says.", err=True)
    click.echo(brought.path)
