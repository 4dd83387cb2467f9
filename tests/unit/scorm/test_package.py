import io
import random
import shutil
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from plugin.scorm import files
from plugin.scorm.addresses import file_of
from plugin.scorm.findings import Severity
from plugin.scorm.package import Limits, Unpacked, unpack
from tests.support.packages import PAGE, item, manifest, package, resource, zip_of


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out"


def opened(source: io.BytesIO, target: Path, limits: Limits | None = None) -> Unpacked:
    return unpack(source, target, limits=limits, on_progress=lambda _percent: None)


def error_of(source: io.BytesIO, target: Path, limits: Limits | None = None) -> str:
    """The one error that refuses this zip, which leaves nothing behind."""
    found = opened(source, target, limits)
    assert not found.is_usable
    assert not target.exists()
    assert [*target.parent.iterdir()] == []
    (code,) = [each.code for each in found.findings if each.severity is Severity.ERROR]
    return code


def warnings_of(source: io.BytesIO, target: Path) -> list[str]:
    found = opened(source, target)
    assert found.is_usable
    return [each.code for each in found.findings]


def named(name: str, content: bytes = b"x", **attributes: int) -> io.BytesIO:
    """A good package with one more file of exactly this name."""
    out = package()
    with zipfile.ZipFile(out, "a") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = info.orig_filename = name
        for key, value in attributes.items():
            setattr(info, key, value)
        archive.writestr(info, content)
    out.seek(0)
    return out


def test_a_good_package_is_unpacked_and_progress_is_told(target: Path) -> None:
    seen: list[int] = []
    source = package({"media/a.txt": b"a" * 3_000_000})
    found = unpack(source, target, on_progress=seen.append)
    assert found.is_usable
    assert found.findings == ()
    assert (target / "media" / "a.txt").stat().st_size == 3_000_000
    assert seen == sorted(seen)
    assert seen[-1] == 100


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../../evil.html", "zip.escape"),
        ("a/../../evil.html", "zip.escape"),
        ("..\\evil.html", "zip.escape"),
        ("/etc/evil", "zip.escape"),
        ("C:\\evil.html", "zip.escape"),
        ("\\\\host\\share", "zip.escape"),
        ("a\nb.html", "zip.control"),
        ("/".join("d" * 30) + "/x", "zip.deep"),
        ("x" * 201, "zip.long_name"),
        ("index.html", "zip.double_name"),
        ("./index.html", "zip.double_name"),
        ("index.html/inside.txt", "zip.double_name"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_dangerous_name_refuses_the_package(target: Path, name: str, code: str) -> None:
    assert error_of(named(name), target) == code


def test_links_are_refused(target: Path) -> None:
    link = named("link.html", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16)
    assert error_of(link, target) == "zip.link"


def test_devices_are_refused(target: Path) -> None:
    device = named("tty", external_attr=(stat.S_IFCHR | 0o666) << 16)
    assert error_of(device, target) == "zip.link"


def test_files_of_the_larger_kind_of_zip_are_read(target: Path) -> None:
    out = package()
    with (
        zipfile.ZipFile(out, "a") as archive,
        archive.open("big.txt", "w", force_zip64=True) as big,
    ):
        big.write(b"x" * 100)
    assert opened(io.BytesIO(out.getvalue()), target).is_usable
    assert (target / "big.txt").read_bytes() == b"x" * 100


def test_what_stands_before_and_after_the_zip_is_no_harm(target: Path) -> None:
    out = package()
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"made by a tool"
    assert opened(io.BytesIO(b"#!stub\n" + out.getvalue()), target).is_usable


def test_what_a_mac_adds_is_no_manifest(target: Path) -> None:
    junk = {"__MACOSX/imsmanifest.xml": b"x", "__MACOSX/c/._imsmanifest.xml": b"x"}
    source = zip_of({"c/imsmanifest.xml": manifest(), "c/index.html": PAGE, **junk})
    assert warnings_of(source, target) == ["zip.folder"]


def test_windows_separators_become_folders(target: Path) -> None:
    assert opened(named("dir\\page.html"), target).is_usable
    assert (target / "dir" / "page.html").is_file()


def test_names_without_the_utf_8_mark_are_read_as_their_author_meant(target: Path) -> None:
    source = package({"höhe.html": PAGE})
    raw = bytearray(source.getvalue())
    name = "höhe.html".encode()
    at = raw.find(name)
    while at >= 0:  # clear the mark in the local and the central header
        for header, offset in ((b"PK\x03\x04", 30), (b"PK\x01\x02", 46)):
            start = at - offset
            if raw[start : start + 4] == header:
                flags = start + (6 if offset == 30 else 8)
                raw[flags : flags + 2] = b"\0\0"
        at = raw.find(name, at + 1)
    assert opened(io.BytesIO(bytes(raw)), target).is_usable
    assert (target / "höhe.html").is_file()


def test_a_bomb_is_stopped_by_what_it_really_unpacks_to(target: Path) -> None:
    bomb = package({"zeros.bin": bytes(60 * 1024 * 1024)})
    assert error_of(bomb, target) == "zip.bomb"


def test_a_bomb_that_lies_about_its_size_is_stopped_too(target: Path) -> None:
    source = package({"big.bin": random.Random(1).randbytes(3_000_000)})
    raw = source.getvalue().replace(struct.pack("<I", 3_000_000), struct.pack("<I", 3))
    found = opened(io.BytesIO(raw), target, Limits(total=1_000_000))
    assert not found.is_usable
    assert not target.exists()


def test_a_package_larger_than_allowed_is_refused(target: Path) -> None:
    source = package({"a.bin": b"a" * 2000, "b.bin": b"b" * 2000})
    assert error_of(source, target, Limits(total=3000)) == "zip.large"


def test_too_many_files_are_refused(target: Path) -> None:
    source = package({f"{number}.txt": b"" for number in range(20)})
    assert error_of(source, target, Limits(files=10)) == "zip.too_many_files"


def test_a_list_of_contents_too_long_to_read_is_refused_unread(target: Path) -> None:
    source = package({f"{'n' * 100}{number}.txt": b"" for number in range(100)})
    assert error_of(source, target, Limits(directory=4000)) == "zip.too_many_files"


def larger_kind(*, beside: bool, told: int | None = None, length: int = 0xFFFFFFFF) -> io.BytesIO:
    """A package whose list is described as in the larger kind of zip: the record lies beside its
    locator or is broken there; the locator tells of another one, which says that the list is short
    (`told` is where it says that one lies)."""
    content = package({f"{'n' * 100}{number}.txt": b"" for number in range(100)}).getvalue()
    entries, size, start = struct.unpack_from("<HLL", content, len(content) - 12)
    form, end = "<4sQ2H2L4Q", content[:-22]
    short = struct.pack(form, b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 47, start)
    true = struct.pack(form, b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, start)
    if length != 0xFFFFFFFF:
        length = size
    where = len(end) if told is None else told
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, where, 1)
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, length, start, 0)
    return io.BytesIO(end + short + (true if beside else b"x" * 56) + locator + last)


@pytest.mark.parametrize(
    ("beside", "told", "length"),
    [
        (True, None, 0xFFFFFFFF),
        (True, 0, 0xFFFFFFFF),
        (True, 2**63, 0xFFFFFFFF),
        (True, struct.unpack("<Q", b"PK\x06\x07PK\x06\x07")[0], 0xFFFFFFFF),
        (False, None, 0),
    ],
)
def test_a_list_that_is_said_to_be_short_elsewhere_is_as_long_as_readers_read_it(
    target: Path, beside: bool, told: int | None, length: int
) -> None:
    source = larger_kind(beside=beside, told=told, length=length)
    assert error_of(source, target, Limits(directory=4000)) == "zip.too_many_files"


def test_a_file_without_a_name_is_passed_by(target: Path) -> None:
    raw = named("?").getvalue()
    at = raw.rfind(b"PK\x01\x02")
    nameless = bytearray(raw)
    nameless[at + 28 : at + 32] = struct.pack("<HH", 0, 1)  # its one sign is an extra field now
    assert opened(io.BytesIO(bytes(nameless)), target).is_usable
    assert not [each for each in target.rglob("*") if each.name in {"", "?"}]


def test_a_list_of_the_larger_kind_is_read(target: Path) -> None:
    content = package().getvalue()
    entries, size, start = struct.unpack_from("<HLL", content, len(content) - 12)
    record = (b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, start)
    out = content[:-22] + struct.pack("<4sQ2H2L4Q", *record)
    out += struct.pack("<4sLQL", b"PK\x06\x07", 0, len(content) - 22, 1)
    out += struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, *(2 * [0xFFFF]), *(2 * [0xFFFFFFFF]), 0)
    assert opened(io.BytesIO(out), target, Limits(directory=size)).is_usable


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "zip.not_a_zip"),
        (b"%PDF-1.7 not a zip at all", "zip.not_a_zip"),
        (package().getvalue()[:-30], "zip.broken"),
    ],
)
def test_what_is_no_whole_zip_is_refused(target: Path, content: bytes, code: str) -> None:
    assert error_of(io.BytesIO(content), target) == code


def test_damaged_contents_are_refused(target: Path) -> None:
    source = package({"page.txt": random.Random(2).randbytes(5000)})
    raw = bytearray(source.getvalue())
    at = raw.find(b"page.txt") + 500
    raw[at : at + 50] = bytes(50)
    assert error_of(io.BytesIO(bytes(raw)), target) == "zip.broken"


def test_an_encrypted_zip_is_refused(target: Path) -> None:
    raw = bytearray(package().getvalue())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.find(header)
        while at >= 0:
            raw[at + flags] |= 1
            at = raw.find(header, at + 1)
    assert error_of(io.BytesIO(bytes(raw)), target) == "zip.encrypted"


def test_unusual_compression_is_refused(target: Path) -> None:
    source = package()
    with zipfile.ZipFile(source, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("page.txt", "x" * 100)
    assert error_of(source, target) == "zip.method"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"index.html": PAGE}, "zip.no_manifest"),
        ({"course.zip": b"x"}, "zip.zip_in_zip"),
        ({"cmi5.xml": b"x"}, "zip.other_standard"),
        ({"tincan.xml": b"x"}, "zip.other_standard"),
        ({"course.crs": b"x"}, "zip.other_standard"),
        ({"a/b/imsmanifest.xml": manifest()}, "zip.manifest_deep"),
        ({"a/imsmanifest.xml": manifest(), "b/imsmanifest.xml": manifest()}, "zip.manifest_deep"),
    ],
)
def test_a_zip_without_a_scorm_manifest_says_what_it_is(
    target: Path, files: dict[str, bytes], code: str
) -> None:
    assert error_of(zip_of(files), target) == code


def test_a_manifest_in_the_one_folder_is_accepted_and_said(target: Path) -> None:
    source = zip_of(
        {
            "course/imsmanifest.xml": manifest(),
            "course/index.html": PAGE,
            "__MACOSX/course/._index.html": b"x",
        }
    )
    assert warnings_of(source, target) == ["zip.folder"]
    assert sorted(path.name for path in target.iterdir()) == ["imsmanifest.xml", "index.html"]


def test_a_manifest_too_large_to_read_is_refused(target: Path) -> None:
    assert error_of(package(), target, Limits(manifest=100)) == "manifest.large"


def test_a_missing_launch_file_is_an_error(target: Path) -> None:
    source = package(manifest_bytes=manifest(resources=resource(href="start.html")))
    found = opened(source, target)
    assert [(each.code, each.file) for each in found.findings] == [
        ("scorm.launch_file", "start.html")
    ]
    assert not target.exists()


def test_a_launch_file_that_differs_in_case_is_a_warning(target: Path) -> None:
    source = package(manifest_bytes=manifest(resources=resource(href="Index.HTML?a=1")))
    assert warnings_of(source, target) == ["scorm.case"]


@pytest.mark.parametrize(
    ("name", "href", "warnings"),
    [
        ("two  spaces.html", "two  spaces.html", []),
        ("two  spaces.html", "two%20%20spaces.html", []),
        ("caf\u00e9.html", "caf%E9.html", []),
        ("a%20b.html", "a%20b.html", ["scorm.case"]),
        ("A%20b.html", "a b.html", ["scorm.case"]),
        ("two  spaces.html", "two spaces.html", ["scorm.case"]),
        ("h%C3%B6he/x.html", "h\u00f6he/x.html", ["scorm.case"]),
    ],
)
def test_a_launch_file_is_found_however_it_is_spelled(
    target: Path, name: str, href: str, warnings: list[str]
) -> None:
    content = manifest(resources=resource(href=href))
    found = opened(package({name: PAGE}, manifest_bytes=content), target)
    assert found.is_usable
    assert [each.code for each in found.findings] == warnings
    assert found.manifest is not None
    (item,) = found.manifest.playable()
    assert files.find(target, file_of(item.href)) == target / name


def test_a_name_with_a_coded_slash_is_no_folder(target: Path) -> None:
    content = manifest(resources=resource(href="a/b.html"))
    source = package({"a%2Fb.html": PAGE}, manifest_bytes=content)
    assert error_of(source, target) == "scorm.launch_file"


def test_percent_codes_in_addresses_are_understood(target: Path) -> None:
    source = package(
        {"a b.html": PAGE}, manifest_bytes=manifest(resources=resource(href="a%20b.html"))
    )
    assert warnings_of(source, target) == []


def test_files_that_are_listed_but_missing_are_said_in_one_sentence(target: Path) -> None:
    files = '<file href="index.html"/><file href="x.css"/><file href="y.css"/>'
    source = package(manifest_bytes=manifest(resources=resource(inside=files)))
    found = opened(source, target).findings
    assert [(each.code, each.facts["count"]) for each in found] == [("scorm.listed_file", 2)]


def test_names_that_differ_only_in_case_are_said(target: Path) -> None:
    assert warnings_of(package({"INDEX.html": PAGE}), target) == ["zip.case_double"]


def test_pages_that_load_from_another_host_are_said(target: Path) -> None:
    page = b'<script src="https://code.example.com/x.js"></script><a href="https://fine.example/">'
    found = opened(package({"p.html": page}), target).findings
    assert [(each.code, each.facts["host"]) for each in found] == [
        ("scorm.foreign_host", "code.example.com")
    ]


def test_what_a_page_does_not_load_is_not_said(target: Path) -> None:
    page = b"""<link rel="license" href="https://licence.example/by-sa">
<link rel=canonical href=//original.example/><link href="https://x.example/y" rel="alternate">
<!--[if lt IE 9]><script src="https://shiv.example/old.js"></script><![endif]-->
<link href="//style.example/s.css" rel="stylesheet">
<link rel="shortcut icon" href="//icon.example/i">"""
    found = opened(package({"p.html": page}), target).findings
    assert [each.facts["host"] for each in found] == ["icon.example", "style.example"]


@pytest.mark.parametrize(
    ("schema", "spaces", "asks", "version"),
    [
        ("CAM 1.3", "1.2", "api.LMSInitialize('')", "1.2"),
        ("2004 4th Edition", "1.2", "window.API_1484_11", "2004 4th Edition"),
        ("2004 4th Edition", "1.2", "API_1484_11 || LMSInitialize", "2004 4th Edition"),
        ("1.2", "2004", "window.API_1484_11", "2004 3rd Edition"),
        ("1.2", "2004", "nothing", "1.2"),
        ("2004 4th Edition", "2004", "api.LMSInitialize('')", "2004 4th Edition"),
    ],
)
def test_a_manifest_of_two_editions_is_of_the_one_its_pages_look_for(
    target: Path, schema: str, spaces: str, asks: str, version: str
) -> None:
    content = manifest(schema=schema)
    if spaces == "2004":
        content = content.replace(b"adlcp_rootv1p2", b"adlcp_v1p3")
    found = opened(package({"api.js": asks}, manifest_bytes=content), target)
    assert found.manifest is not None
    assert found.manifest.version == version
    said = [each.code for each in found.findings]
    assert said == ([] if version == schema else ["manifest.mixed"])


def test_every_edition_of_scorm_can_be_imported(target: Path) -> None:
    for schema in ("1.2", "CAM 1.3", "2004 3rd Edition", "2004 4th Edition"):
        found = opened(package(manifest_bytes=manifest(schema=schema)), target)
        assert found.is_usable
        assert found.findings == ()
        shutil.rmtree(target)


def test_several_parts_are_all_checked(target: Path) -> None:
    content = manifest(
        items=item() + item("I2", "Part two", "R2"),
        resources=resource() + resource("R2", "two.html"),
    )
    found = opened(package(manifest_bytes=content), target)
    assert [each.file for each in found.findings] == ["two.html"]


def test_whatever_the_bytes_the_answer_is_findings_never_a_crash(target: Path) -> None:
    dice = random.Random(7)
    good = package({"a.txt": b"some text" * 50}).getvalue()
    for _ in range(300):
        raw = bytearray(good)
        for _ in range(dice.randint(1, 6)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        found = opened(io.BytesIO(bytes(raw)), target)
        assert found.is_usable == target.exists()
        shutil.rmtree(target, ignore_errors=True)


def test_memory_stays_flat_however_large_the_package_is(tmp_path: Path) -> None:
    """What is held at once is a few blocks, not a film; 2 GB are a matter of `benchmarks`."""
    film = bytes(range(256)) * 4096 * 48
    large = package({f"film{n}.mp4": film for n in range(2)})
    said: list[int] = []
    tracemalloc.start()
    try:
        found = unpack(large, tmp_path / "out", on_progress=said.append)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.is_usable
    assert peak < 16 * 1024 * 1024
    assert said == sorted(said)
    assert (said[0] < 10, said[-1]) == (True, 100)
