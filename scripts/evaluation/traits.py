"""Which traits a system has: what models decide, against labels that people made."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from chapter_offline.catalog.choose import resolve_model
from chapter_offline.engine.interface import Settings
from chapter_offline.engine.llama import open_engine
from chapter_offline.knowledge.generic import load_choices
from chapter_offline.knowledge.labelled import Labelled, load_labelled
from chapter_offline.knowledge.library import Library, load_library
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.calibrating import PRECISION, Fit, answers, digest, fit_of
from chapter_offline.writing.decide import chosen_traits
from chapter_offline.writing.leaning import Answers, Counted, calibrate, counted, left_out

PINNED = ("qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "smollm2-135m")
HELD_OUT = Path(__file__).resolve().parents[2] / "tests" / "data" / "held_out_systems.toml"


def shown(what: str, found: Counted, systems: int) -> str:
    taken = found.right + found.wrong + found.maybe
    return (
        f"  {what:<10} precision {found.precision:.2f} (strict {found.strict_precision:.2f})  recall {found.recall:.2f}"
        f"  {taken / systems:.1f} traits a system"
    )


def asked_of(
    name: str, sha256: str, path: Path, library: Library, systems: list[str], kept: Path | None
) -> Mapping[str, Answers]:
    """What a model says of all traits of all systems, from the file of answers where it has them."""
    traits, question = library.traits.known, load_choices(library.prompts).traits
    known = json.loads(kept.read_bytes()) if kept and kept.is_file() else {}
    found: dict[str, dict[str, float]] = known.setdefault(name, {})
    missing = [system for system in systems if set(found.get(system, {})) != set(traits)]
    if missing:
        engine = open_engine(path, Settings(window=2048, model_sha256=sha256))
        try:
            found |= {
                system: dict(said)
                for system, said in answers(engine, missing, traits, question).items()
            }
        finally:
            engine.close()
    if kept:
        kept.write_text(json.dumps(known), encoding="utf-8")
    return found


def evaluated(
    name: str, library: Library, labelled: Labelled, kept: Path | None, held_out: bool
) -> tuple[Fit, dict[str, object]]:
    """One model: prints what it reaches, and returns its fit and the figures."""
    traits, question = library.traits, load_choices(library.prompts).traits
    unseen = load_labelled(HELD_OUT, traits).asked if held_out else {}
    model = resolve_model(name, 2048, None)
    started = time.monotonic()
    said = asked_of(name, model.sha256, model.path, library, [*labelled.asked, *unseen], kept)
    fit = calibrate(said, labelled, traits.known, PRECISION)
    took = time.monotonic() - started
    systems = len(labelled.asked) + len(unseen)
    print(
        f"{name}: {systems} systems, {len(traits.known)} traits, {took:.0f} s, bar {fit.bar:.2f}",
        flush=True,
    )
    judged = {"labelled": (left_out(said, labelled, traits.known), labelled.asked)}
    if held_out:
        judged["held out"] = (
            {s: fit.probabilities(s, said[s], traits.known) for s in unseen},
            unseen,
        )
    report: dict[str, object] = {"model": name, "bar": fit.bar}
    for what, (chances, truth) in judged.items():
        found = counted(
            {s: chosen_traits(each, fit.bar, traits) for s, each in chances.items()}, truth
        )
        print(shown(what, found, len(chances)))
        report[what] = {
            "precision": found.precision,
            "strict": found.strict_precision,
            "recall": found.recall,
        }
    return fit_of(fit, model.sha256, name, digest(question, traits.known, labelled)), report


def evaluate(
    models: list[str], write: bool, kept: Path | None, report: Path | None, held_out: bool
) -> None:
    """Measures these models. write: keeps their fits in `prompts/calibrations.toml`."""
    library = load_library(prompts_dir())
    labelled = load_labelled(library.prompts / "labelled.toml", library.traits)
    done = [evaluated(name, library, labelled, kept, held_out) for name in models]
    if write:
        head = "# Written by `scripts/evaluate --traits --write`: how pinned models' answers about traits are weighed.\n\n"
        fits = {"fit": [fit.model_dump(mode="json") for fit, _ in done]}
        (library.prompts / "calibrations.toml").write_text(
            head + tomli_w.dumps(fits), encoding="utf-8"
        )
    if report:
        report.write_text(json.dumps([each for _, each in done], indent=1), encoding="utf-8")
