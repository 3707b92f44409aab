"""Markdown of one line to HTML, with links to the places that it speaks of.

Only the program's own text passes through here; what a model wrote is escaped as it is.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape

from markdown_it import MarkdownIt
from markupsafe import Markup

from chapter_offline.chapter.plan import Plan, SectionPlan
from chapter_offline.chapter.render import nouns_of

_SEE = re.compile(r"<em>([^<]+)</em> \(Part (\d+)\)")
_TAG = re.compile(r"(<[^>]+>)")
_NUMBER = (
    r"(?<![\w.,$/])\$?\d[\d,]*(?:\.\d+)?(?: (?:million|billion|trillion)\b)?"
    r"(?:%|/s|/day| (?:ppm|µs|ms|s|min|h|days?|years?|bytes?|kB|MB|GB|TB|PB)(?:/day|/s)?(?![\w/])"
    r"| (?:a (?:day|month|year)|per GB(?: and month)?)\b)?(?![\w/])"
)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """Emphasis, escapes, entities and code; no HTML, and no links, which are all made here."""
    made = MarkdownIt("commonmark", {"html": False})
    return made.disable(["link", "image", "autolink", "html_inline"])


def figure_id(name: str) -> str:
    """The anchor of a figure's row in Appendix A."""
    return f"f-{name}"


def term_id(term: str) -> str:
    """The anchor of a term's entry in Appendix B."""
    return "term-" + re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


def component_id(role: str) -> str:
    """The anchor of a component's sections in Part 6."""
    return f"p06.{role}"


@dataclass(frozen=True)
class Places:
    """What a text may lead to. places: (heading, part) of sections to their ids.

    words: terms and components in small letters, as HTML, to (kind of link, anchor).
    figures: anchors of figures that stand in Appendix A, by name.
    """

    sections: Mapping[tuple[str, int], str]
    words: Mapping[str, tuple[str, str]]
    figures: frozenset[str]
    pattern: re.Pattern[str]


def places_of(plan: Plan, parts: tuple[int, ...], *, terms: bool = True) -> Places:
    """Anchors of a page that has these parts. terms: whether it has a list of terms."""
    words: dict[str, tuple[str, str]] = {}
    if 6 in parts:
        nouns = nouns_of(plan.brief)
        for component in plan.brief.component:
            noun = nouns[component.role]
            for form in (str(noun), noun.pl):
                words[escape(form.lower())] = ("part", component_id(component.role))
    if terms:
        for term, _ in plan.terms:
            for form in (term, f"{term}s"):
                words.setdefault(escape(form.lower()), ("term", term_id(term)))
    longest = sorted(words, key=len, reverse=True)
    known = "|".join(map(re.escape, longest)) or "(?!)"
    rows = (*plan.given, *plan.chosen, *plan.derived, *plan.simulated)
    return Places(
        sections={
            (section.heading, section.part): section.id
            for section in plan.sections(parts)
            if not section.component
        },
        words=words,
        figures=frozenset(row.name for row in rows),
        pattern=re.compile(rf"\b(?P<word>{known})\b|(?P<number>{_NUMBER})", re.IGNORECASE),
    )


@dataclass
class Text:
    """Texts of one section: a term and a component are links where the section names them first.

    figures: names by what is printed, of the section's figures that nothing else in it is printed like.
    """

    places: Places
    figures: Mapping[str, str]
    within: str = ""
    named: set[str] = field(default_factory=set)

    def __call__(self, text: str) -> Markup:
        """A line of Markdown as HTML."""
        made = _parser().renderInline(text)
        return Markup("".join(self._linked(_SEE.sub(self._see, made))))

    def _see(self, found: re.Match[str]) -> str:
        place = self.places.sections.get((_unescaped(found[1]), int(found[2])))
        return f'<a href="#{place}">{found[0]}</a>' if place else found[0]

    def _linked(self, made: str) -> Iterator[str]:
        inside = 0
        for piece in _TAG.split(made):
            if piece.startswith("<"):
                inside += piece.startswith(("<a ", "<code")) - piece.startswith(("</a", "</code"))
                yield piece
            else:
                yield piece if inside else self.places.pattern.sub(self._link, piece)

    def _link(self, found: re.Match[str]) -> str:
        text = found[0]
        if found["number"]:
            name = self.figures.get(_unescaped(text))
            return _figure(name, text) if name else text
        kind, place = self.places.words[text.lower()]
        if place in self.named or place == self.within:
            return text
        self.named.add(place)
        return f'<a class="{kind}" href="#{place}">{text}</a>'


def _figure(name: str, text: str) -> str:
    return f'<a class="fig" href="#{figure_id(name)}" data-fig="{name}">{text}</a>'


def _unescaped(text: str) -> str:
    return Markup(text).unescape()


def text_of(plan: Plan, places: Places, section: SectionPlan) -> Text:
    """How a section's texts become HTML."""
    within = ".".join(section.id.split(".")[:2]) if section.component else ""
    return Text(places, _unmistakable(plan, places, section), within)


def _unmistakable(plan: Plan, places: Places, section: SectionPlan) -> dict[str, str]:
    """Names of figures by their printed text. A small bare number may count anything else as well."""
    printed = {name: plan.figures[name].text for name in section.figures if name in places.figures}
    often = Counter(printed.values())
    return {
        text: name
        for name, text in printed.items()
        if often[text] == 1 and not (text.isdigit() and len(text) == 1)
    }
