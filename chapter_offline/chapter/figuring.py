"""From a brief to its figures."""

from collections.abc import Mapping

from chapter_offline.knowledge.briefs import Brief, Override
from chapter_offline.knowledge.library import Library, assumptions
from chapter_offline.sizing.figure import Definition
from chapter_offline.sizing.figures import Figures, Run, derive


def figures_for(library: Library, brief: Brief, *, at_once: bool = True) -> Figures:
    """The figures of a brief: of any system, of its traits and its own.

    at_once: see `derive`. Raises BadInputError.
    """
    values = assumptions(library, brief)
    definitions: dict[str, Definition] = {}
    for name, entry in library.figures(brief).items():
        override = brief.figures.get(name)
        called = brief.relabel.get(name, entry)
        definitions[name] = Definition(
            name=name,
            unit=entry.unit,
            label=called.label,
            actor=called.actor,
            origin=entry.origin,
            value=values.get(name),
            expression=entry.is_ or (entry.sim or "").partition(": ")[2],
            simulation=(entry.sim or "").partition(": ")[0],
            round_up=entry.round == "up",
            why=override.why if override else entry.why,
        )
    runs = {
        name: Run(
            each.model,
            each.inputs | brief.simulations.get(name, {}),
            each.when,
            not brief.lacks(each.needs),
        )
        for name, each in library.simulations.items()
    }
    return derive(definitions, runs, at_once=at_once)


def with_values(brief: Brief, values: Mapping[str, tuple[float, str]]) -> Brief:
    """The brief with other assumptions, each (value in its own unit, why)."""
    overrides, own = dict(brief.figures), dict(brief.extra_figures)
    for name, (value, why) in values.items():
        if name in own:
            field = "given" if own[name].given is not None else "chosen"
            own[name] = own[name].model_copy(update={field: value, "why": why})
        else:
            overrides[name] = Override(value=value, why=why)
    return brief.model_copy(update={"figures": overrides, "extra_figures": own})
