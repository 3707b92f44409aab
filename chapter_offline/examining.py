"""A model's exam: taken once for a file, and kept under its sha256."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from chapter_offline.catalog.pins import load_pins
from chapter_offline.catalog.store import is_here
from chapter_offline.errors import UsageError
from chapter_offline.knowledge.files import Shape, read_toml, shaped
from chapter_offline.knowledge.generic import load_choices
from chapter_offline.knowledge.labelled import load_labelled
from chapter_offline.knowledge.library import load_library
from chapter_offline.opening import opened
from chapter_offline.orders import Order
from chapter_offline.output.folder import write_whole
from chapter_offline.resources import cache_dir, prompts_dir
from chapter_offline.writing.asking import load_asking
from chapter_offline.writing.exam import Candidate, Exam
from chapter_offline.writing.exam_paper import Result, load_paper
from chapter_offline.writing.fidelity import Judge, load_judges, load_labelled_rewrites
from chapter_offline.writing.guards import vendor_names
from chapter_offline.writing.progress import Progress
from chapter_offline.writing.voices.drafted import Verdict

_WINDOW = 2048


class _Results(Shape):
    exam: tuple[Result, ...] = ()


def known_results() -> dict[str, Result]:
    """The exams that are at hand, by the model's sha256: the library's, and those taken here."""
    prompts = prompts_dir()
    path = prompts / "exams.toml"
    found = {each.model: each for each in shaped(_Results, read_toml(path), str(path), path).exam}
    for kept in sorted(_folder().glob("*.json")):
        try:
            result = Result.model_validate_json(kept.read_bytes())
        except (OSError, ValidationError):
            continue  # of another version: it is taken again
        found[result.model] = result
    return found


def _folder() -> Path:
    return cache_dir() / "exams"


def judges_here(but: str = "") -> Iterator[tuple[str, Judge]]:
    """Pinned models that are here and whose judging lets something pass, with their fits; but: not this sha256."""
    judges = load_judges(prompts_dir())
    for pin in load_pins():
        judge = judges.get(pin.digest)
        if judge and judge.lets_pass and pin.digest != but and is_here(pin):
            yield pin.name, judge


def examine(name: str, judge: str | None, threads: int, progress: Progress) -> Result:
    """Takes the exam of a model and keeps what it found.

    judge: a pinned model that judges besides, where the model's own fit lets nothing pass; None
    takes one that is here. Raises what loading does, UsageError for a judge that has no fit.
    """
    library = load_library(prompts_dir())
    others = dict(judges_here())
    if judge is not None and judge not in others:
        raise UsageError(f"--judge {judge}: no fit of it lets anything pass; {_named(others)}")
    with opened(_order(name, threads)) as (model, engine):
        second = judge or next((n for n, fit in others.items() if fit.model != model.sha256), None)
        with _second(second, others, threads) as verdict:
            who = Candidate(
                engine=engine,
                name=model.name,
                sha256=model.sha256,
                asking=load_asking(library.prompts),
                vendors=vendor_names(library.prompts),
                labelled=load_labelled_rewrites(library.prompts / "rewrites.json"),
                traits=library.traits.known,
                systems=load_labelled(library.prompts / "labelled.toml", library.traits).asked,
                question=load_choices(library.prompts).traits,
                second=verdict,
            )
            result = Exam(load_paper(library.prompts), who, progress).take()
    _folder().mkdir(parents=True, exist_ok=True)
    write_whole(_folder() / f"{model.sha256}.json", result.model_dump_json(indent=1).encode())
    return result


def _order(name: str, threads: int) -> Order:
    return Order(system=name, model=name, window=_WINDOW, threads=threads)


def _named(others: dict[str, Judge]) -> str:
    return f"of {', '.join(others)} one does" if others else "none that is here has one"


@contextmanager
def _second(name: str | None, fits: dict[str, Judge], threads: int) -> Iterator[Verdict | None]:
    if name is None:
        yield None
        return
    with opened(_order(name, threads)) as (_, engine):
        yield Verdict(engine, fits[name])
