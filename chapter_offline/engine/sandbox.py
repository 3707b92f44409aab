"""Where a chat template, which is a stranger's code, is compiled and run.

jinja2's immutable sandbox keeps it from everything but its own strings; here it is also kept from
making them long, and from never ending. Knows nothing of conversations.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

STRING_LIMIT = 1024 * 1024
"""Characters of a text that a template may make."""

_REPEATED_LIMIT = 64 * 1024  # characters that `*` may make
_PARTS_LIMIT = 128 * 1024  # of a list, and of lists in it, that become text
_GROWING_METHODS = frozenset(
    {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "translate"}
)
_FILE = "<template>"


class _Generator(CodeGenerator):
    """Lets `~` go through the environment, which looks at how long the result gets."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for each in node.nodes:
            self.visit(each, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """The immutable sandbox, less what makes a string of any length from a short one."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})
    code_generator_class = _Generator

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" and not (numbers and abs(left) < 1000 and abs(right) < 64):
            raise SecurityError("a power too large")
        if operator == "*" and not numbers:
            sequence, times = (left, right) if hasattr(left, "__len__") else (right, left)
            if not isinstance(times, int) or len(sequence) * times > _REPEATED_LIMIT:
                raise SecurityError("a repetition too long")
        if operator == "%" and not numbers:
            raise SecurityError("formatting with %")
        if operator == "+" and hasattr(left, "__len__") and hasattr(right, "__len__"):
            _check_length(len(left) + len(right))
        return super().call_binop(context, operator, left, right)

    def joined(self, values: Iterable[Any]) -> str:
        """What `~` makes."""
        return joined("", values)

    def call(self, context: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        owner = getattr(function, "__self__", None)
        if isinstance(owner, str) and args:
            name = getattr(function, "__name__", "")
            if name == "replace" and len(args) > 1:
                return replaced(owner, *map(str, args[:3]))
            if name == "join":
                return joined(owner, args[0])
        return super().call(context, function, *args, **kwargs)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, str) and attr in _GROWING_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)


def make_environment(refuse: Callable[[str], None], now: Callable[[str], str]) -> Sandbox:
    """The sandbox with what published templates ask for. refuse: their raise_exception."""
    environment = Sandbox(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols], finalize=_written
    )
    for name in ("lipsum", "cycler", "joiner"):
        environment.globals.pop(name, None)
    for name in (
        "center", "wordwrap", "format", "xmlattr", "urlize", "filesizeformat", "pprint",
        "batch", "slice",
    ):  # fmt: skip
        environment.filters.pop(name, None)
    environment.filters["tojson"] = _tojson
    environment.filters["replace"] = replaced
    environment.filters["join"] = _join_filter
    environment.filters["string"] = text_of
    environment.filters["indent"] = _indented
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda pattern: now(pattern[:64])
    return environment


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Ends a template that computes longer, wherever it is: SecurityError at its next line.

    No single line can take long, as what it may make is bounded.
    """
    deadline = time.thread_time() + seconds
    before = sys.gettrace()

    def at_line(frame: FrameType, event: str, argument: Any) -> Any:
        if time.thread_time() > deadline:
            raise SecurityError(f"it takes longer than {seconds:g} seconds")
        return at_line

    def at_call(frame: FrameType, event: str, argument: Any) -> Any:
        return at_line(frame, event, argument) if frame.f_code.co_filename == _FILE else None

    sys.settrace(at_call)
    try:
        yield
    finally:
        sys.settrace(before)


def joined(between: str, values: Iterable[Any]) -> str:
    """Strings put together, no longer than is allowed."""
    parts, length = [], 0
    for value in values:
        parts.append(text_of(value))
        length += len(parts[-1]) + len(between)
        _check_length(length)
    return between.join(parts)


def replaced(text: Any, old: Any, new: Any, count: Any = None) -> str:
    """A string with parts of it replaced, no longer than is allowed."""
    whole, part, other = text_of(text), text_of(old), text_of(new)
    times = -1 if count is None else int(count)
    found = whole.count(part) if times < 0 else min(times, whole.count(part))
    _check_length(len(whole) + found * (len(other) - len(part)))
    return whole.replace(part, other, times)


def _join_filter(value: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    if attribute is not None:
        value = [item.get(attribute, "") if isinstance(item, dict) else "" for item in value]
    return joined(str(d), value)


def text_of(value: Any) -> str:
    """A value as text, no longer than is allowed."""
    if not isinstance(value, str):
        _check_size(value)
    return str(value)


def _written(value: Any) -> Any:
    """What stands where an expression is written."""
    _check_size(value)
    return value


def _indented(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    by = width if isinstance(width, str) else " " * min(width, 64)
    _check_length(len(s) + (s.count("\n") + 1) * len(by))
    lines = s.splitlines(keepends=True)
    return "".join(
        (by if (n or first) and (blank or line.strip()) else "") + line
        for n, line in enumerate(lines)
    )


def _tojson(value: Any, ensure_ascii: bool = False, indent: int | None = None) -> str:
    _check_size(value)
    # jinja2's own escapes for HTML, which no model was trained on.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=min(indent or 0, 8) or None)


def _check_size(value: Any) -> None:
    """Refuses what would make too long a text, however often its parts stand in one another."""
    left, size, parts = [value], 0, 0
    while left:
        each = left.pop()
        if isinstance(each, str | bytes):
            size += len(each)
        elif isinstance(each, dict):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set | frozenset):
            left += each
        parts += 1
        if size > STRING_LIMIT or parts + len(left) > _PARTS_LIMIT:
            raise SecurityError("a text too long")


def _check_length(length: int) -> None:
    if length > STRING_LIMIT:
        raise SecurityError("a text too long")
