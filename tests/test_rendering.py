"""A finished folder read back: other files of it, without a model, and books of several."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from systems import DEFAULT_SYSTEM, made_brief

from chapter_offline.chapter.comparing import compare
from chapter_offline.collecting import make_book
from chapter_offline.errors import BadInputError, InUseError, UsageError
from chapter_offline.output import folder as folders
from chapter_offline.rendering import open_finished, render
from chapter_offline.workflow import Order, write
from chapter_offline.writing.progress import Silent

pytestmark = pytest.mark.whole

SMALL = {"window": 2048, "parts": (14, 15), "depth": "quick", "threads": 1}


@pytest.fixture(scope="module")
def written(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two parts of the default chapter, by the tiny model."""
    out = tmp_path_factory.mktemp("written") / "limiter"
    write(Order(DEFAULT_SYSTEM, str(tiny_model), out=out, **SMALL), Silent())  # type: ignore[arg-type]
    return out


@pytest.fixture(scope="module")
def other(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of a parking service with a hundred users, in voice free."""
    out = tmp_path_factory.mktemp("written") / "parking"
    brief = made_brief("Parking <service>", figures={"users": 100.0})
    order = Order("Parking <service>", str(tiny_model), voice="free", brief=brief, out=out, **SMALL)  # type: ignore[arg-type]
    write(order, Silent())
    return out


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    """A folder of the chapter to do harm to."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


def manifest(folder: Path) -> dict[str, object]:
    read: dict[str, object] = json.loads((folder / "manifest.json").read_text())
    return read


def outputs(folder: Path) -> dict[str, str]:
    found = manifest(folder)["outputs"]
    assert isinstance(found, dict)
    return found


def test_a_page_made_later_is_the_one_that_was_written(written: Path, copy: Path) -> None:
    (copy / "chapter.html").unlink()
    assert render(copy, ["html"]) == [copy / "chapter.html"]
    assert (copy / "chapter.html").read_bytes() == (written / "chapter.html").read_bytes()
    assert (copy / "manifest.json").read_bytes() == (written / "manifest.json").read_bytes()


def test_a_page_in_voice_free_is_the_one_that_was_written(other: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(other, tmp_path / "copy"))
    render(copy, ["html"])
    assert (copy / "chapter.html").read_bytes() == (other / "chapter.html").read_bytes()


def test_a_book_is_noted_with_its_digest(copy: Path) -> None:
    (made,) = render(copy, ["epub"])
    first = made.read_bytes()
    assert outputs(copy)["chapter.epub"] == sha256(first).hexdigest()
    render(copy, ["epub"])
    assert made.read_bytes() == first


def test_a_page_that_was_edited_is_refused(copy: Path) -> None:
    page = (copy / "chapter.md").read_text()
    (copy / "chapter.md").write_text(page.replace("Part 14", "Part fourteen", 1))
    before = (copy / "chapter.html").read_bytes()
    with pytest.raises(
        BadInputError, match=r"chapter\.md: it or its brief was edited.*Part fourteen"
    ):
        render(copy, ["html"])
    assert (copy / "chapter.html").read_bytes() == before


def test_a_chapter_by_other_prompts_says_so(copy: Path) -> None:
    facts = manifest(copy) | {"prompts": {"sha256": "00" * 32, "files": {}}}
    (copy / "manifest.json").write_text(json.dumps(facts))
    page = (copy / "chapter.md").read_text()
    (copy / "chapter.md").write_text(page.replace("Part 15", "Part 51"))
    with pytest.raises(BadInputError, match="written with other prompts than this program has"):
        render(copy, ["html"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("manifest.json", "[]", "it is no manifest of this version"),
        ("manifest.json", "{", "can't be read"),
        ("manifest.json", '{"model": {}}', "it is no manifest of this version"),
        ("brief.toml", "name = 1", "brief.toml"),
        ("chapter.md", None, "chapter.md: can't be read"),
    ],
)
def test_a_damaged_folder_is_said(copy: Path, name: str, content: str | None, said: str) -> None:
    if content is None:
        (copy / name).unlink()
    else:
        (copy / name).write_text(content)
    with pytest.raises(BadInputError, match=said):
        render(copy, ["html"])


def test_a_folder_without_a_chapter_is_said_and_left_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no manifest\.json there"):
        render(tmp_path, ["html"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match=r"no manifest\.json there"):
        render(tmp_path / "nowhere", ["html"])


def test_a_folder_in_use_is_left_alone(copy: Path) -> None:
    with folders.held(copy), pytest.raises(InUseError):
        render(copy, ["html"])


def test_a_book_has_a_page_for_each_chapter_and_indexes_that_lead_to_them(
    written: Path, other: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    index = make_book([written, other, written], tmp_path / "book", told.append)
    assert told == [str(written), str(other), str(written)]
    files = {path.name for path in index.parent.glob("*.html")}
    assert files == {
        "index.html",
        "search.html",
        "distributed-rate-limiter.html",
        "distributed-rate-limiter-2.html",
        "parking-service.html",
    }
    page = index.read_text()
    for file in files - {"index.html"}:
        assert f'href="{file}' in page
    assert "Parking &lt;service&gt;" in page
    assert 'href="distributed-rate-limiter.html#term-' in page
    assert 'href="distributed-rate-limiter.html#p14.stable"' in page
    assert "hot keys" in page
    assert (
        '<a href="index.html">All chapters</a>'
        in (index.parent / "parking-service.html").read_text()
    )


def test_a_book_is_made_again_into_its_own_folder_only(written: Path, tmp_path: Path) -> None:
    make_book([written], tmp_path / "book", lambda line: None)
    make_book([written], tmp_path / "book", lambda line: None)
    with pytest.raises(UsageError, match="one of the chapters"):
        make_book([written], written, lambda line: None)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds other files"):
        make_book([written], tmp_path / "mine", lambda line: None)


def test_chapters_are_compared_by_their_decisions(written: Path, other: Path) -> None:
    here, there = (open_finished(folder).chapter.plan for folder in (written, other))
    found = compare(here, there)
    assert {a.about for a, _ in found.differ} >= {"One partition or several", "One machine or many"}
    assert all(a.passed != b.passed for a, b in found.differ)
    assert all(a.passed == b.passed for a, b in found.alike)
    assert ("hot_keys", True) in found.traits
    assert not compare(here, here).differ
    assert len(compare(here, here).alike) == len(here.standings)


def test_decisions_by_different_rules_on_one_question_are_compared(written: Path) -> None:
    plan = open_finished(written).chapter.plan
    renamed = replace(plan.standings[0], id="another_rule", passed=not plan.standings[0].passed)
    found = compare(plan, replace(plan, standings=(renamed, *plan.standings[1:])))
    assert [a.about for a, _ in found.differ] == [plan.standings[0].about]
    assert found.only == ()
