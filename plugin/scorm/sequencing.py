"""SCORM 2004's sequencing rules as plain data, with the collection's defaults put in."""

from typing import Any
from xml.etree.ElementTree import Element

from plugin.scorm.document import attribute, child, children, collapsed, local

ADLSEQ = "adlseq"


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
    base = _named(shared, attribute(own, "IDRef"))
    merged = _plain(base) if base is not None else {}
    merged.update(_plain(own))
    for reference in ("ID", "IDRef"):
        merged.pop(reference, None)
    return merged


def _named(shared: dict[str, Element], name: str) -> Element | None:
    """The rules of this ID; large and small letters are forgiven where only they differ."""
    if name in shared or not name:
        return shared.get(name)
    alike = [each for key, each in shared.items() if key.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def _plain(element: Element) -> dict[str, Any]:
    """Attributes as text, child elements as lists of the same, text under `text`."""
    plain: dict[str, Any] = {local(name): collapsed(value) for name, value in element.items()}
    for each in children(element):
        plain.setdefault(_name(each.tag), []).append(_plain(each))
    text = collapsed(element.text)
    if text:
        plain["text"] = text
    return plain


def _name(tag: str) -> str:
    """ADL's objectives add to those of IMS and share their name; they get one of their own."""
    name = local(tag)
    return f"adl:{name}" if name == "objectives" and ADLSEQ in tag else name
