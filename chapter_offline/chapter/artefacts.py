"""What people expect of a design beside prose: the interface's calls, the stored records, who moves what.

Made from the brief, as plain text that stands in a fence.
"""

from collections.abc import Callable, Iterable
from textwrap import wrap

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.moves import moved
from chapter_offline.chapter.render import Page
from chapter_offline.knowledge.briefs import Call, Record
from chapter_offline.knowledge.states import COLUMN, NOWHERE, State

_INDENT = "    "
_WIDTH = 100
"""Of a line that may be broken."""


def _said(page: Page, template: str, where: str) -> str:
    """A template's text as it stands in a fence: nothing is markup there, and no backquote may end it."""
    return plain(page.must(template, f"brief: {where}")).replace("`", "'")


def calls(page: Page) -> str:
    """The calls: what each takes, gives and moves, how it fails, what a repeat does. "" without any."""
    return "\n\n".join(_call(page, call) for call in page.brief.call)


def _call(page: Page, call: Call) -> str:
    where = f"call {call.name!r}"
    lines = [f"{_said(page, call.name, where)}("]
    lines += _listed(page, call.takes, where)
    lines.append(") ->")
    lines += _listed(page, call.gives, where)
    for moves in moved(page, call.name):
        lines += wrap(f"state: {moves}", _WIDTH, subsequent_indent=_INDENT * 2)
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


def steps(page: Page) -> str:
    """The states: where each is kept, and which call or flow moves it on. "" where no brief says so."""
    if not any(move.by for state in page.brief.state for move in state.moves):
        return ""
    return "\n".join(_steps(page, state) for state in page.brief.state)


def _steps(page: Page, state: State) -> str:
    where = f"state {state.name!r}"
    ends: dict[str, dict[str, None]] = {}
    for move in state.moves:
        ends.setdefault(move.end, {}).update(dict.fromkeys(move.by))
    lines = [f'"{_said(page, state.name, where)}"{_kept(page, state)}']
    if state.begins:
        lines.append(f"{_INDENT}begins by {_cause(page, state.begins)}")
    for end, causes in ends.items():
        named = " or ".join(_cause(page, cause) for cause in causes)
        lines.append(f'{_INDENT}→ "{_said(page, end, where)}"{" by " if named else ""}{named}')
    return "\n".join(lines)


def _kept(page: Page, state: State) -> str:
    """Where a state is seen that is no value of the column for states."""
    if state.kept == COLUMN:
        return ""
    if state.kept == NOWHERE:
        return ", without a row"
    if state.kept in page.brief.roles or state.kept in page.brief.nouns:
        return f", known to the {plain(page.noun(state.kept))} alone"
    return f", seen by {_said(page, state.kept, f'state {state.name!r}: kept')}"


def _cause(page: Page, cause: str) -> str:
    """A call as it is called; a flow in quotation marks; or who does it."""
    if any(call.name == cause for call in page.brief.call):
        return _said(page, cause, f"state: {cause!r}")
    if any(flow.name == cause for flow in page.brief.flow):
        return f'"{cause}"'.replace("`", "'")  # a flow's name is no template
    return f"the {plain(page.noun(cause))}"


ARTEFACTS: dict[str, Callable[[Page], str]] = {
    "p05.data_flow": calls,
    "p07.keyed": records,
    "p08.ordering": steps,
}
"""By section."""
