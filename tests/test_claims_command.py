"""`chapter-offline claims` as a person uses it."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from commands import run, user_brief

from chapter_offline.errors import ExitCode

pytestmark = pytest.mark.process


def test_claims_of_a_section_are_listed_with_weight_and_conditions(tmp_path: Path) -> None:
    ran = run("claims", "list", "p08.races", folder=tmp_path)
    assert ran.code == ExitCode.OK
    assert re.search(r"^claim +whose +weight +words +conditions$", ran.out, re.M)
    assert re.search(
        r"^p08\.races\.old_leader +universal +\d +\d+ +when replicas > 2$", ran.out, re.M
    )
    assert "p08.clocks" not in ran.out
    assert len(run("claims", "list", "8", folder=tmp_path).out) > len(ran.out)


def test_a_claim_is_shown_as_written_and_as_a_system_gets_it(tmp_path: Path) -> None:
    ran = run("claims", "show", "p08.races.test_pause", "--brief=parking", folder=tmp_path)
    assert ran.code == ExitCode.OK
    assert re.search(r"^  template: Test, pause, act \| {{ worker\.A }} tests", ran.out, re.M)
    assert re.search(r"^  for parking: Test, pause, act: An? \w+ worker tests", ran.out, re.M)
    assert re.search(r"^  figures: pause$", ran.out, re.M)


def test_a_claim_that_does_not_hold_is_shown_with_the_reason(tmp_path: Path) -> None:
    ran = run("claims", "show", "p08.models.default_yes", "--brief=parking", folder=tmp_path)
    assert ran.out == "p08.models.default_yes\n  not for parking: needs fail_open\n"


def test_a_brief_of_ones_own_is_checked(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(user_brief(traits=["monney"]))
    ran = run("claims", "check", "--brief=own.toml", folder=tmp_path)
    assert ran.code == ExitCode.INCOMPLETE
    assert ran.out == "own.toml: traits: there is no 'monney'; is it money?\n"
    assert ran.err == "chapter-offline: 1 finding in claims, terms and briefs\n"


def test_a_check_that_finds_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_bytes(user_brief())
    ran = run("claims", "check", "--brief=own.toml", folder=tmp_path)
    assert ran.code == ExitCode.OK
    assert ran.out.startswith("nothing found in claims, terms and 1 brief")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("list", "p99"), ExitCode.USAGE),
        (("show", "p08.clocks.nothing"), ExitCode.USAGE),
        (("show", "p08.clocks.order", "--brief=nowhere"), ExitCode.BAD_INPUT),
        (("check", "--brief=nowhere"), ExitCode.BAD_INPUT),
    ],
)
def test_claims_that_are_not_there_are_refused_in_a_line(
    tmp_path: Path, arguments: Sequence[str], code: ExitCode
) -> None:
    ran = run("claims", *arguments, folder=tmp_path)
    assert (ran.code, ran.out) == (code, "")
    assert len(ran.err.splitlines()) == 1
