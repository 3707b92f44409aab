"""`chapter-offline explain`: where the sentences of a section come from."""

from collections import Counter
from pathlib import Path

import click

_NAMES = {"notes": "your notes"}


@click.command("explain")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.argument("section", required=False)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def explain(folder: Path, section: str | None, as_json: bool) -> None:
    """Shows where each sentence of SECTION in the chapter in DIR comes from; of all sections, how many come from where.

    SECTION is a section's id, such as p09.retry_storms, or a part, such as p09.
    """
    from chapter_offline.console import table
    from chapter_offline.writing.manifest import named_sentences, read_run

    found = read_run(folder).sentences
    if section is not None:
        for sentence in named_sentences(found, section, folder):
            if as_json:
                click.echo(sentence.model_dump_json(exclude_none=True))
                continue
            notes: list[str] = [_NAMES.get(sentence.origin, sentence.origin)]
            notes += [sentence.place] if sentence.place else []
            notes += [sentence.claim] if sentence.claim else []
            notes += [f"true with {sentence.chance:.0%}"] if sentence.chance is not None else []
            notes += (
                [f"log P {sentence.log_prob:.2f} a token"] if sentence.log_prob is not None else []
            )
            click.echo(f"[{', '.join(notes)}] {sentence.text}")
        return
    origins = tuple(dict.fromkeys(sentence.origin for sentence in found))
    counts: dict[str, Counter[str]] = {}
    for sentence in found:
        counts.setdefault(sentence.section, Counter())[sentence.origin] += 1
    if as_json:
        for name, each in counts.items():
            click.echo(f'{{"section": "{name}", "origins": {dict(each)}}}'.replace("'", '"'))
        return
    rows = [(name, *(str(each[origin]) for origin in origins)) for name, each in counts.items()]
    total = sum(counts.values(), Counter[str]())
    rows.append(("in all", *(str(total[origin]) for origin in origins)))
    click.echo(table(("section", *(_NAMES.get(name, name) for name in origins)), rows))
