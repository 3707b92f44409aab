"""Everything at hand for one chapter: the model open, the brief found or made, the plan."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from chapter_offline.catalog.choose import ResolvedModel
from chapter_offline.catalog.progress import Progress as CatalogProgress
from chapter_offline.chapter.notes import Notes
from chapter_offline.chapter.plan import Plan, make_plan
from chapter_offline.engine.interface import Engine
from chapter_offline.errors import BadInputError, UsageError
from chapter_offline.examining import judges_here, known_results
from chapter_offline.keeping import kept_changes
from chapter_offline.knowledge.briefs import Brief, brief_toml, load_brief, same_system
from chapter_offline.knowledge.files import line_of
from chapter_offline.knowledge.generic import Answers, brief_from, load_choices
from chapter_offline.knowledge.labelled import load_labelled
from chapter_offline.knowledge.library import Library, load_library
from chapter_offline.opening import opened
from chapter_offline.orders import Order, checked_name
from chapter_offline.resources import cache_dir, prompts_dir
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.author import Author
from chapter_offline.writing.calibrating import calibration_for
from chapter_offline.writing.changes import Changed, Changes
from chapter_offline.writing.decide import Decided, decide, remarks_on
from chapter_offline.writing.fidelity import load_judges
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.journal import Journal
from chapter_offline.writing.journaled import Journaled, Missing
from chapter_offline.writing.leaning import Calibration
from chapter_offline.writing.manifest import Fit, Origin
from chapter_offline.writing.notes.placing import placing_for
from chapter_offline.writing.notes.reading import read_notes
from chapter_offline.writing.progress import Progress, Silent
from chapter_offline.writing.transcript import Recorded
from chapter_offline.writing.voices.drafted import Verdict


@dataclass
class Desk:
    """Everything that is at hand for one chapter, with the model open.

    remarks: comments for the head of `brief.toml`, where the model made it. engine: what it is asked
    goes into its transcript. journaled: the same without.
    """

    order: Order
    library: Library
    brief: Brief
    notes: Notes | None
    origin: Origin
    margins: Mapping[str, float]
    remarks: str
    plan: Plan
    model: ResolvedModel
    engine: Recorded
    journaled: Journaled | None
    changes: Changes
    author: Author

    @cached_property
    def brief_file(self) -> bytes:
        """The brief as it lies in the folder."""
        return brief_toml(self.brief, self.remarks)

    def pieces(self) -> tuple[int, list[Missing]]:
        """How many pieces the model writes at first, and those that the journal doesn't have."""
        jobs = [task.job for task in self.author.tasks(self.order.parts)]
        if self.journaled is None:
            return len(jobs), [Missing(job.key, "there is no journal") for job in jobs]
        calls = self.changes.calls(jobs, self.engine.facts.pure)
        return len(jobs), [missing for call in calls for missing in self.journaled.missing(call)]


@dataclass(frozen=True)
class House:
    """What chapters may share. library: None for one that is read anew. opened: opens a model."""

    library: Library | None = None
    opened: Callable[
        [Order, CatalogProgress | None], AbstractContextManager[tuple[ResolvedModel, Engine]]
    ] = opened


@contextmanager
def desk(
    order: Order,
    progress: Progress,
    watch: CatalogProgress | None = None,
    journal: Journal | None = None,
    house: House | None = None,
) -> Iterator[Desk]:
    """Opens the model, finds or makes the brief, and plans. Frees the model at the end.

    journal: what was done already, and where all that the model does goes. house: what this chapter
    shares with others; None where it is alone.
    """
    system = checked_name(order.system)
    if order.words is not None and order.voice == "free":
        raise UsageError(
            "--words: in voice free the model decides how much it writes; leave it out"
        )
    house = house or House()
    library = house.library or load_library(prompts_dir())
    brief = _known_brief(library, order, system, progress)
    notes = read_notes(order.notes) if isinstance(order.notes, Path) else order.notes
    with house.opened(order, watch) as (model, bare):
        journaled = None if journal is None else Journaled(bare, journal)
        recorded = Recorded(journaled or bare)
        margins: dict[str, float] = {}
        remarks = ""
        origin = order.origin or Origin(kind="library" if order.brief is None else "file")
        if brief is None:
            brief, origin, decided = chosen(
                recorded, journaled or bare, model, library, order, progress
            )
            margins = dict(decided.margins) | {f"trait {n}": p for n, p in decided.chances.items()}
            remarks = remarks_on(decided)
        plan = _plan(library, brief, order)
        changes = Changes() if journal is None else kept_changes(journal, brief.name)
        if order.change is not None:
            changes = order.change(changes, plan)
        engine = Changed(recorded, changes)
        with _verdict(order, library, model, engine, journal, house) as verdict:
            asking = load_asking(library.prompts)
            author = Author(
                engine,
                plan,
                order.voice,
                asking,
                vendor_names(library.prompts),
                model.name,
                verdict,
                order.effort,
                placing_for(engine, plan, asking, library.prompts, notes),
            )
            yield Desk(
                order,
                library,
                brief,
                notes,
                origin,
                margins,
                remarks,
                plan,
                model,
                recorded,
                journaled,
                changes,
                author,
            )


@contextmanager
def _verdict(
    order: Order,
    library: Library,
    model: ResolvedModel,
    engine: Engine,
    journal: Journal | None,
    house: House,
) -> Iterator[Verdict | None]:
    """Who judges what the model says of claims, in the voices in which it does.

    Itself, where a fit of its scores lets anything pass; else another that is here; else nobody.
    """
    if order.voice not in {"drafted", "revised"}:
        yield None
        return
    examined = known_results().get(model.sha256)
    own = load_judges(library.prompts).get(model.sha256) or (examined.own if examined else None)
    if own and own.lets_pass:
        yield Verdict(engine, own)
        return
    for name, judge in judges_here(but=model.sha256):
        with house.opened(replace(order, model=name), None) as (_, second):
            yield Verdict(second if journal is None else Journaled(second, journal), judge)
        return
    raise UsageError(
        f"--voice {order.voice}: no model here tells well enough whether {model.name} keeps a claim true; "
        f"`models exam {model.name}` says why, and voice quoted needs no judge"
    )


def chosen(
    engine: Engine,
    apart: Engine,
    model: ResolvedModel,
    library: Library,
    order: Order,
    progress: Progress,
) -> tuple[Brief, Origin, Decided]:
    """A brief by the model's choices, for a system that the library doesn't have.

    apart: answers what belongs to the model, not to this chapter: its calibration.
    """
    choices = load_choices(library.prompts)
    progress.stage("choosing nouns, roles, traits and magnitudes", 0)
    fit: list[Calibration] = []

    def calibration() -> Calibration:
        known = order.origin.fit if order.origin else None
        fit.append(
            known.calibration(load_labelled(library.prompts / "labelled.toml", library.traits))
            if known
            else calibration_for(
                apart, library, choices.traits, model.sha256, cache_dir() / "calibrations", progress
            )
        )
        return fit[0]

    decided = decide(
        engine, checked_name(order.system), choices, model.name, library.traits, calibration
    )
    answers, affirmed = _settled(decided, library, order)
    origin = Origin(kind="model", affirmed=affirmed, fit=Fit.of(fit[0]))
    return brief_from(library.prompts, library.traits, answers), origin, decided


def _settled(decided: Decided, library: Library, order: Order) -> tuple[Answers, tuple[str, ...]]:
    """The model's answers, with the unsure traits that a person has affirmed; and these."""
    taken = decided.answers.traits

    def affirms(name: str) -> bool:
        if order.origin is not None:
            return name in order.origin.affirmed
        asks, chance = library.traits.known[name].asks, decided.chances[name]
        return order.ask is not None and order.ask(asks, chance)

    affirmed: list[str] = []
    for name in decided.unsure:
        more = (*taken, name)
        if not library.traits.clash(library.traits.closed(more)) and affirms(name):
            taken = more
            affirmed.append(name)
    return replace(decided.answers, traits=taken), tuple(affirmed)


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


def check_brief_of(order: Order, house: House | None = None) -> None:
    """Raises what is wrong with an order's brief, before anything is touched for it."""
    library = (house or House()).library or load_library(prompts_dir())
    brief = _known_brief(library, order, checked_name(order.system), Silent())
    if brief is not None:
        _plan(library, brief, order)


def _known_brief(library: Library, order: Order, system: str, progress: Progress) -> Brief | None:
    """The brief that was given or that the library has, under the name that was asked for."""
    if isinstance(order.brief, Brief):
        return order.brief
    if order.brief is not None:
        brief = load_brief(order.brief)
        own = checked_name(brief.name)
        return brief.model_copy(update={"name": own if same_system(own, system) else system})
    if found := library.brief_for(system):
        return found
    if kin := library.kin_of(system):
        progress.stage(
            f"taking it for {kin.name!r}, which the library knows; --brief takes another", 0
        )
        return kin.model_copy(update={"name": system})
    return None
