"""What a reader sees of a drawing."""

import xml.etree.ElementTree as ET

_STYLE = "{http://www.w3.org/2000/svg}style"


def elements(svg: str) -> set[str]:
    """Names of the elements in use. Raises ParseError where it is no XML."""
    return {node.tag.rpartition("}")[2] for node in ET.fromstring(svg).iter()}


def seen(svg: str) -> str:
    """All text, without spaces: labels are broken into lines."""
    root = ET.fromstring(svg)
    texts = (node.text or "" for node in root.iter() if node.tag != _STYLE)
    tails = (node.tail or "" for node in root.iter())
    return "".join("".join((*texts, *tails)).split())
