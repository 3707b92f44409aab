"""Checks a finished chapter, ours or anybody's: what it covers, what is wrong in it, part by part.

`chapter-offline check`, the end of `chapter-offline write` and `scripts/evaluate` all use this.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import Plan
from chapter_offline.knowledge.headings import load_headings
from chapter_offline.knowledge.spec import Spec, load_spec
from chapter_offline.output.numbers import unexplained
from chapter_offline.review import faults
from chapter_offline.review.covering import (
    Covering,
    covering_of_headings,
    covering_of_plan,
)
from chapter_offline.review.echoes import words_of
from chapter_offline.review.faults import Passage
from chapter_offline.review.findings import Finding, Kind
from chapter_offline.review.measures import distinct, repeated
from chapter_offline.review.page import Fence, Section, read_page
from chapter_offline.review.source import Known, Source
from chapter_offline.writing import guards
from chapter_offline.writing.guards.vendors import names_of
from chapter_offline.writing.guards.world import known_words

_UNCHECKED = ("An attempt by ", "A weak answer (", "Check yourself")
_ASKED = "Asked by the model"
_SMALL = 10
"""A count that a model may say though no figure has it; see `guards.numbers`."""
_OF_A_STRANGER = (
    "numbers were compared with each other only, for there is no brief to compare them with",
    "names: only acronyms and names written as one word could be judged",
    "requirements are matched by their headings alone; whether a section says what it should was not judged",
)


@dataclass(frozen=True)
class Row:
    """What was found in a part. number 0: outside all parts. of: requirements that it should cover.

    words: with headings and appendices, outside fences.
    """

    number: int
    title: str
    covered: int
    of: int
    words: int
    diagrams: int
    counts: dict[Kind, int]


@dataclass(frozen=True)
class Report:
    """A checked chapter. eights: share of runs of 8 words that stood there before; fours: share of
    runs of 4 words that are new. notes: what could not be judged. unchecked: sentences that the page
    itself calls unchecked. words: of the whole page outside fences, those of all rows.
    """

    file: str
    ours: bool
    covered: int
    of: int
    words: int
    sentences: int
    eights: float
    fours: float
    diagrams: int
    unchecked: int
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def count(self, kind: Kind) -> int:
        """Findings of a kind."""
        return sum(finding.kind == kind for finding in self.findings)


@dataclass(frozen=True)
class Checker:
    """What every check needs of `prompts/`. more_vendors: a list of a user's own, or None."""

    prompts: Path
    more_vendors: Path | None = None

    @cached_property
    def _spec(self) -> Spec:
        return load_spec(self.prompts)

    @cached_property
    def _vendor(self) -> guards.Guard:
        more = names_of(self.more_vendors) if self.more_vendors else ()
        return guards.vendors((*guards.vendor_names(self.prompts), *more))

    def check(self, source: Source, drawn: frozenset[str] = frozenset()) -> Report:
        """The report on a page. drawn: texts of diagrams that Mermaid is known to draw.

        Raises BadInputError where a list in `prompts/` can't be read.
        """
        known = source.known
        sections = read_page(source.text, bold_headings=known is None)
        judged = known.judged(sections) if known else sections
        if known:
            covering = covering_of_plan(judged, known.plan, known.parts)
        else:
            covering = covering_of_headings(sections, self._spec, load_headings(self.prompts))
        everything = list(_passages(judged, covering, ours=known is not None))
        body = [p for p in everything if known is None or p.part]
        found = [*covering.findings, *self._faults(body)]
        found += (
            self._of_plan(source, known, everything) if known else self._of_stranger(everything)
        )
        fences = list(_fences(sections, covering))
        found += faults.diagram_faults(fences, drawn)
        if not source.text.strip():
            found = [Finding("the file", "it is empty", "missing", 1, 0)]
        return self._report(source, sections, covering, body, fences, _distinct(found))

    def _faults(self, body: Sequence[Passage]) -> Iterator[Finding]:
        yield from faults.repeated_sentences(body)
        yield from faults.unfinished(body)
        yield from faults.chatter(body)
        yield from faults.vendor_mentions(body, self._vendor)

    def _of_plan(
        self, source: Source, known: Known, everything: Sequence[Passage]
    ) -> Iterator[Finding]:
        """What only a page's plan can tell: names, numbers and figures that it does not have."""
        plan = known.plan
        body = [p for p in everything if p.part and not p.unchecked]
        words = known_words(plan_texts(plan))
        common = guards.common_terms(self.prompts)
        yield from faults.unknown_names(body, words, common, shaped=False)
        rows = [
            r for origin in (plan.given, plan.chosen, plan.derived, plan.simulated) for r in origin
        ]
        figures = [(plain(row.label), plain(row.value)) for row in rows]
        values: dict[str, list[str]] = {}
        for label, value in figures:
            values.setdefault(label, []).append(value)
        yield from faults.altered_rows(everything, values)
        yield from faults.against_sizing(body, guards.contradicting(figures))
        for broken in plan.violations:
            yield Finding("the brief", broken.text, "contradiction")
        places = {p.block.line: p for p in everything}
        small = 0 if known.voice == "quoted" else _SMALL
        for number in unexplained(source.text, small):
            near = places[max((line for line in places if line <= number.line), default=min(places, default=0))] if places else None  # fmt: skip
            what = f"{number.number} is no figure of the chapter's: …{number.text.strip()[:80]}…"
            yield (
                near.found("number", what, number.line)
                if near
                else Finding("the page", what, "number", number.line)
            )

    def _of_stranger(self, everything: Sequence[Passage]) -> Iterator[Finding]:
        common = guards.common_terms(self.prompts)
        yield from faults.unknown_names(everything, frozenset(), common, shaped=True)
        yield from faults.contradictions(everything)

    def _report(
        self,
        source: Source,
        sections: Sequence[Section],
        covering: Covering,
        body: Sequence[Passage],
        fences: Sequence[tuple[Section, int, Fence]],
        findings: tuple[Finding, ...],
    ) -> Report:
        known = source.known
        asked = known.parts if known else tuple(part.number for part in self._spec.part)
        rows = [
            _row(number, title, of, sections, covering, fences, findings)
            for number, title, of in (
                (0, "outside all parts", 0),
                *(
                    (part.number, part.title, len(part.requirement))
                    for part in self._spec.part
                    if part.number in asked
                ),
            )
        ]
        said = [sentence for _, _, sentence in faults.sentences(body)]
        words = [word for sentence in said for word in words_of(sentence)]
        unchecked = sum(p.unchecked for p, _, _ in faults.sentences(body))
        return Report(
            file=str(source.path),
            ours=known is not None,
            covered=len(covering.covered),
            of=sum(row.of for row in rows),
            words=sum(_words(section) for section in sections),
            sentences=len(said),
            eights=repeated(words, 8),
            fours=distinct(words, 4),
            diagrams=sum(row.diagrams for row in rows),
            unchecked=unchecked,
            rows=tuple(row for row in rows if row.number or row.words or any(row.counts.values())),
            findings=findings,
            notes=(
                *source.notes,
                *(known.unjudged if known else ()),
                *(() if known else _OF_A_STRANGER),
            ),
        )


def _row(
    number: int,
    title: str,
    of: int,
    sections: Sequence[Section],
    covering: Covering,
    fences: Sequence[tuple[Section, int, Fence]],
    findings: Sequence[Finding],
) -> Row:
    counts: dict[Kind, int] = {}
    for finding in findings:
        if finding.part == number:
            counts[finding.kind] = counts.get(finding.kind, 0) + 1
    return Row(
        number,
        title,
        sum(name.startswith(f"p{number:02d}.") for name in covering.covered),
        of,
        sum(_words(s) for s, part in zip(sections, covering.parts, strict=True) if part == number),
        sum(fence.language == "mermaid" and part == number for _, part, fence in fences),
        counts,
    )


def _words(section: Section) -> int:
    return len(section.heading.split()) + section.words


def _distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """In the page's order; what has no line comes first.

    A section's end is looked at by the plan, and once more as a paragraph's: it counts once.
    """
    ends: set[int] = set()
    kept = []
    for finding in findings:
        if finding.kind == "unfinished" and finding.line in ends:
            continue
        if finding.kind == "unfinished":
            ends.add(finding.line)
        kept.append(finding)
    return tuple(sorted(kept, key=lambda finding: (finding.line, finding.part)))


def _passages(sections: Sequence[Section], covering: Covering, *, ours: bool) -> Iterator[Passage]:
    for section, part in zip(sections, covering.parts, strict=True):
        asked = False
        for block in section.blocks:
            asked = block.text.startswith(_ASKED) or (asked and block.where == "item")
            marked = ours and (asked or block.label.startswith(_UNCHECKED))
            yield Passage(block, section, part, tuple(block.sentences()), marked)


def _fences(
    sections: Sequence[Section], covering: Covering
) -> Iterator[tuple[Section, int, Fence]]:
    for section, part in zip(sections, covering.parts, strict=True):
        yield from ((section, part, fence) for fence in section.fences)


def plan_texts(plan: Plan) -> Iterator[str]:
    """All texts of a plan, without Markdown: what its chapter's world is closed to."""
    yield plain(f"{plan.title} {plan.summary}")
    yield plan.brief.model_dump_json()
    for row in (*plan.given, *plan.chosen, *plan.derived, *plan.simulated):
        yield plain(f"{row.label} {row.value} {row.origin}")
    for term, definition in plan.terms:
        yield plain(f"{term} {definition}")
    for part in plan.parts:
        yield plain(f"{part.title} {part.question} {part.answer} {part.rule}")
        for section in part.sections:
            yield plain(f"{section.heading} {section.frame} {section.idea} {section.rule}")
            yield plain(" ".join(f"{s.lead} {s.ask} {s.text}" for s in section.statements))
            tables = [section.table] if section.table else []
            if section.example:
                yield plain(f"{section.example.heading} {section.example.so}")
                tables.append(section.example.table)
            for table in tables:
                yield plain(" ".join([*table.head, *(cell for row in table.rows for cell in row)]))
