"""What a page says of itself: by which model and files it was made, how to make it again, who said what."""

import hashlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.origins import Origin, counted
from chapter_offline.chapter.plan import THIN
from chapter_offline.output.markdown import thin_sections
from chapter_offline.output.quoting import left_out

_LABELS: Mapping[Origin, str] = {
    "library": "people, for any system: the library",
    "brief": "people, for this system: its brief",
    "computed": "the program, from the figures",
    "model": "the model",
    "person": "a person, by hand",
    "notes": "quoted from notes, not checked",
}
_LATER = (".html", ".epub")
"""Outputs that are made of the others; a page can't hold its own digest."""


@dataclass(frozen=True)
class Source:
    """facts: (what, value). command: for a shell. shares: (origin, words, share).

    thin: (section id, name, words) below `least`. unquoted: (reason, places) of the notes that are not quoted. digest: of the chapter's text, in hex.
    """

    facts: tuple[tuple[str, str], ...]
    command: str
    shares: tuple[tuple[str, int, str], ...]
    thin: tuple[tuple[str, str, int], ...]
    least: int
    unquoted: tuple[tuple[str, str], ...]
    digest: str


def source_of(chapter: Chapter, facts: Mapping[str, Any]) -> Source:
    """facts: the manifest."""
    words = counted(chapter)
    whole = sum(words.values()) or 1
    outputs = facts.get("outputs", {})
    return Source(
        facts=tuple(_facts(facts)),
        command=_command(chapter, facts),
        shares=tuple((_LABELS[n], count, f"{count / whole:.1%}") for n, count in words.items()),
        thin=tuple(
            (section.id, _name(section.component, section.heading), count)
            for section, count in thin_sections(chapter)
        ),
        least=THIN,
        unquoted=tuple(left_out(chapter.notes)),
        digest=outputs.get("chapter.md") or hashlib.sha256(chapter.plan.title.encode()).hexdigest(),
    )


def _name(component: str, heading: str) -> str:
    return f"{plain(component)}: {heading}" if component else heading


def _facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    program, model, engine = facts["program"], facts["model"], facts["engine"]
    yield "Program", f"{program['name']} {program['version']}"
    yield "Model", str(model["name"])
    if "repo" in model:
        yield "From", f"{model['repo']}, {model['file']}, commit {model['commit']}"
    yield "Model, sha256", str(model["sha256"])
    yield "Prompts, sha256", str(facts["prompts"]["sha256"])
    for name, digest in facts.get("notes", {}).get("files", {}).items():
        yield f"Notes: {name}, sha256", str(digest)
    settings = facts["settings"]
    yield (
        "Settings",
        ", ".join(
            f"{name} {settings[name]}" for name in ("voice", "depth", "words", "window", "seed")
        ),
    )
    yield "Libraries", ", ".join(f"{name} {at}" for name, at in facts["libraries"].items())
    for name, digest in engine.get("llama.cpp", {}).items():
        yield f"{name}, sha256", str(digest)
    for name, digest in facts.get("outputs", {}).items():
        if not name.endswith(_LATER):
            yield f"{name}, sha256", str(digest)


def _command(chapter: Chapter, facts: Mapping[str, Any]) -> str:
    settings, model = facts["settings"], facts["model"]
    if settings["depth"]:
        length = ["--depth", str(settings["depth"])]
    else:
        length = ["--words", str(settings["words"])]
    files = list(facts.get("notes", {}).get("files", ()))
    notes = ("--notes", files[0] if len(files) == 1 else "NOTES") if files else ()
    return shlex.join(
        [
            *("chapter-offline", "write", chapter.plan.brief.name, "--brief", "brief.toml"),
            *("--model", str(model["name"]), "--voice", str(settings["voice"]), *length),
            *notes,
            *("--parts", ",".join(map(str, settings["parts"]))),
            *("--window", str(settings["window"]), "--seed", str(settings["seed"])),
        ]
    )
