"""Proof-reading: each kind of fault is found in a library that has it, and named with its place."""

import re
import shutil
from pathlib import Path

import pytest
from systems import PROMPTS, library

from chapter_offline.knowledge.library import Library, load_library
from chapter_offline.review.check import check_all, unused_terms
from chapter_offline.review.findings import Finding
from chapter_offline.review.samples import brief_named, sample_briefs

pytestmark = pytest.mark.whole

FAULTS = '''
[clocks]
frame = "What this is about, in as many words as a frame has, so that nobody takes it for thin or for empty."

[[clocks.claims]]
id = "figure"
text = """It lasts {{ n.nothing }} in all."""

[[clocks.claims]]
id = "term"
text = """It is {{ t("wibble", art="a") }} of its kind."""

[[clocks.claims]]
id = "article"
text = """It is a interval, and it ends."""

[[clocks.claims]]
id = "empty"
text = """It is named () and ends."""

[[clocks.claims]]
id = "end"
text = """It stops before the"""

[[clocks.claims]]
id = "vendor"
text = """It runs on Cassandra and nowhere else."""

[[clocks.claims]]
id = "typed"
text = """It takes 42 of them."""

[[clocks.claims]]
id = "nowhere"
text = """It is told under {{ see("p08.nothing") }}."""
'''
WANTED = {
    "figure": "figure 'nothing'",
    "term": "term 'wibble'",
    "article": "article: 'a interval'",
    "empty": "an empty place",
    "end": "does not end a sentence",
    "vendor": "names a product",
    "typed": "typed digit '42'",
    "nowhere": "'p08.nothing'",
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library with a section full of faults, a term that nobody uses and one too long, and an echo."""
    prompts = tmp_path_factory.mktemp("faulty") / "prompts"
    shutil.copytree(PROMPTS, prompts)
    path = prompts / "claims" / "p08.toml"
    head, _, rest = path.read_text().partition("[clocks]")
    path.write_text(head + FAULTS + "\n[bugs]" + rest.partition("\n[bugs]")[2])
    (prompts / "terms" / "odd.toml").write_text(
        '["odd one"]\ngloss = "one two three four five six seven eight nine ten eleven"\ndefinition = "It is odd."\n'
    )
    models = library().claims.sections["p08.models"].claims[0].text
    scope = prompts / "claims" / "p12.toml"
    scope.write_text(
        scope.read_text() + f'\n[[not_worth_it.claims]]\nid = "again"\ntext = """{models}"""\n'
    )
    return load_library(prompts)


@pytest.fixture(scope="module")
def findings(faulty: Library) -> list[Finding]:
    return check_all(faulty, dict([brief_named(faulty, "parking")]), whole=True)


@pytest.mark.parametrize("name", WANTED)
def test_a_fault_is_found_in_its_place(findings: list[Finding], name: str) -> None:
    found = [f.what for f in findings if f.where == f"claims/p08.toml clocks.{name}"]
    assert any(WANTED[name] in what for what in found), found


def test_a_term_that_nobody_uses_and_a_long_gloss_are_found(
    findings: list[Finding], faulty: Library
) -> None:
    found = [f.what for f in findings if f.where == "terms/odd.toml odd one"]
    assert found == ["its gloss has 11 words, not ten at most"]
    assert Finding("terms/odd.toml odd one", "is used by no text") in unused_terms(faulty)


def test_a_label_that_points_at_another_row_is_found(tmp_path: Path) -> None:
    """In a brief, in names.toml and in a trait; a label that names what it counts is none."""
    prompts = tmp_path / "prompts"
    shutil.copytree(PROMPTS, prompts)
    told = {
        "names.toml blocked": "of them, stopped in a day",
        "traits/personal_data.toml pd_year": "such requests in a year",
        "briefs/payment_system.toml unclear_money": "worth of these",
        "briefs/payment_system.toml hang_yes": "{{ act.pl }} such as these",
        "briefs/payment_system.toml line_rows": "share of those who settle such lines",
    }
    for where, label in told.items():
        file, figure = where.split()
        path = prompts / file
        text, count = re.subn(
            rf'(?m)^({figure} = .* label = )"[^"]*"', rf'\1"{label}"', path.read_text()
        )
        assert count == 1, where
        path.write_text(text)
    pointing = load_library(prompts)
    found = check_all(pointing, dict([brief_named(pointing, "payment_system")]), whole=True)
    said = {f.where for f in found if "points at another row" in f.what}
    assert said == set(told) - {"briefs/payment_system.toml line_rows"}


def test_an_echo_between_sections_is_found(findings: list[Finding]) -> None:
    found = {f.where: f.what for f in findings if "runs of 5 words" in f.what}
    said = library().claims.sections["p08.models"].claims[0].id
    assert "claims/p12.toml not_worth_it.again" in found[f"claims/p08.toml models.{said}"]


def test_a_brief_is_checked_alone(faulty: Library) -> None:
    """What is wrong with the library's templates is said only where the whole is checked."""
    alone = check_all(faulty, dict([brief_named(faulty, "timetable")]), whole=False)
    assert alone
    assert not [f for f in alone if "typed digit" in f.what]


def test_a_brief_that_is_wrong_is_named_and_the_others_are_read(faulty: Library) -> None:
    briefs = sample_briefs(library())
    wrong = briefs["parking"].model_copy(update={"traits": ("moneys",)})
    found = check_all(library(), {"parking": wrong}, whole=False)
    assert [(f.where, f.what) for f in found] == [
        ("samples.toml parking", "traits: there is no 'moneys'; is it money?")
    ]


def test_nothing_is_wrong_with_what_the_briefs_make_of_the_library() -> None:
    briefs = sample_briefs(library())
    found = check_all(library(), briefs, whole=False)
    assert found == []


def test_a_form_wants_its_pieces(faulty: Library, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts"
    shutil.copytree(PROMPTS, prompts)
    path = prompts / "claims" / "p18.toml"
    path.write_text(path.read_text().replace("Expect: ", "Hope: ", 1))
    broken = load_library(prompts)
    found = check_all(broken, dict([brief_named(broken, "parking")]), whole=False)
    assert [f.what for f in found if f.where.startswith("claims/p18.toml injection.")] == [
        "for parking: no piece begins 'Expect:', which its section's form has"
    ]
