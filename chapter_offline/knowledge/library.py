"""The library: everything in `prompts/`, loaded once and checked as a whole."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief, kindred, load_brief, same_system
from chapter_offline.knowledge.claims import Claims, SectionText, check_section, load_claims
from chapter_offline.knowledge.names import FigureEntry, Names, load_names
from chapter_offline.knowledge.rules import Rules, load_rules
from chapter_offline.knowledge.simulations import Simulation, load_simulations
from chapter_offline.knowledge.spec import Spec, load_spec
from chapter_offline.knowledge.states import COLUMN, NOWHERE
from chapter_offline.knowledge.terms import Term, load_terms
from chapter_offline.knowledge.traits import Traits, load_traits, with_trait_claims
from chapter_offline.knowledge.variations import Variation, load_variations

FACET_PART = "p06"


@dataclass(frozen=True)
class Library:
    """What is known, of any system and of some."""

    prompts: Path
    spec: Spec
    names: Names
    traits: Traits
    claims: Claims
    terms: dict[str, Term]
    rules: Rules
    simulations: dict[str, Simulation]
    variations: tuple[Variation, ...]

    @cached_property
    def briefs(self) -> tuple[Brief, ...]:
        """The systems of the library, read when first asked for."""
        paths = sorted((self.prompts / "briefs").glob("*.toml"))
        return tuple(load_brief(path) for path in paths if path.stem != "generic")

    def brief_for(self, system: str) -> Brief | None:
        """The brief of a system of the library, by name or alias, or None."""
        for brief in self.briefs:
            if any(same_system(system, name) for name in (brief.name, *brief.aliases)):
                return brief
        return None

    def kin_of(self, system: str) -> Brief | None:
        """The brief of a system of the library whose name or alias has the same words, or None."""
        for brief in self.briefs:
            if any(kindred(system, name) for name in (brief.name, *brief.aliases)):
                return brief
        return None

    def figures(self, brief: Brief) -> dict[str, FigureEntry]:
        """The figures that a brief's text may use: of any system, of its traits, and its own."""
        others = set(self.traits.known) - set(brief.traits)
        absent = {figure for name in others for figure in self.traits.known[name].figures}
        general = {k: v for k, v in self.names.figures.items() if k not in absent}
        counted = [name for name in brief.traits if name not in brief.own_load]
        return self.traits.counted(counted, general) | brief.extra_figures

    def sections(self, roles: frozenset[str]) -> frozenset[str]:
        """Ids of all sections that a claim may be placed at."""
        ids: set[str] = set()
        for part in self.spec.part:
            for requirement in part.requirement:
                if part.key == FACET_PART:
                    ids.update(f"{part.key}.{role}.{requirement.id}" for role in roles)
                else:
                    ids.add(f"{part.key}.{requirement.id}")
        return frozenset(ids)


def load_library(prompts: Path) -> Library:
    """Raises BadInputError where a file is missing, malformed or uses a name that is not listed."""
    if not (prompts / "spec.toml").is_file():
        raise BadInputError(f"{prompts}: no spec.toml there; is this the folder of the prompts?")
    traits = load_traits(prompts)
    rules = load_rules(prompts)
    names = load_names(prompts, traits.abouts, traits.figures)
    library = Library(
        prompts,
        load_spec(prompts),
        names,
        traits,
        _with_traits(load_claims(prompts), traits),
        load_terms(prompts),
        rules.with_constraints(traits.constraints()),
        load_simulations(prompts),
        load_variations(prompts, names.assumptions, frozenset(names.figures)),
    )
    known = library.sections(frozenset(library.names.roles))
    for section, text in library.claims.sections.items():
        if section not in known:
            raise BadInputError(f"claims: there is no section {section!r} in spec.toml")
        for claim in text.claims:
            check_needs(library.names, claim.needs, f"claims: {section}.{claim.id}")
        for example in text.example:
            check_needs(library.names, example.needs, f"claims: {section}.example")
    for each in library.variations:
        check_needs(names, each.needs, f"variations.toml: {each.id}")
    for name, simulation in library.simulations.items():
        check_needs(library.names, simulation.needs, f"simulations.toml: {name}")
    needs = {rule.id: rule.needs for rule in rules.constraint}
    for name, conditions in (needs | {rule.id: rule.needs for rule in rules.decision}).items():
        check_needs(library.names, conditions, f"rules.toml: {name}")
    special = {figure for trait in traits.known.values() for figure in trait.figures}
    replaced: dict[str, str] = {}
    for name, trait in traits.known.items():
        if strange := set(trait.roles) - set(library.names.roles):
            raise BadInputError(f"traits/{name}.toml: roles: {min(strange)!r} is not in names.toml")
        for rule in trait.constraint:
            check_needs(library.names, rule.needs, f"traits/{name}.toml: {rule.id}")
        for figure in (*trait.adds, *trait.instead):
            general = library.names.figures.get(figure)
            if not general or not general.is_ or figure in special:
                raise BadInputError(
                    f"traits/{name}.toml: {figure!r} is no derived figure of names.toml"
                )
        for figure in trait.instead:
            if (other := replaced.setdefault(figure, name)) != name:
                raise BadInputError(
                    f"traits/{name}.toml: instead: {figure!r} is replaced in {other}.toml already"
                )
    return library


def _with_traits(claims: Claims, traits: Traits) -> Claims:
    """The claims of all systems and of traits. Raises BadInputError for one that has no place."""
    sections = dict(claims.sections)
    for key, special in traits.sections().items():
        if key not in sections:
            raise BadInputError(f"traits: claim {special[0].id!r}: there is no section {key!r}")
        section = sections[key] = with_trait_claims(sections[key], special)
        check_section(section, f"traits: {key}")
    return claims.model_copy(update={"sections": sections})


def check_needs(names: Names, needs: tuple[str, ...], where: str) -> None:
    """Raises BadInputError for a condition that `names.toml` does not list."""
    for need in needs:
        if need.removeprefix("!") not in names.conditions:
            raise BadInputError(f"{where}: {need!r} is no role, trait or decision of names.toml")


def check_brief(library: Library, brief: Brief, where: str) -> None:
    """Raises BadInputError for a name in a brief that `names.toml` or the brief does not list."""
    names = library.names
    if missing := set(names.nouns) - set(brief.nouns) - {"system"}:
        raise BadInputError(f"{where}: nouns: {', '.join(sorted(missing))} is missing")
    if unknown := set(brief.nouns) - set(names.nouns):
        raise BadInputError(f"{where}: nouns: {', '.join(sorted(unknown))} is not in names.toml")
    if strange := brief.roles - set(names.roles):
        raise BadInputError(f"{where}: role {', '.join(sorted(strange))} is not in names.toml")
    _check_traits(library, brief, where)
    if others := set(brief.own_load) - set(brief.traits):
        raise BadInputError(f"{where}: own_load: {min(others)!r} is no trait of this brief")
    _check_kept(brief, where)
    if set(brief.decisions) != set(names.decisions):
        raise BadInputError(f"{where}: decisions must be {', '.join(sorted(names.decisions))}")
    figures = library.figures(brief)
    for figure in brief.figures:
        entry = figures.get(figure)
        if not entry or entry.origin not in {"given", "chosen"} or figure in brief.extra_figures:
            raise BadInputError(
                f"{where}: figures: {figure!r} is no assumption of names.toml or of its traits",
                figure,
            )
    for figure, value in assumptions(library, brief).items():
        if refused := figures[figure].refuses(value):
            raise BadInputError(f"{where}: figures: {figure}: {refused}", figure)
    if unknown := set(brief.relabel) - set(names.figures):
        raise BadInputError(f"{where}: relabel: {min(unknown)!r} is no figure of names.toml")
    derived = {name for name, entry in names.figures.items() if entry.is_}
    again = {name for name, entry in brief.extra_figures.items() if entry.is_} & derived
    if twice := (set(brief.extra_figures) & set(names.figures)) - again:
        raise BadInputError(f"{where}: extra_figures: {min(twice)!r} is in names.toml already")
    sections = library.sections(brief.roles)
    for claim in brief.claims:
        if claim.at not in sections:
            raise BadInputError(f"{where}: claim {claim.id!r}: there is no section {claim.at!r}")
        check_needs(names, claim.needs, f"{where}: {claim.at}.{claim.id}")
        known = library.claims.sections.get(claim.at, SectionText()).claims
        there = {c.id for c in known} | {c.id for c in brief.claims if c.at == claim.at}
        if claim.after and claim.after not in there:
            raise BadInputError(
                f"{where}: {claim.at}.{claim.id}: after {claim.after!r}: no such claim"
            )
    for example in brief.example:
        if example.at not in sections:
            raise BadInputError(f"{where}: example: there is no section {example.at!r}")
        check_needs(names, example.needs, f"{where}: example at {example.at}")
    texts = {*sections, *(f"{key}.rule" for key in sections)}
    texts |= {f"{part.key}.{name}" for part in library.spec.part for name in ("answer", "rule")}
    for frame in brief.frames:
        if frame.at not in texts:
            raise BadInputError(f"{where}: frame: there is no section {frame.at!r}")
    universal = {f"{key}.{c.id}" for key, s in library.claims.sections.items() for c in s.claims}
    if gone := set(brief.replaces) - universal:
        raise BadInputError(f"{where}: replaces: {min(gone)!r} is no claim of the library")
    if unknown := set(brief.cast) - set(names.cast):
        raise BadInputError(f"{where}: cast: {min(unknown)!r} is not in the cast of names.toml")
    if unknown := set(brief.simulations) - set(library.simulations):
        raise BadInputError(f"{where}: simulations: {min(unknown)!r} is not in simulations.toml")
    for rule in brief.constraint:
        check_needs(names, rule.needs, f"{where}: constraint {rule.id}")
    _check_actors(brief, where)


def _check_traits(library: Library, brief: Brief, where: str) -> None:
    """Raises BadInputError for a trait that isn't there, that excludes another, or that lacks what it brings."""
    known = library.traits.known
    for name in brief.traits:
        if name not in known:
            near = get_close_matches(name, known, 3) or sorted(known)
            raise BadInputError(f"{where}: traits: there is no {name!r}; is it {', '.join(near)}?")
    if pair := library.traits.clash(brief.traits):
        raise BadInputError(
            f"{where}: traits: {pair[0]} and {pair[1]} exclude each other; leave one out"
        )
    for name in brief.traits:
        if lacking := set(library.traits.closed([name])) - set(brief.traits):
            raise BadInputError(
                f"{where}: traits: {name} always brings {min(lacking)} along; add it"
            )
        if lacking := set(known[name].roles) - brief.roles:
            raise BadInputError(
                f"{where}: traits: {name} needs a component that plays the role {min(lacking)}"
            )


def assumptions(library: Library, brief: Brief) -> dict[str, float]:
    """The value of every figure that is given or chosen, in its own unit.

    Kinds of components are counted in the brief, and of each kind there are two machines at least.
    """
    kinds = sum(component.role not in {"worker", "store"} for component in brief.component)
    counted = {"other_kinds": float(kinds)}
    if chosen := library.names.figures["other_machines"].chosen:
        counted["other_machines"] = max(chosen, 2.0 * kinds)
    found = {}
    for name, entry in library.figures(brief).items():
        own = brief.figures.get(name)
        value = own.value if own else entry.given if entry.given is not None else entry.chosen
        if not own and value is not None:
            value = counted.get(name, value)
        if value is not None:
            found[name] = value
    return found


def _check_kept(brief: Brief, where: str) -> None:
    """Raises BadInputError for a state that is kept where nothing of this brief is."""
    places = {column[0] for record in brief.record for column in record.columns}
    places |= {COLUMN, NOWHERE, *brief.roles, *brief.nouns}
    for state in brief.state:
        if state.kept not in places:
            raise BadInputError(
                f"{where}: state {state.name!r}: kept: {state.kept!r} is no column, role or noun"
            )


def _check_actors(brief: Brief, where: str) -> None:
    """Raises BadInputError for a step, or a figure, of somebody whom the brief does not have."""
    actors = brief.roles | {"client", "person", "operator"}
    places = [
        (f"flow {flow.name!r}", {end for step in flow.steps for end in step[:2]})
        for flow in brief.flow
    ]
    chain = brief.failure
    hit = {end for step in chain.steps for end in step[:2]} | {role for role, _ in chain.cuts}
    places.append(("failure", hit))
    for place, ends in places:
        if unknown := ends - actors:
            raise BadInputError(f"{where}: {place}: {min(unknown)!r} plays no role here")
    figures = [("extra_figures", name, f.actor) for name, f in brief.extra_figures.items()]
    figures += [("relabel", name, f.actor) for name, f in brief.relabel.items()]
    for table, name, actor in figures:
        if actor not in actors | set(brief.nouns) | {"system"}:
            raise BadInputError(f"{where}: {table}: {name}: {actor!r} plays no role here")


def slug(text: str) -> str:
    """A file name from a system's name: letters, digits and hyphens, at most 60 of them."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain[:60].strip("-") or "chapter"
