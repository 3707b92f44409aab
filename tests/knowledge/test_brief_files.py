"""A brief from a user's own file: taken as it is, or refused with the file and the field."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from systems import NOUNS, PROMPTS, library, made_brief, rate_limiter

from chapter_offline.chapter.figuring import figures_for
from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.briefs import Brief, brief_toml, load_brief, same_system
from chapter_offline.knowledge.files import line_of
from chapter_offline.knowledge.generic import Answers, brief_from, brief_table
from chapter_offline.knowledge.library import check_brief, slug


@pytest.fixture
def table() -> dict[str, Any]:
    """A brief's tables, to be broken by a test."""
    return copy.deepcopy(
        brief_table(PROMPTS, library().traits, Answers("Parking service", NOUNS, frozenset(), ()))
    )


def written(tmp_path: Path, table: dict[str, Any]) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(table))
    return path


def refusal(tmp_path: Path, table: dict[str, Any]) -> str:
    with pytest.raises(BadInputError) as refused:
        load_brief(written(tmp_path, table))
    assert "\n" not in str(refused.value)
    found = re.fullmatch(r"(mine\.toml)(:\d+)?(: .*)", str(refused.value))
    assert found
    return found[1] + found[3]


def test_a_made_brief_reads_back_as_it_was(tmp_path: Path) -> None:
    answers = Answers(
        'Lift "control" {{ 7*7 }} | \\ é',
        NOUNS,
        frozenset({"cache", "dependency"}),
        ("money", "approximate_ok"),
        {"users": 400000, "acts_per_user": 0.15, "reads_per_act": 4},
        {"by": "a test"},
    )
    path = tmp_path / "brief.toml"
    path.write_bytes(brief_toml(brief_from(PROMPTS, library().traits, answers)))
    assert load_brief(path) == brief_from(PROMPTS, library().traits, answers)


@pytest.mark.parametrize("brief", library().briefs, ids=lambda brief: brief.name)
def test_a_brief_of_the_library_reads_back_as_it_was(brief: Brief, tmp_path: Path) -> None:
    path = tmp_path / "brief.toml"
    path.write_bytes(brief_toml(brief))
    assert load_brief(path) == brief


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("name",), 1),
        (("nouns", "act"), 3),
        (("figures", "users", "value"), 6),
        (("component", 1, "role"), 11),
        (("component", 0, "does"), 8),  # missing: its table
        (("flow",), 1),  # missing: the file
        (("figures", "fill"), 13),
    ],
)
def test_the_line_of_a_place_is_found(place: tuple[str | int, ...], line: int) -> None:
    text = """name = "x"
[nouns]
act = "turn"
group="x"
[figures]
users = { value = 3 }

[[component]]
role = "store"
[[component]]
role = "worker"

[figures.fill]
value = 3
"""
    assert line_of(text, place) == line


def test_the_library_brief_has_much_to_say_of_its_own() -> None:
    assert len(rate_limiter().claims) >= 40


@pytest.mark.parametrize("brief", library().briefs, ids=lambda brief: brief.name)
def test_a_brief_of_the_library_uses_names_that_are_listed(brief: Brief) -> None:
    check_brief(library(), brief, brief.name)


@pytest.mark.parametrize("brief", library().briefs, ids=lambda brief: brief.name)
def test_no_two_claims_of_a_section_have_one_id(brief: Brief) -> None:
    names = [(claim.at, claim.id) for claim in brief.claims]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "name",
    ["distributed rate limiter", "A Rate-Limiter", "Design an API rate limiter", "rate LIMITING"],
)
def test_a_system_of_the_library_is_found_by_its_names(name: str) -> None:
    assert library().brief_for(name) is rate_limiter()


def test_another_system_is_not_in_the_library() -> None:
    assert library().brief_for("Rate limiter for lifts") is None


def test_an_article_alone_makes_no_other_system() -> None:
    assert same_system("Design the URL-shortener", "url shortener")
    assert not same_system("URL shortener", "URL lengthener")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"none\.toml: No such file"):
        load_brief(tmp_path / "none.toml")


def test_a_folder_is_no_brief(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="directory"):
        load_brief(tmp_path)


@pytest.mark.parametrize("content", [b'name = "half', b"\xff\xfe\x00", b"a" + b"[" * 30])
def test_what_is_no_toml_is_refused_with_its_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"mine\.toml: not valid TOML"):
        load_brief(path)


def test_toml_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("a = " + "[" * 100_000)
    with pytest.raises(BadInputError, match=r"mine\.toml: not valid TOML"):
        load_brief(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"#" * 4_000_001)
    with pytest.raises(BadInputError, match="larger than"):
        load_brief(path)


def test_a_missing_field_is_named_with_its_place(tmp_path: Path, table: dict[str, Any]) -> None:
    del table["flow"][1]["done"]
    assert refusal(tmp_path, table) == "mine.toml: flow.1.done: Field required"


def test_an_unknown_key_is_refused(tmp_path: Path, table: dict[str, Any]) -> None:
    table["flavour"] = "sweet"
    assert refusal(tmp_path, table).startswith("mine.toml: flavour: Extra inputs")


def test_more_than_one_fault_is_counted(tmp_path: Path, table: dict[str, Any]) -> None:
    del table["summary"]
    table["flavour"] = "sweet"
    assert refusal(tmp_path, table).endswith("(and 1 more)")


def test_a_system_without_a_store_is_refused(tmp_path: Path, table: dict[str, Any]) -> None:
    table["component"] = [c for c in table["component"] if c["role"] != "store"]
    table["component"].append(table["component"][0] | {"role": "cache"})
    assert "no component plays the role store" in refusal(tmp_path, table)


def test_two_components_in_one_role_are_refused(tmp_path: Path, table: dict[str, Any]) -> None:
    table["component"].append(table["component"][0])
    assert "two components play the role gateway" in refusal(tmp_path, table)


def test_a_missing_phase_is_refused(tmp_path: Path, table: dict[str, Any]) -> None:
    table["phase"][0]["id"] = "v2"
    assert "the phases are v1, v2 and stable" in refusal(tmp_path, table)


@pytest.mark.parametrize("name", ["x" * 81, "", "   ", "store\n## Part 7: Mine", "bell\a"])
def test_a_component_has_a_name_of_one_short_line(
    tmp_path: Path, table: dict[str, Any], name: str
) -> None:
    table["component"][2]["name"] = name
    assert refusal(tmp_path, table).startswith("mine.toml: component.2.name: ")


@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_an_assumption_is_a_number_that_can_be_counted_with(
    tmp_path: Path, table: dict[str, Any], value: float
) -> None:
    table["figures"]["users"] = {"value": value}
    assert refusal(tmp_path, table).startswith("mine.toml: figures.users.value: ")


def test_a_figure_has_one_origin(tmp_path: Path, table: dict[str, Any]) -> None:
    table["extra_figures"] = {
        "loud": {"unit": "", "actor": "store", "label": "loudness", "given": 1, "is": "users"}
    }
    assert "exactly one of given, chosen, is" in refusal(tmp_path, table)


def test_a_weight_lies_between_one_and_nine(tmp_path: Path, table: dict[str, Any]) -> None:
    table["claims"] = [{"id": "big", "at": "p08.clocks", "text": "Time passes.", "weight": 10}]
    assert refusal(tmp_path, table).startswith("mine.toml: claims.0.weight: ")


def checked(table: dict[str, Any]) -> str:
    """What is said of a brief whose shape is right and whose names are not."""
    with pytest.raises(BadInputError) as refused:
        check_brief(library(), Brief.model_validate(table), "mine.toml")
    return str(refused.value)


def test_a_missing_noun_is_named(table: dict[str, Any]) -> None:
    del table["nouns"]["person"]
    assert checked(table) == "mine.toml: nouns: person is missing"


def test_an_unknown_noun_is_named(table: dict[str, Any]) -> None:
    table["nouns"]["pet"] = "dog"
    assert checked(table) == "mine.toml: nouns: pet is not in names.toml"


def test_an_unknown_role_is_named(table: dict[str, Any]) -> None:
    table["component"].append(table["component"][0] | {"role": "oracle"})
    assert checked(table) == "mine.toml: role oracle is not in names.toml"


def test_an_unknown_trait_is_named_with_the_nearest(table: dict[str, Any]) -> None:
    table["traits"] = ["monney"]
    assert checked(table) == "mine.toml: traits: there is no 'monney'; is it money?"
    table["traits"] = ["shiny"]
    assert checked(table).startswith("mine.toml: traits: there is no 'shiny'; is it append_only, ")


def test_traits_that_exclude_each_other_are_refused(table: dict[str, Any]) -> None:
    table["traits"] = ["read_heavy", "write_heavy"]
    assert "exclude each other; leave one out" in checked(table)


def test_a_trait_without_what_it_needs_is_refused(table: dict[str, Any]) -> None:
    table["traits"] = ["third_parties"]
    needed = "needs a component that plays the role dependency"
    assert checked(table) == f"mine.toml: traits: third_parties {needed}"


def test_a_missing_decision_is_named(table: dict[str, Any]) -> None:
    del table["decisions"]["fail_open"]
    assert checked(table).startswith("mine.toml: decisions must be ")


@pytest.mark.parametrize("figure", ["active", "moons"])
def test_only_assumptions_may_be_overridden(table: dict[str, Any], figure: str) -> None:
    table["figures"][figure] = {"value": 3}
    assert (
        checked(table)
        == f"mine.toml: figures: '{figure}' is no assumption of names.toml or of its traits"
    )


def test_a_figure_of_the_library_is_not_defined_again(table: dict[str, Any]) -> None:
    table["extra_figures"] = {
        "users": {"unit": "", "actor": "person", "label": "users", "given": 1}
    }
    assert checked(table) == "mine.toml: extra_figures: 'users' is in names.toml already"


@pytest.mark.parametrize("at", ["p08.watches", "p06.queue.failure", "p19.end", ""])
def test_a_claim_stands_in_a_section_that_this_system_has(table: dict[str, Any], at: str) -> None:
    table["claims"] = [{"id": "lost", "at": at or "-", "text": "It is lost."}]
    assert f"claim 'lost': there is no section '{at or '-'}'" in checked(table)


def test_a_frame_stands_in_a_section_that_this_system_has(table: dict[str, Any]) -> None:
    table["frames"] = [{"at": "p08.watches", "text": "What this is about."}]
    assert checked(table) == "mine.toml: frame: there is no section 'p08.watches'"


def test_what_is_replaced_has_to_be_there(table: dict[str, Any]) -> None:
    table["replaces"] = ["p08.clocks.nothing_like_it"]
    assert checked(table) == (
        "mine.toml: replaces: 'p08.clocks.nothing_like_it' is no claim of the library"
    )


def test_a_condition_is_listed(table: dict[str, Any]) -> None:
    table["claims"] = [{"id": "c", "at": "p08.clocks", "text": "Time.", "needs": ["!sundial"]}]
    assert checked(table) == (
        "mine.toml: p08.clocks.c: '!sundial' is no role, trait or decision of names.toml"
    )


@pytest.mark.parametrize("end", ["queue", "moon"])
def test_a_flow_goes_between_those_who_are_there(table: dict[str, Any], end: str) -> None:
    table["flow"][0]["steps"].append(["worker", end, "waves"])
    assert checked(table) == f"mine.toml: flow 'main write': '{end}' plays no role here"


@pytest.mark.parametrize("place", ["steps", "cuts"])
def test_a_failure_spreads_between_those_who_are_there(table: dict[str, Any], place: str) -> None:
    step = ["moon", "store", "falls"] if place == "steps" else ["moon", "a net"]
    table["failure"][place].append(step)
    assert checked(table) == "mine.toml: failure: 'moon' plays no role here"


def test_a_figure_belongs_to_somebody_who_is_there(table: dict[str, Any]) -> None:
    table["extra_figures"] = {"craters": {"unit": "", "actor": "moon", "label": "many", "given": 9}}
    assert checked(table) == "mine.toml: extra_figures: craters: 'moon' plays no role here"


@pytest.mark.parametrize(
    ("figure", "actor", "fault"),
    [
        ("stored", "moon", "relabel: stored: 'moon' plays no role here"),
        ("craters", "worker", "relabel: 'craters' is no figure of names.toml"),
    ],
)
def test_only_a_figure_that_is_there_is_called_something_else(
    table: dict[str, Any], figure: str, actor: str, fault: str
) -> None:
    table["relabel"] = {figure: {"label": "craters", "actor": actor}}
    assert checked(table) == f"mine.toml: {fault}"


def test_a_figure_stands_under_the_name_that_the_brief_gives_it() -> None:
    brief = rate_limiter()
    stored = figures_for(library(), brief)["stored"].definition
    assert (stored.actor, stored.label) == ("stream", brief.relabel["stored"].label)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Distributed rate limiter", "distributed-rate-limiter"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "chapter"),
        ("C:\\Windows", "c-windows"),
        ("~root", "root"),
        ("システム", "chapter"),
        ("x" * 300, "x" * 60),
    ],
)
def test_a_slug_is_a_plain_file_name(name: str, folder: str) -> None:
    assert slug(name) == folder


def test_a_made_brief_has_the_roles_that_were_chosen() -> None:
    brief = made_brief(roles={"queue", "dependency"})
    assert brief.roles == {"gateway", "worker", "store", "queue", "dependency"}
    assert [flow.name for flow in brief.flow if flow.kind == "write"] == [
        "main write",
        "work for later",
        "call to outside",
        "end of the retention",
    ]


def test_a_made_brief_names_its_components_by_its_item() -> None:
    names = {component.role: component.name for component in made_brief().component}
    assert names["store"] == "bay store"


def test_what_may_be_approximate_need_not_be_durable() -> None:
    assert made_brief().decisions["durable_act"]
    assert not made_brief(traits={"approximate_ok"}).decisions["durable_act"]
