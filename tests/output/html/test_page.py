"""The page for readers, read as HTML and without a browser."""

import re
from dataclasses import replace
from functools import lru_cache
from html.parser import HTMLParser

import pytest
from chapters_at_hand import HOSTILE, drawings, facts, harmless, hostile
from systems import library, rate_limiter_plan

from chapter_offline.chapter.document import Chapter, Pieces
from chapter_offline.output.html.page import chapter_html, policy_for

PARTS = (4, 5, 6, 16)


class Reader(HTMLParser):
    """Collects elements with their attributes, and the text of some."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"style", "script"}:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


@lru_cache(maxsize=8)
def page_of(kind: str, parts: tuple[int, ...] = PARTS) -> str:
    chapter = {"harmless": harmless, "hostile": hostile}[kind](parts)
    return chapter_html(chapter, library(), facts(), drawings("quick", parts))


def ids(page: str) -> list[str]:
    return [at["id"] or "" for _, at in read(page).elements if "id" in at]


def test_every_link_leads_to_a_place_on_the_page() -> None:
    links = [at["href"] or "" for tag, at in read(page_of("harmless")).elements if tag == "a"]
    assert len(links) > 500
    assert {link[0] for link in links} == {"#"}
    assert {link[1:] for link in links} <= set(ids(page_of("harmless")))


def test_every_place_is_there_once() -> None:
    places = ids(page_of("harmless"))
    assert len(places) == len(set(places))


def test_the_sections_of_its_parts_and_no_others_have_places() -> None:
    places = set(ids(page_of("harmless")))
    for section in rate_limiter_plan("quick").sections():
        assert (section.id in places) == (section.part in PARTS), section.id


def test_a_figure_leads_to_its_derivation_and_back() -> None:
    page = page_of("harmless")
    row = re.search(r'<tr id="f-peak_rps">.*?</tr>', page, re.S)
    assert row
    assert '<a class="fig" href="#f-avg_rps"' in row[0]
    assert 'href="#p04.qps"' in row[0]
    assert '<a class="fig" href="#f-peak_rps" data-fig="peak_rps">142,000/s</a>' in page


def test_a_component_leads_to_its_sections_and_a_term_to_its_gloss() -> None:
    page = page_of("harmless")
    assert '<a class="part" href="#p06.store">counter store</a>' in page
    assert '<a class="term" href="#term-' in page


def test_a_component_does_not_lead_to_where_it_stands() -> None:
    page = page_of("harmless")
    own = page[page.index('id="p06.store"') : page.index('id="p06.coordinator"')]
    assert 'href="#p06.store"' not in own.replace('class="anchor" href="#p06.store"', "")


def test_the_policy_allows_its_own_style_and_script_only() -> None:
    page = page_of("harmless")
    style = re.findall(r"<style>(.*?)</style>", page, re.S)
    script = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert (len(style), len(script)) == (1, 1)
    policy = next(at["content"] for _, at in read(page).elements if "http-equiv" in at)
    assert policy == policy_for(style[0], script[0])
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_nothing_on_the_page_is_loaded_or_styled_by_itself() -> None:
    for tag, attributes in read(page_of("hostile")).elements:
        assert tag not in {"img", "iframe", "object", "embed", "link", "image", "use", "form"}
        assert not {"src", "style", "srcset", "xlink:href"} & set(attributes), tag
        assert not any(name.startswith("on") for name in attributes), tag


def test_hostile_pieces_make_no_element() -> None:
    plain, attacked = (read(page_of(kind)) for kind in ("harmless", "hostile"))
    assert [tag for tag, _ in attacked.elements] == [tag for tag, _ in plain.elements]


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"control"}))
def test_what_a_model_wrote_is_shown_letter_by_letter(name: str) -> None:
    assert HOSTILE[name] in "".join(read(page_of("hostile")).text)


def test_what_may_not_stand_in_a_page_is_replaced() -> None:
    assert "A bell \ufffd, a null \ufffd" in page_of("hostile")
    page_of("hostile").encode()


def test_attempts_are_told_apart_in_words_as_well() -> None:
    page = page_of("harmless")
    assert page.count("An attempt by a model, unchecked") == len(PARTS)
    assert page.count("What this attempt passes over: <a href=") == len(PARTS)
    assert "A weak answer, by a model, unchecked" in page


def test_the_page_says_where_it_comes_from() -> None:
    page = page_of("harmless")
    for said in ("ab" * 32, "ef" * 32, "cd" * 32, "01" * 32, "--depth quick", "--seed 1"):
        assert said in page
    assert "people, for this system: its brief" in page


def test_the_same_chapter_makes_the_same_page() -> None:
    again = chapter_html(harmless(PARTS), library(), facts(), drawings("quick", PARTS))
    assert again == page_of("harmless")


def test_a_chapter_without_part_4_has_its_calculator_too() -> None:
    assert page_of("harmless", (1,)).count('id="calculator"') == 1


def test_voice_free_shows_the_models_words_as_the_models() -> None:
    plan = rate_limiter_plan("quick")
    pieces = Pieces(free={"p01.problem": ("<b>One.</b>", "Two.")})
    page = chapter_html(Chapter(plan, "free", "m", (1,), pieces), library(), facts(), {})
    assert '<p class="free" data-origin="model"><bdi>&lt;b&gt;One.&lt;/b&gt; Two.</bdi></p>' in page
    assert "Nobody has verified" in page
    assert 'class="try"' not in page
    assert "Sections of fewer than 40 words" in page


def test_a_made_brief_is_said_to_be_one_and_what_it_lacks() -> None:
    plan = rate_limiter_plan("quick")
    made = plan.brief.model_copy(update={"made": {"by": "m"}})
    bare = made.model_copy(update={"traits": ()})
    told = [
        chapter_html(
            Chapter(replace(plan, brief=brief), "quoted", "m", (1,), Pieces()),
            library(),
            facts(),
            {},
        )
        for brief in (plan.brief, made, bare)
    ]
    assert ["none of the library's, so the model" in page.replace("’", "'") for page in told] == [
        False,
        True,
        True,
    ]
    assert ["No trait is among them" in page for page in told] == [False, False, True]
    assert "<code>brief.toml</code>" in told[2]


def test_what_opens_at_a_click_holds_no_link() -> None:
    summaries = re.findall(r"<summary>.*?</summary>", page_of("harmless"), re.S)
    assert any("API gateway" in each for each in summaries)
    assert not [each for each in summaries if "<a " in each]
