"""The report of a batch: what became of every chapter, for people and for programs.

`report.json` is also what a later run knows of the chapters that are whole.
"""

import contextlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from chapter_offline.batch.happening import Outcome
from chapter_offline.errors import UsageError
from chapter_offline.filing import PAGE
from chapter_offline.output import folder
from chapter_offline.review.prose import SHORT, paragraphs, sentences_of

_OUTCOMES = TypeAdapter(tuple[Outcome, ...])
_NAME = re.compile(r"report(?:-\d+-of-\d+)?\.json")
_MOST_SHOWN = 40


@dataclass(frozen=True)
class Said:
    """A sentence that several chapters have. chapters: their names."""

    sentence: str
    chapters: tuple[str, ...]


def report_name(shard: tuple[int, int] | None) -> str:
    """What the report's files are called, without ending: shards share a folder, and no file."""
    return "report" if shard is None else f"report-{shard[0]}-of-{shard[1]}"


def prepare(out: Path) -> None:
    """Makes the batch's folder. Raises UsageError where it holds what isn't a batch's."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        there = [each.name for each in out.iterdir()]
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"--out {out}: there is a file in the way; name a folder") from None
    except OSError as error:
        raise UsageError(f"--out {out}: can't be used: {error.strerror}; name another") from None
    if there and not any(map(_NAME.fullmatch, there)):
        raise UsageError(f"--out {out}: the folder exists and holds other files; name a new one")


def earlier(out: Path) -> dict[str, Outcome]:
    """What earlier runs have reported, of all shards, by the chapter's name; of a damaged report, nothing."""
    found: dict[str, Outcome] = {}
    if not out.is_dir():
        return found
    for path in sorted(each for each in out.iterdir() if _NAME.fullmatch(each.name)):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, ValidationError):
            chapters = json.loads(path.read_bytes())["chapters"]
            found |= {each.name: each for each in _OUTCOMES.validate_python(chapters)}
    return found


def save(out: Path, name: str, outcomes: Sequence[Outcome], seconds: float) -> None:
    """Writes both reports. seconds: of this run."""
    shared = shared_sentences(out, [each.name for each in outcomes if each.manifest])
    table = {
        "seconds": seconds,
        "whole": sum(each.state == "whole" for each in outcomes),
        "chapters": _OUTCOMES.dump_python(tuple(outcomes), mode="json"),
        "shared_sentences": [vars(each) for each in shared],
    }
    text = json.dumps(table, indent=1, ensure_ascii=False) + "\n"
    folder.write_whole(out / f"{name}.json", text.encode())
    folder.write_whole(out / f"{name}.md", _markdown(outcomes, shared, seconds).encode())


def note(out: Path, name: str, outcomes: Sequence[Outcome]) -> None:
    """Writes down what is known so far, for a run that goes on after this one was killed."""
    table = {"chapters": _OUTCOMES.dump_python(tuple(outcomes), mode="json")}
    folder.write_whole(out / f"{name}.json", json.dumps(table, ensure_ascii=False).encode())


def shared_sentences(out: Path, names: Iterable[str]) -> list[Said]:
    """Sentences of six words or more that stand in two chapters or more, the most widely shared first."""
    holders: dict[str, list[str]] = defaultdict(list)
    for name in names:
        try:
            page = (out / name / PAGE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        said = dict.fromkeys(each for block in paragraphs(page) for each in sentences_of(block))
        for sentence in said:
            if len(sentence.split()) >= SHORT:
                holders[sentence].append(name)
    found = [Said(text, tuple(names)) for text, names in holders.items() if len(names) > 1]
    return sorted(found, key=lambda each: (-len(each.chapters), each.sentence))


def _markdown(outcomes: Sequence[Outcome], shared: Sequence[Said], seconds: float) -> str:
    whole = [each for each in outcomes if each.state == "whole"]
    words, tokens = sum(each.words for each in outcomes), sum(each.tokens for each in outcomes)
    lines = [
        "# Report",
        "",
        f"{len(whole)} of {len(outcomes)} chapters are whole: {words:,} words, {tokens:,} tokens by the model. "
        f"This run took {seconds:,.0f} s.",
        "",
        "| chapter | what became of it | model | seconds | words | pieces by the model | tokens | thin sections |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for each in outcomes:
        state = f"{each.state}, before this run" if each.before else each.state
        if each.lost:
            state += f", {each.lost} workers lost"
        page = f"[{_cell(each.system)}]({each.name}/{PAGE})" if each.words else _cell(each.system)
        lines.append(
            f"| {page} | {state} | {_cell(each.model)} | {each.seconds:,.0f} | {each.words:,} | {each.pieces:,} | "
            f"{each.tokens:,} | {len(each.thin)} |"
        )
    wrong = [each for each in outcomes if each.state != "whole"]
    if wrong:
        lines += ["", "## What is not whole", ""]
        lines += [f"- {each.name}: {' '.join(each.message.split())}" for each in wrong]
    if thin := [each for each in outcomes if each.thin]:
        lines += ["", "## Thin sections", ""]
        lines += [f"- {each.name}: {', '.join(each.thin)}" for each in thin]
    lines += ["", "## Sentences that chapters share", ""]
    if not shared:
        lines += ["None."]
    else:
        lines += [
            f"{len(shared):,} sentences of {SHORT} words or more stand in two chapters or more."
        ]
        lines += ["", "| sentence | chapters |", "| --- | ---: |"]
        lines += [
            f"| {_cell(each.sentence)} | {len(each.chapters)} |" for each in shared[:_MOST_SHOWN]
        ]
        if len(shared) > _MOST_SHOWN:
            lines += ["", f"The other {len(shared) - _MOST_SHOWN:,} are in the JSON report."]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("[", "\\[").replace("\n", " ")
