"""Do a package's files hold what its manifest promises? And do they need the network?"""

import re
from collections.abc import Iterator
from pathlib import Path

from plugin.scorm.addresses import alike, file_of, is_foreign
from plugin.scorm.findings import Finding, error, warning
from plugin.scorm.manifest import Item, Manifest

NAMED_FILES = 5
READ_BYTES = 512 * 1024
READ_IN_ALL = 64 * 1024 * 1024
_PAGES = (".html", ".htm", ".xhtml")
_FOREIGN = re.compile(
    rb"""<(?:script|link|img|iframe|video|audio|source)\b[^>]{0,500}?\b(?:src|href)\s*=\s*["']?(?:https?:)?//([a-z0-9.-]{3,80})""",
    re.IGNORECASE,
)
_LOCAL_NAMES = {"www.w3.org"}


def check(manifest: Manifest, paths: set[str], root: Path) -> Iterator[Finding]:
    """Everything worth saying about the files of an unpacked package."""
    folded = {alike(path): path for path in paths}
    for item in manifest.playable():
        yield from _launch_file(item, paths, folded)
    yield from _listed_files(manifest, folded)
    yield from _foreign_hosts(paths, root)


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
            for found in _FOREIGN.findall(content):
                first.setdefault(found.decode("ascii", "replace").lower(), path)
    for host in sorted(set(first) - _LOCAL_NAMES)[:NAMED_FILES]:
        yield warning("scorm.foreign_host", first[host], host=host)
