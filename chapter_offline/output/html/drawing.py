"""From Mermaid's SVG to one that may stand in a page: shapes, words and classes, and nothing else.

Colours come from the page's own style, so that a drawing follows light, dark and print. Elements and
attributes are kept only if they are known here: no style, script, link or foreign element passes.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from chapter_offline.errors import IncompleteError

_NAMESPACE = "http://www.w3.org/2000/svg"
_SHAPES = {"path", "rect", "circle", "ellipse", "polygon", "polyline", "line"}
_ELEMENTS = _SHAPES | {"g", "text", "tspan", "marker"}
_NUMBERS = {"x", "y", "dx", "dy", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry"}
_NUMBERS |= {"width", "height", "refX", "refY", "markerWidth", "markerHeight", "viewBox"}
_NUMBERS |= {"d", "points", "transform"}
_WORDS = {"text-anchor", "dominant-baseline", "orient", "markerUnits", "font-size", "font-weight"}
_LARGE, _HUGE = 800, 1250
"""Pixels of width from which a drawing can't be made as small as a narrow screen."""
_MARKS = ("marker-start", "marker-end")
_STYLED = re.compile(r"(text-anchor|font-size|font-weight|fill|stroke-dasharray):\s*([\w., -]+)")
_LONG_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_SAFE = re.compile(r"[\w\s.,()%+-]*")
_MARK = re.compile(r"url\(#([\w.-]+)\)")


def tidied(svg: str, key: str, title: str, description: str) -> str:
    """A drawing for a page. key: makes its ids its own. title, description: plain, for screen readers.

    Raises IncompleteError for what is no drawing.
    """
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as error:
        raise IncompleteError(f"diagram of {key}: it is no SVG: {error}") from None
    name = key.replace(".", "-")
    made = ET.Element(
        "svg",
        {
            "xmlns": _NAMESPACE,
            "viewBox": _short(root.get("viewBox", "0 0 100 100")),
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-desc",
        },
    )
    _, _, width, height = (float(n) for n in made.get("viewBox", "").split())
    made.set(
        "class", "drawing" + (" huge" if width > _HUGE else " large" if width > _LARGE else "")
    )
    made.set("width", f"{width:.0f}")
    made.set("height", f"{height:.0f}")
    ET.SubElement(made, "title", id=f"{name}-title").text = title
    ET.SubElement(made, "desc", id=f"{name}-desc").text = description
    used = {mark for node in root.iter() for mark in _marks(node)}
    made.extend(_kept(root, name, used))
    return ET.tostring(made, encoding="unicode")


def _marks(node: ET.Element) -> Iterator[str]:
    for attribute in _MARKS:
        if found := _MARK.fullmatch(node.get(attribute, "")):
            yield found[1]


def _kept(parent: ET.Element, name: str, used: set[str]) -> Iterator[ET.Element]:
    """The children that a page needs; definitions are lifted out of their groups."""
    for node in parent:
        tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
        if tag == "defs":
            yield from _kept(node, name, used)
            continue
        if tag not in _ELEMENTS or (tag == "marker" and node.get("id") not in used):
            continue
        if tag == "rect" and not node.get("width"):  # the paper behind a label that isn't there
            continue
        made = ET.Element(tag, dict(_attributes(node, tag, name)))
        if tag in {"text", "tspan"}:
            made.text = node.text
        for child in _kept(node, name, used):
            made.append(child)
        if tag == "tspan":
            made.tail = node.tail
        if tag in _SHAPES or len(made) or (made.text or "").strip():
            yield made


def _attributes(node: ET.Element, tag: str, name: str) -> Iterator[tuple[str, str]]:
    classes = node.get("class", "")
    if classes.strip() and _SAFE.fullmatch(classes):
        yield "class", " ".join(dict.fromkeys(classes.split()))
    if tag == "marker":
        yield "id", f"{name}-{node.get('id')}"
    for attribute, value in node.attrib.items():
        if attribute in {"width", "height"} and tag != "rect":
            continue
        if attribute in _NUMBERS and _SAFE.fullmatch(value):
            yield attribute, _short(value)
        elif attribute in _WORDS and _SAFE.fullmatch(value):
            yield attribute, value
        elif attribute in _MARKS and (found := _MARK.fullmatch(value)):
            yield attribute, f"url(#{name}-{found[1]})"
        elif attribute == "style":
            yield from ((key, said.strip()) for key, said in _STYLED.findall(value) if said.strip())


def _short(value: str) -> str:
    """Numbers to a tenth of a pixel."""
    return _LONG_NUMBER.sub(lambda n: f"{float(n[0]):.1f}".removesuffix(".0"), value)
