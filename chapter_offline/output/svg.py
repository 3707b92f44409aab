"""Renders a chapter's diagrams: what does not render is not kept, what was rendered once is."""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from chapter_offline.chapter.plan import Plan
from chapter_offline.errors import ChapterOfflineError, IncompleteError
from chapter_offline.output.folder import write_whole

_SETTINGS = {"htmlLabels": False, "flowchart": {"htmlLabels": False}}
"""Labels are SVG's own text: HTML within SVG is not drawn by most readers of books."""
_TWICE_ESCAPED = re.compile(r"&amp;#(\d{2,7});")
"""A character of a label that Mermaid escapes in text although it is escaped already."""


def render_diagrams(
    plan: Plan, parts: tuple[int, ...], cache: Path | None = None
) -> Mapping[str, str]:
    """SVG text by section id, of the sections that have a diagram.

    cache: a folder where drawings are kept by their content. Raises IncompleteError that names the
    section and what Mermaid says of it.
    """
    rendered: dict[str, str] = {}
    for section in plan.sections(parts):
        if not section.diagram:
            continue
        try:
            rendered[section.id] = _kept(section.diagram, cache)
        except RuntimeError as error:
            raise IncompleteError(
                f"diagram of {section.id} does not render: {str(error).splitlines()[0]}"
            ) from None
    return rendered


def _kept(diagram: str, cache: Path | None) -> str:
    if cache is None:
        return _drawn(diagram)
    made_by = f"mermaidx {version('mermaidx')} {_SETTINGS} {_TWICE_ESCAPED.pattern}\n"
    path = cache / f"{hashlib.sha256((made_by + diagram).encode()).hexdigest()}.svg"
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        svg = _drawn(diagram)
    with suppress(ChapterOfflineError):  # without room on disk it is drawn again next time
        write_whole(path, svg.encode())
    return svg


def _drawn(diagram: str) -> str:
    import mermaidx

    svg = str(mermaidx.render(diagram, config=_SETTINGS).svg())
    return _TWICE_ESCAPED.sub(r"&#\1;", svg)
