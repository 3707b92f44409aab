"""One chapter from end to end: a model, a brief, a plan, the writing, the files.

Stands between the command line, which only parses and shows, and the rooms.
"""

import re
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chapter_offline.catalog.choose import ResolvedModel, resolve_model
from chapter_offline.catalog.progress import Progress as CatalogProgress
from chapter_offline.chapter.document import Voice
from chapter_offline.chapter.escape import clean
from chapter_offline.chapter.plan import Depth, Plan, make_plan
from chapter_offline.engine.interface import Engine, Settings
from chapter_offline.errors import BadInputError, IncompleteError, UsageError
from chapter_offline.knowledge.briefs import Brief, brief_toml, load_brief, same_system
from chapter_offline.knowledge.files import line_of
from chapter_offline.knowledge.generic import Answers, brief_from, load_choices
from chapter_offline.knowledge.library import Library, load_library, slug
from chapter_offline.output import folder
from chapter_offline.output.check import Finding, check
from chapter_offline.output.html.page import chapter_html
from chapter_offline.output.markdown import chapter_markdown, words
from chapter_offline.output.svg import render_diagrams
from chapter_offline.resources import cache_dir, prompts_dir
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.author import Author, Authored, Load
from chapter_offline.writing.calibrating import calibration_for
from chapter_offline.writing.decide import Decided, decide, remarks_on
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.manifest import as_json, manifest, run_report
from chapter_offline.writing.progress import Progress

LONGEST_NAME = 200


@dataclass(frozen=True)
class Order:
    """What a person asked for. out: None for `chapters/NAME` in the current folder.

    brief: a file, or a brief that is at hand. words: of the whole chapter, whatever its depth; None for the depth's.
    ask: asks a person whether something is essential to the system (what, how likely).
    """

    system: str
    model: str = "auto"
    voice: Voice = "quoted"
    depth: Depth = "standard"
    words: int | None = None
    out: Path | None = None
    window: int = 4096
    parts: tuple[int, ...] = tuple(range(1, 19))
    seed: int = 1
    threads: int = 0
    gpu_layers: int = 0
    brief: Path | Brief | None = None
    log: Path | None = None
    ask: Callable[[str, float], bool] | None = None


@dataclass(frozen=True)
class Planned:
    """A plan before a token is written. model: its name. memory: resident bytes so far."""

    plan: Plan
    load: Load
    model: str
    window: int
    memory: int


@dataclass(frozen=True)
class Made:
    """A chapter on disk. words: of the whole page. planned: of the parts asked for, as planned."""

    folder: Path
    page: Path
    words: int
    planned: int
    findings: tuple[Finding, ...]
    authored: Authored
    seconds: float
    peak_bytes: int


def checked_name(system: str) -> str:
    """A system's name as a person may give it. Raises UsageError."""
    if any(not char.isprintable() for char in system.strip()):
        raise UsageError("the system's name has control characters in it; name it in plain words")
    name = clean(system)
    if not any(char.isalnum() for char in name):
        raise UsageError('the system needs a name, such as "Distributed rate limiter"')
    if len(name) > LONGEST_NAME:
        raise UsageError(
            f"the system's name has {len(name):,} characters; at most {LONGEST_NAME} are taken"
        )
    return name


def parse_parts(text: str) -> tuple[int, ...]:
    """ "1,4-6" as (1, 4, 5, 6). Raises UsageError."""
    numbers: set[int] = set()
    for piece in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})(?:\s*-\s*(\d{1,9}))?\s*", piece, re.ASCII)
        if not found:
            raise UsageError(f"--parts {text[:80]}: write numbers and ranges, such as 1,4-6")
        first, last = int(found[1]), int(found[2] or found[1])
        if not 1 <= first <= last <= 18:
            raise UsageError(f"--parts {text[:80]}: a chapter has the parts 1 to 18, in this order")
        numbers.update(range(first, last + 1))
    return tuple(sorted(numbers))


@dataclass
class Desk:
    """Everything that is at hand for one chapter, with the model open.

    remarks: comments for the head of `brief.toml`, where the model made it.
    """

    order: Order
    library: Library
    brief: Brief
    margins: Mapping[str, float]
    remarks: str
    plan: Plan
    model: ResolvedModel
    engine: Engine
    author: Author


@contextmanager
def desk(order: Order, progress: Progress, watch: CatalogProgress | None = None) -> Iterator[Desk]:
    """Opens the model, finds or makes the brief, and plans. Frees the model at the end."""
    system = checked_name(order.system)
    if order.words is not None and order.voice == "free":
        raise UsageError(
            "--words: in voice free the model decides how much it writes; leave it out"
        )
    library = load_library(prompts_dir())
    brief = _known_brief(library, order, system, progress)
    with _opened(order, watch) as (model, engine):
        margins: dict[str, float] = {}
        remarks = ""
        if brief is None:
            brief, decided = _made(engine, model, library, order, progress)
            margins = dict(decided.margins) | {f"trait {n}": p for n, p in decided.chances.items()}
            remarks = remarks_on(decided)
        plan = _plan(library, brief, order)
        author = Author(
            engine,
            plan,
            order.voice,
            load_asking(library.prompts),
            vendor_names(library.prompts),
            model.name,
        )
        yield Desk(order, library, brief, margins, remarks, plan, model, engine, author)


@contextmanager
def _opened(
    order: Order, watch: CatalogProgress | None = None
) -> Iterator[tuple[ResolvedModel, Engine]]:
    """The model, open; freed at the end."""
    from chapter_offline.engine.llama import open_engine

    model = resolve_model(order.model, order.window, watch)
    settings = Settings(
        window=order.window,
        seed=order.seed,
        threads=order.threads,
        gpu_layers=order.gpu_layers,
        log_file=str(order.log) if order.log else None,
        cache_dir=cache_dir() / "prompts",
        model_sha256=model.sha256,
        turn_opening=model.pin.turn_opening if model.pin else "",
    )
    engine = open_engine(model.path, settings)
    try:
        yield model, engine
    finally:
        engine.close()


def _made(
    engine: Engine, model: ResolvedModel, library: Library, order: Order, progress: Progress
) -> tuple[Brief, Decided]:
    """A brief by the model's choices, for a system that the library doesn't have."""
    choices = load_choices(library.prompts)
    progress.stage("choosing nouns, roles, traits and magnitudes", 0)
    decided = decide(
        engine,
        checked_name(order.system),
        choices,
        model.name,
        library.traits,
        lambda: calibration_for(
            engine, library, choices.traits, model.sha256, cache_dir() / "calibrations", progress
        ),
    )
    return brief_from(library.prompts, library.traits, _settled(decided, library, order)), decided


def new_brief(order: Order, progress: Progress) -> bytes:
    """A brief to be filled in, as TOML with the model's choices and how sure it was of them."""
    library = load_library(prompts_dir())
    with _opened(order) as (model, engine):
        brief, decided = _made(engine, model, library, order, progress)
    return brief_toml(brief, remarks_on(decided))


def _settled(decided: Decided, library: Library, order: Order) -> Answers:
    """The model's answers, with the unsure traits that a person was asked about and has affirmed."""
    taken, ask = decided.answers.traits, order.ask
    for name in decided.unsure if ask else ():
        more = (*taken, name)
        if not library.traits.clash(library.traits.closed(more)):
            trait = library.traits.known[name]
            taken = more if ask and ask(trait.asks, decided.chances[name]) else taken
    return replace(decided.answers, traits=taken)


def _plan(library: Library, brief: Brief, order: Order) -> Plan:
    """The plan. What is wrong in a brief of the user's own is said with its file."""
    try:
        plan = make_plan(library, brief, order.depth, order.words)
    except BadInputError as error:
        if not isinstance(order.brief, Path):
            raise
        line = _line(order.brief, error.figure)
        raise BadInputError(f"{order.brief}{line}: {str(error).removeprefix('brief: ')}") from None
    if plan.violations:
        raise BadInputError(
            _broken(plan, str(order.brief) if isinstance(order.brief, Path) else "brief")
        )
    return plan


def _line(path: Path, figure: str) -> str:
    """The part ":41" where the file says something of a figure on that line, or ""."""
    text = path.read_text(encoding="utf-8")
    for table in ("figures", "extra_figures"):
        line = line_of(text, (table, figure))
        if figure and figure in text.split("\n")[line - 1]:
            return f":{line}"
    return ""


def _broken(plan: Plan, file: str) -> str:
    """The first constraint that a brief's figures break, and where they are used."""
    first, others = plan.violations[0], len(plan.violations) - 1
    used = plan.where_used(first.figures)
    places = ", ".join(used[:4]) + (f" and {len(used) - 4} more" if len(used) > 4 else "")
    return (
        f"{file}: figures that can't be true together: {first.text}\n"
        f"Change one of {', '.join(plan.assumptions(first.figures))}; they are used in {places or 'no section'}"
        + (f". {others} more of this kind" if others else "")
    )


def _known_brief(library: Library, order: Order, system: str, progress: Progress) -> Brief | None:
    """The brief that was given or that the library has, under the name that was asked for."""
    if isinstance(order.brief, Brief):
        return order.brief
    if order.brief is not None:
        brief = load_brief(order.brief)
        own = checked_name(brief.name)
        return replace_name(brief, own if same_system(own, system) else system)
    if found := library.brief_for(system):
        return found
    if kin := library.kin_of(system):
        progress.stage(
            f"taking it for {kin.name!r}, which the library knows; --brief takes another", 0
        )
        return replace_name(kin, system)
    return None


def replace_name(brief: Brief, system: str) -> Brief:
    """The brief under another name."""
    return brief.model_copy(update={"name": system})


def dry_run(order: Order, progress: Progress) -> Planned:
    """The plan, fitted to the window; nothing is written. Raises what `write` would."""
    with desk(order, progress) as at:
        load = at.author.load(order.parts)
        return Planned(at.plan, load, at.model.name, order.window, _peak_bytes())


def write(order: Order, progress: Progress, watch: CatalogProgress | None = None) -> Made:
    """Writes a chapter into its folder. Every error is a ChapterOfflineError."""
    started = time.monotonic()
    out = order.out or Path("chapters") / slug(checked_name(order.system))
    folder.prepare(out)
    with folder.held(out), desk(replace(order, out=out), progress, watch) as at:
        folder.write_whole(out / "brief.toml", brief_toml(at.brief, at.remarks))
        authored = at.author.write(order.parts, progress)
        return _files(at, authored, out, started)


def _files(at: Desk, authored: Authored, out: Path, started: float) -> Made:
    """Writes the chapter's files, and checks the page as it was written."""
    parts = authored.chapter.parts
    outputs: dict[str, str] = {}
    drawings = render_diagrams(at.plan, parts, cache_dir() / "diagrams")
    for section, svg in drawings.items():
        name = f"diagrams/{section}.svg"
        outputs[name] = folder.write_whole(out / name, svg.encode())
    page = chapter_markdown(authored.chapter)
    outputs["chapter.md"] = folder.write_whole(out / "chapter.md", page.encode())
    outputs["brief.toml"] = folder.write_whole(out / "brief.toml", brief_toml(at.brief, at.remarks))
    facts = manifest(
        authored,
        at.engine,
        model=_model_facts(at.model),
        prompts=at.library.prompts,
        outputs=outputs,
    )
    reading = chapter_html(authored.chapter, at.library, facts, drawings)
    outputs["chapter.html"] = folder.write_whole(out / "chapter.html", reading.encode())
    facts["outputs"] = dict(sorted(outputs.items()))
    folder.write_whole(out / "manifest.json", as_json(facts))
    seconds, peak = time.monotonic() - started, _peak_bytes()
    report = run_report(authored, at.engine, seconds=seconds, peak_bytes=peak, margins=at.margins)
    folder.write_whole(out / "run.json", as_json(report))
    findings = check(page, at.plan, parts)
    planned = sum(part.words for part in at.plan.parts if part.number in parts)
    made = out / "chapter.md"
    return Made(out, made, words(page), planned, tuple(findings), authored, seconds, peak)


def _model_facts(model: ResolvedModel) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": model.name,
        "sha256": model.sha256,
        "bytes": model.header.file_bytes,
    }
    if model.pin:
        facts |= {"repo": model.pin.repo, "file": model.pin.file, "commit": model.pin.commit}
    return facts


def _peak_bytes() -> int:
    """Peak resident memory of this process."""
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def incomplete(made: Made) -> IncompleteError:
    """The findings of a made chapter as one error."""
    first = made.findings[0]
    more = f", and {len(made.findings) - 1} more" if len(made.findings) > 1 else ""
    return IncompleteError(
        f"{made.page}: {first.where}: {first.what}{more}; the page names them at its end"
    )
