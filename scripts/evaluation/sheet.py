"""A blind sheet for human readers: the same section by each version, shuffled; the key lies apart."""

import hashlib
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from chapter_offline.console import table
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.headings import load_headings
from chapter_offline.knowledge.spec import load_spec
from chapter_offline.resources import prompts_dir
from chapter_offline.review.covering import covering_of_headings
from chapter_offline.review.page import read_page
from evaluation.versions import Result, Version

SECTIONS = (
    "p01.without_it",
    "p03.conflicts",
    "p07.partitioned",
    "p08.races",
    "p09.retry_storms",
    "p11.drivers",
    "p12.not_worth_it",
    "p16.mistakes",
)
_MARKS = ("truth", "depth", "prose")
_HEAD = """# Sections to be read blind

Under each text, write a number from 1 (poor) to 5 (a staff engineer would sign it) behind each of truth, depth and prose.
Which version is which stands in another file; don't look there before you are done.
"""
_TEXT = re.compile(r"^### ([0-9a-f]{8})$", re.M)
_MARK = re.compile(r"^(truth|depth|prose):[ \t]*([1-5])?[ \t]*$", re.M)


def key_of(sheet: Path) -> Path:
    return sheet.with_name(sheet.name + ".key.json")


def write_sheet(results: Mapping[Version, Result], sheet: Path) -> None:
    """Writes the sheet, and beside it the key. A version that lacks a section has none there."""
    key: dict[str, dict[str, str]] = {}
    pieces = [_HEAD]
    spec = load_spec(prompts_dir())
    texts = {version: _texts(result.text) for version, result in results.items()}
    for system in dict.fromkeys(version.system for version in results):
        for section in SECTIONS:
            pieces.append(f"\n## {system}: {spec.heading(section)[0]}\n")
            shown = []
            for version, found in texts.items():
                if version.system == system and section in found:
                    name = hashlib.sha256(f"{version}{section}".encode()).hexdigest()[:8]
                    key[name] = {"model": version.model, "way": version.way, "section": section}
                    shown.append((name, found[section]))
            for name, text in sorted(shown):
                quoted = "\n".join(f"> {line}".rstrip() for line in text.splitlines())
                marks = "\n".join(f"{mark}: " for mark in _MARKS)
                pieces.append(f"\n### {name}\n\n{quoted}\n\n{marks}\n")
    sheet.write_text("".join(pieces), encoding="utf-8")
    key_of(sheet).write_text(json.dumps(key, indent=1), encoding="utf-8")
    print(f"{sheet}: {len(key)} texts; the key is in {key_of(sheet)}")


def _texts(page: str) -> dict[str, str]:
    """Plain text by requirement, with nothing that says who wrote it."""
    prompts = prompts_dir()
    sections = read_page(page, bold_headings=True)
    covering = covering_of_headings(sections, load_spec(prompts), load_headings(prompts))
    found: dict[str, list[str]] = defaultdict(list)
    for section, owner in zip(sections, covering.owners, strict=True):
        if owner in SECTIONS:
            found[owner] += [
                f"{block.label} {block.text}".strip().replace("\n", " ") + "\n"
                for block in section.blocks
                if not block.label.startswith(("An attempt by", "A weak answer", "Check yourself"))
            ]
    return {name: "\n".join(blocks) for name, blocks in found.items() if blocks}


def score(sheet: Path) -> None:
    """Prints what readers gave each version. Raises BadInputError where the sheet isn't filled in."""
    try:
        text = sheet.read_text(encoding="utf-8")
        key = json.loads(key_of(sheet).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInputError(f"{sheet}: the sheet or its key can't be read: {error}") from None
    pieces = _TEXT.split(text)[1:]
    given: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        marks = dict(_MARK.findall(body))
        if name not in key:
            raise BadInputError(f"{sheet}: {name} stands in no key; is it another sheet's?")
        if missing := [mark for mark in _MARKS if not marks.get(mark)]:
            raise BadInputError(f"{sheet}: {name} has no number from 1 to 5 for {missing[0]}")
        for mark in _MARKS:
            given[key[name]["model"], key[name]["way"]][mark].append(int(marks[mark]))
    rows = [
        (model, way, str(len(marks["truth"])), *(f"{statistics.mean(marks[mark]):.1f}" for mark in _MARKS))
        for (model, way), marks in sorted(given.items())
    ]  # fmt: skip
    print(table(("model", "way", "texts", *_MARKS), rows))
