"""Follows a text through a grammar, character by character.

Every way of reading the text so far is kept at once (J. Earley, "An efficient context-free
parsing algorithm", 1970, with the remedy for empty rules of J. Aycock and R. N. Horspool, 2002),
so ambiguous and left-recursive grammars cost no more than their size, and nothing recurses. A
place in a text is never changed, so going back is to take an earlier one. Knows nothing of tokens.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chapter_offline.engine.grammar import LAST_CHARACTER, Characters, Grammar
from chapter_offline.errors import BadInputError

_MOST_HERE = 20_000  # readings at one place
_MOST_IN_ALL = 400_000  # and in a text, some 100 MB
_MOST_TRIED = 200_000  # at the places that are tried for one token: half a second
_SMALLEST = {2: 0x80, 3: 0x800, 4: 0x10000}  # code point, by the bytes that it takes in UTF-8


class TooManyReadingsError(Exception):
    """The text so far can be read in more ways than are kept."""


_Item = tuple[int, "Readings"]
"""A reading: the symbol that comes next, by its place in the grammar, and where its rule began."""


class Readings:
    """All readings of a text up to one place. whole: the text is complete as it is.

    size: how many there are. scans: those that wait for a character.
    """

    __slots__ = ("_awaited", "_grammar", "_total", "scans", "size", "whole")

    def __init__(self, grammar: Grammar, kernel: Iterable[_Item], before: int) -> None:
        self._grammar = grammar
        self.whole = False
        self.scans: list[tuple[Characters, _Item]] = []
        self._awaited: dict[int, list[_Item]] = {}  # by rule, the readings that wait for its end
        self.size = self._close(list(kernel))
        self._total = before + self.size

    def _close(self, todo: list[_Item]) -> int:
        """Adds what follows from the readings to do; returns how many there are in the end."""
        grammar = self._grammar
        seen: set[_Item] = set()
        while todo:
            item = todo.pop()
            if item in seen:
                continue
            seen.add(item)
            if len(seen) > _MOST_HERE:
                raise TooManyReadingsError
            place, origin = item
            symbol = grammar.symbols[place]
            if symbol is None:
                rule = grammar.owners[place]
                self.whole = self.whole or rule == 0
                if origin is not self:  # else it is empty, and those who wait have gone on
                    todo += [(at + 1, begun) for at, begun in origin._awaited.get(rule, ())]
            elif isinstance(symbol, int):
                if symbol not in self._awaited:
                    self._awaited[symbol] = []
                    todo += [(start, self) for start in grammar.starts[symbol]]
                self._awaited[symbol].append(item)
                if symbol in grammar.empty:
                    todo.append((place + 1, origin))
            else:
                self.scans.append((symbol, item))
        return len(seen)

    def after(self, code: int) -> "Readings | None":
        """The readings after one more character; None where the grammar does not allow it."""
        kernel = [(at + 1, o) for symbols, (at, o) in self.scans if symbols.meets(code, code)]
        if not kernel:
            return None
        following = Readings(self._grammar, kernel, self._total)
        if following._total > _MOST_IN_ALL:
            raise TooManyReadingsError
        return following


def start(grammar: Grammar) -> "Place":
    """The place before the first character; a BadInputError where a grammar is too large."""
    readings = Readings(grammar, (), 0)
    try:
        readings._total = readings._close([(at, readings) for at in grammar.starts[0]])
    except TooManyReadingsError:
        raise BadInputError(
            f"A grammar that may begin in more than {_MOST_HERE} ways.\nWrite a smaller one."
        ) from None
    return Place(readings)


class Known:
    """Characters that were tried for one token, and what came of it: tokens share beginnings."""

    def __init__(self) -> None:
        self._steps: dict[tuple[Readings, int], Readings | None] = {}
        self._tried = 0

    def after(self, readings: Readings, code: int) -> Readings | None:
        step = (readings, code)
        if step not in self._steps:
            self._steps[step] = following = readings.after(code)
            self._tried += 0 if following is None else following.size
            if self._tried > _MOST_TRIED:
                raise TooManyReadingsError
        return self._steps[step]


@dataclass(frozen=True, eq=False)
class Place:
    """A place in a text of bytes. tail: the first bytes of a character that is not complete."""

    readings: Readings
    tail: bytes = b""

    @property
    def whole(self) -> bool:
        """Whether the text may end here."""
        return self.readings.whole and not self.tail

    @property
    def last(self) -> bool:
        """Whether nothing can follow."""
        return not self.readings.scans

    def after(self, piece: bytes, known: Known) -> "Place | None":
        """The place after more bytes; None where the grammar, or UTF-8, does not allow them.

        A zero is never allowed: it is no text.
        """
        if b"\0" in piece:
            return None
        data = self.tail + piece
        tail = b""
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                return None
            text, tail = data[: error.start].decode(), data[error.start :]
        readings = self.readings
        for character in text:
            following = known.after(readings, ord(character))
            if following is None:
                return None
            readings = following
        if tail and not _may_follow(readings, tail):
            return None
        return Place(readings, tail)

    def first_bytes(self) -> NDArray[np.bool_]:
        """[256]: bytes that what follows may begin with; of others it is certain that not."""
        table = np.zeros(256, np.bool_)
        if self.tail:
            table[0x80:0xC0] = True
            return table
        for symbols, _ in self.readings.scans:
            for low, high in symbols.ranges:
                table[low : min(high, 0x7F) + 1] = True
                if high > 0x7F:
                    table[0xC2:0xF5] = True
        return table


def _may_follow(readings: Readings, tail: bytes) -> bool:
    """Whether a character that begins with these bytes is allowed."""
    length = 2 if tail[0] < 0xE0 else 3 if tail[0] < 0xF0 else 4
    code = tail[0] & (0xFF >> (length + 1))
    for byte in tail[1:]:
        code = code << 6 | byte & 0x3F
    missing = 6 * (length - len(tail))
    low = max(code << missing, _SMALLEST[length])
    high = min((code << missing) + (1 << missing) - 1, LAST_CHARACTER)
    return any(symbols.meets(low, high) for symbols, _ in readings.scans)
