"""Put the suite's packages together from its folders: each manifest with the files it names."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from plugin.scorm.addresses import file_of
from plugin.scorm.manifest import parse

PREFIX = "LMSTestPackage_"
MANIFEST = "imsmanifest.xml"
_TEST_CASE = re.compile(r"[?&]tc=([^&#]+)")


def of_cases(corpus: Path) -> dict[str, list[Path]]:
    """The packages, folders or zips, by the case they are played for; some cases need several."""
    found: dict[str, list[Path]] = {}
    for path in sorted(corpus.rglob(f"{PREFIX}*")):
        for name in sorted(_cases(path)):
            found.setdefault(name, []).append(path)
    return found


def others(corpus: Path) -> list[Path]:
    """Packages of anybody's that lie there too."""
    return [path for path in sorted(corpus.rglob("*.zip")) if not path.name.startswith(PREFIX)]


def name_of(path: Path) -> str:
    """What the suite calls a package."""
    return path.name.removeprefix(PREFIX).removesuffix(".zip")


def _cases(path: Path) -> set[str]:
    manifest = _manifest(path)
    if manifest is None:
        return set()
    hrefs = [item.href for item in parse(manifest).playable()]
    named = {found[1] for href in hrefs if (found := _TEST_CASE.search(href))}
    return named or {name_of(path)}


def _manifest(path: Path) -> bytes | None:
    if (path / MANIFEST).is_file():
        return (path / MANIFEST).read_bytes()
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        return archive.read(MANIFEST) if MANIFEST in archive.namelist() else None


def package(folder: Path, corpus: Path) -> io.BytesIO:
    """The zip, or one made of the folder; what the suite keeps once for all is found by name."""
    if folder.is_file():
        return io.BytesIO(folder.read_bytes())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        for name in sorted(there):
            archive.write(folder / name, name)
        for name in sorted(_wanted(folder) - there):
            source = next(_elsewhere(corpus, name), None)
            if source is not None:
                archive.write(source, name)
    out.seek(0)
    return out


def _wanted(folder: Path) -> set[str]:
    manifest = parse((folder / "imsmanifest.xml").read_bytes())
    names = {name for resource in manifest.resources for name in resource.files}
    return {file_of(name) for name in names | {item.href for item in manifest.playable()}}


def _elsewhere(corpus: Path, name: str) -> Iterator[Path]:
    wanted = name.rpartition("/")[2]
    for path in sorted(corpus.rglob(wanted)):
        if path.is_file() and not any(part.startswith(PREFIX) for part in path.parts):
            yield path
