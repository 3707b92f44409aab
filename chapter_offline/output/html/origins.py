"""Who said how much: words of a chapter by origin."""

from collections import Counter

from chapter_offline.chapter.document import Chapter
from chapter_offline.chapter.length import count, rows_words
from chapter_offline.chapter.plan import SectionPlan

ORIGINS = ("library", "brief", "computed", "model")
"""Written by people for any system; for this one; worked out from its figures; by the model."""


def shares(chapter: Chapter) -> dict[str, int]:
    """Words of the parts asked for, by origin; headings and appendices left out."""
    words: Counter[str] = Counter(dict.fromkeys(ORIGINS, 0))
    pieces = chapter.pieces
    quoted = chapter.voice == "quoted"
    for part in chapter.plan.parts:
        if part.number not in chapter.parts:
            continue
        if quoted:
            words["library"] += count(part.question, part.answer, part.rule)
            if attempt := pieces.attempts.get(part.number):
                words["model"] += count(*attempt.sentences)
        for section in part.sections:
            words += _section(section, quoted)
            words["model"] += count(*pieces.free.get(section.id, ()))
            words["model"] += count(pieces.questions.get(section.id, ""))
            words["model"] += sum(count(pieces.weak.get(s.id, "")) for s in section.statements)
    words["model"] += count(*(question for question, _ in pieces.what_if))
    return {origin: words[origin] for origin in ORIGINS}


def _section(section: SectionPlan, quoted: bool) -> Counter[str]:
    words: Counter[str] = Counter()
    words["computed"] += rows_words((row.label, row.value, row.origin) for row in section.rows)
    words["computed"] += section.table.words if section.table else 0
    words["computed"] += section.example.words if section.example and quoted else 0
    words["brief"] += count(section.artefact)
    words["library"] += count(section.idea)
    if quoted:
        words["library"] += count(section.frame, section.rule)
        for said in section.statements:
            words[said.origin] += count(said.lead, said.ask, said.text)
    return words
