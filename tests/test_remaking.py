"""A chapter as a build: what is made again, what is kept, and what a person edited."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from places import QUIET, Place, change, order
from systems import PROMPTS, rate_limiter_plan

from chapter_offline import desk
from chapter_offline.errors import UsageError
from chapter_offline.output.markdown import PINNED
from chapter_offline.output.sections import cut
from chapter_offline.remaking import Again, rewrite, status
from chapter_offline.replaying import replay
from chapter_offline.reproducing import reproduce
from chapter_offline.workflow import write

ATTEMPT = "p03.attempt"
pytest_plugins = ["places"]
pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("planned_once")]


def test_a_finished_chapter_has_nothing_to_be_made(first: Place) -> None:
    found = status(first.folder, first.model, QUIET)
    assert (found.pieces, found.missing, found.otherwise) == (12, (), ())
    assert (len(found.sections), found.finished, found.edited) == (10, True, ())


def test_files_that_were_edited_or_are_missing_are_told(place: Place) -> None:
    (place.folder / "chapter.md").write_text(place.page + "\nMine.\n", encoding="utf-8")
    (place.folder / "chapter.html").unlink()
    found = status(place.folder, place.model, QUIET)
    assert [name for name, _ in found.edited] == ["chapter.html", "chapter.md"]


@pytest.fixture
def prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the prompts that the program takes for its own."""
    copy = tmp_path / "prompts"
    shutil.copytree(PROMPTS, copy)
    monkeypatch.setattr(desk, "prompts_dir", lambda: copy)
    return copy


def test_a_changed_claim_remakes_just_what_it_must(place: Place, prompts: Path) -> None:
    claim = next(s for s in rate_limiter_plan().sections() if s.id == "p03.latency").statements[0]
    words = claim.text.split()
    runs = [" ".join(words[at : at + 4]) for at in range(len(words) - 3)]
    source, run = next(  # the first words that stand in a file as they are printed
        (path, run)
        for run in runs
        for path in prompts.rglob("*.toml")
        if run in path.read_text(encoding="utf-8")
    )
    # As many words as before: a plan fills its words, and other claims would be chosen.
    change(source, run, " ".join(["Zebras", *run.split()[1:]]))
    found = status(place.folder, place.model, QUIET)
    # The part's attempt has to be on the subject of all its claims.
    assert [(each.key, each.why) for each in found.missing] == [
        (ATTEMPT, "changed: guards"),
        ("p03.latency.question", "changed: prompt, guards"),
    ]
    assert found.otherwise == ("p03.latency",)
    before = dict(cut(place.page))
    rewrite(place.folder, Again(()), place.model, 1, QUIET)
    after = dict(cut(place.page))
    changed = {
        path[2:]
        for path in after
        if before.get(path) != after[path] and len(path) > 1 and path[1].startswith("Part ")
    }
    assert ("Latency expectations",) in changed
    assert changed <= {(), ("Latency expectations",)}  # the former: with the part's attempt
    assert status(place.folder, place.model, QUIET).missing == ()


def test_a_changed_prompt_remakes_the_pieces_that_are_asked_so(place: Place, prompts: Path) -> None:
    change(prompts / "asking.toml", "[attempt]", "# another remark\n[attempt]")
    assert status(place.folder, place.model, QUIET).missing == ()
    text = (prompts / "asking.toml").read_text(encoding="utf-8")
    start = text.index("[attempt]")
    at = text.index("system = ", start)
    (prompts / "asking.toml").write_text(
        text[:at] + text[at:].replace("You are", "Today you are", 1), encoding="utf-8"
    )
    found = status(place.folder, place.model, QUIET)
    assert {each.key for each in found.missing} == {ATTEMPT, "p15.attempt"}
    assert {each.why for each in found.missing} == {"changed: prompt"}


def test_a_changed_assumption_in_the_brief_is_seen(place: Place) -> None:
    peak = "[figures.peak_factor]\nvalue = "
    change(place.folder / "brief.toml", f"{peak}3", f"{peak}4")
    found = status(place.folder, place.model, QUIET)
    assert found.otherwise != ()
    assert len(found.missing) < found.pieces


def test_a_section_is_written_again_and_the_rest_is_left(place: Place) -> None:
    before = place.json("transcript.json")["wrote"]
    made = rewrite(place.folder, Again((ATTEMPT,)), place.model, 1, QUIET)
    after = place.json("transcript.json")["wrote"]
    keys = [row["result"]["key"] for row in after]
    assert keys[0] == f"{ATTEMPT} seed 2"
    assert after[1:] == before[1:]
    assert after[0]["result"]["tokens"] != before[0]["result"]["tokens"]
    assert place.json("manifest.json")["changes"]["rewritten"] == {ATTEMPT: {"seed": 2, "hint": ""}}
    assert reproduce(place.folder, place.model, 1, QUIET).different == ()
    assert replay(place.folder, place.model, None, QUIET).reason == ""
    page = place.page
    write(order(Path(place.model), place.folder), QUIET)
    assert place.page == page  # a run that goes on keeps it
    rewrite(place.folder, Again((ATTEMPT,), undo=True), place.model, 1, QUIET)
    assert place.json("transcript.json")["wrote"] == before
    assert made.page == place.folder / "chapter.md"


def test_a_hint_is_told_to_the_model(place: Place) -> None:
    rewrite(place.folder, Again((ATTEMPT,), hint="Speak of leases."), place.model, 1, QUIET)
    told = place.json("transcript.json")
    (_, last) = told["wrote"][0]["messages"][-1]
    assert told["texts"][last].endswith("\n\nSpeak of leases.")


def test_a_section_that_a_person_edited_is_kept_and_the_page_says_so(place: Place) -> None:
    edited = place.page.replace(place.section("p03.latency"), "My *own* words, " * 30 + "\n\n- so.")
    (place.folder / "chapter.md").write_text(edited, encoding="utf-8")
    rewrite(place.folder, Again(("p03.latency",), pin=True), place.model, 1, QUIET)
    assert place.section("p03.latency") == ("My *own* words, " * 30 + "\n\n- so.")
    assert place.page.count(PINNED) == 1
    assert (place.folder / "chapter.edited-1.md").read_text(encoding="utf-8") == edited
    assert status(place.folder, place.model, QUIET).changes.pinned.keys() == {"p03.latency"}
    page = place.page
    assert reproduce(place.folder, place.model, 1, QUIET).different == ()
    rewrite(place.folder, Again((ATTEMPT,)), place.model, 1, QUIET)
    assert place.section("p03.latency") in page


def test_an_edit_that_is_not_pinned_is_kept_aside(place: Place) -> None:
    edited = place.page + "\nMine.\n"
    (place.folder / "chapter.md").write_text(edited, encoding="utf-8")
    write(order(Path(place.model), place.folder), QUIET)
    assert (place.folder / "chapter.edited-1.md").read_text(encoding="utf-8") == edited
    assert "Mine." not in place.page


@pytest.mark.parametrize(
    ("again", "told"),
    [
        (Again(("p03.nothing",)), "p03.nothing: the chapter has no such section"),
        (Again(("p04.assumptions",)), "p04.assumptions: the chapter has no such section"),
        (Again(("p03.nothing",), pin=True), "p03.nothing: the chapter has no such section"),
    ],
)
def test_a_section_that_is_not_there_is_named(place: Place, again: Again, told: str) -> None:
    page = place.page
    with pytest.raises(UsageError, match=told):
        rewrite(place.folder, again, place.model, 1, QUIET)
    assert place.page == page


def test_a_section_in_which_the_model_writes_nothing_is_named(
    small_model: Path, tmp_path: Path
) -> None:
    asked = replace(order(small_model, tmp_path / "out"), parts=(6,))
    write(asked, QUIET)
    silent = next(s.id for s in rate_limiter_plan().sections((6,)) if ".failure" not in s.id)
    with pytest.raises(UsageError, match=f"{silent}: the model writes nothing in this section"):
        rewrite(tmp_path / "out", Again((silent,)), str(small_model), 1, QUIET)


def test_what_was_never_begun_is_said(tmp_path: Path) -> None:
    for act in (
        lambda: status(tmp_path, None, QUIET),
        lambda: rewrite(tmp_path, Again(("p03.latency",)), None, 1, QUIET),
    ):
        with pytest.raises(UsageError, match=r"no journal\.sqlite there"):
            act()
