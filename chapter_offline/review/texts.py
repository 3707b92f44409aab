"""Every template that writers wrote, with its place and what it names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chapter_offline.knowledge.briefs import Brief
from chapter_offline.knowledge.claims import Claim
from chapter_offline.knowledge.library import Library
from chapter_offline.knowledge.lint import without_marks

_TERM = re.compile(r"""\b[tT]\(\s*(?:"([^"]+)"|'([^']+)')""")
_FIGURE = re.compile(r"""\bn\.([a-z]\w*)|\beq\(\s*["'](\w+)["']""")
_SECTION = re.compile(r"""\bsee\(\s*["']([\w.]+)["']""")


@dataclass(frozen=True)
class Template:
    """A template. where: its file and id. text: all that one entry says. moments: see `template_faults`."""

    where: str
    text: str
    moments: bool = False

    @property
    def terms(self) -> frozenset[str]:
        """Terms that it marks."""
        return frozenset(a or b for a, b in _TERM.findall(self.text))

    @property
    def figures(self) -> frozenset[str]:
        """Figures that it names."""
        return frozenset(a or b for a, b in _FIGURE.findall(self.text))

    @property
    def sections(self) -> frozenset[str]:
        """Sections that it refers to."""
        return frozenset(_SECTION.findall(self.text))


def place(library: Library, name: str) -> str:
    """File and id of what the library says at "p06.store.failure.crash": "claims/p06_store.toml failure.crash"."""
    if trait := library.traits.home.get(name):
        return f"traits/{trait}.toml {name}"
    part, _, rest = name.partition(".")
    if part == "p06" and rest.count("."):
        role, _, rest = rest.partition(".")
        part = f"{part}_{role}"
    return f"claims/{part}.toml {rest}"


def said(claim: Claim) -> str:
    """All templates of a claim, with a bar between them."""
    return " | ".join(filter(None, (claim.connective, claim.lead, claim.ask, claim.text)))


def bare_words(claim: Claim) -> int:
    """Words of a claim's templates, without what is put in."""
    return len(without_marks(said(claim)).replace("|", " ").split())


def library_templates(library: Library) -> Iterator[Template]:
    """Claims, frames, answers and rules of the library."""
    for name, texts in (("answer", library.claims.answers), ("rule", library.claims.rules)):
        for number, text in texts.items():
            yield Template(f"claims/p{number:02d}.toml {name}", text)
    for key, section in library.claims.sections.items():
        yield Template(place(library, f"{key}.frame"), section.frame)
        if section.rule:
            yield Template(place(library, f"{key}.rule"), section.rule)
        for claim in section.claims:
            yield Template(place(library, f"{key}.{claim.id}"), said(claim))
        for example in section.example:
            yield Template(place(library, f"{key}.example"), example.said, moments=True)


def brief_templates(name: str, brief: Brief) -> Iterator[Template]:
    """What a brief says of its own in sections."""
    for at, text in brief.own_texts.items():
        yield Template(
            f"{name} {at}" if at.endswith((".answer", ".rule")) else f"{name} {at}.frame", text
        )
    for claim in brief.claims:
        yield Template(f"{name} {claim.at}.{claim.id}", said(claim))
    for example in brief.example:
        yield Template(f"{name} {example.at}.example", example.said, moments=True)
