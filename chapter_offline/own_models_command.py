"""The commands of `chapter-offline models` that bring models of the user's own: import, add, requantize."""

from pathlib import Path
from typing import Any

import click

from chapter_offline.catalog.pins import find_pin

_NAME = click.option("--name", default="", help="What it is to be called.  [default: by its file]")


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_NAME
@click.option("--license", "license_name", default="", help="The model's licence, for the record.")
def models_import(file: Path, name: str, license_name: str) -> None:
    """Copies the GGUF FILE into the store: as the pinned model whose bytes it has, or as one of your own.

    A file that no pin names is first loaded in a process of its own, which may crash. Of a split
    model give the first file.
    """
    from chapter_offline.catalog.bringing import import_file
    from chapter_offline.console import Bytes

    watch = Bytes()
    try:
        brought = import_file(file, name, license_name, watch)
    finally:
        watch.done()
    known = "the pinned one" if brought.known else f"your own, sha256 {brought.pin.sha256}"
    click.echo(f"{brought.pin.name} is here; it is {known}.", err=True)
    click.echo(brought.path)


@click.command("add")
@click.argument("address", metavar="hub:OWNER/NAME/FILE.gguf[@COMMIT]")
@_NAME
def models_add(address: str, name: str) -> None:
    """Pins a file of the Hub for you: asks for its commit, size, sha256 and header, and notes them down."""
    from chapter_offline.catalog import own_pins
    from chapter_offline.catalog.adding import pin_from_hub

    pin = pin_from_hub(address, name)
    file = own_pins.put(pin)
    click.echo(f"{pin.name}: {pin.repo} at {pin.commit}, sha256 {pin.sha256} ({file})")
    click.echo(f"Fetch it with: chapter-offline models pull {pin.name}", err=True)


@click.command("requantize")
@click.argument("name")
@click.argument("kind", metavar="TYPE")
@click.option("--name", "named", default="", help="What it is to be called.  [default: NAME-TYPE]")
def models_requantize(name: str, kind: str, named: str) -> None:
    """Makes a file with weights of another TYPE (q8_0, q4_0 …) from the model NAME, as one of your own.

    On a CPU q8_0 and q4_0 may be faster than others; what was lost before is not won back.
    """
    from chapter_offline.catalog.bringing import requantized
    from chapter_offline.console import Bytes

    watch = Bytes()
    try:
        brought = requantized(find_pin(name), kind, named, watch)
    finally:
        watch.done()
    click.echo(
        f"{brought.pin.name} is here: sha256 {brought.pin.sha256}, made from {brought.pin.made_from}.",
        err=True,
    )
    click.echo(brought.path)


own_commands: tuple[Any, ...] = (models_import, models_add, models_requantize)
