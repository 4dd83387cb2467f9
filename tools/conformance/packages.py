"""Put the suite's packages together from its folders: each manifest with the files it names."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from plugin.scorm.addresses import file_of
from plugin.scorm.manifest import parse

PREFIX = "LMSTestPackage_"
_TEST_CASE = re.compile(r"[?&]tc=([^&#]+)")


def folders(corpus: Path) -> dict[str, list[Path]]:
    """The folders of packages by the case they are played for; some cases need several."""
    found: dict[str, list[Path]] = {}
    for path in sorted(corpus.rglob(f"{PREFIX}*/imsmanifest.xml")):
        for name in sorted(_cases(path)):
            found.setdefault(name, []).append(path.parent)
    return found


def _cases(manifest: Path) -> set[str]:
    hrefs = [item.href for item in parse(manifest.read_bytes()).playable()]
    named = {found[1] for href in hrefs if (found := _TEST_CASE.search(href))}
    return named or {manifest.parent.name.removeprefix(PREFIX)}


def package(folder: Path, corpus: Path) -> io.BytesIO:
    """The zip of a package's folder; files the suite keeps once for all are looked up by name."""
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
