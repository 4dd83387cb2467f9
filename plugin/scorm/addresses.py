"""The addresses a manifest writes, and the files inside the package they mean. Pure."""

import re
import unicodedata
from urllib.parse import quote, unquote, unquote_to_bytes

_CODES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_FOREIGN = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:|//)")

_HOST = re.compile(r"^(?:https?:)?//([A-Za-z0-9.-]+(?::[0-9]+)?)(?:[/?#]|$)", re.IGNORECASE)


def is_foreign(href: str) -> bool:
    """Whether it names another host or scheme, so that no file of the package is meant."""
    return _FOREIGN.match(href) is not None


def is_no_page(href: str) -> bool:
    """Whether it names something that a course can never start with: a drive, a script, a mail."""
    return is_foreign(href) and not href.lower().startswith(("http:", "https:", "//"))


def host_of(href: str) -> str:
    """The host of a page elsewhere, as a header may name it; empty when there is none."""
    found = _HOST.match(href)
    return found[1].lower() if found else ""


def joined(base: str, href: str) -> str:
    """An address below a base; one that is whole already stands alone."""
    if not href or is_foreign(href) or href.startswith("/"):
        return href
    return base + href


def leaves(href: str) -> bool:
    """Whether a browser would look for it outside the package's folder."""
    if is_foreign(href):
        return False
    if href.startswith("/"):
        return True
    depth = 0
    for part in _path(href).split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return False


def brought_back(href: str) -> str:
    """The address kept inside the package: no leading slash, no way up beyond its folder."""
    mark = re.search(r"[?#]", href)
    address, rest = (href[: mark.start()], href[mark.start() :]) if mark else (href, "")
    return _folded(address) + rest


def file_of(href: str) -> str:
    """The path inside the package an address means: no query, no fragment, %-codes decoded."""
    return normal(_folded(_path(href)))


def in_utf8(href: str) -> str:
    """The address with its %-codes as browsers and we read them; old tools wrote Windows-1252."""
    try:
        unquote(href, errors="strict")
    except UnicodeDecodeError:
        return _CODES.sub(lambda codes: quote(_windows(codes[0]), safe=""), href)
    return href


def _windows(codes: str) -> str:
    return unquote_to_bytes(codes).decode("cp1252", errors="replace")


def alike(path: str) -> str:
    """One spelling for names that differ only in what computers and zip tools change: large and
    small letters, spaces in a row, letters written as %-codes."""
    return "/".join(_alike(part) for part in normal(path).split("/"))


def _alike(part: str) -> str:
    decoded = unquote(part)
    return " ".join((part if "/" in decoded else normal(decoded)).casefold().split())


def normal(path: str) -> str:
    """One spelling of letters with marks: some computers write them as two characters."""
    return unicodedata.normalize("NFC", path)


def _path(href: str) -> str:
    return unquote(href.partition("#")[0].partition("?")[0]).replace("\\", "/")


def _folded(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)
