"""What a check finds, and how its place is written."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "missing",
    "thin",
    "unfinished",
    "repeated",
    "vendor",
    "chatter",
    "name",
    "number",
    "contradiction",
    "diagram",
    "",
]


@dataclass(frozen=True)
class Finding:
    """Something that is missing or wrong. where: its file or its headings.

    line: of the page, from 1; 0 where it has none. part: of the spec; 0 outside all parts.
    """

    where: str
    what: str
    kind: Kind = ""
    line: int = 0
    part: int = 0
