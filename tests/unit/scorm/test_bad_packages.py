"""Every kind of bad package: what its author is told, about which file, and how to mend it.

A package with an error is refused and leaves nothing behind; a note never stops one.
"""

import io
import random
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugin.scorm import files, wording
from plugin.scorm.findings import Severity
from plugin.scorm.manifest import MAX_ITEMS, parse
from plugin.scorm.package import Limits, unpack
from plugin.scorm.sequencing import MAX_ELEMENTS
from tests.support import packages2004
from tests.support.packages import PAGE, item, manifest, package, resource, zip_of
from tests.unit.scorm.test_package import named

SMALL = Limits(total=200_000, files=30, ratio=20, ratio_from=50_000, manifest=1_500_000)
ENTITIES = b'<!DOCTYPE manifest [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = b'<!DOCTYPE manifest [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True)
class Row:
    """A bad package, the code of what is found, the file named, and words of the way to mend it."""

    name: str
    make: Callable[[], io.BytesIO]
    code: str
    file: str
    words: str
    refused: bool = True


def link() -> io.BytesIO:
    return named("link.html", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16)


def said(content: bytes) -> io.BytesIO:
    return package(manifest_bytes=content)


def after_declaration(more: bytes) -> io.BytesIO:
    return said(manifest().replace(DECLARATION, DECLARATION + more))


def launching(href: str, extra: dict[str, bytes | str] | None = None) -> io.BytesIO:
    return package(extra, manifest_bytes=manifest(resources=resource(href=href)))


def damaged() -> io.BytesIO:
    source = package({"page.txt": random.Random(2).randbytes(5000)}).getvalue()
    at = source.find(b"page.txt") + 500
    return io.BytesIO(source[:at] + bytes(50) + source[at + 50 :])


def locked() -> io.BytesIO:
    source = bytearray(package().getvalue())
    at = source.find(b"PK\x01\x02")
    source[at + 8] |= 1
    return io.BytesIO(bytes(source))


def squeezed() -> io.BytesIO:
    source = package()
    with zipfile.ZipFile(source, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x.html", "x" * 100)
    source.seek(0)
    return source


def overlapping() -> io.BytesIO:
    """Many names in the list of contents, all of the same small packed file."""
    source = package({"zeros.bin": bytes(49_000)})
    raw = source.getvalue()
    end = raw.rfind(b"PK\x05\x06")
    start = int.from_bytes(raw[end + 16 : end + 20], "little")
    last = raw.rfind(b"PK\x01\x02", 0, end)
    record = raw[last:end]
    more = b"".join(record.replace(b"zeros", b"zer%02d" % number) for number in range(20))
    directory = raw[start:end] + more
    tail = bytearray(raw[end:])
    count = int.from_bytes(tail[10:12], "little") + 20
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = len(directory).to_bytes(4, "little")
    return io.BytesIO(raw[:start] + directory + bytes(tail))


def rules_named_often() -> io.BytesIO:
    """A small manifest whose items all name the same large rules."""
    one = packages2004.rule("pre", "skip", *["satisfied"] * 500)
    collection = (
        "<imsss:sequencingCollection>"
        f'<imsss:sequencing ID="S">{packages2004.rules(*[one] * 4)}</imsss:sequencing>'
        "</imsss:sequencingCollection>"
    )
    parts = [
        packages2004.part(f"P{number}", packages2004.sequencing("", idref="S"))
        for number in range(MAX_ELEMENTS // 2000 + 1)
    ]
    return packages2004.course(*parts, collection=collection)


HUGE = "".join(item(f"I{number}", "x") for number in range(MAX_ITEMS + 1))
ROWS = [
    Row("way out", lambda: named("../../evil.html"), "zip.escape", "../../evil.html", "'..'"),
    Row("absolute path", lambda: named("/etc/evil"), "zip.escape", "/etc/evil", "leading '/'"),
    Row("drive letter", lambda: named("C:\\evil"), "zip.escape", "C:/evil", "a drive letter"),
    Row("backslash way out", lambda: named("..\\x.html"), "zip.escape", "../x.html", "'..'"),
    Row("symbolic link", link, "zip.link", "link.html", "Replace it by the file"),
    Row("double name", lambda: named("index.html"), "zip.double_name", "index.html", "twice"),
    Row(
        "names that differ in case only",
        lambda: package({"INDEX.html": PAGE}),
        "zip.case_double",
        "INDEX.html",
        "Rename one",
        refused=False,
    ),
    Row(
        "bomb of one file",
        lambda: package({"zeros.bin": bytes(150_000)}),
        "zip.bomb",
        "zeros.bin",
        "Export the package again",
    ),
    Row("bomb of overlapping files", overlapping, "zip.large", "", "Reduce its media"),
    Row(
        "too large in all",
        lambda: package({f"{n}.bin": bytes(range(256)) * 180 for n in range(5)}),
        "zip.large",
        "",
        "Reduce its media",
    ),
    Row(
        "too many files",
        lambda: package({f"{n}.txt": "x" for n in range(40)}),
        "zip.too_many_files",
        "",
        "Split the course",
    ),
    Row("too deep", lambda: named("d/" * 30 + "x"), "zip.deep", "d/" * 30 + "x", "nested"),
    Row(
        "manifest in a folder",
        lambda: zip_of({"course/imsmanifest.xml": manifest(), "course/index.html": PAGE}),
        "zip.folder",
        "imsmanifest.xml",
        "course",
        refused=False,
    ),
    Row(
        "manifest two folders deep",
        lambda: zip_of({"a/b/imsmanifest.xml": manifest(), "a/b/index.html": PAGE}),
        "zip.manifest_deep",
        "a/b/imsmanifest.xml",
        "Zip the contents of the course's folder",
    ),
    Row("no manifest", lambda: zip_of({"index.html": PAGE}), "zip.no_manifest", "", "LMS export"),
    Row("a zip in a zip", lambda: zip_of({"c.zip": b"x"}), "zip.zip_in_zip", "c.zip", "inner one"),
    Row(
        "declared UTF-8 and cp1252 bytes",
        lambda: said(manifest(title="Höhe").decode().encode("cp1252")),
        "manifest.encoding",
        "imsmanifest.xml",
        "Windows-1252",
        refused=False,
    ),
    Row(
        "bare ampersand in an address",
        lambda: launching("index.html?a=1&b=2"),
        "manifest.ampersand",
        "imsmanifest.xml",
        "'&amp;'",
        refused=False,
    ),
    Row(
        "leading lines before the XML",
        lambda: said(b"\n\n" + manifest()),
        "manifest.leading",
        "imsmanifest.xml",
        "ignored",
        refused=False,
    ),
    Row(
        "launch file missing",
        lambda: launching("start.html"),
        "scorm.launch_file",
        "start.html",
        "Add it, or export again",
    ),
    Row(
        "launch file of another case",
        lambda: launching("Index.HTML"),
        "scorm.case",
        "Index.HTML",
        "rename one",
        refused=False,
    ),
    Row(
        "launch file outside the package",
        lambda: launching("../index.html"),
        "manifest.outside",
        "imsmanifest.xml",
        "relative to imsmanifest.xml",
        refused=False,
    ),
    Row(
        "launch file at the root of the host",
        lambda: launching("/index.html"),
        "manifest.outside",
        "imsmanifest.xml",
        "relative to imsmanifest.xml",
        refused=False,
    ),
    Row(
        "launch at another host",
        lambda: launching("https://cdn.example/x.html"),
        "manifest.foreign_launch",
        "imsmanifest.xml",
        "cannot report results",
        refused=False,
    ),
    Row(
        "an address nobody can read",
        lambda: launching("http://[::1"),
        "manifest.foreign_launch",
        "imsmanifest.xml",
        "cannot report results",
        refused=False,
    ),
    Row(
        "launch by a script",
        lambda: launching("javascript:alert(1)"),
        "manifest.no_page",
        "imsmanifest.xml",
        "no page of the package",
    ),
    Row(
        "launch from a drive",
        lambda: launching(r"C:\course\index.html"),
        "manifest.no_page",
        "imsmanifest.xml",
        "relative to imsmanifest.xml",
    ),
    Row(
        "launch of nothing but a query",
        lambda: launching("?page=1"),
        "scorm.launch_file",
        "?page=1",
        "not in the zip",
    ),
    Row(
        "launch with an end in its name",
        lambda: launching("index.html%00.php"),
        "scorm.launch_file",
        "index.html?.php",
        "not in the zip",
    ),
    Row(
        "entity bomb",
        lambda: after_declaration(ENTITIES),
        "manifest.entities",
        "imsmanifest.xml",
        "Remove them",
    ),
    Row(
        "external entity",
        lambda: after_declaration(OUTSIDE),
        "manifest.entities",
        "imsmanifest.xml",
        "Remove them",
    ),
    Row("broken XML", lambda: said(b"<manifest>"), "manifest.xml", "imsmanifest.xml", "line 1"),
    Row(
        "huge manifest of items",
        lambda: said(manifest(items=HUGE)),
        "manifest.too_many_items",
        "imsmanifest.xml",
        "Split the course",
    ),
    Row(
        "huge rules named often",
        rules_named_often,
        "manifest.too_many_rules",
        "imsmanifest.xml",
        "smaller collections",
    ),
    Row(
        "deeply nested manifest",
        lambda: said(manifest(items="<item>" * 80 + "</item>" * 80)),
        "manifest.too_deep",
        "imsmanifest.xml",
        "nested",
    ),
    Row(
        "no zip at all", lambda: io.BytesIO(b"%PDF-1.7"), "zip.not_a_zip", "", "as a SCORM package"
    ),
    Row("damaged zip", damaged, "zip.broken", "", "repeat the upload"),
    Row(
        "invisible letter in a name",
        lambda: named("a\nb.html"),
        "zip.control",
        "a?b.html",
        "Rename the file",
    ),
    Row("long name", lambda: named("x" * 201), "zip.long_name", "x" * 201, "Shorten it"),
    Row("password", locked, "zip.encrypted", "imsmanifest.xml", "without one"),
    Row("unusual compression", squeezed, "zip.method", "x.html", "ordinary zip"),
    Row(
        "another standard",
        lambda: zip_of({"cmi5.xml": b"x"}),
        "zip.other_standard",
        "cmi5.xml",
        "2004",
    ),
    Row(
        "large manifest",
        lambda: said(manifest() + b" " * 2_000_000),
        "manifest.large",
        "imsmanifest.xml",
        "Split the course",
    ),
    Row(
        "no manifest inside the manifest",
        lambda: said(b"<html/>"),
        "manifest.not_a_manifest",
        "imsmanifest.xml",
        "export again",
    ),
    Row(
        "a manifest of no standard",
        lambda: said(b"<manifest><organizations/></manifest>"),
        "manifest.not_scorm",
        "imsmanifest.xml",
        "choose SCORM 1.2",
    ),
    Row(
        "a manifest without a course",
        lambda: said(re.sub(rb"<organization .*</organization>", b"", manifest(), flags=re.DOTALL)),
        "manifest.no_organization",
        "imsmanifest.xml",
        "Export the course",
    ),
    Row(
        "a course without a page",
        lambda: said(manifest(items='<item identifier="I"><title>x</title></item>')),
        "manifest.nothing_to_play",
        "imsmanifest.xml",
        "Add a page",
    ),
    Row(
        "manifest in a manifest",
        lambda: said(manifest().replace(b"</manifest>", b"<manifest/></manifest>")),
        "manifest.submanifest",
        "imsmanifest.xml",
        "separate packages",
    ),
]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_bad_package_is_told_with_its_file_and_how_to_mend_it(row: Row, tmp_path: Path) -> None:
    target = tmp_path / "out"
    found = unpack(row.make(), target, limits=SMALL, on_progress=lambda _percent: None)
    assert found.is_usable is not row.refused
    assert target.exists() is not row.refused
    assert row.refused or {each.severity for each in found.findings} == {Severity.WARNING}
    told = {each.code: each for each in wording.sentences(wording.stored(found.findings))}
    assert row.code in told
    assert told[row.code].file == row.file
    assert row.words in told[row.code].text
    assert told[row.code].is_error is row.refused


def test_every_error_of_a_package_has_its_row() -> None:
    source = "".join(path.read_text() for path in Path(wording.__file__).parent.glob("*.py"))
    errors = set(re.findall(r"\b(?:refuse|error)\(\s*\"([a-z_]+\.[a-z_]+)\"", source))
    ours = {code for code in errors if not code.startswith(("import.", "scan."))}
    assert len(ours) > 20
    assert ours <= {row.code for row in ROWS if row.refused}


NAMES = [".htaccess", "run.php", "CON.html", "trailing.", "trailing ", "ünï.html"]


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_name_is_a_plain_file_that_is_never_run(name: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    found = unpack(package({name: "x"}), target, on_progress=lambda _percent: None)
    assert found.is_usable
    assert files.find(target, name) == target / name
    kind = files.media_type(name)
    assert (kind is None) is not name.endswith(".html")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1", "cp1252"])
def test_a_manifest_of_another_encoding_is_read_as_it_says(encoding: str, tmp_path: Path) -> None:
    text = manifest(title="Höhe").decode().replace("UTF-8", encoding.removesuffix("-sig"))
    found = unpack(said(text.encode(encoding)), tmp_path / "out", on_progress=lambda _: None)
    assert found.manifest is not None
    assert (found.manifest.title, found.findings) == ("Höhe", ())


def test_letters_with_marks_are_found_however_a_computer_spells_them(tmp_path: Path) -> None:
    """A zip made on a Mac spells é as two characters, its manifest as one."""
    page = "café.html"
    apart = unicodedata.normalize("NFD", page)
    target = tmp_path / "out"
    source = launching(page, {apart: PAGE})
    found = unpack(source, target, on_progress=lambda _percent: None)
    assert (found.is_usable, found.findings) == (True, ())
    assert files.find(target, page) == files.find(target, apart) == target / page


def test_a_manifest_in_capitals_is_the_manifest(tmp_path: Path) -> None:
    source = zip_of({"IMSMANIFEST.XML": manifest(), "index.html": PAGE})
    assert unpack(source, tmp_path / "out", on_progress=lambda _percent: None).is_usable


def test_what_leaves_the_package_is_launched_from_inside_it() -> None:
    found = parse(manifest(resources=resource(href="../../a/../index.html?x=/../y#../z")))
    assert [each.href for each in found.playable()] == ["index.html?x=/../y#../z"]


def test_a_zip_of_nothing_but_folders_is_no_course(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.mkdir("imsmanifest.xml")
    out.seek(0)
    found = unpack(out, tmp_path / "out", on_progress=lambda _percent: None)
    assert [each.code for each in found.findings] == ["zip.no_manifest"]
