"""`chapter-offline claims`: what is known, listed, shown as readers get it, and checked."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from chapter_offline.commands import Commands
from chapter_offline.errors import IncompleteError, UsageError


@click.group(cls=Commands)
def claims() -> None:
    """What the library says: list claims, show one as rendered, check them all."""


@claims.command("list")
@click.argument("where", default="", metavar="[PART|SECTION]")
def claims_list(where: str) -> None:
    """Lists claims, of all or of one PART (p08 or 8) or SECTION (p08.clocks): id, whose, weight, conditions, words.

    A claim is any system's (universal), needs a trait of the system (trait), or is a brief's own.
    Words are those of the template, without its blanks.
    """
    from chapter_offline.console import table
    from chapter_offline.knowledge.library import load_library
    from chapter_offline.resources import prompts_dir
    from chapter_offline.review.samples import sample_briefs

    library = load_library(prompts_dir())
    rows = [row for row in _rows(library, sample_briefs(library)) if _wanted(row[0], where)]
    if not rows:
        raise UsageError(f"{where}: no such part or section; name one such as p08 or p08.clocks")
    click.echo(table(("claim", "whose", "weight", "words", "conditions"), rows))


def _wanted(name: str, where: str) -> bool:
    where = f"p{int(where):02d}" if where.isascii() and where.isdigit() else where
    return not where or name == where or name.startswith(where + ".")


def _rows(library: Any, briefs: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    from chapter_offline.review.texts import bare_words

    own = [(claim.at, claim, name) for name, brief in briefs.items() for claim in brief.claims]
    general = [(key, c, "") for key, s in library.claims.sections.items() for c in s.claims]
    for key, claim, brief in sorted([*general, *own], key=lambda entry: entry[0]):
        conditions = [*claim.needs, *([f"when {claim.when}"] if claim.when else [])]
        conditions += [f"for each {claim.each}"] if claim.each else []
        conditions += [f"after {claim.after}"] if claim.after else []
        conditions += ["goes on"] if claim.join else []
        yield (
            f"{key}.{claim.id}",
            brief or ("trait" if library.names.special(claim.needs) else "universal"),
            str(claim.weight),
            str(bare_words(claim)),
            "; ".join(conditions),
        )


@claims.command("show")
@click.argument("name", metavar="ID")
@click.option(
    "--brief",
    "brief_name",
    metavar="NAME|FILE",
    default="distributed_rate_limiter",
    show_default=True,
    help="For which system: a brief of the library, a sample of prompts/samples.toml, or a file.",
)
def claims_show(name: str, brief_name: str) -> None:
    """Shows the claim ID, such as p08.clocks.order: its template, and as a system's readers get it.

    The ID of a section, or one that ends in .frame or .rule, will do as well.
    """
    from chapter_offline.knowledge.library import load_library
    from chapter_offline.resources import prompts_dir
    from chapter_offline.review.rendered import read_all
    from chapter_offline.review.samples import brief_named
    from chapter_offline.review.texts import brief_templates, library_templates, place

    library = load_library(prompts_dir())
    label, brief = brief_named(library, brief_name)
    templates = {t.where: t.text for t in library_templates(library)}
    own = {t.where.partition(" ")[2]: t.text for t in brief_templates(label, brief)}
    reading = read_all(library, brief)
    found = [entry for entry in reading.entries if _wanted(entry.name, name)]
    omitted = [(claim, why) for claim, why in reading.omitted if _wanted(claim, name)]
    if not found and not omitted:
        raise UsageError(f"{name}: no such claim; `chapter-offline claims list` has them all")
    for entry in found:
        mine = entry.origin == "brief"
        template = (
            own.get(entry.name, "") if mine else templates.get(place(library, entry.name), "")
        )
        click.echo(f"{entry.name} ({label}'s own)" if mine else entry.name)
        click.echo(f"  template: {' '.join(template.split())}")
        for said in entry.statements:
            parts = [f"{part}:" for part in (said.lead, said.ask) if part]
            click.echo(f"  for {label}: {' '.join([*parts, said.text])}")
        for what, names in (
            ("first glossed here", entry.glossed),
            ("figures", entry.figures),
            ("fails", [entry.failed or entry.unsayable]),
        ):
            if any(names):
                click.echo(f"  {what}: {', '.join(names)}")
    for claim, why in omitted:
        click.echo(f"{claim}\n  not for {label}: {why}")


@claims.command("check")
@click.option(
    "--brief",
    "brief_name",
    metavar="NAME|FILE",
    help="Only what is wrong with this brief and with the library as rendered for it.",
)
@click.option("--unused", is_flag=True, help="Also list the terms that no text marks.")
def claims_check(brief_name: str | None, unused: bool) -> None:
    """Renders everything for every brief and lists what is wrong, a line each with its place.

    Empty places, broken grammar, unknown figures and terms, glosses that are too long, echoes between
    sections, vendors' names, forms that lack a piece, labels of figures that point at another row, and
    how each system's standard chapter reads.
    Exit code 1 where there is anything.
    """
    from chapter_offline.knowledge.library import load_library
    from chapter_offline.resources import prompts_dir
    from chapter_offline.review.check import check_all, unused_terms
    from chapter_offline.review.samples import brief_named, sample_briefs

    library = load_library(prompts_dir())
    briefs = dict([brief_named(library, brief_name)]) if brief_name else sample_briefs(library)
    findings = check_all(library, briefs, whole=brief_name is None)
    stock = unused_terms(library)
    findings += stock if unused else []
    for finding in dict.fromkeys(findings):
        click.echo(f"{finding.where}: {finding.what}")
    if findings:
        count = len(set(findings))
        raise IncompleteError(
            f"{count:,} {'finding' if count == 1 else 'findings'} in claims, terms and briefs"
        )
    click.echo(
        f"nothing found in claims, terms and {len(briefs)} {'brief' if len(briefs) == 1 else 'briefs'}"
        + (f"; {len(stock)} terms are marked in no text (--unused lists them)" if stock else "")
    )
