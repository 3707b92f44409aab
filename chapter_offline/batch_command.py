"""`chapter-offline batch`: a list of systems, a chapter each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from chapter_offline.errors import IncompleteError, UsageError
from chapter_offline.proof_commands import sign_and_show
from chapter_offline.write_command import write_options

_FORMS = ("lines", "csv", "toml", "jsonl")


@click.command("batch")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder for the chapters, each in one of its own, and the report.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMS),
    help="Of FILE.  [default: by its ending; plain lines]",
)
@click.option(
    "--devices",
    "devices_text",
    metavar="WHERE",
    help="A worker process for each of: cpu, or GPUs as cuda:0,cuda:1 (a worker each) or cuda:0+1 (one for both); "
    "auto takes every GPU that there is, or the CPU.  [default: one worker]",
)
@click.option(
    "--cluster", metavar="ADDRESS", help="Hand the chapters to this Dask scheduler, one a task."
)
@click.option(
    "--resource",
    "resources",
    multiple=True,
    metavar="NAME=N",
    help="With --cluster: what a chapter takes of a worker, such as GPU=1.",
)
@click.option("--shard", metavar="I/N", help="Only every Nth system, beginning with the Ith.")
@click.option("--json", "as_json", is_flag=True, help="Say what happens as JSON, an event a line.")
@write_options
def batch(
    file: Path,
    out: Path,
    form: Any,
    devices_text: str | None,
    cluster: str | None,
    resources: tuple[str, ...],
    shard: str | None,
    as_json: bool,
    parts_text: str,
    depth: Any,
    dry_run: bool,
    quiet: bool,
    sign: Path | None,
    **options: Any,
) -> None:
    """Writes a chapter on each system that FILE lists; - is standard input. Run again, it does what is left.

    FILE has a system a line, or, as CSV, TOML ([[chapter]]) or JSON Lines, for each chapter: system,
    and if they differ from the options brief, notes, model, depth, voice, seed, words, folder.
    """
    from chapter_offline.batch import entries, lists
    from chapter_offline.batch.cluster import Cluster
    from chapter_offline.batch.run import run
    from chapter_offline.batch.workers import Workers
    from chapter_offline.batch_console import shown
    from chapter_offline.orders import Order, parse_parts

    if depth and options["words"] is not None:
        raise UsageError("--depth and --words: both say how long a chapter is to be; give one")
    part = entries.parse_shard(shard) if shard else None
    common = Order("", parts=parse_parts(parts_text), depth=depth or "standard", **options)
    found: Sequence[Any]
    found, again = entries.entries(lists.read_list(file, form), common, out)
    for line, first in again:
        click.echo(f"{line.where}: the same chapter as {first.where}; written once", err=True)
    if part:
        found = entries.shard(found, *part)
    if dry_run:
        _show_plan(found)
        return
    models = entries.models_of(found)
    write: Any
    if cluster:
        if devices_text:
            raise UsageError(
                "--devices: with --cluster, its workers say what they have; leave it out"
            )
        write = Cluster(cluster, models, _resources(resources))
    else:
        groups, found = _placed(devices_text, found, models)
        write = Workers(groups, options["threads"])
    found = entries.digested(found, models)
    try:
        with shown(quiet, as_json, len(found)) as tell:
            made = run(found, out, write, tell, part)
    except KeyboardInterrupt:
        click.echo("what is written so far is kept: the same command goes on from there", err=True)
        raise
    if sign is not None:
        for each in made.outcomes:
            if each.state == "whole":
                sign_and_show(out / each.name, sign)
    if not as_json:
        click.echo(made.report)
    if made.left:
        raise _incomplete(made.left, len(made.outcomes), made.report)


def _placed(
    text: str | None, found: Sequence[Any], models: Mapping[str, Any]
) -> tuple[Sequence[Any], Sequence[Any]]:
    """What each worker computes on; and the chapters, with all layers on GPUs where it is these."""
    from chapter_offline.batch import devices
    from chapter_offline.engine.devices import devices as here

    if text is None:
        return (devices.Group(),), found
    needs = devices.needed_bytes(models.values(), found[0].order.window)
    groups = devices.parse_devices(text, here(), needs)
    devices.share_memory(groups, needs)
    layers = found[0].order.gpu_layers
    if layers and not groups[0].gpus:
        raise UsageError("--gpu-layers: --devices takes the CPU; leave one of them out")
    if groups[0].gpus and not layers:
        found = [replace(each, order=replace(each.order, gpu_layers=-1)) for each in found]
    return groups, found


def _resources(texts: Sequence[str]) -> dict[str, float]:
    """("GPU=1",) as {"GPU": 1}. Raises UsageError."""
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            raise UsageError(f"--resource {text[:40]}: write NAME=N, such as GPU=1") from None
    return found


def _incomplete(left: Sequence[Any], count: int, report: Path) -> IncompleteError:
    first = left[0]
    more = f", and {len(left) - 1} more" if len(left) > 1 else ""
    return IncompleteError(
        f"{len(left)} of {count} chapters are not whole: {first.name}: {first.message.splitlines()[0]}{more}.\n"
        f"{report} names them; the same command does what is left"
    )


def _show_plan(found: Sequence[Any]) -> None:
    from chapter_offline.console import table

    rows = [
        (
            entry.name,
            entry.order.system,
            entry.order.model,
            entry.order.voice,
            entry.order.depth if entry.order.words is None else f"{entry.order.words:,} words",
            str(entry.order.seed),
        )
        for entry in found
    ]
    click.echo(table(("folder", "system", "model", "voice", "depth", "seed"), rows))
    click.echo(f"\n{len(rows):,} chapters")
