"""A page cut at its headings: the text of one section, and where two pages begin to differ."""

import re
from collections.abc import Iterator
from itertools import zip_longest

from chapter_offline.chapter.plan import Plan
from chapter_offline.errors import UsageError
from chapter_offline.output.markdown import COUNTED, PINNED

_HEADING = re.compile(r"(#{1,4}) (.+)")
_RULE = "**To carry away.**"
_COUNTED = re.compile(rf"^{re.escape(COUNTED)}.*$", re.MULTILINE)

Path = tuple[str, ...]
"""Headings from the page's title down."""


def cut(page: str) -> Iterator[tuple[Path, str]]:
    """Every heading's path with the text under it, up to the next heading."""
    path: list[str] = []
    lines: list[str] = []
    fenced = False
    for line in page.split("\n"):
        heading = None if fenced else _HEADING.fullmatch(line)
        fenced ^= line.startswith("```")
        if heading is None:
            lines.append(line)
            continue
        if path:
            yield tuple(path), "\n".join(lines).strip("\n")
        lines = []
        del path[len(heading[1]) - 1 :]
        path.append(heading[2])
    yield tuple(path), "\n".join(lines).strip("\n")


def own_text(page: str, plan: Plan, section: str) -> str:
    """A section's text as it stands on a page, without its heading and the rule of its part.

    Raises UsageError where the plan or the page doesn't have it.
    """
    found = next((each for each in plan.sections() if each.id == section), None)
    if found is None:
        raise UsageError(f"{section}: the chapter has no such section")
    part = f"Part {found.part}: {plan.parts[found.part - 1].title}"
    component = found.component_heading
    below = (part, component, found.heading) if component else (part, found.heading)
    for path, text in cut(page):
        if path[1:] == below:
            return text.partition(f"\n{_RULE}")[0].removeprefix(PINNED).strip("\n")
    raise UsageError(f"{section}: the page has no section “{found.heading}” in its place any more")


def first_difference(one: str, other: str) -> str:
    """The headings under which two pages first differ; "" where they are the same.

    What a page counts of its own words, at its beginning, differs with any section, and is no place.
    """
    if one == other:
        return ""
    bare = [_COUNTED.sub("", page, count=1) for page in (one, other)]
    if bare[0] != bare[1]:
        one, other = bare
    for a, b in zip_longest(cut(one), cut(other)):
        if a != b:
            path, _ = a or b or ((), "")
            return " / ".join(path[1:] or path)
    return "the end"
