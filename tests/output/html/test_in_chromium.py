"""The page in a browser: harmless whatever a model wrote, accessible, and its calculator right."""

import json
from functools import lru_cache
from pathlib import Path

import pytest
from chapters_at_hand import drawings, facts, harmless, hostile
from playwright.sync_api import Browser
from readers import nu_errors, opened, violations
from systems import library

from chapter_offline.chapter.figuring import figures_for
from chapter_offline.chapter.what_if import changed
from chapter_offline.output.html.page import chapter_html

pytest_plugins = ["browsers"]
pytestmark = pytest.mark.process

PARTS = (4, 5, 16)
NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1300, "height": 900}


@lru_cache(maxsize=4)
def page_of(kind: str) -> str:
    chapter = {"harmless": harmless, "hostile": hostile}[kind](PARTS)
    return chapter_html(chapter, library(), facts(), drawings("quick", PARTS))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "chapter.html"
    path.write_text(page_of("harmless"), encoding="utf-8")
    return path


@pytest.fixture
def hostile_page(tmp_path: Path) -> Path:
    path = tmp_path / "hostile.html"
    path.write_text(page_of("hostile"), encoding="utf-8")
    return path


def test_hostile_text_asks_nothing_of_anybody_and_runs_nowhere(
    chromium: Browser, hostile_page: Path
) -> None:
    with opened(chromium, hostile_page, viewport=NARROW) as (tab, seen):
        tab.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        for link in tab.locator("main a.anchor").all()[:20]:
            link.click(force=True)
        tab.mouse.wheel(0, 20_000)
        tab.wait_for_timeout(300)
        assert (seen.requests, seen.dialogs, seen.complaints) == ([], [], [])
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert tab.evaluate("location.pathname").endswith("hostile.html")


def test_what_a_page_would_load_is_refused(chromium: Browser, page: Path) -> None:
    """The policy itself, should anything ever get past the escaping."""
    got_in = "<script>alert(1)</script><img src='https://example.org/x.png'><p style='color:red'>"
    page.write_text(page.read_text().replace("</h1>", "</h1>" + got_in), encoding="utf-8")
    with opened(chromium, page) as (tab, seen):
        tab.wait_for_timeout(200)
        assert seen.dialogs == []
        assert len(seen.complaints) == 3
        assert all("Content Security Policy" in complaint for complaint in seen.complaints)


def test_it_reads_without_a_script(chromium: Browser, page: Path) -> None:
    with opened(chromium, page, java_script_enabled=False, viewport=WIDE) as (tab, _):
        assert tab.locator("#p04\\.qps").is_visible()
        assert tab.locator("nav.contents summary").first.is_visible()
        assert not tab.locator("#calculator").is_visible()


def test_axe_finds_nothing(chromium: Browser, tmp_path: Path) -> None:
    """In short, on a part with everything that folds; `test_whole_page.py` does the rest."""
    path = tmp_path / "chapter.html"
    path.write_text(chapter_html(harmless((16,)), library(), facts(), {}), encoding="utf-8")
    assert violations(chromium, path, color_scheme="dark", viewport=NARROW) == []


def test_the_nu_checker_finds_nothing(hostile_page: Path) -> None:
    assert nu_errors(hostile_page) == []


@pytest.mark.parametrize("change", ["users=10x", "serve=3x", "fill=10%"])
def test_the_calculator_says_what_the_program_does(
    chromium: Browser, page: Path, change: str
) -> None:
    chapter = harmless(PARTS)
    brief = chapter.plan.brief
    before = figures_for(library(), brief)
    name = change.partition("=")[0]
    other = changed(brief, before, library(), [change])
    after = figures_for(library(), other, at_once=False)
    value = after[name].magnitude
    with opened(chromium, page, viewport=WIDE) as (tab, _):
        tab.evaluate(
            "document.querySelectorAll('.assumptions details').forEach((d) => { d.open = true; })"
        )
        tab.fill(f"#set-{name}", repr(value))
        tab.locator("#calculator-state:not(:empty)").wait_for()
        shown = json.loads(
            tab.evaluate(
                "JSON.stringify(Object.fromEntries(Array.from(document.querySelectorAll('td[data-fig]'),"
                " (cell) => [cell.dataset.fig, cell.textContent])))"
            )
        )
        moved = tab.locator(".moved tbody tr").count()
        tab.click("#reset")
        tab.locator("#calculator-moved").wait_for(state="hidden")
    derived = [n for n in shown if not after.definition(n).simulation]
    assert len(derived) > 100
    for each in derived:
        assert shown[each] == (after[each].text if after[each].usable else "none"), each
    rows = (*chapter.plan.given, *chapter.plan.chosen, *chapter.plan.derived)
    assert moved == sum(before[row.name].text != after[row.name].text for row in rows)


def test_contents_follow_the_reader_and_what_was_read_is_kept(
    chromium: Browser, page: Path
) -> None:
    with opened(chromium, page, viewport=WIDE) as (tab, _):
        tab.evaluate("document.getElementById('p04.growth').scrollIntoView()")
        tab.locator('.contents a[aria-current][href="#p04.growth"]').wait_for()
        tab.locator("#p04\\.growth > button.mark").click()
        tab.reload()
        assert tab.locator("#p04\\.growth > button.mark").text_content() == "Read"
        assert "1 of" in (tab.locator(".progress").text_content() or "")


def test_a_term_and_a_figure_are_told_in_place(chromium: Browser, page: Path) -> None:
    with opened(chromium, page, viewport=WIDE) as (tab, _):
        tab.locator("main a.fig").first.focus()
        tab.wait_for_selector("#gloss:not([hidden])")
        assert "API customers in all: 200,000" in (tab.locator("#gloss").text_content() or "")
        tab.keyboard.press("Escape")
        assert not tab.locator("#gloss").is_visible()


def test_in_print_nothing_is_folded_away(chromium: Browser, page: Path) -> None:
    with opened(chromium, page, java_script_enabled=False) as (tab, _):
        tab.emulate_media(media="print")
        assert tab.locator("details.staff > p").first.is_visible()
        assert tab.locator("details.attempt > p").first.is_visible()
        assert not tab.locator("nav .home").is_visible()
        border = "getComputedStyle(document.querySelector('details.attempt')).borderLeftStyle"
        assert tab.locator("details.attempt").first.evaluate(f"() => {border}") == "dashed"
