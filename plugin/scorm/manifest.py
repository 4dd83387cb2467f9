"""What a package says it is: the pure reading of `imsmanifest.xml`, SCORM 1.2 and 2004."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from xml.etree.ElementTree import Element

from plugin.scorm import document, editions, objectives, resources, sequencing
from plugin.scorm.addresses import is_foreign, is_no_page
from plugin.scorm.document import MANIFEST, attribute, child, children, is_true, text_of
from plugin.scorm.editions import Version
from plugin.scorm.findings import Finding, error, refuse, warning
from plugin.scorm.resources import NOTHING, Resource
from plugin.scorm.scos import number

MAX_ITEMS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """2004: how much progress counts as completed."""

    by_measure: bool
    min_measure: str
    weight: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of the course: a heading with children, or something to open (`href`)."""

    identifier: str
    title: str
    is_visible: bool
    href: str
    is_sco: bool
    children: tuple["Item", ...]
    prerequisites: str
    mastery_score: str
    max_time_allowed: str
    time_limit_action: str
    data_from_lms: str
    threshold: Threshold | None
    shared_data: tuple[dict[str, str], ...]
    hidden_controls: tuple[str, ...]
    sequencing: dict[str, Any] | None

    def walk(self) -> Iterator["Item"]:
        """This item and everything below it, in the course's order."""
        yield self
        for each in self.children:
            yield from each.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The course of a package's default organization, and its resources.

    `otherwise`: the edition its namespaces are of, where it calls itself another.
    """

    identifier: str
    version: Version
    otherwise: Version | None
    organization: str
    title: str
    items: tuple[Item, ...]
    resources: tuple[Resource, ...]
    sequencing: dict[str, Any] | None
    objectives_global_to_system: bool
    data_global_to_system: bool
    findings: tuple[Finding, ...] = field(default=())

    def playable(self) -> tuple[Item, ...]:
        """Everything that can be opened, in order."""
        return tuple(item for top in self.items for item in top.walk() if item.href)


def parse(content: bytes) -> Manifest:
    """The manifest of these bytes; raises RefusedPackageError when nothing can be played."""
    root, findings = document.read(content)
    if document.local(root.tag) != "manifest":
        raise refuse("manifest.not_a_manifest", MANIFEST, found=document.local(root.tag))
    if children(root, "manifest"):
        raise refuse("manifest.submanifest", MANIFEST)
    version = editions.of(root, findings)
    found = resources.of(root, findings)
    organization = _default_organization(root, findings)
    collection = sequencing.collection(root)
    reader = _Items(
        resources.by_identifier(found, findings),
        collection,
        findings,
        divides=version is not Version.SCORM_12,
    )
    manifest = Manifest(
        identifier=attribute(root, "identifier"),
        version=version,
        otherwise=editions.otherwise(root, version),
        organization=attribute(organization, "identifier"),
        title=document.title_of(organization),
        items=reader.below(organization),
        resources=found,
        sequencing=sequencing.of(organization, collection),
        objectives_global_to_system=is_true(
            attribute(organization, "objectivesGlobalToSystem"), default=True
        ),
        data_global_to_system=is_true(
            attribute(organization, "sharedDataGlobalToSystem"), default=True
        ),
    )
    if not manifest.playable():
        raise refuse("manifest.nothing_to_play", MANIFEST)
    return replace(manifest, findings=(*findings, *_about(manifest)))


def _default_organization(root: Element, findings: list[Finding]) -> Element:
    holder = child(root, "organizations")
    found = children(holder, "organization") if holder is not None else []
    if holder is None or not found:
        raise refuse("manifest.no_organization", MANIFEST)
    wanted = attribute(holder, "default")
    for each in found:
        if wanted and attribute(each, "identifier") == wanted:
            return each
    if wanted:
        findings.append(warning("manifest.default_missing", MANIFEST, wanted=wanted))
    return found[0]


class _Items:
    """Builds items; remembers what was odd about them."""

    def __init__(
        self,
        resources: dict[str, Resource],
        collection: sequencing.Collection,
        findings: list[Finding],
        *,
        divides: bool,
    ) -> None:
        self.resources = resources
        self.collection = collection
        self.findings = findings
        self.divides = divides
        self.seen: set[str] = set()

    def below(self, element: Element) -> tuple[Item, ...]:
        return tuple(self._item(each) for each in children(element, "item"))

    def _item(self, element: Element) -> Item:
        title = document.title_of(element)
        if len(self.seen) >= MAX_ITEMS:
            raise refuse("manifest.too_many_items", MANIFEST, limit=MAX_ITEMS)
        resource = self._opens(element, title)
        item = Item(
            identifier=self._identifier(element, title),
            title=title,
            is_visible=is_true(attribute(element, "isvisible"), default=True),
            href=_with_parameters(resource.href, attribute(element, "parameters")),
            is_sco=resource.is_sco,
            children=self.below(element),
            prerequisites=text_of(element, "prerequisites"),
            mastery_score=text_of(element, "masteryscore"),
            max_time_allowed=text_of(element, "maxtimeallowed"),
            time_limit_action=text_of(element, "timelimitaction")
            or text_of(element, "timeLimitAction"),
            data_from_lms=_raw_text(element, "datafromlms") or _raw_text(element, "dataFromLMS"),
            threshold=_threshold(element),
            shared_data=_shared_data(element),
            hidden_controls=_hidden_controls(element),
            sequencing=sequencing.of(element, self.collection),
        )
        return self._divided(item) if self.divides else item

    def _divided(self, item: Item) -> Item:
        """SCORM 2004 delivers only leaves: a heading with a page of its own has it as its first."""
        if not item.children or not item.href:
            return item
        identifier = self._free(f"{item.identifier}-page")
        page = replace(
            item,
            identifier=identifier,
            children=(),
            prerequisites="",
            sequencing=None,
            threshold=None,
            shared_data=(),
        )
        return replace(item, href="", is_sco=False, children=(page, *item.children))

    def _opens(self, element: Element, title: str) -> Resource:
        wanted = attribute(element, "identifierref")
        if not wanted:
            if not children(element, "item"):
                self.findings.append(warning("manifest.empty_item", MANIFEST, title=title))
            return NOTHING
        found = self.resources.get(wanted)
        if found is None:
            self._odd("manifest.no_resource", title, wanted)
            return NOTHING
        if not found.href:
            self._odd("manifest.no_href", title, wanted)
        elif not found.is_typed:
            self._odd("manifest.untyped", title, wanted)
        return found

    def _identifier(self, element: Element, title: str) -> str:
        identifier = attribute(element, "identifier") or f"item-{len(self.seen) + 1}"
        if identifier in self.seen:
            self._odd("manifest.double_id", title, identifier)
        return self._free(identifier)

    def _free(self, identifier: str) -> str:
        """This identifier, or one like it that no other item has."""
        if identifier in self.seen:
            numbered = (f"{identifier}-{number}" for number in count(len(self.seen) + 1))
            identifier = next(each for each in numbered if each not in self.seen)
        self.seen.add(identifier)
        return identifier

    def _odd(self, code: str, title: str, identifier: str) -> None:
        self.findings.append(warning(code, MANIFEST, title=title, id=identifier))


def _with_parameters(href: str, parameters: str) -> str:
    """The launch address with an item's parameters (SCORM CAM, `parameters` of item)."""
    bare = parameters.lstrip("?&")
    if not href or not bare:
        return href
    if bare.startswith("#"):
        return href if "#" in href else href + bare
    address, mark, fragment = href.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{bare}{mark}{fragment}"


def _raw_text(element: Element, name: str) -> str:
    found = child(element, name)
    return "".join(found.itertext()).strip() if found is not None else ""


def _threshold(element: Element) -> Threshold | None:
    found = child(element, "completionThreshold")
    if found is None:
        return None
    text = document.collapsed("".join(found.itertext()))
    return Threshold(
        by_measure=bool(text) or is_true(attribute(found, "completedByMeasure"), default=False),
        min_measure=text or attribute(found, "minProgressMeasure") or "1.0",
        weight=attribute(found, "progressWeight") or "1.0",
    )


def _shared_data(element: Element) -> tuple[dict[str, str], ...]:
    holder = child(element, "data")
    if holder is None:
        return ()
    names = ("targetID", "readSharedData", "writeSharedData")
    return tuple({n: attribute(each, n) for n in names} for each in children(holder, "map"))


def _hidden_controls(element: Element) -> tuple[str, ...]:
    holder = child(element, "presentation")
    interface = child(holder, "navigationInterface") if holder is not None else None
    if interface is None:
        return ()
    return tuple(
        document.collapsed("".join(each.itertext())) for each in children(interface, "hideLMSUI")
    )


def _about(manifest: Manifest) -> Iterator[Finding]:
    for item in manifest.playable():
        if is_no_page(item.href):
            yield error("manifest.no_page", MANIFEST, title=item.title, href=item.href)
        elif is_foreign(item.href):
            yield warning("manifest.foreign_launch", MANIFEST, title=item.title, href=item.href)
        for found in (objectives.mark_of(item.sequencing), _progress(item)):
            if objectives.is_in_hundredths(number(found)):
                used = objectives.written(found)
                yield warning(
                    "manifest.measure", MANIFEST, title=item.title, found=found, used=used
                )


def _progress(item: Item) -> str:
    return item.threshold.min_measure if item.threshold and item.threshold.by_measure else ""
