"""SCORM 2004's sequencing rules as plain data, with the collection's defaults put in."""

from typing import Any
from xml.etree.ElementTree import Element

from plugin.scorm.document import attribute, child, children, collapsed, local


def collection(root: Element) -> dict[str, Element]:
    """The reusable rules of the manifest, by their ID."""
    holder = child(root, "sequencingCollection")
    if holder is None:
        return {}
    return {attribute(each, "ID"): each for each in children(holder, "sequencing")}


def of(element: Element, shared: dict[str, Element]) -> dict[str, Any] | None:
    """The rules of an item: what it says itself replaces, whole, what its IDRef names."""
    own = child(element, "sequencing")
    if own is None:
        return None
    base = shared.get(attribute(own, "IDRef"))
    merged = _plain(base) if base is not None else {}
    merged.update(_plain(own))
    for reference in ("ID", "IDRef"):
        merged.pop(reference, None)
    return merged


def _plain(element: Element) -> dict[str, Any]:
    """Attributes as text, child elements as lists of the same, text under `text`."""
    plain: dict[str, Any] = {local(name): collapsed(value) for name, value in element.items()}
    for each in children(element):
        plain.setdefault(local(each.tag), []).append(_plain(each))
    text = collapsed(element.text)
    if text:
        plain["text"] = text
    return plain
