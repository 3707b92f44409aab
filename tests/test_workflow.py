"""One chapter from end to end, read as a stranger would: from its files."""

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w
from drawings import seen
from reading import OnDisk, sections_of, sha256, written
from systems import (
    DEFAULT_SYSTEM,
    OTHER_SYSTEM,
    PROMPTS,
    library,
    made_brief,
    rate_limiter,
    rate_limiter_plan,
)

from chapter_offline.errors import UsageError
from chapter_offline.knowledge.briefs import load_brief
from chapter_offline.knowledge.library import check_brief
from chapter_offline.review.findings import Finding
from chapter_offline.workflow import (
    Made,
    Order,
    dry_run,
    incomplete,
    write,
)
from chapter_offline.writing.guards import vendor_names, vendors
from chapter_offline.writing.manifest import digest_of
from chapter_offline.writing.progress import Happened, Silent

pytestmark = pytest.mark.whole

pytest_plugins = ["real_chapters"]
model = pytest.mark.model
ENDS = (".", "?", "!", ":", '."', '?"', ".”", "?”", ".)")


def expected_paths(brief, parts: range | tuple[int, ...] = range(1, 19)) -> list[tuple[str, ...]]:
    """Headings of all requirements, in order, below the chapter's title."""
    paths: list[tuple[str, ...]] = []
    for part in library().spec.part:
        title = f"Part {part.number}: {part.title}"
        if part.number not in parts:
            continue
        names = [c.name[0].upper() + c.name[1:] for c in brief.component]
        for name in names if part.number == 6 else [""]:
            for requirement in part.requirement:
                paths.append((title, *([name] if name else []), requirement.heading))
    return paths


# ---------------------------------------------------------------------- with a tiny model


class Heard(Silent):
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int]] = []
        self.events: list[Happened] = []
        self.parts: list[int] = []

    def stage(self, what: str, total: int) -> None:
        self.stages.append((what, total))

    def happened(self, event: Happened) -> None:
        self.events.append(event)

    def part_done(self, number: int, title: str, note: str) -> None:
        self.parts.append(number)


@pytest.fixture(scope="module")
def small(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Made, Heard, Order]:
    """Two parts of the default system by the tiny model."""
    out = tmp_path_factory.mktemp("small") / "out"
    order = Order(DEFAULT_SYSTEM, str(tiny_model), window=2048, parts=(3, 15), threads=1, out=out)
    heard = Heard()
    return write(order, heard), heard, order


def test_an_observer_hears_of_every_job_and_part(small: tuple[Made, Heard, Order]) -> None:
    made, heard, _ = small
    assert heard.stages[0][0] == "writing"
    assert heard.stages[0][1] == len(made.authored.jobs)
    assert heard.parts == [3, 15]
    assert [event.done for event in heard.events[: heard.stages[0][1]]] == list(
        range(1, heard.stages[0][1] + 1)
    )


def test_the_same_order_writes_the_same_bytes_into_its_own_folder(
    small: tuple[Made, Heard, Order],
) -> None:
    made, _, order = small
    names = ("chapter.md", "manifest.json")
    before = [(made.folder / name).read_bytes() for name in names]
    assert write(order, Silent()).folder == made.folder
    assert [(made.folder / name).read_bytes() for name in names] == before


def test_another_seed_writes_other_words(small: tuple[Made, Heard, Order], tmp_path: Path) -> None:
    made, _, order = small
    again = write(Order(**vars(order) | {"out": tmp_path / "again", "seed": 2}), Silent())
    assert (again.folder / "chapter.md").read_bytes() != (made.folder / "chapter.md").read_bytes()


def test_a_folder_with_another_systems_chapter_is_refused(
    small: tuple[Made, Heard, Order],
) -> None:
    made, _, order = small
    before = made.page.read_bytes()
    with pytest.raises(UsageError, match=f"the chapter there is on '{order.system}'; name another"):
        write(Order(**vars(order) | {"system": "URL shortener", "out": made.folder}), Silent())
    assert made.page.read_bytes() == before


def test_a_brief_of_ones_own_is_used_under_the_name_that_was_asked_for(
    tiny_model: Path, tmp_path: Path
) -> None:
    table = made_brief("Lift control").model_dump(mode="json", by_alias=True, exclude_unset=True)
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(table))
    order = Order("Ferris wheel control", str(tiny_model), window=2048, parts=(15,), threads=1)
    made = write(
        Order(**vars(order) | {"out": tmp_path / "out", "brief": tmp_path / "mine.toml"}), Silent()
    )
    assert json.loads((made.folder / "manifest.json").read_text())["system"] == (
        "Ferris wheel control"
    )
    page = made.page.read_text()
    assert page.startswith("# Ferris wheel control\n")
    assert "bay store" in page.lower()
    assert "lift control" not in page.lower()


def test_a_dry_run_leaves_nothing(tiny_model: Path, tmp_path: Path) -> None:
    order = Order(DEFAULT_SYSTEM, str(tiny_model), window=2048, parts=(15,), out=tmp_path / "out")
    planned = dry_run(order, Silent())
    assert (planned.model, planned.window) == ("tiny.gguf", 2048)
    assert planned.load.writes == {15: 4}
    assert planned.memory > 10_000_000
    assert not (tmp_path / "out").exists()


def test_what_a_check_found_is_said_in_a_line(small: tuple[Made, Heard, Order]) -> None:
    made = small[0]
    first = Finding("Part 3 / Latency", "the section is empty", "missing", 17, 3)
    report = replace(made.report, findings=(first, Finding("Part 4", "gone")))
    assert str(incomplete(replace(made, report=report))) == (
        f"{made.page}:17: Part 3 / Latency: the section is empty, and 1 more; "
        f"`chapter-offline check {made.folder}` shows all"
    )


# ---------------------------------------------------------------------- the whole default chapter


@model
def test_all_parts_and_requirements_stand_under_their_own_headings(
    quoted_chapter: OnDisk,
) -> None:
    found = [section.path[1:] for section in sections_of(quoted_chapter.page)]
    expected = expected_paths(rate_limiter())
    assert len({path[0] for path in expected}) == 18
    assert len({(path[0], path[-1]) for path in expected}) == 101
    assert [path for path in found if path in set(expected)] == expected


@model
def test_every_section_has_forty_words_and_ends_its_last_sentence(quoted_chapter: OnDisk) -> None:
    wanted = set(expected_paths(rate_limiter()))
    sections = [s for s in sections_of(quoted_chapter.page) if s.path[1:] in wanted]
    own = {
        section.path: [p for p in section.paragraphs if not p.startswith("To carry away.")]
        for section in sections
    }
    assert [path for path, texts in own.items() if len(" ".join(texts).split()) < 40] == []
    assert [path for path, texts in own.items() if not texts[-1].endswith(ENDS)] == []


@model
def test_its_own_check_finds_nothing_either(quoted_chapter: OnDisk) -> None:
    assert quoted_chapter.made.findings == ()
    assert "What the model left out" not in quoted_chapter.page


@model
def test_five_diagrams_are_drawn_and_stand_on_the_page(quoted_chapter: OnDisk) -> None:
    files = sorted(path.name for path in (quoted_chapter.folder / "diagrams").iterdir())
    drawn = [section.id for section in rate_limiter_plan().sections() if section.diagram]
    assert files == sorted(f"{section}.svg" for section in drawn)
    assert len(drawn) >= 5
    for name in files:
        ET.parse(quoted_chapter.folder / "diagrams" / name)
    fences = re.findall(r"```mermaid\n(.*?)\n```", quoted_chapter.page, re.S)
    assert fences == [s.diagram for s in rate_limiter_plan().sections() if s.diagram]


@model
def test_the_drawing_of_the_architecture_names_every_component(quoted_chapter: OnDisk) -> None:
    text = seen((quoted_chapter.folder / "diagrams" / "p05.diagram.svg").read_text()).lower()
    for component in rate_limiter().component:
        assert component.name.replace(" ", "").lower() in text


@model
def test_the_manifest_has_the_digest_of_every_file(quoted_chapter: OnDisk) -> None:
    digests = {
        path.relative_to(quoted_chapter.folder).as_posix(): sha256(path)
        for path in quoted_chapter.folder.rglob("*")
        if path.is_file()
    }
    for name in ("manifest.json", "run.json", "journal.sqlite", ".chapter-offline.lock"):
        del digests[name]
    assert quoted_chapter.manifest["outputs"] == digests


@model
def test_the_manifest_has_all_that_is_needed_to_write_the_same_again(
    quoted_chapter: OnDisk, real_model: Path
) -> None:
    manifest = quoted_chapter.manifest
    assert manifest["system"] == DEFAULT_SYSTEM
    assert manifest["model"]["sha256"] == sha256(real_model)
    assert manifest["prompts"]["sha256"] == digest_of(PROMPTS)
    assert manifest["settings"] == {
        "voice": "quoted",
        "effort": 3,
        "depth": "standard",
        "words": 24_000,
        "parts": list(range(1, 19)),
        "window": 2048,
        "seed": 1,
        "turn_opening": "",
        "template_date": "2025-01-01",
    }
    assert all(len(digest) == 64 for digest in manifest["engine"]["llama.cpp"].values())


@model
def test_every_job_fits_the_window(quoted_chapter: OnDisk) -> None:
    jobs = quoted_chapter.manifest["jobs"]
    assert len(jobs) > 120
    for name, job in jobs.items():
        assert job["prompt_tokens"] > 0, name
        assert job["prompt_tokens"] + job["output_tokens"] <= 2048, name
    for total, kind in (("prompt", "prompt_tokens"), ("output", "output_tokens")):
        assert quoted_chapter.manifest["tokens"][total] == sum(job[kind] for job in jobs.values())


@model
def test_what_the_model_wrote_is_marked_as_its_own(quoted_chapter: OnDisk) -> None:
    pieces = quoted_chapter.made.authored.chapter.pieces
    attempts = {part: attempt for part, attempt in pieces.attempts.items() if attempt.sentences}
    assert len(attempts) >= 15
    marked = re.findall(r"^> \*An attempt by .+, unchecked:\* (.+)$", quoted_chapter.page, re.M)
    assert len(marked) == len(attempts)
    asked = re.findall(r"^\*Check yourself:\* (.+)$", quoted_chapter.page, re.M)
    assert len(asked) == len(pieces.questions)
    weak = re.findall(r"^> \*A weak answer \(.+\):\* (.+)$", quoted_chapter.page, re.M)
    assert len(weak) == len(pieces.weak) >= 6


@model
def test_the_model_said_nothing_twice_and_named_no_product(quoted_chapter: OnDisk) -> None:
    pieces = quoted_chapter.made.authored.chapter.pieces
    sentences = [s for attempt in pieces.attempts.values() for s in attempt.sentences]
    questions = [*pieces.questions.values(), *(question for question, _ in pieces.what_if)]
    guard = vendors(vendor_names(PROMPTS))
    assert [text for text in sentences + questions if guard(text, ())] == []
    assert [text for text, count in Counter(questions).items() if count > 1] == []


@model
def test_no_paragraph_stands_twice_on_the_page(quoted_chapter: OnDisk) -> None:
    paragraphs = [
        paragraph
        for section in sections_of(quoted_chapter.page)
        if section.path[1:] and section.path[1].startswith("Part ")  # the appendices list again
        for paragraph in section.paragraphs
        if len(paragraph.split()) > 12
    ]
    assert [text for text, count in Counter(paragraphs).items() if count > 1] == []


@model
def test_the_run_says_what_was_left_out_and_why(quoted_chapter: OnDisk) -> None:
    run = quoted_chapter.run
    assert run["seconds"] > 0
    assert run["peak_resident_bytes"] > 100_000_000
    assert run["scores"].keys() == quoted_chapter.manifest["jobs"].keys()
    scores = [s for job in run["scores"].values() for each in job.values() for s in each]
    assert len(scores) > 40
    assert all(score <= 0 for score in scores)
    written_pieces = quoted_chapter.made.authored.chapter.pieces
    assert [tuple(entry) for entry in run["left_out"]] == list(written_pieces.left_out)
    assert all(reason for _, _, reason in run["left_out"])
    assert len(run["left_out"]) + sum(
        (
            len([a for a in written_pieces.attempts.values() if a.sentences]),
            len(written_pieces.questions),
            len(written_pieces.weak),
            len(written_pieces.what_if),
        )
    ) == len(quoted_chapter.manifest["jobs"])


@model
def test_a_part_is_the_same_alone_and_again(
    quoted_chapter: OnDisk, real_model: Path, tmp_path: Path
) -> None:
    order = Order(DEFAULT_SYSTEM, str(real_model), window=2048, parts=(1,), threads=1)
    once, twice = (
        written(Order(**vars(order) | {"out": tmp_path / name})) for name in ("once", "twice")
    )
    for name in ("chapter.md", "manifest.json"):
        assert (once.folder / name).read_bytes() == (twice.folder / name).read_bytes()
    alone, whole = (
        page[page.index("## Part 1") :].split("\n## ")[0]
        for page in (once.page, quoted_chapter.page)
    )
    assert alone == whole


# ---------------------------------------------------------------------- another system, voice free


@model
def test_a_system_outside_the_library_gets_its_parts_and_headings(free_chapter: OnDisk) -> None:
    brief = free_chapter.made.authored.chapter.plan.brief
    found = [section.path[1:] for section in sections_of(free_chapter.page)]
    expected = expected_paths(brief, (1, 6, 9))
    assert len(expected) == 7 + 5 * len(brief.component) + 9
    assert [path for path in found if path in set(expected)] == expected


@model
def test_a_model_writes_most_of_the_sections_itself(free_chapter: OnDisk) -> None:
    chapter = free_chapter.made.authored.chapter
    free = chapter.pieces.free
    assert set(free) == {section.id for section in chapter.plan.sections((1, 6, 9))}
    long = [name for name, said in free.items() if len(" ".join(said).split()) >= 40]
    assert len(long) > 0.7 * len(free)
    sentences = [sentence for said in free.values() for sentence in said]
    assert [text for text in sentences if text.rstrip('"')[-1] not in ".?!"] == []
    for name, said in free.items():
        assert len(set(said)) == len(said), name


@model
def test_no_claim_of_the_library_stands_on_a_page_in_voice_free(free_chapter: OnDisk) -> None:
    for section in free_chapter.made.authored.chapter.plan.sections((1, 6, 9)):
        assert section.frame not in free_chapter.page
        assert [s.text for s in section.statements if s.text in free_chapter.page] == []


@model
def test_thin_sections_are_named_at_the_end(free_chapter: OnDisk) -> None:
    named = free_chapter.page.partition("## What the model left out")[2]
    wanted = set(expected_paths(free_chapter.made.authored.chapter.plan.brief, (1, 6, 9)))
    sections = [s for s in sections_of(free_chapter.page) if s.path[1:] in wanted]
    for section in sections:
        if section.words < 40 and not section.path[1].startswith("Part 9"):
            assert f"{section.path[-1]} (Part " in named
    thin = [finding for finding in free_chapter.made.findings if finding.kind == "thin"]
    assert all(finding.what.endswith("fewer than 40") for finding in thin)
    assert len(thin) == len([s for s in sections if s.words < 40])


@model
def test_the_brief_that_the_model_made_is_kept_to_be_used_again(free_chapter: OnDisk) -> None:
    brief = load_brief(free_chapter.folder / "brief.toml")
    check_brief(library(), brief, "brief.toml")
    assert brief == free_chapter.made.authored.chapter.plan.brief
    assert brief.name == OTHER_SYSTEM
    assert len(free_chapter.run["choices"]) == 6 + 3 + 6 + len(library().traits.known)
    assert free_chapter.manifest["outputs"]["brief.toml"] == sha256(
        free_chapter.folder / "brief.toml"
    )


@model
def test_every_job_of_voice_free_fits_the_window(free_chapter: OnDisk) -> None:
    for name, job in free_chapter.manifest["jobs"].items():
        assert job["prompt_tokens"] + job["output_tokens"] <= 2048, name
