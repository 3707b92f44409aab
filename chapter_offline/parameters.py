"""Kinds of values that commands take, beyond click's own."""

import re
from typing import Any

import click

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


class Memory(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """An amount of memory such as 6GB, 1.5g, 512MiB; a bare number counts bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([kmg]i?)?b?\s*", value.lower())
        if not found:
            self.fail(f"{value[:40]!r} is no amount of memory; write 6GB or 512MiB", param, ctx)
        size = int(float(found[1]) * _UNITS[found[2] or ""])
        if size < 1:
            self.fail("it must be more than 0", param, ctx)
        return size
