"""Checks a finished chapter as a reader's program sees it: by parsing its Markdown.

Knows the spec, and nothing of how the page was made.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chapter_offline.chapter.plan import THIN, Plan

_RULE = "**To carry away.**"
"""How a part's rule begins: it stands under the last section and is no part of it."""


@dataclass(frozen=True)
class Found:
    """A section as it stands on the page. path: its headings from the part down."""

    path: tuple[str, ...]
    words: int
    ends: bool


@dataclass(frozen=True)
class Finding:
    """Something that is missing or wrong. where: its headings."""

    where: str
    what: str


def read_sections(page: str) -> list[Found]:
    """The sections of a page: every heading with the words of prose under it.

    ends: whether its last paragraph ends a sentence. Words of code fences don't count, nor does the
    rule of the part.
    """
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    found: list[Found] = []
    path: list[str] = []
    words, last = 0, ""
    heading = False

    def close() -> None:
        if path:
            found.append(
                Found(tuple(path), words, last.rstrip('"”*_)').endswith((".", "?", "!", ":")))
            )

    for token in tokens:
        if token.type == "heading_open":
            close()
            words, last = 0, ""
            del path[int(token.tag[1]) - 1 :]
            heading = True
        elif token.type == "inline" and heading:
            path.append(token.content)
            heading = False
        elif token.type == "inline" and not token.content.startswith(_RULE):
            words += len(token.content.split())
            last = token.content
    close()
    return found


def check(
    page: str, plan: Plan, parts: Iterable[int], *, thin_is_wrong: bool = True
) -> list[Finding]:
    """What a page lacks of these parts: a heading, words, or the end of its last sentence."""
    found = {section.path[1:]: section for section in read_sections(page)}
    return list(_check(found, plan, tuple(parts), thin_is_wrong))


def _check(
    found: dict[tuple[str, ...], Found], plan: Plan, parts: tuple[int, ...], thin_is_wrong: bool
) -> Iterator[Finding]:
    for part in plan.parts:
        if part.number not in parts:
            continue
        title = f"Part {part.number}: {part.title}"
        if (title,) not in found:
            yield Finding(title, "the part is missing")
            continue
        for section in part.sections:
            component = section.component[:1].upper() + section.component[1:]
            path = (title, component, section.heading) if component else (title, section.heading)
            where = " / ".join(path)
            if path not in found:
                yield Finding(where, "the section is missing")
            elif not found[path].words:
                yield Finding(where, "the section is empty")
            elif thin_is_wrong and found[path].words < THIN:
                yield Finding(where, f"{found[path].words} words, fewer than {THIN}")
            elif found[path].words and not found[path].ends:
                yield Finding(where, "the last sentence does not end")
