"""Do a package's files hold what its manifest promises? And do they need the network?"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from plugin.scorm.addresses import alike, file_of, is_foreign
from plugin.scorm.document import MANIFEST
from plugin.scorm.editions import Version
from plugin.scorm.findings import Finding, error, warning
from plugin.scorm.manifest import Item, Manifest

NAMED_FILES = 5
READ_BYTES = 512 * 1024
READ_IN_ALL = 64 * 1024 * 1024
_PAGES = (".html", ".htm", ".xhtml")
_SCRIPTS = (*_PAGES, ".js")
_ASKS_12, _ASKS_2004 = b"LMSInitialize", b"API_1484_11"
_UNUSED = re.compile(rb"<!--.*?-->", re.DOTALL)
_TAG = re.compile(rb"<(script|link|img|iframe|video|audio|source)\b[^>]{0,1000}", re.IGNORECASE)
_ADDRESS = re.compile(
    rb"""\b(?:src|href)\s*=\s*["']?(?:https?:)?//([a-z0-9.-]{3,80})""", re.IGNORECASE
)
_LOADS = re.compile(
    rb"""\brel\s*=\s*["']?[^"'>]*\b(?:stylesheet|icon|(?:module)?preload|prefetch|manifest)\b""",
    re.IGNORECASE,
)
"""What a link must be for a browser to follow it by itself: not one to a licence or an original."""
_LOCAL_NAMES = {"www.w3.org"}


def check(manifest: Manifest, paths: set[str], root: Path) -> Iterator[Finding]:
    """Everything worth saying about the files of an unpacked package."""
    folded = {alike(path): path for path in paths}
    for item in manifest.playable():
        yield from _launch_file(item, paths, folded)
    yield from _listed_files(manifest, folded)
    yield from _foreign_hosts(paths, root)


def settled(manifest: Manifest, paths: set[str], root: Path, findings: list[Finding]) -> Manifest:
    """Where a manifest is of two editions at once: of the one whose run-time its pages look for."""
    other = manifest.otherwise
    if other is None:
        return manifest
    marks = (_ASKS_12, _ASKS_2004)
    wanted = _ASKS_12 if other is Version.SCORM_12 else _ASKS_2004
    if _asked(paths, root, marks) != {wanted}:
        return manifest
    facts = {"found": str(manifest.version), "used": str(other)}
    findings.append(warning("manifest.mixed", MANIFEST, **facts))
    return replace(manifest, version=other)


def _asked(paths: set[str], root: Path, marks: tuple[bytes, ...]) -> set[bytes]:
    """Which of these the course's pages and scripts name."""
    found: set[bytes] = set()
    left = READ_IN_ALL
    for path in sorted(each for each in paths if each.lower().endswith(_SCRIPTS)):
        with (root / path).open("rb") as page:
            content = page.read(left)
        left -= len(content)
        found |= {mark for mark in marks if mark in content}
    return found


def _launch_file(item: Item, paths: set[str], folded: dict[str, str]) -> Iterator[Finding]:
    if is_foreign(item.href):
        return
    wanted = file_of(item.href)
    if wanted in paths:
        return
    other = folded.get(alike(wanted))
    if other is None:
        yield error("scorm.launch_file", wanted or item.href, title=item.title)
    else:
        yield warning("scorm.case", wanted, other=other)


def _listed_files(manifest: Manifest, folded: dict[str, str]) -> Iterator[Finding]:
    launched = {file_of(item.href) for item in manifest.playable()}
    listed = {
        file_of(name)
        for resource in manifest.resources
        for name in resource.files
        if not is_foreign(name)
    }
    missing = sorted(name for name in listed - launched if alike(name) not in folded)
    if missing:
        shown = ", ".join(missing[:NAMED_FILES])
        yield warning("scorm.listed_file", missing[0], count=len(missing), names=shown)


def _foreign_hosts(paths: set[str], root: Path) -> Iterator[Finding]:
    """A page that loads from another host does not work offline, and tells that host who learns."""
    first: dict[str, str] = {}
    left = READ_IN_ALL
    for path in sorted(each for each in paths if each.lower().endswith(_PAGES)):
        with (root / path).open("rb") as page:
            content = page.read(min(READ_BYTES, left))
            left -= len(content)
            for host in _hosts(content):
                first.setdefault(host, path)
    for host in sorted(set(first) - _LOCAL_NAMES)[:NAMED_FILES]:
        yield warning("scorm.foreign_host", first[host], host=host)


def _hosts(page: bytes) -> Iterator[str]:
    """The other hosts a browser asks when it shows this page; what is commented out asks nobody."""
    for tag in _TAG.finditer(_UNUSED.sub(b"", page)):
        address = _ADDRESS.search(tag[0])
        if address and (tag[1].lower() != b"link" or _LOADS.search(tag[0])):
            yield address[1].decode("ascii", "replace").lower()
