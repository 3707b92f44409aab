"""Whole chapters of every kind, by everything that others wrote to judge them. Takes long."""

import time
from pathlib import Path

import pytest
from chapters_at_hand import ALL_PARTS, drawings, facts, harmless
from playwright.sync_api import Browser
from readers import epub_faults, nu_errors, opened, violations
from systems import library

from chapter_offline.output.epub.book import chapter_epub
from chapter_offline.output.html.page import chapter_html

pytest_plugins = ["browsers"]
pytestmark = [pytest.mark.process, pytest.mark.slow]

NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1300, "height": 900}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    drawn = drawings("standard", ALL_PARTS)
    path = tmp_path_factory.mktemp("whole") / "chapter.html"
    text = chapter_html(harmless(depth="standard"), library(), facts(), drawn)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_nothing(
    chromium: Browser, page: Path, scheme: str, viewport: "dict[str, int]"
) -> None:
    assert violations(chromium, page, color_scheme=scheme, viewport=viewport) == []


def test_the_nu_checker_finds_nothing(page: Path) -> None:
    assert nu_errors(page) == []


def test_epubcheck_finds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "chapter.epub"
    chapter = harmless(depth="standard")
    path.write_bytes(chapter_epub(chapter, facts(), drawings("standard", ALL_PARTS)))
    assert epub_faults(path) == []


def test_it_is_small_and_soon_made(page: Path) -> None:
    drawn = drawings("standard", ALL_PARTS)
    chapter = harmless(depth="standard")
    started = time.process_time()
    chapter_html(chapter, library(), facts(), drawn)
    assert time.process_time() - started < 5
    assert page.stat().st_size < 1_500_000


def test_it_is_soon_read_on_a_slow_processor(chromium: Browser, page: Path) -> None:
    """First contentful paint, on a processor that is slowed down four times."""
    with opened(chromium, page, viewport=NARROW) as (tab, _):
        tab.context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": 4})
        tab.reload()
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        assert tab.evaluate(paint) < 1000
