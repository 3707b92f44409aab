"""The states of a system's main entity: one table behind calls, schema, diagram and flows."""

from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints

from chapter_offline.knowledge.files import Shape

COLUMN = "state"
"""The column of a record whose value is the state, where a state doesn't say otherwise."""
NOWHERE = "none"
"""In place of a column where no row is kept."""


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("a name stands on one line, without control characters")
    return text


Word = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(_one_line)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=1200)]


class Move(NamedTuple):
    """A step from one state to another. what: its occasion. by: the calls and flows that make it."""

    end: str
    what: str
    by: tuple[str, ...]


class State(Shape):
    """A state of the main entity. Texts are templates.

    goes: (next state, what takes it there, and the calls and flows that do it, by their names, or who
    does it without one: "client", "store"). begins: the call or flow that makes a row in this state.
    kept: the column that tells it, if not `state`; or who keeps it where no row does, or "none".
    """

    name: Word
    begins: Word | None = None
    kept: Word = COLUMN
    goes: tuple[Annotated[tuple[Sentence, ...], Field(min_length=2, max_length=5)], ...] = Field(
        max_length=5
    )

    @property
    def moves(self) -> tuple[Move, ...]:
        """Where it goes, as what is what."""
        return tuple(Move(end, what, tuple(by)) for end, what, *by in self.goes)


def wrong_states(states: Iterable[State], causes: Iterable[str]) -> str:
    """What is wrong with a table of states, or "". causes: names of the calls, flows and roles that there are."""
    states, causes = list(states), frozenset(causes)
    names = {state.name for state in states}
    if len(names) < len(states):
        return "two states have one name"
    if lost := {move.end for state in states for move in state.moves} - names:
        return f"state: {min(lost)!r} is gone to and is no state"
    named = {state.begins for state in states if state.begins}
    named |= {by for state in states for move in state.moves for by in move.by}
    if lost := named - causes:
        return f"state: {min(lost)!r} makes a step and is no call, flow or role"
    return ""
