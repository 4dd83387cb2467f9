"""Which edition of SCORM a manifest is written for: its own words, else its namespaces. Pure."""

import re
from enum import StrEnum
from xml.etree.ElementTree import Element

from plugin.scorm.document import MANIFEST, child, text_of
from plugin.scorm.findings import Finding, refuse, warning

ADLCP_12 = "adlcp_rootv1p2"
LATER = "_v1p3"


class Version(StrEnum):
    """The edition of SCORM a package is made for."""

    SCORM_12 = "1.2"
    SCORM_2004_2ND = "2004 2nd Edition"
    SCORM_2004_3RD = "2004 3rd Edition"
    SCORM_2004_4TH = "2004 4th Edition"


_SAYS_12 = re.compile(r"(?<![\d.])1\.[12](?![\d.])")
_SAYS_2004 = re.compile(r"2004.*?\b([234])(?:nd|rd|th)?\b", re.IGNORECASE)
_SAYS_13 = re.compile(r"(?<![\d.])1\.3(?![\d.])")
_EDITIONS = {
    "2": Version.SCORM_2004_2ND,
    "3": Version.SCORM_2004_3RD,
    "4": Version.SCORM_2004_4TH,
}


def of(root: Element, findings: list[Finding]) -> Version:
    """The edition that is meant; raises RefusedPackageError when nothing says SCORM."""
    metadata = child(root, "metadata")
    schema = text_of(metadata, "schemaversion") if metadata is not None else ""
    named = _named(schema)
    if named is not None:
        return named
    adl = sorted(space for space in _spaces(root) if "adlcp" in space)
    is_2004 = "2004" in schema
    if not adl and not is_2004:
        raise refuse("manifest.not_scorm", MANIFEST, found=schema)
    is_12 = not is_2004 and ADLCP_12 in adl[0]
    guess = Version.SCORM_12 if is_12 else Version.SCORM_2004_3RD
    if schema and not is_2004:
        findings.append(warning("manifest.version", MANIFEST, found=schema, used=str(guess)))
    elif guess is not Version.SCORM_12:  # which knows one edition, and no need to name it
        findings.append(warning("manifest.no_edition", MANIFEST, used=str(guess)))
    return guess


def _named(schema: str) -> Version | None:
    """The edition in a tool's own spelling of it (`ADL SCORM 1.2`, `CAM 1.3`, `2004 4th`)."""
    found = _SAYS_2004.search(schema)
    if found is not None:
        return _EDITIONS[found[1]]
    if _SAYS_13.search(schema):
        return Version.SCORM_2004_2ND
    return Version.SCORM_12 if _SAYS_12.search(schema) else None


def otherwise(root: Element, version: Version) -> Version | None:
    """The edition its namespaces are of, where that is not what it calls itself.

    Old tools and people who edit by hand mix them; only the course's pages can tell then.
    """
    spaces = _spaces(root)
    is_12, is_later = (any(each in space for space in spaces) for each in (ADLCP_12, LATER))
    if is_12 and not is_later and version is not Version.SCORM_12:
        return Version.SCORM_12
    return (
        Version.SCORM_2004_3RD if is_later and not is_12 and version is Version.SCORM_12 else None
    )


def _spaces(root: Element) -> set[str]:
    return {
        name[1:].partition("}")[0]
        for element in root.iter()
        for name in (element.tag, *element.attrib)
        if name.startswith("{")
    }
