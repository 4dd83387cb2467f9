"""Read a manifest's XML as authoring tools really write it, without ever trusting it."""

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from plugin.scorm.findings import Finding, refuse, warning

MANIFEST = "imsmanifest.xml"
XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_BARE_AMPERSAND = re.compile(r"&(?!(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)")
_DECLARED = re.compile(r"""^(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']""")
MAX_DEPTH = 60
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read(content: bytes) -> tuple[Element, list[Finding]]:
    """The root element and what had to be mended; raises RefusedPackageError."""
    try:
        return _parsed(content), []
    except ParseError:
        text, findings = _text(content)
    mended = text.lstrip("\ufeff \t\r\n")
    if mended != text:
        findings.append(warning("manifest.leading", MANIFEST))
    if _BARE_AMPERSAND.search(mended):
        mended = _BARE_AMPERSAND.sub("&amp;", mended)
        findings.append(warning("manifest.ampersand", MANIFEST))
    try:
        return _parsed(_DECLARED.sub(r"\1", mended, count=1).encode()), findings
    except ParseError as problem:
        line, column = problem.position
        raise refuse("manifest.xml", MANIFEST, line=line, column=column) from None


def _parsed(content: bytes) -> Element:
    try:
        root: Element = fromstring(content, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise refuse("manifest.entities", MANIFEST) from None
    except (LookupError, ValueError):
        problem = ParseError("unknown encoding")
        problem.position = (1, 0)
        raise problem from None
    _refuse_depth(root)
    return root


def _refuse_depth(root: Element) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [below for each in level for below in each]
        if not level:
            return
    raise refuse("manifest.too_deep", MANIFEST, depth=MAX_DEPTH)


def _text(content: bytes) -> tuple[str, list[Finding]]:
    if content.startswith(_UTF16):
        return content.decode("utf-16", errors="replace"), []
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), [warning("manifest.encoding", MANIFEST)]


def local(name: str) -> str:
    """The name without its namespace."""
    return name.rpartition("}")[2]


def children(element: Element, *names: str) -> list[Element]:
    """The child elements with one of these local names (any, when none is given)."""
    return [each for each in element if not names or local(each.tag) in names]


def child(element: Element, name: str) -> Element | None:
    """The first child with this local name."""
    return next(iter(children(element, name)), None)


def collapsed(value: str | None) -> str:
    """Whitespace as XML schema's tokens have it: none around, single spaces inside."""
    return " ".join((value or "").split())


def text_of(element: Element, name: str) -> str:
    """The collapsed text of the first child with this local name."""
    found = child(element, name)
    return collapsed("".join(found.itertext())) if found is not None else ""


def attribute(element: Element, name: str) -> str:
    """The collapsed value of an attribute, whatever its namespace and case of letters."""
    exact = next((value for key, value in element.attrib.items() if local(key) == name), None)
    if exact is None:
        lower = name.lower()
        exact = next((v for key, v in element.attrib.items() if local(key).lower() == lower), None)
    return collapsed(exact)
