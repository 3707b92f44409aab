"""What a list comes to: an order a chapter, each with a folder of its own, checked before any is begun."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chapter_offline import __version__
from chapter_offline.batch.lists import Line
from chapter_offline.catalog.choose import ResolvedModel, resolve_model
from chapter_offline.chapter.notes import Notes
from chapter_offline.errors import BadInputError, ChapterOfflineError, UsageError
from chapter_offline.knowledge.library import slug
from chapter_offline.orders import Order, checked_name
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.manifest import digest_of
from chapter_offline.writing.notes.reading import read_notes

_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Entry:
    """A chapter of a batch. number: in the list, from 1. where: its place there, for people.

    order: its own, with the folder. digest: of all that determines its bytes; "" until its model is known.
    """

    number: int
    where: str
    order: Order
    digest: str = ""

    @property
    def folder(self) -> Path:
        assert self.order.out is not None
        return self.order.out

    @property
    def name(self) -> str:
        """The folder's name, by which a chapter goes in its batch."""
        return self.folder.name


def entries(
    lines: Iterable[Line], common: Order, out: Path
) -> tuple[list[Entry], list[tuple[Line, Entry]]]:
    """The chapters that a list asks for, and the lines that ask again for one of them.

    common: what the command says for all. Raises BadInputError, with the place, for a name that can't be taken, and
    where two different chapters would have one folder.
    """
    found: dict[str, Entry] = {}
    read: dict[Path, Notes] = {}
    again = []
    for number, line in enumerate(lines, start=1):
        entry = Entry(number, line.where, _order(line, common, out, read))
        first = found.setdefault(entry.name.lower(), entry)
        if first is entry:
            continue
        if first.order != entry.order:
            raise BadInputError(
                f"{line.where}: would be written to {entry.folder}, as {first.where} is; "
                'name another "folder" for one of them (in CSV, TOML or JSON Lines)'
            )
        again.append((line, first))
    return list(found.values()), again


def _order(line: Line, common: Order, out: Path, read: dict[Path, Notes]) -> Order:
    """read: notes by their path; those of this line are put there."""
    wanted = line.wanted
    try:
        system = checked_name(wanted.system)
    except UsageError as error:
        raise BadInputError(f"{line.where}: {error}") from None
    folder = wanted.folder if wanted.folder is not None else slug(system)
    if not _FOLDER.fullmatch(folder):
        raise BadInputError(
            f"{line.where}: folder {folder[:60]!r}: take letters, digits, '.', '_' and '-', beginning with a letter or digit"
        )
    own = wanted.model_dump(
        include={"brief", "notes", "model", "depth", "voice", "seed", "words"}, exclude_none=True
    )
    if "depth" in own:
        own["words"] = None
    order = replace(common, **own, system=system, out=out / folder)
    if isinstance(path := order.notes, Path):
        if path not in read:
            try:
                read[path] = read_notes(path)
            except BadInputError as error:
                raise BadInputError(f"{line.where}: {error}") from None
        order = replace(order, notes=read[path])
    return order


def shard(found: Sequence[Entry], number: int, of: int) -> list[Entry]:
    """The entries of one of so many shards, counted from 1: every so-manyth, in the list's order."""
    return list(found[number - 1 :: of])


def parse_shard(text: str) -> tuple[int, int]:
    """ "2/8" as (2, 8). Raises UsageError."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--shard {text[:40]}: write I/N, such as 2/8, with I from 1 to N")
    return int(match[1]), int(match[2])


def models_of(found: Iterable[Entry]) -> dict[str, ResolvedModel]:
    """The models that the entries ask for, by the names that they ask for.

    Raises what `write` raises for a model that there isn't, or isn't here, or doesn't fit: with the entry's place.
    """
    models: dict[str, ResolvedModel] = {}
    for entry in found:
        if entry.order.model not in models:
            try:
                models[entry.order.model] = resolve_model(
                    entry.order.model, entry.order.window, memory=entry.order.memory
                )
            except ChapterOfflineError as error:
                raise type(error)(f"{entry.where}: {error}") from None
    return models


def digested(found: Iterable[Entry], models: Mapping[str, ResolvedModel]) -> list[Entry]:
    """The entries with their digests, those of one model after each other."""
    prompts = digest_of(prompts_dir())
    named = [
        replace(entry, digest=_digest(entry.order, models[entry.order.model].sha256, prompts))
        for entry in found
    ]
    places = {name: place for place, name in enumerate(models)}
    return sorted(named, key=lambda entry: places[entry.order.model])


def _digest(order: Order, model: str, prompts: str) -> str:
    """Of what a chapter's bytes depend on, on one machine."""
    brief = ""
    if isinstance(order.brief, Path):
        try:
            brief = hashlib.sha256(order.brief.read_bytes()).hexdigest()
        except OSError:
            brief = "none"  # the chapter itself says what is wrong
    values = [
        *(__version__, model, prompts, brief, order.system, order.voice, order.effort),
        *(order.depth, order.words, order.window, order.parts, order.seed),
        order.gpu_layers,
        order.notes.model_dump_json() if isinstance(order.notes, Notes) else "",
    ]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
