"""Grammars in GBNF, llama.cpp's notation, read into a table of rules.

Read here and not by llama.cpp, which prints errors to the terminal, overflows its stack on deep
nesting, and can't be interrupted while an ambiguous grammar fills the memory. What a grammar may
be is bounded. Knows nothing of tokens; `readings` follows a text through the table.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chapter_offline.errors import BadInputError

ROOT = "root"
LAST_CHARACTER = 0x10FFFF

_MOST_TEXT = 256 * 1024  # characters
_MOST_SYMBOLS = 20_000  # with repetitions written out
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_COUNT = re.compile(r"\{\s*(\d{1,6})\s*(,)?\s*(\d{1,6})?\s*\}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "[": "[", "]": "]"}
_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True)
class Characters:
    """A set of characters, as ranges of code points, ends included, in order."""

    ranges: tuple[tuple[int, int], ...]

    def meets(self, low: int, high: int) -> bool:
        """Whether one of the code points from `low` to `high` is in the set."""
        return any(first <= high and low <= last for first, last in self.ranges)


Symbol = int | Characters
"""What a rule is made of: another rule, by its number, or one character of a set."""


@dataclass(frozen=True)
class Grammar:
    """Rules by number; 0 is the whole text, which is what `root` says.

    symbols: the symbols of all alternatives, one after another, each alternative closed by None.
    starts: by rule, where its alternatives begin in `symbols`. owners: by place in `symbols`, the
    rule. empty: rules that may stand for no text at all.
    """

    symbols: tuple[Symbol | None, ...]
    starts: tuple[tuple[int, ...], ...]
    owners: tuple[int, ...]
    empty: frozenset[int]


@functools.lru_cache(maxsize=64)
def read_grammar(text: str) -> Grammar:
    """The grammar that a text in GBNF defines; a BadInputError says what is wrong with it."""
    return _Reader(text).read()


_Alternatives = list[tuple[Symbol, ...]]


@dataclass
class _Open:
    """A rule or group being read. last: where the item begins that a repetition would repeat."""

    rule: int
    alternatives: _Alternatives
    symbols: list[Symbol]
    last: int | None = None


class _Reader:
    """Reads one grammar. Groups and repetitions become rules without a name."""

    def __init__(self, text: str) -> None:
        if len(text) > _MOST_TEXT:
            raise BadInputError(
                f"A grammar of {len(text)} characters, more than {_MOST_TEXT}.\nWrite a smaller one."
            )
        self._text = text
        self._place = 0
        self._size = 0
        self._rules: list[_Alternatives | None] = [None]
        self._names: dict[str, int] = {}

    def read(self) -> Grammar:
        self._skip(lines=True)
        while self._place < len(self._text):
            self._rule()
            self._skip(lines=True)
        if ROOT not in self._names:
            raise self._bad(f"no rule has the name {ROOT}", "")
        self._rules[0] = [(self._names[ROOT],)]
        for name, number in self._names.items():
            if self._rules[number] is None:
                raise self._bad(f"the rule {name} is used and not defined", "")
        return self._table()

    def _table(self) -> Grammar:
        rules = [alternatives or [] for alternatives in self._rules]
        finite = _derivable(rules, lambda symbol: bool(symbol.ranges))
        endless = [name for name, number in self._names.items() if number not in finite]
        if endless:
            raise self._bad(f"the rule {endless[0]} never comes to an end", "")
        symbols: list[Symbol | None] = []
        owners: list[int] = []
        starts = []
        for number, alternatives in enumerate(rules):
            begins = []
            for alternative in alternatives:
                begins.append(len(symbols))
                symbols += [*alternative, None]
                owners += [number] * (len(alternative) + 1)
            starts.append(tuple(begins))
        empty = _derivable(rules, lambda symbol: False)
        return Grammar(tuple(symbols), tuple(starts), tuple(owners), frozenset(empty))

    def _rule(self) -> None:
        """Reads `name ::= alternatives`, up to the end of its line."""
        name = self._name()
        number = self._number(name)
        if self._rules[number] is not None:
            raise self._bad(f"the rule {name} is defined twice")
        self._skip(lines=False)
        if not self._text.startswith("::=", self._place):
            raise self._bad("“::=” is missing")
        self._place += 3
        self._skip(lines=True)
        open_ = [_Open(number, [], [])]
        while not self._item(open_):
            pass

    def _item(self, open_: list[_Open]) -> bool:
        """Reads one item of a rule; whether the rule is at its end. open_: the innermost last."""
        self._skip(lines=len(open_) > 1)
        inner = open_[-1]
        sign = self._text[self._place : self._place + 1]
        if sign in "\r\n":  # or the text's end
            if len(open_) > 1:
                raise self._bad("“)” is missing")
            self._close(inner)
            return True
        if sign in "*+?{":
            self._repeat(inner)
        elif sign == '"':
            self._place += 1
            self._begin(inner)
            while not self._take('"'):
                code = self._character()
                self._add(inner, Characters(((code, code),)))
        elif sign in "[.":
            self._begin(inner)
            self._add(inner, self._class())
        elif sign == "(":
            self._place += 1
            open_.append(_Open(self._new(), [], []))
        elif sign == ")":
            if len(open_) == 1:
                raise self._bad("“)” without “(”")
            self._place += 1
            self._close(open_.pop())
            self._begin(open_[-1])
            self._add(open_[-1], inner.rule)
        elif sign == "|":
            self._place += 1
            inner.alternatives.append(tuple(inner.symbols))
            inner.symbols, inner.last = [], None
            self._skip(lines=True)
        else:
            self._begin(inner)
            self._add(inner, self._number(self._name()))
        return False

    def _begin(self, inner: _Open) -> None:
        inner.last = len(inner.symbols)

    def _add(self, inner: _Open, symbol: Symbol) -> None:
        self._grow(1)
        inner.symbols.append(symbol)

    def _close(self, inner: _Open) -> None:
        self._rules[inner.rule] = [*inner.alternatives, tuple(inner.symbols)]

    def _repeat(self, inner: _Open) -> None:
        """Reads *, +, ? or {m,n} after an item, and writes the repetition out."""
        sign = self._text[self._place]
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign, (0, 0))
        length = 1
        if sign == "{":
            match = _COUNT.match(self._text, self._place)
            if match is None:
                raise self._bad("a repetition is {n}, {n,} or {m,n}")
            least = int(match[1])
            most = int(match[3]) if match[3] else None if match[2] else least
            length = len(match[0])
            if (match[3] and not match[2]) or (most is not None and most < least):
                raise self._bad("a repetition is {n}, {n,} or {m,n}")
        if inner.last is None:
            raise self._bad(f"nothing before “{sign}” to repeat")
        self._place += length
        item = inner.symbols[inner.last :]
        del inner.symbols[inner.last :]
        if not item:
            return
        self._grow(least + 2 * ((most or least) - least) + len(item) + 2)
        one = item[0]
        if len(item) > 1:
            one = self._new([tuple(item)])
        inner.symbols += [one] * least
        if most is None:
            # The rule stands first in its own alternative: a text is followed in fewer steps.
            more = self._new()
            self._rules[more] = [(more, one), ()]
            inner.symbols.append(more)
        elif most > least:
            more = self._new([(one,), ()])
            for _ in range(most - least - 1):
                more = self._new([(one, more), ()])
            inner.symbols.append(more)

    def _grow(self, count: int) -> None:
        self._size += count
        if self._size > _MOST_SYMBOLS:
            raise self._bad(f"it has more than {_MOST_SYMBOLS} symbols, repetitions written out")

    def _new(self, alternatives: _Alternatives | None = None) -> int:
        self._grow(1)
        self._rules.append(alternatives)
        return len(self._rules) - 1

    def _number(self, name: str) -> int:
        if name not in self._names:
            self._names[name] = self._new()
        return self._names[name]

    def _name(self) -> str:
        match = _NAME.match(self._text, self._place)
        if match is None:
            found = self._text[self._place : self._place + 1]
            raise self._bad(f"a rule's name was expected, not “{found}”")
        self._place = match.end()
        return match[0]

    def _class(self) -> Characters:
        """Reads “.” or “[...]”."""
        if self._take("."):
            return Characters(((0, LAST_CHARACTER),))
        self._place += 1
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        while not self._take("]"):
            first = last = self._character()
            if self._text[self._place : self._place + 2] != "-]" and self._take("-"):
                last = self._character()
            if last < first:
                raise self._bad("a range of characters that runs backwards")
            ranges.append((first, last))
        if not ranges:
            raise self._bad("a class without characters")
        return Characters(_apart(ranges, negated))

    def _character(self) -> int:
        """Reads one character of a literal or class, as a code point."""
        sign = self._text[self._place : self._place + 1]
        if sign in "\r\n":  # or the text's end
            raise self._bad("a literal or class that is not closed")
        self._place += 1
        if sign != "\\":
            return ord(sign)
        kind = self._text[self._place : self._place + 1]
        self._place += 1
        if kind in _ESCAPES:
            return ord(_ESCAPES[kind])
        digits = self._text[self._place : self._place + _HEX_ESCAPES.get(kind, 0)]
        if not re.fullmatch(r"[0-9A-Fa-f]+", digits) or len(digits) != _HEX_ESCAPES[kind]:
            raise self._bad(f"an unknown escape “\\{kind}{digits}”")
        self._place += len(digits)
        if int(digits, 16) > LAST_CHARACTER:
            raise self._bad(f"“\\{kind}{digits}” is no character")
        return int(digits, 16)

    def _take(self, sign: str) -> bool:
        taken = self._text.startswith(sign, self._place)
        self._place += taken
        return taken

    def _skip(self, lines: bool) -> None:
        """Skips blanks and comments; ends of lines as well if `lines`."""
        blank = re.compile(r"(?:[ \t]|#[^\r\n]*|[\r\n])*" if lines else r"(?:[ \t]|#[^\r\n]*)*")
        match = blank.match(self._text, self._place)
        assert match is not None
        self._place = match.end()

    def _bad(self, reason: str, where: str | None = None) -> BadInputError:
        if where is None:
            before = self._text[: self._place]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            where = f"line {line}, column {column}: "
        return BadInputError(f"A grammar that can't be used: {where}{reason}.\nMend the grammar.")


def _apart(ranges: Sequence[tuple[int, int]], negated: bool) -> tuple[tuple[int, int], ...]:
    """The ranges in order and joined where they touch; or, negated, what lies between them."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    if not negated:
        return tuple(joined)
    edges = [-1, *(edge for pair in joined for edge in pair), LAST_CHARACTER + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((low + 1, high - 1) for low, high in gaps if low + 1 <= high - 1)


def _derivable(rules: Sequence[_Alternatives], given: Callable[[Characters], bool]) -> set[int]:
    """Rules with an alternative that holds only such rules and characters that are given."""
    users: dict[int, list[tuple[int, int]]] = defaultdict(list)
    missing: list[list[int]] = []
    todo: list[int] = []
    for number, alternatives in enumerate(rules):
        missing.append([])
        for which, alternative in enumerate(alternatives):
            lacks = 0
            for symbol in alternative:
                if isinstance(symbol, int):
                    users[symbol].append((number, which))
                    lacks += 1
                elif not given(symbol):
                    lacks += len(alternative) + 1  # for good
            missing[-1].append(lacks)
            if not lacks:
                todo.append(number)
    found: set[int] = set()
    while todo:
        number = todo.pop()
        if number in found:
            continue
        found.add(number)
        for user, which in users[number]:
            missing[user][which] -= 1
            if not missing[user][which]:
                todo.append(user)
    return found
