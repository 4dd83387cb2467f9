"""What the items of a package can open: the pure reading of a manifest's `resources`."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from plugin.scorm import document
from plugin.scorm.addresses import brought_back, in_utf8, joined, leaves
from plugin.scorm.document import MANIFEST, attribute, child, children, written
from plugin.scorm.findings import Finding, warning

_KINDS = {"sco", "asset"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something an item can open: where it starts, and every file it is made of.

    `is_typed`: it says itself whether it reports results; one that does not is taken for an asset.
    """

    identifier: str
    href: str
    is_sco: bool
    is_typed: bool
    files: tuple[str, ...]


NOTHING = Resource(identifier="", href="", is_sco=False, is_typed=True, files=())


def of(root: Element, findings: list[Finding]) -> tuple[Resource, ...]:
    """Every resource of the manifest, in its order."""
    holder = child(root, "resources")
    if holder is None:
        return ()
    base = joined(_base(root), _base(holder))
    return tuple(_resource(each, base, findings) for each in children(holder, "resource"))


def by_identifier(resources: Iterable[Resource], findings: list[Finding]) -> dict[str, Resource]:
    """The first of each identifier; that there were more is said."""
    found: dict[str, Resource] = {}
    counts: dict[str, int] = {}
    for each in resources:
        found.setdefault(each.identifier, each)
        counts[each.identifier] = counts.get(each.identifier, 0) + 1
    for identifier, count in counts.items():
        if identifier and count > 1:
            facts = {"id": identifier, "count": count, "href": found[identifier].href}
            findings.append(warning("manifest.double_resource", MANIFEST, **facts))
    return found


def _resource(element: Element, base: str, findings: list[Finding]) -> Resource:
    base = joined(base, _base(element))
    files = (written(each, "href") for each in children(element, "file"))
    kind = attribute(element, "scormtype").lower()
    href = joined(base, _clean(written(element, "href")))
    if leaves(href):
        findings.append(warning("manifest.outside", MANIFEST, href=href))
        href = brought_back(href)
    return Resource(
        identifier=attribute(element, "identifier"),
        href=href,
        is_sco=kind == "sco",
        is_typed=kind in _KINDS,
        files=tuple(joined(base, _clean(each)) for each in files if each),
    )


def _base(element: Element) -> str:
    """The folder addresses are below; tools that leave out its last slash mean a folder too."""
    base = _clean((element.get(document.XML_BASE) or "").strip())
    return base if not base or base.endswith("/") else base + "/"


def _clean(href: str) -> str:
    return in_utf8(href.replace("\\", "/"))
