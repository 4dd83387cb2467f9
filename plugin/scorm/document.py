"""Read a manifest's XML as authoring tools really write it, without ever trusting it."""

import codecs
import html
import html.entities
import re
from collections.abc import Callable
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from plugin.scorm.findings import Finding, refuse, warning

MANIFEST = "imsmanifest.xml"
XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_BARE_AMPERSAND = re.compile(
    r"(<!\[CDATA\[.*?\]\]>)|&(?!(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)", re.DOTALL
)
_NAMED_LETTER = re.compile(r"(<!\[CDATA\[.*?\]\]>)|&([A-Za-z][A-Za-z0-9]*);", re.DOTALL)
_MARKUP = frozenset("<>&\"'")
_TWICE_ESCAPED = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_PREFIXES = re.compile(r"</?([A-Za-z_][\w.-]*):\w|\s([A-Za-z_][\w.-]*):[\w.-]+\s*=\s*[\"']")
_DECLARED_PREFIX = re.compile(r"\sxmlns:([\w.-]+)\s*=")
_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?manifest(?=[\s>])")
_OWN_PREFIXES = {"xml", "xmlns"}
_ADLCP = {
    True: "http://www.adlnet.org/xsd/adlcp_v1p3",
    False: "http://www.adlnet.org/xsd/adlcp_rootv1p2",
}
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:(\d{1,7})|x([0-9a-fA-F]{1,6}));"
)
_FORBIDDEN = {*range(0x20), 0xFFFE, 0xFFFF} - {0x09, 0x0A, 0x0D}
_DECLARED = re.compile(r"""^(<\?xml[^>]*?)\s+encoding\s*=\s*["']([^"']*)["']""")
MAX_DEPTH = 60
_MARKED = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
"""How a manifest of two bytes a letter begins: with its mark, or with its first letter."""
_EAST_ASIAN = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "euc-kr": "cp949",
}
"""Encodings the XML reader does not know, and the wider ones that are really written by tools."""


def read(content: bytes) -> tuple[Element, list[Finding]]:
    """The root element and what had to be mended; raises RefusedPackageError."""
    try:
        return _parsed(_marked(content)), []
    except ParseError:
        text, findings = _text(content)
    for code, mend in _MENDS.items():
        mended = mend(text)
        if mended != text:
            findings.append(warning(code, MANIFEST))
        text = mended
    try:
        return _parsed(_undeclared(text)), findings
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


def _visible(text: str) -> str:
    """What XML forbids (a line break of PowerPoint's, for example) is a space."""

    def space(found: re.Match[str]) -> str:
        decimal, hexadecimal = found.groups()
        number = int(decimal or hexadecimal or "0", 10 if decimal else 16)
        return " " if number in _FORBIDDEN else found[0]

    return _INVISIBLE.sub(space, text)


def _begun(text: str) -> str:
    return text.lstrip("\ufeff \t\r\n")


def _letters(text: str) -> str:
    """HTML's names of letters, which XML does not know, are the letters."""

    def letter(found: re.Match[str]) -> str:
        meant = html.entities.html5.get(f"{found[2]};", "&")
        return found[0] if meant in _MARKUP else meant

    return _NAMED_LETTER.sub(letter, text)


def _escaped(text: str) -> str:
    return _BARE_AMPERSAND.sub(lambda found: found[1] or "&amp;", text)


def _bound(text: str) -> str:
    """A prefix that nobody declares (`adlcp:`, `xsi:`) is declared where the manifest begins."""
    used = {name for found in _PREFIXES.findall(text) for name in found if name}
    unknown = used - _OWN_PREFIXES - set(_DECLARED_PREFIX.findall(text))
    meant = {"adlcp": _ADLCP["imscp_v1p1" in text]}
    bound = "".join(f' xmlns:{each}="{meant.get(each, "urn:" + each)}"' for each in sorted(unknown))
    return _ROOT.sub(lambda found: found[0] + bound, text, count=1)


_MENDS: dict[str, Callable[[str], str]] = {
    "manifest.invisible": _visible,
    "manifest.leading": _begun,
    "manifest.letters": _letters,
    "manifest.ampersand": _escaped,
    "manifest.prefix": _bound,
}
"""What is mended, in this order, and what is said about it."""


def _marked(content: bytes) -> bytes:
    """The mark of UTF-8 at its beginning is believed over what the first line declares."""
    if not content.startswith(codecs.BOM_UTF8):
        return content
    try:
        return _undeclared(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return content


def _undeclared(text: str) -> bytes:
    return _DECLARED.sub(r"\1", text, count=1).encode()


def _text(content: bytes) -> tuple[str, list[Finding]]:
    if content[:2] in _MARKED:
        return content.decode(_MARKED[content[:2]], errors="replace"), []
    declared = _DECLARED.match(content[:200].decode("latin-1").lstrip())
    encoding = _EAST_ASIAN.get(declared[2].lower()) if declared else None
    if encoding is not None:
        return content.decode(encoding, errors="replace"), []
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


def is_true(value: object, *, default: bool) -> bool:
    """A boolean of XML schema (`true` or `1`), in any letters; what is none is the default."""
    return {"true": True, "1": True, "false": False, "0": False}.get(
        str(value or "").lower(), default
    )


def text_of(element: Element, name: str) -> str:
    """The collapsed text of the first child with this local name."""
    found = child(element, name)
    return collapsed("".join(found.itertext())) if found is not None else ""


def title_of(element: Element) -> str:
    """Its title as people read it: tools that escape twice (`&amp;amp;`) are read as meant."""
    written = _TWICE_ESCAPED.sub(lambda found: html.unescape(found[0]), text_of(element, "title"))
    return collapsed(written)


def attribute(element: Element, name: str) -> str:
    """The collapsed value of an attribute, whatever its namespace and case of letters."""
    return collapsed(written(element, name))


def written(element: Element, name: str) -> str:
    """The same as it is written: names of files may hold several spaces in a row."""
    exact = next((value for key, value in element.attrib.items() if local(key) == name), None)
    if exact is None:
        lower = name.lower()
        exact = next((v for key, v in element.attrib.items() if local(key).lower() == lower), None)
    return (exact or "").strip()
