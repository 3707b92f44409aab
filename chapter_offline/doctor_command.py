"""`chapter-offline doctor`: what this machine can do, what is wrong, and what mends it."""

import json
from typing import Any

import click

from chapter_offline.parameters import Memory

_GB = 1e9


@click.command("doctor")
@click.option(
    "--memory", type=Memory(), default=0, help="To fit in, instead of what is free: 16GB."
)
@click.option("--no-measure", is_flag=True, help="Don't let a model write to see how fast it is.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all that is known.")
def doctor(memory: int, no_measure: bool, as_json: bool) -> None:
    """Examines this machine: cores, memory, GPUs, llama.cpp, disk; which models fit, and how long a chapter takes."""
    from chapter_offline.catalog.doctor import examine

    found = examine(memory, measuring=not no_measure)
    if as_json:
        click.echo(json.dumps(found.facts(), indent=2))
        return
    for line in (*_machine(found), "", *_models(found), "", *_advice(found)):
        click.echo(line)


def _machine(found: Any) -> list[str]:
    machine = found.machine
    cpu = ", ".join(name for name, on in machine.built_with.get("CPU", {}).items() if on != "0")
    lines = [
        ("system", machine.system),
        ("processor", machine.processor),
        ("cores", f"{machine.cores}, {machine.threads} threads usable"),
        ("memory", f"{machine.free / _GB:.1f} of {machine.memory / _GB:.1f} GB free"),
        *(
            (name, f"{what}, {free / _GB:.1f} of {total / _GB:.1f} GB free")
            for name, what, free, total in machine.devices
            if name != "CPU"
        ),
        ("llama.cpp", f"built for {', '.join(machine.built_with) or 'the CPU'} ({cpu})"),
        *(("models " + use, folder) for use, folder in found.stores.items()),
        ("disk", f"{found.disk_free / _GB:.1f} GB free for models"),
    ]
    return [_wrapped(label, text) for label, text in lines]


def _wrapped(label: str, text: str) -> str:
    return click.wrap_text(
        text, width=80, initial_indent=f"{label:<21}", subsequent_indent=" " * 21
    )


def _models(found: Any) -> list[str]:
    from chapter_offline.console import table

    rows = [
        (
            each.model.pin.name,
            "here" if each.model.here else "",
            f"{each.model.needs / _GB:.1f} GB",
            f"{each.model.window:,}",
            str(each.model.slots),
            _duration(each.seconds),
            " ".join(f"{name}: {count}" for name, count in each.layers),
        )
        for each in found.fitting
    ]
    headings = (
        "fits",
        "",
        "needs",
        "window",
        "slots",
        "a chapter",
        "GPU layers" if found.machine.gpu else "",
    )
    measured = (
        f"Estimated from {found.speed.model}, which wrote {found.speed.tokens:.0f} tokens a second just now."
        if found.speed
        else "No time is estimated: nothing was measured."
    )
    return [*table(headings, rows).splitlines(), "", measured]


def _advice(found: Any) -> list[str]:
    lines = []
    for problem in found.problems:
        lines += [f"! {problem.what}", f"  {problem.remedy}"]
    if not found.problems:
        lines.append("Nothing is wrong.")
    if found.recommended:
        here = any(
            each.model.here for each in found.fitting if each.model.pin.name == found.recommended
        )
        way = "write --model" if here else "models pull"
        lines.append(f"Recommended here: chapter-offline {way} {found.recommended}")
    return lines


def _duration(seconds: float) -> str:
    if not seconds:
        return ""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
