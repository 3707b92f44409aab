"""What an attempt passes over: of the statements that share fewest words with it, those that it makes no likelier."""

from collections.abc import Iterator, Mapping

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.plan import PartPlan, SectionPlan, Statement
from chapter_offline.engine.interface import ScoreJob
from chapter_offline.writing.asking import Asking
from chapter_offline.writing.guards.subject import stems

NAMED = 2
"""Sections that are named after an attempt, at most."""
RAISED = 0.1
"""Nats a token by which an attempt raises a statement's log-probability if it says something of it."""

_CANDIDATES = 4
_KEY_WORDS = 20
_SCORED_WORDS = 15


def key_statement(section: SectionPlan) -> Statement | None:
    """The statement that a section is asked about: its first of some length."""
    long = [s for s in section.statements if len(s.text.split()) >= _KEY_WORDS]
    return long[0] if long else None


def scored(statement: Statement) -> str:
    """As much of a statement as its likelihood is taken of."""
    return " ".join(plain(statement.text).split()[:_SCORED_WORDS])


class Missed:
    """Asks what the attempts of one chapter pass over."""

    def __init__(self, asking: Asking, system: str) -> None:
        self._asking, self._system = asking, system

    def jobs(self, part: PartPlan, attempt: str) -> Iterator[ScoreJob]:
        """Scores of statements with the attempt and without. Keys: "missed|SECTION", "before missed|SECTION"."""
        values = {"system": self._system, "question": plain(part.question)}
        with_it = self._asking.messages("missed", values | {"attempt": attempt})
        without = self._asking.messages("missed", values | {"attempt": ""})
        for section, statement in _candidates(part, attempt):
            text = scored(statement)
            yield ScoreJob(f"before missed|{section.id}", without, text)
            yield ScoreJob(f"missed|{section.id}", with_it, text)

    def named(self, part: PartPlan, attempt: str, scores: Mapping[str, float]) -> tuple[str, ...]:
        """Ids of the sections that the attempt raises least, in the part's order."""
        raised = {
            section.id: scores[f"missed|{section.id}"] - scores[f"before missed|{section.id}"]
            for section, _ in _candidates(part, attempt)
        }
        least = sorted((name for name, by in raised.items() if by < RAISED), key=raised.__getitem__)
        return tuple(name for name in raised if name in least[:NAMED])


def _candidates(part: PartPlan, attempt: str) -> list[tuple[SectionPlan, Statement]]:
    """The sections whose statement shares the fewest words of substance with the attempt, in order."""
    said = stems(attempt)
    known = [(section, key_statement(section)) for section in part.sections]
    about = [(section, statement) for section, statement in known if statement]
    shared = sorted(about, key=lambda each: len(said & stems(each[1].text)))[:_CANDIDATES]
    chosen = {section.id for section, _ in shared}
    return [each for each in about if each[0].id in chosen]
