"""What is known of any system: enough for every section, in words that hold together."""

import re
from collections.abc import Iterator

import pytest
from systems import PROMPTS, library

from chapter_offline.chapter.diagrams import DIAGRAMS
from chapter_offline.knowledge.claims import Claim, SectionText
from chapter_offline.knowledge.files import read_toml
from chapter_offline.knowledge.lint import template_faults
from chapter_offline.sizing.expressions import names as names_in
from chapter_offline.writing.guards import vendor_names, vendors

SECTIONS = library().claims.sections
ROLES = tuple(role for role in library().names.roles if role != "dependency")
FACETS = ("data_structures", "algorithms", "state", "failure", "alternatives")


def wanted_sections() -> list[str]:
    """A section for every requirement; in Part 6 for every role and facet."""
    ids = [
        f"{part.key}.{requirement.id}"
        for part in library().spec.part
        for requirement in part.requirement
        if part.number != 6
    ]
    return ids + [f"p06.{role}.{facet}" for role in ROLES for facet in FACETS]


def all_claims() -> Iterator[tuple[str, Claim]]:
    for key, section in SECTIONS.items():
        for claim in section.claims:
            yield f"{key}.{claim.id}", claim
    for brief in library().briefs:
        for own in brief.claims:
            yield f"{brief.name}: {own.at}.{own.id}", own


def templates(section: SectionText) -> Iterator[str]:
    yield section.frame
    for claim in section.claims:
        yield from (claim.text, claim.lead, claim.ask)


def texts_of(data: object) -> Iterator[str]:
    """Every text in the tables of a TOML file."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from texts_of(value)
    elif isinstance(data, list):
        for value in data:
            yield from texts_of(value)


def test_there_is_a_section_for_every_requirement_and_no_other() -> None:
    assert sorted(SECTIONS) == sorted(wanted_sections())


@pytest.mark.parametrize("key", wanted_sections())
def test_a_section_has_a_frame_and_two_claims_that_hold_anywhere(key: str) -> None:
    section = SECTIONS[key]
    unconditional = [claim for claim in section.claims if not claim.needs and not claim.when]
    assert section.frame
    assert len(unconditional) >= 2


@pytest.mark.parametrize("number", range(1, 19))
def test_every_part_has_a_rule_to_carry_away(number: int) -> None:
    assert len(library().claims.rules[number].split()) >= 10


def test_only_sections_laid_out_as_tables_have_rows_of_figures() -> None:
    forms = {
        f"{part.key}.{requirement.id}": requirement.form
        for part in library().spec.part
        for requirement in part.requirement
    }
    assert {forms[key] for key, section in SECTIONS.items() if section.table} == {"table"}


def test_every_section_with_a_diagram_has_one_to_draw() -> None:
    drawn = {
        f"{part.key}.{requirement.id}"
        for part in library().spec.part
        for requirement in part.requirement
        if requirement.idea
    }
    assert set(DIAGRAMS) == drawn
    for part in library().spec.part:
        assert all(r.idea for r in part.requirement if r.form == "diagram")


@pytest.mark.parametrize("key", wanted_sections())
def test_no_digit_is_typed_and_no_word_is_empty(key: str) -> None:
    faults = [fault for text in templates(SECTIONS[key]) for fault in template_faults(text)]
    assert faults == []


def test_the_library_briefs_type_no_digits_either() -> None:
    texts = [
        (claim.id, text)
        for brief in library().briefs
        for claim in brief.claims
        for text in (claim.text, claim.lead, claim.ask)
    ]
    assert [(name, fault) for name, text in texts for fault in template_faults(text)] == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("It waits for 30 seconds.", "typed digit '30'"),
        ("It asks a {{ store }} first.", "article typed before a noun: 'a {{ store }}'"),
        ("A robust design helps.", "says 'robust'"),
        (
            'Put {{ t("bulkhead") }}s between.',
            "a gloss would stand before the ending: '{{ t(\"bulkhead\") }}s'",
        ),
    ],
)
def test_the_linter_sees_faults(text: str, fault: str) -> None:
    assert template_faults(text) == [fault]


def test_the_linter_lets_names_with_digits_pass() -> None:
    assert template_faults("P95 of {{ n.p95 }}, HTTP 429, and V2 in UTF-8.") == []


def test_conditions_compare_figures_that_exist() -> None:
    known = set(library().names.figures)
    for brief in library().briefs:
        known |= set(brief.extra_figures)
    strange = [
        (name, figure)
        for name, claim in all_claims()
        if claim.when
        for figure in names_in(claim.when)
        if figure not in known
    ]
    assert strange == []


def test_universal_claims_use_no_figure_of_a_single_system() -> None:
    known = set(library().names.figures)
    strange = [
        (key, name)
        for key, section in SECTIONS.items()
        for text in templates(section)
        for name in re.findall(r"\bn\.(\w+)|eq\(\"(\w+)\"\)", text)
        if "".join(name) not in known
    ]
    assert strange == []


def test_every_figure_that_a_table_shows_exists() -> None:
    known = set(library().names.figures)
    assert {name for section in SECTIONS.values() for name in section.table} <= known


def test_replaced_claims_exist() -> None:
    universal = {f"{key}.{claim.id}" for key, s in SECTIONS.items() for claim in s.claims}
    for brief in library().briefs:
        assert set(brief.replaces) <= universal


@pytest.mark.parametrize(
    "path", sorted(PROMPTS.rglob("*.toml")), ids=lambda path: path.relative_to(PROMPTS).as_posix()
)
def test_no_vendor_is_named(path) -> None:
    guard = vendors(vendor_names(PROMPTS))
    assert [text for text in texts_of(read_toml(path)) if guard(text, ())] == []
