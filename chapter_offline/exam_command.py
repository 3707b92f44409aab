"""`chapter-offline models exam`: what a model does well, and so how far it may write."""

import click


@click.command("exam")
@click.argument("name", metavar="NAME|FILE")
@click.option("--judge", help="A pinned model that judges rewrites, where NAME judges badly.")
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=0,
    help="Threads.  [default: the physical cores]",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def exam(name: str, judge: str | None, threads: int, as_json: bool) -> None:
    """Examines a model: some sixty short tasks, ten minutes at most; the result is kept for its file."""
    from chapter_offline.console import Lines
    from chapter_offline.examining import examine
    from chapter_offline.writing.progress import Silent

    result = examine(name, judge, threads, Silent() if as_json else Lines())
    if as_json:
        click.echo(result.model_dump_json(indent=2))
        return
    for line in result.lines():
        click.echo(line)
