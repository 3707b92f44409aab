"""Which requirements a page covers, and where: of a page of ours by its plan, of any other by its headings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import THIN, Plan
from chapter_offline.knowledge.headings import Headings
from chapter_offline.knowledge.spec import Part, Spec
from chapter_offline.review.findings import Finding
from chapter_offline.review.page import Section, plain_heading

_LIKE, _LIKE_ELSEWHERE = 0.5, 0.75
"""How alike a heading and a requirement's are, inside the requirement's part and outside it."""
_EMPTY = frozenset(
    "a an the of and or is are to in for it its this that does do on with at by".split()
)
_RULE = "To carry away."


@dataclass(frozen=True)
class Covering:
    """What a page covers. covered: ids of requirements. parts: the part that each section is in, 0 for none.

    owners: the requirement that each section belongs to, "" for none; of a page without a plan.
    """

    covered: frozenset[str]
    parts: tuple[int, ...]
    findings: tuple[Finding, ...]
    owners: tuple[str, ...] = ()


# ---------------------------------------------------------------------- a page of ours


def covering_of_plan(sections: Sequence[Section], plan: Plan, parts: Sequence[int]) -> Covering:
    """What a page of ours covers, and what it lacks of these parts of its plan."""
    found = {section.path[1:]: section for section in sections}
    findings: list[Finding] = []
    missed: set[str] = set()
    for part in plan.parts:
        if part.number not in parts:
            continue
        title = plain(f"Part {part.number}: {part.title}")
        if (title,) not in found:
            findings.append(Finding(title, "the part is missing", "missing", 0, part.number))
            missed |= {_requirement(section.id) for section in part.sections}
            continue
        for section in part.sections:
            component = plain(section.component_heading)
            heading = plain(section.heading)
            path = (title, component, heading) if component else (title, heading)
            lack = _lack(found.get(path), " / ".join(path), part.number)
            if lack is not None:
                findings.append(lack)
            if lack is not None and lack.kind != "unfinished":
                missed.add(_requirement(section.id))
    wanted = {_requirement(s.id) for s in plan.sections(tuple(parts))}
    numbers = {plain(f"Part {part.number}: {part.title}"): part.number for part in plan.parts}
    places = tuple(numbers.get(s.path[1], 0) if len(s.path) > 1 else 0 for s in sections)
    return Covering(frozenset(wanted - missed), places, tuple(findings))


def _requirement(section: str) -> str:
    """The requirement that a section belongs to: "p06.failure" of "p06.store.failure"."""
    part, _, rest = section.partition(".")
    return f"{part}.{rest.rpartition('.')[2]}"


def _lack(section: Section | None, where: str, part: int) -> Finding | None:
    if section is None:
        return Finding(where, "the section is missing", "missing", 0, part)
    blocks = [block for block in section.blocks if block.label != _RULE]
    words = sum(block.words for block in blocks)
    if not words:
        return Finding(where, "the section is empty", "missing", section.line, part)
    if words < THIN:
        return Finding(where, f"{words} words, fewer than {THIN}", "thin", section.line, part)
    if not blocks[-1].ends:
        line = blocks[-1].line
        return Finding(where, "the last sentence does not end", "unfinished", line, part)
    return None


# ---------------------------------------------------------------------- anybody's page


def covering_of_headings(sections: Sequence[Section], spec: Spec, headings: Headings) -> Covering:
    """What any page covers: a requirement by a heading of its own, with 40 words under it.

    Words under headings below it count, unless they are under a requirement's own.
    """
    parts = _parts(sections, spec, headings)
    owners = _owners(sections, parts, spec, headings)
    belongs = tuple(_owner_of(sections, place, owners) for place in range(len(sections)))
    words: dict[str, int] = {}
    lines: dict[str, int] = {}
    for section, owner in zip(sections, belongs, strict=True):
        if owner:
            words[owner] = words.get(owner, 0) + section.words
            lines.setdefault(owner, section.line)
    findings = []
    begins = {number: sections[place].line for place, number in reversed(list(enumerate(parts)))}
    for part in spec.part:
        for requirement in part.requirement:
            name, where = (
                f"{part.key}.{requirement.id}",
                f"Part {part.number} / {requirement.heading}",
            )
            if name not in words:
                line = begins.get(part.number, 0)
                what = "no heading covers this requirement"
                findings.append(Finding(where, what, "missing", line, part.number))
            elif words[name] < THIN:
                what = f"{words[name]} words, fewer than {THIN}"
                findings.append(Finding(where, what, "thin", lines[name], part.number))
    places = tuple(
        int(owner[1:3]) if owner else part for owner, part in zip(belongs, parts, strict=True)
    )
    covered = frozenset(name for name, count in words.items() if count >= THIN)
    return Covering(covered, places, tuple(findings), belongs)


def _owner_of(sections: Sequence[Section], place: int, owners: Mapping[int, str]) -> str:
    """The requirement of a section: its own heading's, or that of the nearest heading above it."""
    level = sections[place].level + 1
    for at in range(place, 0, -1):
        if sections[at].level < level:
            if at in owners:
                return owners[at]
            level = sections[at].level
    return ""


def _parts(sections: Sequence[Section], spec: Spec, headings: Headings) -> list[int]:
    """The part that each section is in, by the nearest heading that names one."""
    found: list[int] = []
    named: list[tuple[int, int]] = []
    for section in sections:
        named = [(level, number) for level, number in named if level < section.level]
        if number := _part_named(section.heading, spec, headings):
            named.append((section.level, number))
        found.append(named[-1][1] if named else 0)
    return found


def _part_named(heading: str, spec: Spec, headings: Headings) -> int:
    """The part whose title a heading is, by its words and, if it has one, its number; or 0."""
    told = re.match(r"(?i)\W*part\s+(\d{1,2})\b", heading)
    words = _words(plain_heading(heading))

    def like(part: Part) -> float:
        names = (part.title, *headings.parts.get(str(part.number), ()))
        return max(_likeness(words, _words(name)) for name in names)

    best = max(spec.part, key=like)
    if told and 1 <= int(told[1]) <= len(spec.part):
        own = spec.part[int(told[1]) - 1]
        return own.number if like(own) >= 0.2 or not words else best.number
    return best.number if like(best) >= _LIKE_ELSEWHERE else 0


def _owners(
    sections: Sequence[Section], parts: Sequence[int], spec: Spec, headings: Headings
) -> dict[int, str]:
    """The requirement that each heading covers: the best pairs first, each heading and each requirement once."""
    pairs = sorted(_pairs(sections, parts, spec, headings), key=lambda pair: (-pair[0], pair[1]))
    owners: dict[int, str] = {}
    for _, place, name in pairs:
        if place not in owners and name not in owners.values():
            owners[place] = name
    return owners


def _pairs(
    sections: Sequence[Section], parts: Sequence[int], spec: Spec, headings: Headings
) -> Iterator[tuple[float, int, str]]:
    wanted = [
        (part.number, f"{part.key}.{r.id}", [_words(n) for n in (r.heading, *headings.requirements.get(f"{part.key}.{r.id}", ()))])
        for part in spec.part
        for r in part.requirement
    ]  # fmt: skip
    for place, section in enumerate(sections):
        words = _words(plain_heading(section.heading))
        below = sections[place + 1].level > section.level if place + 1 < len(sections) else False
        if not words or (below and _part_named(section.heading, spec, headings)):
            continue  # a part's own heading is a requirement's only where nothing stands below it
        for number, name, names in wanted:
            like = max(_likeness(words, other) for other in names)
            inside = number == parts[place]
            if like >= (_LIKE if inside else _LIKE_ELSEWHERE):
                yield like + (0.5 if inside else 0.0), place, name


def _words(text: str) -> frozenset[str]:
    """Words of a heading, cut so that forms of one word meet."""
    words = re.findall(r"[a-z0-9]+", text.lower().replace("’", "'").replace("'s", ""))
    return frozenset(word.removesuffix("s")[:6] for word in words if word not in _EMPTY)


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """How much of both they share; more where one is all within the other."""
    if not one or not other:
        return 0.0
    shared = len(one & other)
    even = shared / len(one | other)
    inside = shared / min(len(one), len(other))
    return max(even, 0.6 + 0.3 * even if inside == 1 and shared > 1 else 0.0)
