"""Packages are scanned for viruses where a scanner is configured."""

import io
import socket
from pathlib import Path

import pytest

from plugin.core.errors import SettingError
from plugin.core.settings import Settings
from plugin.scorm.package import Unpacked, unpack
from plugin.scorm.scanner import Scanner
from tests.support.clamd import EICAR, MAX_STREAM, UNREADABLE, clamd
from tests.support.packages import package


def imported(source: io.BytesIO, target: Path, scanner: Scanner) -> Unpacked:
    return unpack(source, target, on_progress=lambda _: None, inspect=scanner)


def codes(found: Unpacked) -> list[tuple[str, str]]:
    return [(each.code, each.file) for each in found.findings]


@pytest.mark.parametrize("kind", ["port", "socket"])
def test_every_file_of_a_clean_package_is_scanned(tmp_path: Path, kind: str) -> None:
    where = tmp_path / "clamd.sock" if kind == "socket" else None
    with clamd(where) as (address, scanned):
        found = imported(package({"a/b.txt": "b" * 300_000}), tmp_path / "p", Scanner(address))
    assert found.is_usable
    assert len(scanned) == 3
    assert b"b" * 300_000 in scanned


def test_a_virus_is_named_with_its_file_and_nothing_is_left(tmp_path: Path) -> None:
    with clamd() as (address, _):
        found = imported(package({"media/x.js": EICAR}), tmp_path / "p", Scanner(address))
    assert codes(found) == [("scan.virus", "media/x.js")]
    assert found.findings[0].facts == {"name": "Eicar-Test"}
    assert not (tmp_path / "p").exists()


def test_what_the_scanner_cannot_take_is_not_let_in(tmp_path: Path) -> None:
    with clamd() as (address, _):
        big = package({"film.mp4": bytes(MAX_STREAM + 1)})
        found = imported(big, tmp_path / "p", Scanner(address))
    assert codes(found) == [("scan.too_large", "film.mp4")]
    assert not (tmp_path / "p").exists()


def test_a_scanner_that_does_not_answer_lets_nothing_in(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        scanner = Scanner(f"127.0.0.1:{port}", timeout=0.2)
        assert codes(imported(package(), tmp_path / "p", scanner)) == [("scan.unreachable", "")]
    assert codes(imported(package(), tmp_path / "q", scanner)) == [("scan.unreachable", "")]
    assert not (tmp_path / "q").exists()


def test_an_answer_nobody_understands_lets_nothing_in(tmp_path: Path) -> None:
    with clamd() as (address, _):
        found = imported(package({"x.bin": UNREADABLE}), tmp_path / "p", Scanner(address))
    assert codes(found) == [("scan.failed", "x.bin")]


@pytest.mark.parametrize("address", ["clamd", "http://x:1", "unix:relative", "host:port"])
def test_an_address_that_cannot_be_is_refused_at_the_start(address: str) -> None:
    values = {
        "tool_url": "https://a.example",
        "content_url": "https://b.example",
        "database_url": "sqlite:////tmp/x.db",
        "storage_dir": "/tmp/x",
        "secret_key": "a" * 40,
        "encryption_key": "b" * 40,
        "mail_host": "localhost",
        "mail_sender": "a@b.example",
    }
    with pytest.raises(SettingError, match="PLUGIN_CLAMAV"):
        Settings(**values, clamav=address).checked()  # type: ignore[arg-type]
