"""What is wrong with the sentences of a page: said twice, not ended, chatter, vendors, names, figures.

Each check takes the page's passages and gives findings; none knows how the page was made.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chapter_offline.review.echoes import words_of
from chapter_offline.review.findings import Finding, Kind
from chapter_offline.review.page import Block, Fence, Section
from chapter_offline.writing.guards.chat import chat
from chapter_offline.writing.guards.stated import Stated, amounts, stated
from chapter_offline.writing.guards.subject import Guard, stems
from chapter_offline.writing.guards.world import is_known, names_in

SHORT = 6
"""Sentences of fewer words ("What do you do?") may stand in a chapter twice."""
_DANGLING = frozenset(
    "the a an and or but of to in on for with by at from as is are was which that than because so if".split()
)
_SHOWN = 90
LONGEST_DIAGRAM = 20_000
"""Characters of a diagram that is tried; ours have some 2,000 at most."""


@dataclass(frozen=True)
class Passage:
    """A block with its place. said: its sentences, each with its line.

    unchecked: the page itself says that a model said it and nobody checked.
    """

    block: Block
    section: Section
    part: int
    said: tuple[tuple[int, str], ...]
    unchecked: bool = False

    def found(self, kind: Kind, what: str, line: int = 0) -> Finding:
        """A finding in this passage."""
        where = self.section.heading or "the beginning"
        return Finding(where, what, kind, line or self.block.line, self.part)


def sentences(passages: Iterable[Passage]) -> Iterator[tuple[Passage, int, str]]:
    """All sentences, each with its passage and line; of cells, only what ends as a sentence does."""
    for passage in passages:
        for line, sentence in passage.said:
            if passage.block.where != "cell" or sentence.endswith((".", "?", "!")):
                yield passage, line, sentence


def repeated_sentences(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Sentences of six words or more that stood on the page before.

    A table of more than two columns may say a thing of several rows.
    """
    passages = list(passages)
    columns = Counter(p.block.row for p in passages if p.block.row)
    first: dict[str, int] = {}
    for passage, line, sentence in sentences(passages):
        key = " ".join(words_of(sentence))
        if key.count(" ") + 1 < SHORT or columns[passage.block.row] > 2:
            continue
        if key in first:
            what = f"said before, in line {first[key]}: {_quoted(sentence)}"
            yield passage.found("repeated", what, line)
        else:
            first[key] = line


def unfinished(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Paragraphs that do not end, and items that end where nothing can."""
    for passage in passages:
        block = passage.block
        said = block.text or block.label
        if block.where == "cell":
            continue
        if block.where == "paragraph":
            cut = bool(block.text) and not block.ends
        else:
            last = said.rstrip("*_ ").rpartition(" ")[2]
            cut = len(said.split()) > 1 and (
                last in _DANGLING or said.rstrip().endswith((",", "…"))
            )
        if cut:
            what = f"the last sentence does not end: …{said[-40:]!r}"
            yield passage.found("unfinished", what, block.line + said.count("\n"))


def chatter(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Sentences that speak to somebody, or of themselves or a prompt."""
    for passage, line, sentence in sentences(passages):
        if reason := chat(sentence, ()):
            yield passage.found("chatter", f"{reason}: {_quoted(sentence)}", line)


def vendor_mentions(passages: Iterable[Passage], vendor: Guard) -> Iterator[Finding]:
    """Blocks that name a product or a company."""
    for passage in passages:
        block = passage.block
        for line, text in ((block.line, block.label), *passage.said):
            if vendor(text, ()):
                yield passage.found("vendor", f"names a product or company: {_quoted(text)}", line)


def unknown_names(
    passages: Iterable[Passage], known: frozenset[str], common: frozenset[str], *, shaped: bool
) -> Iterator[Finding]:
    """Names that neither these words nor the field have, each once.

    shaped: only acronyms and names written as one word, and only where the page nowhere explains
    them in brackets: all that can be told of a page whose brief is not known.
    """
    all_passages = list(passages)
    explained: set[str] = set()
    if shaped:
        for passage in all_passages:
            text = passage.block.text
            explained |= {n for n in names_in(text) if f"({n})" in text or f"{n} (" in text}
    told: set[str] = set()
    for passage, line, sentence in sentences(all_passages):
        for name in names_in(sentence):
            if name in told or name in explained or is_known(name, known, common):
                continue
            if shaped and not (name.isupper() or name[1:] != name[1:].lower()):
                continue
            told.add(name)
            yield passage.found("name", f"{name} is explained nowhere: {_quoted(sentence)}", line)


def contradictions(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Figures to which the page gives two values: "LABEL is AMOUNT", or a row of a table."""
    first: dict[tuple[frozenset[str], str], tuple[int, Stated]] = {}
    for passage, line, said in _statements(list(passages)):
        key = (said.about, said.amount.kind)
        before = first.setdefault(key, (line, said))
        if not before[1].amount.agrees(said.amount):
            what = (
                f"{said.label}: {said.amount.text}, but {before[1].amount.text} in line {before[0]}"
            )
            yield passage.found("contradiction", what, line)


def against_sizing(passages: Iterable[Passage], guard: Guard) -> Iterator[Finding]:
    """Sentences that state a figure otherwise than the sizing has it."""
    for passage, line, sentence in sentences(passages):
        if guard(sentence, ()):
            yield passage.found("contradiction", f"not as in the sizing: {_quoted(sentence)}", line)


def altered_rows(
    passages: Iterable[Passage], rows: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    """Rows of tables that give a figure of the sizing another value. rows: values by label."""
    for passage, line, label, value in _rows(list(passages)):
        if label in rows and value not in rows[label]:
            what = f"{label}: {value}, but the sizing gives {' or '.join(rows[label])}"
            yield passage.found("contradiction", what, line)


def _statements(passages: Sequence[Passage]) -> Iterator[tuple[Passage, int, Stated]]:
    for passage in passages:
        if passage.block.where == "cell" or passage.unchecked:
            continue
        label = passage.block.label
        for line, sentence in passage.said:
            yield from (
                (passage, line, said)
                for said in stated(f"{label} {sentence}" if label.endswith(":") else sentence)
            )
            label = ""
    for passage, line, label, value in _rows(passages):
        found, about = amounts(value), stems(label)
        if len(found) == 1 and about:
            yield passage, line, Stated(label, about, found[0])


def _rows(passages: Sequence[Passage]) -> Iterator[tuple[Passage, int, str, str]]:
    """Rows of two cells, or of three of which the last says where the value is from: label and value."""
    by_row: dict[int, list[Passage]] = {}
    for passage in passages:
        if passage.block.where == "cell":
            by_row.setdefault(passage.block.row, []).append(passage)
    for line, cells in by_row.items():
        if 2 <= len(cells) <= 3:
            yield cells[0], line, cells[0].block.text or cells[0].block.label, cells[1].block.text


def diagram_faults(
    fences: Iterable[tuple[Section, int, Fence]], known: frozenset[str]
) -> Iterator[Finding]:
    """Diagrams that Mermaid does not draw, and fences that nothing closes. known: texts that it draws."""
    for section, part, fence in fences:
        where = section.heading
        if not fence.closed:
            yield Finding(where, "the fence is not closed", "unfinished", fence.line, part)
        untried = fence.language == "mermaid" and fence.text.strip() not in known
        if untried and (fault := mermaid_fault(fence.text)):
            what = f"the diagram does not render: {fault}"
            yield Finding(where, what, "diagram", fence.line, part)


def mermaid_fault(text: str) -> str:
    """What Mermaid says against a diagram, in a line; or ""."""
    import mermaidx

    if len(text) > LONGEST_DIAGRAM:
        return f"it has {len(text):,} characters; at most {LONGEST_DIAGRAM:,} are tried"
    try:
        mermaidx.render(text).svg()
    except RuntimeError as error:
        return (str(error).splitlines() or ["no reason given"])[0][:200]
    return ""


def _quoted(text: str) -> str:
    return f'"{text[:_SHOWN]}…"' if len(text) > _SHOWN else f'"{text}"'
