"""`chapter-offline write`: a chapter, or with `--dry-run` its plan."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from chapter_offline.chapter.voice import VOICES
from chapter_offline.errors import UsageError
from chapter_offline.parameters import Memory
from chapter_offline.proof_commands import sign_and_show

_GB = 1e9


_Command = Callable[..., None]


def write_options(command: _Command) -> _Command:
    """The options that hold for one chapter as for many."""
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
            type=click.Choice(VOICES),
            default="quoted",
            show_default=True,
            help="quoted: claims stand as written, the model attempts and asks. drafted: it also says claims in its own words, as "
            "far as they stay true. revised: drafted, criticised and drafted again. free: the model writes every section.",
        ),
        click.option(
            "--effort",
            type=click.IntRange(1, 20),
            default=3,
            show_default=True,
            help="Candidates for each claim in the voices drafted and revised.",
        ),
        click.option(
            "--depth",
            type=click.Choice(["quick", "standard", "deep"]),
            help="How long: some 18,000, 24,000 or 30,000 words, the shortest if 18,000 can't cover everything.  [default: standard]",
        ),
        click.option(
            "--words",
            type=click.IntRange(min=1),
            help="How long instead, within 5%, for the whole chapter (--parts takes its share). Counted are the words of what is "
            "planned, tables and headings included, outside code fences; not the appendices, nor what the model adds (some 2,000). "
            "--dry-run says how few and how many a system may have.",
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
            "--notes",
            type=path,
            metavar="FILE.md|DIR",
            help="Documents of your own (Markdown): statements of theirs are quoted, with file and line, in sections that they fit, and used nowhere else.",
        ),
        click.option(
            "--memory",
            type=Memory(),
            default=0,
            help="The most memory to take, such as 6GB.  [default: what is free]",
        ),
        click.option(
            "--fresh",
            is_flag=True,
            help="Start anew; what an earlier run left in the folder is kept aside, and not gone on with.",
        ),
        click.option("--log", type=path, help="A file for llama.cpp's own log."),
        click.option(
            "--dry-run", is_flag=True, help="Show the plan and what it takes; write nothing."
        ),
        click.option(
            "--sign",
            type=path,
            metavar="KEY",
            help="Sign the manifest with this SSH key; `verify` checks it.",
        ),
        click.option("--quiet", is_flag=True, help="Say nothing but where the chapter is."),
    )
    return _with(options, command)


def _own_options(command: _Command) -> _Command:
    """Those that only one chapter can have."""
    path = click.Path(path_type=Path)
    options = (
        click.option(
            "--out", type=path, help="The folder for the chapter.  [default: chapters/SYSTEM]"
        ),
        click.option(
            "--brief", type=path, help="A brief of your own (TOML) instead of the library's."
        ),
        click.option(
            "--ask",
            is_flag=True,
            help="Ask on the terminal about traits of which the model is unsure.",
        ),
    )
    return _with(options, command)


def _with(options: Sequence[Callable[[_Command], _Command]], command: _Command) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command


@click.command("write")
@click.argument("system")
@_own_options
@write_options
def write(
    system: str,
    parts_text: str,
    depth: Any,
    dry_run: bool,
    quiet: bool,
    ask: bool,
    sign: Path | None,
    **options: Any,
) -> None:
    """Writes a chapter on SYSTEM, such as "Distributed rate limiter"; nothing is fetched."""
    from chapter_offline import workflow
    from chapter_offline.writing.progress import Silent

    if depth and options["words"] is not None:
        raise UsageError("--depth and --words: both say how long the chapter is to be; give one")
    parts = workflow.parse_parts(parts_text)
    order = workflow.Order(
        system=system,
        parts=parts,
        depth=depth or "standard",
        ask=_asking() if ask else None,
        **options,
    )
    if dry_run:
        _show_plan(workflow.dry_run(order, Silent()), order.parts)
        return
    folder = write_and_show(order, quiet)
    if sign is not None:
        sign_and_show(folder, sign)


def _asking() -> Callable[[str, float], bool]:
    """Asks the person at the terminal. Raises UsageError where there is none."""
    from chapter_offline.console import is_terminal

    if not is_terminal():
        raise UsageError("--ask: there is no terminal to ask on; correct brief.toml instead")

    def ask(what: str, chance: float) -> bool:
        return click.confirm(f"Is it essential that {what}? (the model: {chance:.0%})", err=True)

    return ask


def write_and_show(order: Any, quiet: bool) -> Path:
    """Writes what was ordered, says what it took, and where it is; raises where it is incomplete."""
    from chapter_offline import workflow

    return make_and_show(lambda progress, watch: workflow.write(order, progress, watch), quiet)


def make_and_show(make: Callable[[Any, Any], Any], quiet: bool) -> Path:
    """Makes a chapter, says what it took, and where it is; raises where it is incomplete."""
    from chapter_offline import workflow
    from chapter_offline.console import shown

    try:
        with shown(quiet) as (progress, watch):
            made = make(progress, watch)
    except KeyboardInterrupt:
        click.echo("what is written so far is kept: the same command goes on from there", err=True)
        raise
    if not quiet:
        jobs = made.authored.jobs
        written = sum(job.output_tokens for job in jobs)
        planned = (
            ""
            if made.authored.chapter.voice == "free"
            else f"; {made.planned:,} words are as planned"
        )
        click.echo(
            f"{made.words:,} words in {made.seconds:.0f} s; the model wrote {written:,} tokens in {len(jobs)} pieces; "
            f"peak memory {made.peak_bytes / _GB:.2f} GB{planned}",
            err=True,
        )
    click.echo(made.page)
    if made.findings:
        raise workflow.incomplete(made)
    folder: Path = made.folder
    return folder


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
    if planned.notes:
        click.echo(
            f"notes: {planned.notes:,} statements; {load.weighed:,} likelihoods to be read for their places"
        )
