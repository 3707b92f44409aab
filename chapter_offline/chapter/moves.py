"""What a brief's table of states says of its calls and flows."""

from chapter_offline.chapter.escape import plain
from chapter_offline.chapter.render import Page
from chapter_offline.knowledge.briefs import Brief

NEW = "new"
"""In place of the state before, for a row that there wasn't."""


def moves_of(brief: Brief, cause: str) -> dict[str, list[str]]:
    """What a call or flow does to the main entity: the states before, by the state after."""
    found: dict[str, list[str]] = {}
    for state in brief.state:
        if state.begins == cause:
            found.setdefault(state.name, []).append(NEW)
    for state in brief.state:
        for move in state.moves:
            if cause in move.by and state.name not in found.get(move.end, ()):
                found.setdefault(move.end, []).append(state.name)
    return found


def moved(page: Page, cause: str) -> list[str]:
    """The same as plain text, a line for each state after: 'from "held" or "in force" to "cancelled"'."""

    def said(name: str) -> str:
        return '"' + plain(page.must(name, f"state {name!r}")).replace("`", "'") + '"'

    def told(before: list[str], after: str) -> str:
        known = [said(name) for name in before if name != NEW]
        ways = ["a new row"] * (NEW in before) + [f"from {' or '.join(known)}"] * bool(known)
        return f"{' or '.join(ways)} to {said(after)}" if known else f"a new row, {said(after)}"

    return [told(before, after) for after, before in moves_of(page.brief, cause).items()]
