"""Drawings for a page: what is known is kept, and nothing else."""

import pytest

from chapter_offline.errors import IncompleteError
from chapter_offline.output.html.drawing import tidied

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100.12345 50"><g>'


def drawn(inner: str) -> str:
    return tidied(f"{HEAD}{inner}</g></svg>", "p05.diagram", "A <title>", "An idea")


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        "<style>*{fill:red}</style>",
        "<foreignObject><p>html</p></foreignObject>",
        '<image href="https://example.org/x.png"/>',
        '<a href="javascript:alert(1)"><desc>x</desc></a>',
        '<use href="#x"/>',
        '<marker id="unused"><path d="M0 0"/></marker>',
        "<text> </text>",
        "<rect/>",
    ],
)
def test_what_is_not_known_is_dropped(inner: str) -> None:
    assert drawn(inner) == drawn("")


def test_events_links_and_styles_of_elements_are_dropped() -> None:
    made = drawn(
        '<path d="M0 0L1 1" onload="alert(1)" style="background:url(x)" fill="url(https://x)"/>'
    )
    assert '<path d="M0 0L1 1" />' in made


def test_numbers_are_short_and_ids_its_own() -> None:
    made = drawn(
        '<marker id="end" refX="5"><path d="M 0 0"/></marker>'
        '<path class="a b a" d="M 1.23456 2.000L3 4" marker-end="url(#end)" style="fill: none;"/>'
    )
    assert 'id="p05-diagram-end"' in made
    assert (
        '<path class="a b" d="M 1.2 2L3 4" marker-end="url(#p05-diagram-end)" fill="none" />'
        in made
    )
    assert 'viewBox="0 0 100.1 50"' in made


def test_it_is_named_for_who_can_not_see_it() -> None:
    made = drawn("<text>x</text>")
    assert '<title id="p05-diagram-title">A &lt;title&gt;</title>' in made
    assert 'aria-labelledby="p05-diagram-title p05-diagram-desc"' in made


def test_what_is_no_drawing_is_said() -> None:
    with pytest.raises(IncompleteError, match=r"p05\.diagram: it is no SVG"):
        tidied("<svg><g></svg>", "p05.diagram", "", "")
