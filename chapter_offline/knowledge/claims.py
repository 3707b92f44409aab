"""Claims: what an expert knows, as short templates with the conditions under which they hold."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from chapter_offline.errors import BadInputError
from chapter_offline.knowledge.files import Shape, read_toml, shaped

Each = Literal[
    "component",
    "flow",
    "read_flow",
    "write_flow",
    "admin_flow",
    "main_read_flow",
    "main_write_flow",
    "alternative",
    "phase",
]


class Claim(Shape):
    """One assertion. `text`, `lead` and `ask` are templates over the brief.

    needs: roles, traits, decisions; "!" before one means that it must not hold.
    when: a comparison of figures. join: goes on in the paragraph before. weight: 1 to 9.
    after: the id of the claim of this section that it belongs behind. connective: how it begins if
    that claim, or without `after` the one written before it, does stand before it.
    for: repeated for each of the brief's components, flows, alternatives or phases.
    """

    id: str
    text: str
    lead: str = ""
    ask: str = ""
    needs: tuple[str, ...] = ()
    when: str = ""
    join: bool = False
    after: str = ""
    connective: str = ""
    weight: int = Field(default=5, ge=1, le=9)
    each: Each | None = Field(default=None, alias="for")


class Example(Shape):
    """Something reckoned or gone through once, as a small table. All texts are templates.

    title: a noun phrase or a short clause. so: what a reader should see in it. needs, when: as of a
    claim.
    """

    title: str
    head: tuple[str, ...] = Field(min_length=2, max_length=5)
    rows: tuple[tuple[str, ...], ...] = Field(min_length=2, max_length=8)
    so: str
    needs: tuple[str, ...] = ()
    when: str = ""

    @model_validator(mode="after")
    def _cells(self) -> "Example":
        if any(len(row) != len(self.head) for row in self.rows):
            raise ValueError(f"a row has {len(self.head)} cells, as many as the head")
        return self

    @property
    def said(self) -> str:
        """All templates of it, with a bar between them."""
        cells = (cell for row in (self.head, *self.rows) for cell in row)
        return " | ".join(filter(None, (self.title, *cells, self.so)))


class SectionText(Shape):
    """What is known, of any system, for one section. `table`: figures in the order of their rows.

    rule: what a reader carries to another system. example: variants, the first that holds is shown.
    """

    frame: str = ""
    rule: str = ""
    table: tuple[str, ...] = ()
    example: tuple[Example, ...] = ()
    claims: tuple[Claim, ...] = ()


class Claims(Shape):
    """All universal claims. Keys of `sections`: "p08.clocks"; in Part 6 "p06.store.failure".

    By part, answers: the short answer to its question; rules: what a reader carries away from it.
    """

    answers: dict[int, str]
    rules: dict[int, str]
    sections: dict[str, SectionText]


def load_claims(prompts: Path) -> Claims:
    """Reads `claims/p01.toml` ... and `claims/p06_ROLE.toml`. Raises BadInputError."""
    of_parts: dict[str, dict[int, str]] = {"answer": {}, "rule": {}}
    sections: dict[str, SectionText] = {}
    for path in sorted((prompts / "claims").glob("p[0-9][0-9]*.toml")):
        tables = read_toml(path)
        part, _, role = path.stem.partition("_")
        for name, texts in of_parts.items():
            text = tables.pop(name, None)
            if isinstance(text, str):
                texts[int(part[1:])] = " ".join(text.split())
        for name, table in tables.items():
            key = f"{part}.{role}.{name}" if role else f"{part}.{name}"
            section = shaped(SectionText, table, f"{path.name}: {name}")
            check_section(section, f"{path.name}: {name}")
            sections[key] = section
    return Claims(answers=of_parts["answer"], rules=of_parts["rule"], sections=sections)


def check_section(section: SectionText, where: str) -> None:
    """Raises BadInputError for two claims of one id, and for an anchor that isn't there."""
    ids = [claim.id for claim in section.claims]
    if twice := {claim for claim in ids if ids.count(claim) > 1}:
        raise BadInputError(f"{where}: claim {min(twice)!r} stands there twice")
    if lost := {claim.after for claim in section.claims} - {*ids, ""}:
        raise BadInputError(f"{where}: after {min(lost)!r}: no such claim")
