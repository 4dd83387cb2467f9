"""Unpack a zip that nobody trusts: checked before, counted while, nothing left on error."""

import errno
import os
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from plugin.scorm import contents
from plugin.scorm.addresses import normal
from plugin.scorm.document import MANIFEST
from plugin.scorm.findings import Finding, RefusedPackageError, Severity, refuse, warning
from plugin.scorm.manifest import Manifest, parse

BLOCK = 1024 * 1024
MEGABYTE = 1024 * 1024
MAX_NAME = 200
MAX_PATH = 400
_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BEGIN = b"PK\x03\x04"
_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
LOCATOR_LENGTH, RECORD_LENGTH = 20, 56
"""Of the larger kind of zip: where its record of the list lies, and that record."""
ELSEWHERE = 0xFFFFFFFF
"""Instead of a length that only that record has room for."""
_MAC_ONLY = "__MACOSX/"
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    UnicodeDecodeError,
    NotImplementedError,
)
Progress = Callable[[int], None]
Inspection = Callable[[Path, Iterable[str]], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a package may unpack to."""

    total: int = 2048 * MEGABYTE
    files: int = 20_000
    depth: int = 25
    ratio: int = 200
    ratio_from: int = 50 * MEGABYTE
    manifest: int = 10 * MEGABYTE
    directory: int = 16 * MEGABYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of the zip and the clean path it will have."""

    info: zipfile.ZipInfo
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What came out: the manifest if the package can be used, and everything noticed."""

    manifest: Manifest | None
    findings: tuple[Finding, ...]

    @property
    def is_usable(self) -> bool:
        return self.manifest is not None


def unpack(
    source: BinaryIO,
    target: Path,
    *,
    limits: Limits | None = None,
    on_progress: Progress,
    inspect: Inspection | None = None,
) -> Unpacked:
    """The package's files are in `target`, or its errors are in the findings and nothing is.

    `inspect` is asked about the files before anybody may use them.
    """
    limits = limits or Limits()
    findings: list[Finding] = []
    try:
        manifest = _unpack(source, target, limits, on_progress, findings)
        if inspect is not None:
            files = (path for path in target.rglob("*") if path.is_file())
            findings.extend(inspect(target, (str(each.relative_to(target)) for each in files)))
    except RefusedPackageError as refusal:
        shutil.rmtree(target, ignore_errors=True)
        return Unpacked(manifest=None, findings=(refusal.finding, *findings))
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    if any(each.severity is Severity.ERROR for each in findings):
        shutil.rmtree(target, ignore_errors=True)
        return Unpacked(manifest=None, findings=tuple(findings))
    return Unpacked(manifest=manifest, findings=tuple(findings))


def _unpack(
    source: BinaryIO,
    target: Path,
    limits: Limits,
    on_progress: Progress,
    findings: list[Finding],
) -> Manifest:
    _check_directory(source, limits)
    try:
        with zipfile.ZipFile(source) as archive:
            entries = list(_entries(archive, limits, findings))
            base = _base(entries, findings)
            manifest = parse(_manifest_bytes(archive, entries, base, limits))
            findings.extend(manifest.findings)
            inside = [each for each in entries if each.path.startswith(base)]
            _extract(archive, inside, base, target, limits, on_progress)
    except BROKEN:
        raise refuse("zip.broken") from None
    paths = {each.path.removeprefix(base) for each in inside}
    manifest = contents.settled(manifest, paths, target, findings)
    findings.extend(contents.check(manifest, paths, target))
    return manifest


def _check_directory(source: BinaryIO, limits: Limits) -> None:
    """Refuse a list of contents too long to read; Python's reader would take it whole."""
    size = source.seek(0, os.SEEK_END)
    source.seek(max(0, size - 66_000))
    tail = source.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        source.seek(0)
        if source.read(len(_BEGIN)) == _BEGIN:  # it began as a zip; its end did not come along
            raise refuse("zip.broken")
        raise refuse("zip.not_a_zip")
    (length,) = struct.unpack_from("<I", tail, at + 12)
    lengths = [] if length == ELSEWHERE else [length]
    locator = tail.rfind(_LOCATOR, 0, at)
    if locator >= 0:
        (said,) = struct.unpack_from("<Q", tail, locator + 8)
        beside = size - len(tail) + at - LOCATOR_LENGTH - RECORD_LENGTH
        lengths += _lengths(source, {min(said, size), max(beside, 0)})
    if max(lengths, default=length) > limits.directory:
        raise refuse("zip.too_many_files", limit=limits.files)
    source.seek(0)


def _lengths(source: BinaryIO, places: Iterable[int]) -> Iterator[int]:
    """What the records of the larger kind say that the list is long: readers look for theirs where
    the locator says it lies, or beside the locator, and the two need not say the same."""
    for place in places:
        source.seek(place)
        record = source.read(RECORD_LENGTH)
        if record[:4] == _END64 and len(record) == RECORD_LENGTH:
            yield struct.unpack_from("<Q", record, 40)[0]


def _entries(archive: zipfile.ZipFile, limits: Limits, findings: list[Finding]) -> Iterator[Entry]:
    exact: set[str] = set()
    folded: dict[str, str] = {}
    for info in archive.infolist():
        if info.header_offset < 0:
            raise refuse("zip.broken")
        path = _clean_path(info, limits)
        if not path or path.endswith("/"):  # a folder, or a file that nobody can name
            continue
        if path in exact:
            raise refuse("zip.double_name", path)
        exact.add(path)
        if len(exact) > limits.files:
            raise refuse("zip.too_many_files", limit=limits.files)
        other = folded.setdefault(path.casefold(), path)
        if other != path:
            findings.append(warning("zip.case_double", path, other=other))
        yield Entry(info=info, path=path)


def _clean_path(info: zipfile.ZipInfo, limits: Limits) -> str:
    path = normal(_name(info)).replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path) or ".." in path.split("/"):
        raise refuse("zip.escape", path)
    if _CONTROL.search(path):
        raise refuse("zip.control", _CONTROL.sub("?", path))
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise refuse("zip.link", path)
    if info.flag_bits & _ENCRYPTED:
        raise refuse("zip.encrypted", path)
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise refuse("zip.method", path)
    parts = path.split("/")
    clean = "/".join(part for part in parts if part not in {"", "."})
    if len(parts) > limits.depth or len(clean.encode()) > MAX_PATH:
        raise refuse("zip.deep", path, limit=limits.depth)
    if any(len(part.encode()) > MAX_NAME for part in parts):
        raise refuse("zip.long_name", path, limit=MAX_NAME)
    return clean + "/" if path.endswith("/") else clean


def _name(info: zipfile.ZipInfo) -> str:
    """The name as the author meant it: zips without the UTF-8 mark often hold UTF-8 anyway."""
    if info.flag_bits & _UTF8_NAME or info.orig_filename.isascii():
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.orig_filename


def _base(entries: list[Entry], findings: list[Finding]) -> str:
    """The folder the package begins in: the root, or the one folder that has the manifest."""
    found = [
        each.path
        for each in entries
        if each.path.rpartition("/")[2].lower() == MANIFEST and not each.path.startswith(_MAC_ONLY)
    ]
    if any("/" not in path for path in found):
        return ""
    tops = {path for path in found if path.count("/") == 1}
    if len(tops) == 1:
        folder = tops.pop().partition("/")[0]
        findings.append(warning("zip.folder", MANIFEST, folder=folder))
        return folder + "/"
    if found:
        raise refuse("zip.manifest_deep", min(found))
    raise _without_manifest(entries)


def _without_manifest(entries: list[Entry]) -> RefusedPackageError:
    names = {each.path.rpartition("/")[2].lower() for each in entries}
    for name, standard in (("cmi5.xml", "cmi5"), ("tincan.xml", "xAPI")):
        if name in names:
            return refuse("zip.other_standard", name, standard=standard)
    if any(name.endswith((".crs", ".au")) for name in names):
        return refuse("zip.other_standard", "", standard="AICC")
    if any(name.endswith(".zip") for name in names):
        return refuse("zip.zip_in_zip", min(n for n in names if n.endswith(".zip")))
    return refuse("zip.no_manifest")


def _manifest_bytes(
    archive: zipfile.ZipFile, entries: list[Entry], base: str, limits: Limits
) -> bytes:
    wanted = (base + MANIFEST).lower()
    entry = next(each for each in entries if each.path.lower() == wanted)
    with archive.open(entry.info) as stream:
        content = stream.read(limits.manifest + 1)
    if len(content) > limits.manifest:
        raise refuse("manifest.large", entry.path, limit=limits.manifest // MEGABYTE)
    return content


def _extract(
    archive: zipfile.ZipFile,
    entries: list[Entry],
    base: str,
    target: Path,
    limits: Limits,
    on_progress: Progress,
) -> None:
    announced = sum(each.info.file_size for each in entries)
    if announced > limits.total:
        raise refuse("zip.large", limit=limits.total // MEGABYTE)
    _require_room(target, announced)
    root = os.path.realpath(target)
    made: set[Path] = set()
    written = 0
    for each in entries:
        path = target / each.path.removeprefix(base)
        if not os.path.realpath(path).startswith(root + os.sep):
            raise refuse("zip.escape", each.path)
        if path.parent not in made:
            _make_folder(path.parent, each.path)
            made.add(path.parent)
        if path.is_dir():
            raise refuse("zip.double_name", each.path)
        with archive.open(each.info) as stream, _new_file(path, each.path) as out:
            for size in _copied(stream, out, each, limits):
                written += size
                if written > limits.total:
                    raise refuse("zip.large", limit=limits.total // MEGABYTE)
                on_progress(100 * written // max(1, announced))


def _require_room(target: Path, announced: int) -> None:
    """Said before the disk is filled to its brim, which the database may share."""
    target.mkdir(parents=True, exist_ok=True)
    if announced > shutil.disk_usage(target).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _new_file(path: Path, name: str) -> BinaryIO:
    try:
        return path.open("xb")
    except FileExistsError:  # the file system does not tell large from small letters
        raise refuse("zip.double_name", name) from None


def _make_folder(path: Path, name: str) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise refuse("zip.double_name", name) from None


def _copied(stream: IO[bytes], out: BinaryIO, entry: Entry, limits: Limits) -> Iterator[int]:
    """The sizes of the blocks as they are written; refuses what only pretends to be small."""
    written = 0
    packed = max(1, entry.info.compress_size)
    while block := stream.read(BLOCK):
        written += len(block)
        if written > limits.ratio_from and written > packed * limits.ratio:
            raise refuse("zip.bomb", entry.path)
        out.write(block)
        yield len(block)
