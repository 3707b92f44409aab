"""How many words a section takes on its page: what `str.split` finds, marks and headings included.

Counts what the plan says. What a model adds, diagrams and the appendices are not in it.
"""

from collections.abc import Iterable

from chapter_offline.knowledge.spec import Form

_TABLE_HEAD = 14
"""Of a table of figures; a row has four bars beside its cells."""
_CLAIM_TABLE_HEAD = 19


def count(*texts: str) -> int:
    """Words of these texts."""
    return sum(len(text.split()) for text in texts)


def rows_words(rows: Iterable[tuple[str, str, str]]) -> int:
    """A table of figures."""
    counts = [count(*cells) + 4 for cells in rows]
    return sum(counts) + _TABLE_HEAD if counts else 0


def entry_words(form: Form, lead: str, ask: str, text: str, labels: int, figures: bool) -> int:
    """One statement. labels: pieces that begin a line of their own. figures: whether a table stands above."""
    if form == "dialogue":
        return count(ask, text) + (3 if ask else 0)
    words = count(lead, text)
    if lead and form in {"list", "timeline"}:
        return words + 1 + labels
    if lead and form == "table" and not figures:
        return words + 3
    return words


def table_words(form: Form, leads: bool, figures: bool) -> int:
    """The head of a table whose rows are claims."""
    return _CLAIM_TABLE_HEAD if form == "table" and leads and not figures else 0


def rule_words(rule: str) -> int:
    """A section's rule, with the word before it."""
    return count(rule) + 1 if rule else 0


def idea_words(idea: str) -> int:
    """The caption of a diagram, with the two words before it."""
    return count(idea) + 2 if idea else 0


def heading_words(text: str) -> int:
    """A heading with its mark."""
    return count(text) + 1
