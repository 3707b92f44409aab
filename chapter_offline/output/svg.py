"""Renders a chapter's diagrams: what does not render is not kept."""

from collections.abc import Mapping

from chapter_offline.chapter.plan import Plan
from chapter_offline.errors import IncompleteError


def render_diagrams(plan: Plan, parts: tuple[int, ...]) -> Mapping[str, str]:
    """SVG text by section id, of the sections that have a diagram.

    Raises IncompleteError that names the section and what Mermaid says of it.
    """
    import mermaidx

    rendered: dict[str, str] = {}
    for section in plan.sections(parts):
        if not section.diagram:
            continue
        try:
            rendered[section.id] = str(mermaidx.render(section.diagram).svg())
        except RuntimeError as error:
            raise IncompleteError(
                f"diagram of {section.id} does not render: {str(error).splitlines()[0]}"
            ) from None
    return rendered
