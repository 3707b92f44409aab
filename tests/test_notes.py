"""A chapter that quotes its reader's own documents, as a person makes it, reads it and makes it again."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from places import QUIET, Place, order
from planned import plan as plan_once
from systems import library

from chapter_offline import desk
from chapter_offline.batch.entries import digested, entries
from chapter_offline.batch.lists import Line, Wanted
from chapter_offline.catalog.choose import resolve_model
from chapter_offline.cli import main
from chapter_offline.errors import BadInputError, NotTheSameError
from chapter_offline.keeping import kept_order
from chapter_offline.orders import Order
from chapter_offline.remaking import Again, rewrite, status
from chapter_offline.rendering import open_finished, render
from chapter_offline.replaying import replay
from chapter_offline.reproducing import reproduce
from chapter_offline.rewriting import ask_what_if
from chapter_offline.workflow import write
from chapter_offline.writing.journal import JOURNAL, Journal
from chapter_offline.writing.notes.reading import kept_notes

pytest_plugins = ["places"]
pytestmark = [pytest.mark.whole, pytest.mark.usefixtures("planned_once")]

POSTMORTEM = """\
# Postmortem <b>one</b>

Our latency was 4,711 ms on Redis in the month of Zorgon.

We traded consistency for availability: the limiter allows whatever it can't check in time.

<p>Durability of the counters was lost, as <script>alert(1)</script> told us.</p>

- Latency on AWS Lambda rose to 4,711 ms in [the *month*](https://example.org/) of Zorgon.
- It attracts by its simplicity, said the review.
- The bad design attracts since it is quick to build.
- The latency that callers saw had doubled by noon.
- Maria from the office next door brought a marvellous cake along.
"""


@pytest.fixture(scope="module")
def noted(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two parts of the default chapter with notes, whose file is gone afterwards."""
    folder = tmp_path_factory.mktemp("noted")
    notes = folder / "post*mortem.md"
    notes.write_text(POSTMORTEM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "load_library", lambda _: library())
        patch.setattr(desk, "make_plan", plan_once)
        write(replace(order(small_model, folder / "out"), notes=notes), QUIET)
    notes.unlink()
    return Place(folder / "out", str(small_model))


@pytest.fixture
def copy(noted: Place, tmp_path: Path) -> Place:
    shutil.copytree(noted.folder, tmp_path / "out")
    return Place(tmp_path / "out", noted.model)


def quotations(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("> *From ")]


# ---------------------------------------------------------------------- what stands where


def test_quotations_are_marked_with_file_and_line_and_at_most_two_a_section(noted: Place) -> None:
    lines = quotations(noted.page)
    assert len(lines) == 4
    for line in lines:
        assert line.startswith(r"> *From post\*mortem.md, line ")
        number = int(line.split(", ")[1].removeprefix("line "))
        said = POSTMORTEM.splitlines()[number - 1]
        assert line.partition("not checked:* “")[2][:20] in said
    sections = noted.json("manifest.json")["notes"]["placed"]["sections"]
    assert {name: len(notes) for name, notes in sections.items()} == {
        "p03.latency": 2,
        "p15.attraction": 2,
    }


def test_what_is_not_quoted_is_listed_with_its_reason(noted: Place) -> None:
    assert ["post*mortem.md:7", "note", "HTML is not quoted; write it as plain Markdown"] in (
        noted.json("run.json")["left_out"]
    )
    told = noted.page.partition("## What of the notes is not quoted\n")[2]
    assert r"- HTML is not quoted; write it as plain Markdown: post\*mortem.md:7." in told
    assert r"- No section shares enough words with it: post\*mortem.md:13." in told
    assert "alert(1)" not in noted.page
    placed = noted.json("manifest.json")["notes"]["placed"]
    lines = [n["line"] for each in placed["sections"].values() for n in each]
    assert sorted(lines + [u["line"] for u in placed["left_out"]]) == [3, 5, 7, 9, 10, 11, 12, 13]


def test_nothing_in_the_folder_says_where_the_notes_lay(noted: Place) -> None:
    for path in noted.folder.glob("*.*"):
        assert str(noted.folder.parent).encode() not in path.read_bytes(), path.name
    assert noted.json("manifest.json")["outputs"]["notes.json"]
    assert list(noted.json("notes.json")["files"]) == ["post*mortem.md"]


def test_each_quoted_sentence_has_an_origin_of_its_own(noted: Place) -> None:
    found = [s for s in noted.json("run.json")["sentences"] if s["origin"] == "notes"]
    assert len({s["place"] for s in found}) == len(quotations(noted.page))
    counted = noted.json("manifest.json")["origins"]
    assert sum(each.get("notes", 0) for each in counted.values()) == len(found)
    shown = CliRunner().invoke(main, ["explain", str(noted.folder), found[0]["section"]])
    assert f"[your notes, {found[0]['place']}] {found[0]['text']}" in shown.output
    assert "your notes" in CliRunner().invoke(main, ["explain", str(noted.folder)]).output


def test_all_else_is_as_it_is_without_notes(noted: Place, first: Place) -> None:
    own, other = (each.json("manifest.json") for each in (noted, first))
    assert (own["sections"], own["jobs"]) == (other["sections"], other["jobs"])
    bare = Counter(
        line for line in noted.page.splitlines() if line and not line.startswith("> *From ")
    )
    extra = bare - Counter(first.page.splitlines())
    assert all(
        line.startswith(("*How to read", "*Whose words", "## What of the notes", "- "))
        for line in extra
    ), extra


def test_the_page_for_readers_shows_them_apart(noted: Place) -> None:
    html = (noted.folder / "chapter.html").read_text(encoding="utf-8")
    assert html.count('<blockquote class="quoted" data-origin="notes">') == len(
        quotations(noted.page)
    )
    assert "example.org" not in html
    assert "What of the notes is not quoted" in html
    assert "--notes 'post*mortem.md'" in html.replace("&#39;", "'")


# ---------------------------------------------------------------------- checking


def test_a_check_neither_faults_quotations_nor_counts_them(noted: Place, first: Place) -> None:
    shown, other = (
        CliRunner().invoke(main, ["check", str(each.folder), "--json"]) for each in (noted, first)
    )
    own, bare = json.loads(shown.stdout), json.loads(other.stdout)
    assert [(f["where"], f["what"]) for f in own["findings"]] == [
        (f["where"], f["what"]) for f in bare["findings"]
    ]
    assert (own["covered"], own["sentences"]) == (bare["covered"], bare["sentences"])
    assert f"{len(quotations(noted.page))} quotations from notes" in own["notes"][0]


def test_a_quotation_that_is_not_in_the_notes_is_checked_like_all_else(copy: Place) -> None:
    page = copy.folder / "chapter.md"
    text = copy.page.replace("**To carry away.**", "> *From mine.md, line 3, not checked:* “Use Zorgon on AWS Lambda for it.”\n\n**To carry away.**", 1)  # fmt: skip
    page.write_text(text, encoding="utf-8")
    shown = CliRunner().invoke(main, ["check", str(copy.folder)])
    assert "names a product or company" in shown.output


# ---------------------------------------------------------------------- without the notes' file


def test_it_is_made_again_byte_by_byte(noted: Place) -> None:
    found = reproduce(noted.folder, noted.model, 1, QUIET)
    assert (found.different, found.files) == ((), 6)


def test_notes_that_were_changed_in_the_folder_are_named(copy: Place) -> None:
    (copy.folder / "notes.json").write_text("{}")
    with pytest.raises(NotTheSameError, match=r"notes\.json: not the file that the manifest"):
        reproduce(copy.folder, copy.model, 1, QUIET)


def test_it_is_replayed_with_its_quotations(noted: Place) -> None:
    found = replay(noted.folder, noted.model, None, QUIET)
    assert (found.reason, found.composed) == ("", "")
    assert found.scores > 10


def test_it_is_rendered_again_the_same(copy: Place) -> None:
    before = (copy.folder / "chapter.html").read_bytes()
    assert open_finished(copy.folder).chapter.notes.sections
    render(copy.folder, ["html", "epub"])
    assert (copy.folder / "chapter.html").read_bytes() == before


def test_status_finds_nothing_to_do_and_rewriting_keeps_them(copy: Place) -> None:
    found = status(copy.folder, copy.model, QUIET)
    assert (found.missing, found.otherwise, found.edited) == ((), (), ())
    before = quotations(copy.page)
    rewrite(copy.folder, Again(("p03.latency",)), copy.model, 1, QUIET)
    assert quotations(copy.page) == before


def test_the_same_under_other_assumptions_may_quote_them_too(noted: Place) -> None:
    asked = ask_what_if(noted.folder, ["users=2x"])
    assert asked.order(Path("elsewhere"), noted.model).notes == kept_notes(noted.folder)


def test_a_pinned_section_keeps_them_once(copy: Place) -> None:
    section = next(iter(copy.json("manifest.json")["notes"]["placed"]["sections"]))
    before = quotations(copy.page)
    rewrite(copy.folder, Again((section,), pin=True), copy.model, 1, QUIET)
    assert quotations(copy.page) == before
    assert not open_finished(copy.folder).chapter.quoted(section)


def test_where_they_are_gone_it_says_what_to_do(copy: Place) -> None:
    (copy.folder / "notes.json").unlink()
    with Journal(copy.folder / JOURNAL, read_only=True) as journal:
        kept = kept_order(journal)
        assert kept is not None
        with pytest.raises(BadInputError, match="give the notes again with `write … --notes`"):
            kept.order(copy.folder, copy.model)


def test_written_again_without_notes_it_has_none(copy: Place) -> None:
    write(order(Path(copy.model), copy.folder), QUIET)
    assert not quotations(copy.page)
    assert not (copy.folder / "notes.json").exists()
    assert "notes" not in copy.json("manifest.json")


# ---------------------------------------------------------------------- other voices, many chapters


def test_a_section_of_the_models_own_is_told_from_what_is_quoted(
    small_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "n.md").write_text(POSTMORTEM)
    free = replace(order(small_model, tmp_path / "out"), voice="free", notes=tmp_path / "n.md")
    made = write(free, QUIET)
    assert quotations(made.page.read_text(encoding="utf-8"))
    again = open_finished(tmp_path / "out").chapter
    assert again.pieces.free == {
        name: (" ".join(said),) for name, said in made.authored.chapter.pieces.free.items() if said
    }


def test_bad_notes_are_refused_before_a_folder_is_written(
    small_model: Path, tmp_path: Path
) -> None:
    wanted = replace(order(small_model, tmp_path / "out"), notes=tmp_path / "no.md")
    with pytest.raises(BadInputError, match=r"no\.md: can't be read"):
        write(wanted, QUIET)
    assert not (tmp_path / "out").exists()
    made = write(order(small_model, tmp_path / "out"), QUIET)
    before = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    for bad in (wanted, replace(wanted, notes=None, brief=tmp_path / "no.toml")):
        with pytest.raises(BadInputError):
            write(replace(bad, fresh=True), QUIET)
    assert {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()} == before


def test_notes_that_were_changed_in_the_folder_are_refused(
    small_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "n.md").write_text(POSTMORTEM)
    write(replace(order(small_model, tmp_path / "out"), notes=tmp_path / "n.md"), QUIET)
    kept = tmp_path / "out" / "notes.json"
    kept.write_text(kept.read_text().replace("noon", "dawn"))
    with pytest.raises(BadInputError, match=r"notes\.json: it was changed since it was written"):
        status(tmp_path / "out", str(small_model), QUIET)


def test_each_line_of_a_list_may_have_its_own(small_model: Path, tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text(f"In {name} the queue grew until every check timed out.")
    lines = [
        Line("list:1", Wanted(system="One", notes=tmp_path / "a.md")),
        Line("list:2", Wanted(system="Two")),
    ]
    common = Order("", str(small_model), notes=tmp_path / "b.md")
    found, _ = entries(lines, common, tmp_path / "out")
    assert [list(each.order.notes.files) for each in found] == [["a.md"], ["b.md"]]  # type: ignore[union-attr]
    models = {str(small_model): resolve_model(str(small_model), 2048)}
    before = [each.digest for each in digested(found, models)]
    (tmp_path / "b.md").write_text("Now it says something else than it had said before.")
    after = [each.digest for each in digested(entries(lines, common, tmp_path / "out")[0], models)]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)
    bad = Line("list:3", Wanted(system="Three", notes=tmp_path / "c.md"))
    with pytest.raises(BadInputError, match=r"list:3: .*c\.md: can't be read"):
        entries([bad], common, tmp_path / "out")
