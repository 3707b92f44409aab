"""`chapter-offline check`: what a finished chapter covers, and what is wrong in it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from chapter_offline.errors import IncompleteError

_COLUMNS = (
    ("thin", "thin"),
    ("repeated", "repeated"),
    ("unfinished", "unfinished"),
    ("vendor", "vendors"),
    ("chatter", "chatter"),
    ("name", "names"),
    ("number", "numbers"),
    ("contradiction", "contradict"),
)


@click.command("check")
@click.argument("path", type=click.Path(path_type=Path), metavar="DIR|FILE.md")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON instead.")
@click.option(
    "--vendors",
    type=click.Path(path_type=Path),
    help="A list of further names that a chapter may not contain, one a line.",
)
def check(path: Path, as_json: bool, vendors: Path | None) -> None:
    """Reads the chapter in DIR, or any chapter in Markdown, and says what is wrong with it.

    A chapter of ours is compared with its own plan and figures. In any other, headings are matched to what a chapter must cover,
    and what can't be judged is said. The exit code is 1 where something was found.
    """
    from chapter_offline.resources import prompts_dir
    from chapter_offline.review.chapter import Checker
    from chapter_offline.review.source import read_source

    prompts = prompts_dir()
    report = Checker(prompts, vendors).check(read_source(path, prompts))
    if as_json:
        click.echo(json.dumps(asdict(report), indent=2, ensure_ascii=False))
    else:
        for finding in report.findings:
            line = f":{finding.line}" if finding.line else ""
            click.echo(f"{report.file}{line}: {finding.where}: {finding.what}")
        click.echo(("\n" if report.findings else "") + table_of(report))
    if report.findings:
        count = len(report.findings)
        raise IncompleteError(f"{report.file}: {count:,} thing{'s' * (count > 1)} found")


def table_of(report: Any) -> str:
    """A report as a table a part, with what stands under it."""
    from chapter_offline.console import table

    def row(
        title: str, covered: int, of: int, words: int, diagrams: int, counts: dict[str, int]
    ) -> tuple[str, ...]:
        valid = diagrams - counts.get("diagram", 0)
        return (
            title,
            f"{covered} of {of}" if of else "-",
            f"{words:,}",
            *(str(counts.get(kind, 0)) for kind, _ in _COLUMNS),
            f"{valid} of {diagrams}" if diagrams else "-",
        )

    rows = [
        row(
            f"{r.number}. {r.title}" if r.number else r.title,
            r.covered,
            r.of,
            r.words,
            r.diagrams,
            r.counts,
        )
        for r in report.rows
    ]
    kinds = ("diagram", *(kind for kind, _ in _COLUMNS))
    totals = {kind: report.count(kind) for kind in kinds}
    rows.append(row("in all", report.covered, report.of, report.words, report.diagrams, totals))
    heads = ("part", "covered", "words", *(head for _, head in _COLUMNS), "diagrams")
    lines = [
        table(heads, rows),
        "",
        f"{report.sentences:,} sentences; {report.eights:.1%} of the runs of 8 words are repeated, {report.fours:.1%} of the runs of 4 are distinct",
    ]
    if report.unchecked:
        lines.append(
            f"not judged: names and numbers of {report.unchecked} sentences that the page calls unchecked"
        )
    lines += [f"not judged: {note}" if "judged" not in note else note for note in report.notes]
    return "\n".join(lines)
