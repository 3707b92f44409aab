"""`chapter-offline briefs`: the systems that the library knows, and briefs of one's own."""

from pathlib import Path
from typing import Any

import click

from chapter_offline.commands import Commands
from chapter_offline.errors import IncompleteError, UsageError


@click.group(cls=Commands)
def briefs() -> None:
    """Systems that are known by themselves: list them, show one, begin one of your own, check it."""


@briefs.command("list")
def briefs_list() -> None:
    """Lists the systems of the library: name, other names, traits, claims of its own."""
    from chapter_offline.console import table
    from chapter_offline.knowledge.library import load_library
    from chapter_offline.resources import prompts_dir

    library = load_library(prompts_dir())
    rows = [
        (brief.name, str(len(brief.claims)), ", ".join(brief.traits), ", ".join(brief.aliases))
        for brief in library.briefs
    ]
    click.echo(table(("system", "claims", "traits", "also called"), rows))


@briefs.command("show")
@click.argument("name")
def briefs_show(name: str) -> None:
    """Shows the brief NAME, a system of the library or a file: what it assumes, and of what it is made."""
    from chapter_offline.chapter.figuring import figures_for

    library, label, brief = _found(name)
    figures = figures_for(library, brief, at_once=False)
    click.echo(
        f"{brief.name}{'' if label == brief.name else f' ({label})'}\ntraits: {', '.join(brief.traits) or 'none'}"
    )
    settled = [f"{'' if yes else 'not '}{name}" for name, yes in brief.decisions.items()]
    click.echo(f"decisions: {', '.join(settled)}")
    for component in (*brief.component, *brief.external):
        click.echo(f"{component.role}: {component.name}")
    for flow in brief.flow:
        click.echo(f"{flow.kind}: {flow.name}")
    for each in brief.alternative:
        click.echo(f"rejected: {each.name}")
    for figure, override in brief.figures.items():
        click.echo(
            f"assumes {figure} = {figures[figure].text}{f': {override.why}' if override.why else ''}"
        )
    click.echo(f"claims of its own: {len(brief.claims)}")


@briefs.command("new")
@click.argument("system")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write; else one named like SYSTEM."
)
@click.option("--model", default="auto", show_default=True, help="As of `write`.")
def briefs_new(system: str, out: Path | None, model: str) -> None:
    """Begins a brief of SYSTEM by the model's choices, to be corrected: the file then goes to `write --brief`."""
    from chapter_offline import workflow
    from chapter_offline.console import Lines
    from chapter_offline.knowledge.library import slug
    from chapter_offline.output.folder import write_whole

    out = out or Path(f"{slug(workflow.checked_name(system))}.toml")
    if out.exists():
        raise UsageError(f"--out {out}: it is there already; name another file")
    if not out.parent.is_dir():
        raise UsageError(f"--out {out}: there is no folder {out.parent}")
    write_whole(out, workflow.new_brief(workflow.Order(system=system, model=model), Lines()))
    click.echo(f"{out}: correct it, then: chapter-offline write {system!r} --brief {out}")


@briefs.command("check")
@click.argument("name", metavar="NAME|FILE")
def briefs_check(name: str) -> None:
    """Names what is missing, contradictory or against a constraint in the brief NAME, a line each.

    Exit code 1 where there is anything, 3 where it can't be read as a brief.
    """
    from chapter_offline.review.check import check_all

    library, label, brief = _found(name)
    findings = dict.fromkeys(check_all(library, {label: brief}, whole=False))
    for finding in findings:
        click.echo(f"{finding.where}: {finding.what}")
    if findings:
        raise IncompleteError(
            f"{name}: {len(findings)} {'finding' if len(findings) == 1 else 'findings'}"
        )
    missing = [
        what for what in ("call", "record", "state", "alternative") if not getattr(brief, what)
    ]
    click.echo(f"{name}: nothing found" + (f"; it has no {', '.join(missing)}" if missing else ""))


def _found(name: str) -> tuple[Any, str, Any]:
    """The library, and a brief by the name of its system or file."""
    from chapter_offline.knowledge.library import load_library
    from chapter_offline.resources import prompts_dir
    from chapter_offline.review.samples import brief_named

    library = load_library(prompts_dir())
    if known := library.brief_for(name) or library.kin_of(name):
        return library, known.name, known
    return (library, *brief_named(library, name))
