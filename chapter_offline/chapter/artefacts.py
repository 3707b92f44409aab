"""What people expect of a design beside prose: the interface's calls and the stored records.

Made from the brief, as plain text that stands in a fence.
"""

from collections.abc import Callable, Iterable

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.render import Page
from chapter_offline.knowledge.briefs import Call, Record

_INDENT = "    "


def _said(page: Page, template: str, where: str) -> str:
    """A template's text as it stands in a fence: nothing is markup there, and no backquote may end it."""
    return plain(page.must(template, f"brief: {where}")).replace("`", "'")


def calls(page: Page) -> str:
    """The calls: what each takes and gives, how it fails, what a repeat does. "" without any."""
    return "\n\n".join(_call(page, call) for call in page.brief.call)


def _call(page: Page, call: Call) -> str:
    where = f"call {call.name!r}"
    lines = [f"{_said(page, call.name, where)}("]
    lines += _listed(page, call.takes, where)
    lines.append(") ->")
    lines += _listed(page, call.gives, where)
    lines += [f"fails: {_said(page, each, where)}" for each in call.fails]
    lines.append(f"again: {_said(page, call.repeat, where)}")
    return "\n".join(lines)


def _listed(page: Page, entries: Iterable[str], where: str) -> list[str]:
    return [_INDENT + _said(page, each, where) for each in entries]


def records(page: Page) -> str:
    """The stored records: columns with types, key, partition and indexes. "" without any."""
    return "\n\n".join(_record(page, record) for record in page.brief.record)


def _record(page: Page, record: Record) -> str:
    where = f"record {record.name!r}"
    names = [_said(page, name, where) for name, _, _ in record.columns]
    types = [_said(page, kind, where) for _, kind, _ in record.columns]
    wide, wider = max(map(len, names)), max(map(len, types))
    lines = [_said(page, record.name, where)]
    for name, kind, (_, _, note) in zip(names, types, record.columns, strict=True):
        lines.append(f"{_INDENT}{name:<{wide}}  {kind:<{wider}}  {_said(page, note, where)}")
    key = [_said(page, name, where) for name in record.key]
    lines.append(
        f"{_INDENT}key: {', '.join(key)}; partitioned by {', '.join(key[: record.partition])}"
    )
    lines += [f"{_INDENT}index: {_said(page, index, where)}" for index in record.indexes]
    return "\n".join(lines)


ARTEFACTS: dict[str, Callable[[Page], str]] = {"p05.data_flow": calls, "p07.keyed": records}
"""By section."""
