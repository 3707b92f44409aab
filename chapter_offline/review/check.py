"""Checks everything that writers wrote: each template by itself, and as rendered for every brief."""

import re
from collections.abc import Iterable, Iterator, Mapping

from chapter_offline.chapter.choosing import THIN
from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.chapter.plan import make_plan
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.files import read_toml
from chapter_offline.knowledge.library import Library
from chapter_offline.knowledge.lint import rendered_faults, template_faults, without_marks
from chapter_offline.knowledge.spec import label_pattern
from chapter_offline.output.markdown import chapter_markdown
from chapter_offline.output.numbers import unexplained
from chapter_offline.review.echoes import Echo, echoes
from chapter_offline.review.findings import Finding
from chapter_offline.review.prose import read_prose
from chapter_offline.review.rendered import Entry, Reading, read_all
from chapter_offline.review.texts import Template, brief_templates, library_templates, place
from chapter_offline.writing.guards import vendor_names, vendors

LONGEST_GLOSS = 10
FEWEST_TIMES = 3
_TIME = re.compile(r"\d")
_POINTING = re.compile(r"\bthese\b|^(?:of|and|those|they|them|their|such|the same)\b", re.I)
"""Words of a figure's label for which a reader would have to look at another row."""


def check_all(library: Library, briefs: Mapping[str, Brief], *, whole: bool) -> list[Finding]:
    """All findings, by file. whole: the library too, and not only what the briefs make of it.

    Raises BadInputError for a file that can't be read at all.
    """
    findings: list[Finding] = []
    own = {
        name: list(brief_templates(_file(library, name), brief)) for name, brief in briefs.items()
    }
    if whole:
        findings += _sections(library)
        findings += _templates(library, library_templates(library), frozenset())
        findings += _labels(_general_labels(library))
        findings += _terms(library)
    echoing: dict[tuple[str, str], Finding] = {}
    for name, brief in briefs.items():
        file = _file(library, name)
        findings += _templates(library, own[name], frozenset(brief.extra_figures))
        findings += _labels(_own_labels(file, brief))
        try:
            reading = read_all(library, brief)
        except BadInputError as error:
            findings.append(Finding(file, str(error).removeprefix("brief: ")))
            continue
        findings += _rendered(library, name, file, reading)
        for echo in echoes_of(reading):
            found = Finding(
                _where(library, echo.one, file, reading),
                f"for {name}: says what {_where(library, echo.other, file, reading)} says ({echo.share:.0%} of its runs of 5 words, such as {echo.words!r})",
            )
            echoing.setdefault((echo.one, echo.other), found)
        findings += _chapter(library, name, file, brief)
    return [*findings, *echoing.values()]


def _file(library: Library, name: str) -> str:
    """Where a brief stands: the library's in its file, a made one in `samples.toml`."""
    if (library.prompts / "briefs" / f"{name}.toml").is_file():
        return f"briefs/{name}.toml"
    return name if name.endswith(".toml") else f"samples.toml {name}"


def echoes_of(reading: Reading) -> list[Echo]:
    """Claims and frames of different sections that say nearly the same to this system's readers.

    What is repeated over the brief's flows, components or phases prints the brief's own words, in
    one section in short and in another in full, and is left out.
    """
    texts: dict[str, str] = {}
    for entry in reading.entries:
        if entry.listed:
            continue
        texts[entry.name] = texts.get(entry.name, "") + entry.text
    return echoes(texts)


def _where(library: Library, name: str, file: str, reading: Reading) -> str:
    origin = next(entry.origin for entry in reading.entries if entry.name == name)
    return f"{file} {name}" if origin == "brief" else place(library, name)


# ---------------------------------------------------------------------- templates


def _templates(
    library: Library, templates: Iterable[Template], extra: frozenset[str]
) -> Iterator[Finding]:
    vendor = vendors(vendor_names(library.prompts))
    sections = library.sections(frozenset(library.names.roles))
    known = frozenset(library.names.figures) | extra
    for template in templates:
        for fault in template_faults(template.text, moments=template.moments):
            yield Finding(template.where, fault)
        if vendor(without_marks(template.text), ()):
            yield Finding(template.where, "names a product, company or vendor")
        for figure in sorted(template.figures - known):
            yield Finding(template.where, f"unknown figure {figure!r}")
        for term in sorted(template.terms - set(library.terms)):
            yield Finding(
                template.where, f"term {term!r} is marked and defined in no file of terms/"
            )
        for section in sorted(template.sections - sections):
            if section.count(".") != 1 or not _has(library, section):
                yield Finding(template.where, f"refers to {section!r}, which is no section")


def _has(library: Library, section: str) -> bool:
    try:
        library.spec.heading(section)
    except KeyError:
        return False
    return True


def _labels(labels: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """A figure's label stands alone in its row of the table of figures, sorted by actor."""
    for where, label in labels:
        if found := _POINTING.search(label):
            what = f"its label points at another row with {found.group(0)!r}: {label!r}"
            yield Finding(where, what)


def _general_labels(library: Library) -> Iterator[tuple[str, str]]:
    """Labels of the figures of `names.toml` and of traits, by place."""
    home = {figure: name for name, t in library.traits.known.items() for figure in t.figures}
    for figure, entry in library.names.figures.items():
        file = f"traits/{home[figure]}.toml" if figure in home else "names.toml"
        yield f"{file} {figure}", entry.label


def _own_labels(file: str, brief: Brief) -> Iterator[tuple[str, str]]:
    """Labels that a brief gives to figures, by place."""
    for figure, entry in (brief.extra_figures | brief.relabel).items():
        yield f"{file} {figure}", entry.label


def unused_terms(library: Library) -> list[Finding]:
    """Terms that no text marks: a stock for writers, and no fault of a chapter."""
    used = {
        term
        for path in library.prompts.rglob("*.toml")
        if path.parent.name != "terms"
        for term in Template("", path.read_text(encoding="utf-8")).terms
    }
    places = _places_of_terms(library)
    return [Finding(places[name], "is used by no text") for name in places if name not in used]


def _places_of_terms(library: Library) -> dict[str, str]:
    paths = sorted((library.prompts / "terms").glob("*.toml"))
    return {name: f"terms/{path.name} {name}" for path in paths for name in read_toml(path)}


def _terms(library: Library) -> Iterator[Finding]:
    """Glosses that are missing or too long, and definitions with faults."""
    vendor = vendors(vendor_names(library.prompts))
    places = _places_of_terms(library)
    for name, term in library.terms.items():
        where = places[name]
        if not term.gloss.strip():
            yield Finding(where, "has no gloss")
        elif len(term.gloss.split()) > LONGEST_GLOSS:
            yield Finding(where, f"its gloss has {len(term.gloss.split())} words, not ten at most")
        if vendor(f"{name} {term.gloss} {term.definition}", ()):
            yield Finding(where, "names a product, company or vendor")
        for fault in template_faults(term.definition):
            yield Finding(where, fault)


def _sections(library: Library) -> Iterator[Finding]:
    """Sections that lack what every chapter needs."""
    for key, section in library.claims.sections.items():
        free = [claim for claim in section.claims if not claim.needs and not claim.when]
        if len(free) < 2:
            yield Finding(
                place(library, key), f"{len(free)} claims without conditions, fewer than two"
            )
        if not section.frame:
            yield Finding(place(library, key), "it has no frame")


# ---------------------------------------------------------------------- as rendered


def _rendered(library: Library, name: str, file: str, reading: Reading) -> Iterator[Finding]:
    words: dict[str, int] = {}
    for entry in reading.entries:
        where = f"{file} {entry.name}" if entry.origin == "brief" else place(library, entry.name)
        words[entry.slot.key] = words.get(entry.slot.key, 0) + len(entry.text.split())
        if entry.failed:
            yield Finding(where, f"for {name}: {entry.failed}")
        if entry.unsayable:
            yield Finding(where, f"for {name}: {entry.unsayable}; give it a `when`")
        for statement in entry.statements:
            for text in filter(None, (statement.text, statement.lead, statement.ask)):
                faults = rendered_faults(text, whole=text is statement.text)
                yield from (Finding(where, f"for {name}: {fault}") for fault in faults)
            if not statement.text:
                yield Finding(where, f"for {name}: it says nothing")
        yield from (Finding(where, f"for {name}: {fault}") for fault in _form_faults(entry))
    for key, count in words.items():
        if count < THIN:
            yield Finding(
                place(library, key), f"for {name}: {count} words in all, fewer than {THIN}"
            )
    yield from _together(library, name, reading)


def _form_faults(entry: Entry) -> Iterator[str]:
    """What a section's form asks of each entry, and this one lacks."""
    requirement = entry.slot.requirement
    for statement in entry.statements:
        if statement.id in {"frame", "rule"} and entry.name.endswith(f".{statement.id}"):
            continue
        if statement.lead:
            for label in requirement.labels:
                if not re.search(label_pattern(label), statement.text):
                    yield f"no piece begins {label!r}, which its section's form has"
        if entry.slot.key == "p18.what_if" and statement.lead and statement.lead[-1] != "?":
            yield f"the lead of a what-if is a question, not {statement.lead!r}"


def _together(library: Library, name: str, reading: Reading) -> Iterator[Finding]:
    """Part 15 goes through one list three times; a timeline has times."""
    leads: dict[str, set[str]] = {}
    times = 0
    for entry in reading.entries:
        for statement in entry.statements:
            if entry.slot.key.startswith("p15.") and statement.lead:
                leads.setdefault(entry.slot.key, set()).add(statement.lead)
            times += entry.slot.requirement.form == "timeline" and bool(
                _TIME.search(statement.lead)
            )
    every = set().union(*leads.values())
    for key, found in leads.items():
        for lead in sorted(every - found):
            yield Finding(place(library, key), f"for {name}: nothing is said of {lead!r}")
    if times < FEWEST_TIMES:
        yield Finding("claims/p09.toml timeline", f"for {name}: {times} entries with a time")


def _chapter(library: Library, name: str, file: str, brief: Brief) -> Iterator[Finding]:
    """How the chapter of standard length reads, before a model adds anything."""
    try:
        plan = make_plan(library, brief)
    except BadInputError as error:
        yield Finding(file, f"no chapter can be planned: {error}")
        return
    for broken in plan.violations:
        yield Finding(file, f"its figures: {broken.text}")
    parts = tuple(part.number for part in plan.parts)
    page = chapter_markdown(Chapter(plan, "quoted", "a model", parts, Pieces()))
    for fault in read_prose(page).faults():
        yield Finding(file, f"its chapter: {fault}")
    for found in unexplained(page):
        what = f"{found.number} is no figure of its appendix: …{found.text[:80]}…"
        yield Finding(file, f"its chapter: {what}")
    for term, _ in plan.terms:
        count = page.count(f" ({library.terms[term].gloss})")
        if count != 1:
            yield Finding(file, f"its chapter: the term {term!r} is glossed {count} times")
