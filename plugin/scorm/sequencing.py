"""SCORM 2004's sequencing rules as plain data, with the collection's defaults put in."""

from typing import Any
from xml.etree.ElementTree import Element

from plugin.scorm.document import MANIFEST, attribute, child, children, collapsed, local
from plugin.scorm.findings import refuse

ADLSEQ = "adlseq"
MAX_ELEMENTS = 200_000


class Collection:
    """The reusable rules of the manifest, and how much all that refer to them have come to.

    Rules are copied to each item that names them; a small manifest could name large ones often.
    """

    def __init__(self, shared: dict[str, Element]) -> None:
        self.shared = shared
        self.left = MAX_ELEMENTS

    def copied(self, element: Element) -> dict[str, Any]:
        """The rules as plain data; raises RefusedPackageError when all copies are too much."""
        self.left -= sum(1 for _ in element.iter())
        if self.left < 0:
            raise refuse("manifest.too_many_rules", MANIFEST, limit=MAX_ELEMENTS)
        return _plain(element)


def collection(root: Element) -> Collection:
    """The reusable rules of the manifest, by their ID."""
    holder = child(root, "sequencingCollection")
    if holder is None:
        return Collection({})
    return Collection({attribute(each, "ID"): each for each in children(holder, "sequencing")})


def of(element: Element, rules: Collection) -> dict[str, Any] | None:
    """The rules of an item: what it says itself replaces, whole, what its IDRef names."""
    own = child(element, "sequencing")
    if own is None:
        return None
    base = _named(rules.shared, attribute(own, "IDRef"))
    merged = rules.copied(base) if base is not None else {}
    merged.update(rules.copied(own))
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
