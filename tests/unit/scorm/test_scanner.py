"""Packages are scanned for viruses where a scanner is configured."""

import io
import socket
import time
from pathlib import Path

import pytest

from plugin.core.errors import SettingError
from plugin.core.settings import Settings
from plugin.scorm.package import Unpacked, unpack
from plugin.scorm.scanner import Scanner
from tests.support.clamd import EICAR, MAX_STREAM, UNREADABLE, Behaviour, clamd, odd_clamd
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


def heard(connection: socket.socket) -> None:
    """Everything up to the empty block that ends a file."""
    end = b""
    while end != bytes(4):
        end = (end + connection.recv(65536))[-4:]


def answering(answer: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        heard(connection)
        connection.sendall(answer)

    return behave


def goes_at_once(_connection: socket.socket) -> None:
    pass


def goes_in_the_middle(connection: socket.socket) -> None:
    connection.recv(100)


def says_nothing(connection: socket.socket) -> None:
    heard(connection)
    time.sleep(3)


def never_listens(_connection: socket.socket) -> None:
    time.sleep(3)


def says_a_letter_now_and_then(connection: socket.socket) -> None:
    heard(connection)
    for letter in b"stream: " * 10:
        connection.sendall(bytes([letter]))
        time.sleep(0.05)


def never_stops(connection: socket.socket) -> None:
    heard(connection)
    while True:
        connection.sendall(b"x" * 1000)


def has_heard_enough(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"INSTREAM size limit exceeded. ERROR\0")


@pytest.mark.parametrize("kind", ["port", "socket"])
@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (goes_at_once, "scan.unreachable"),
        (goes_in_the_middle, "scan.unreachable"),
        (says_nothing, "scan.unreachable"),
        (never_listens, "scan.unreachable"),
        (says_a_letter_now_and_then, "scan.unreachable"),
        (never_stops, "scan.failed"),
        (has_heard_enough, "scan.too_large"),
        (answering(b""), "scan.unreachable"),
        (answering(b"stream: OK"), "scan.unreachable"),
        (answering(b"stream: Eicar FOUN"), "scan.unreachable"),
        (answering(b"\0"), "scan.failed"),
        (answering(b"OK\0"), "scan.failed"),
        (answering(b"stream: OKAY\0"), "scan.failed"),
        (answering(b"stream: OK\nstream: OK\0"), "scan.failed"),
        (answering(b"\xff\xfe\0"), "scan.failed"),
        (answering(b"UNKNOWN COMMAND\0"), "scan.failed"),
        (answering(b"stream: Win.Test-\xff FOUND\0stream: OK\0"), "scan.virus"),
    ],
)
def test_whatever_a_scanner_does_nothing_it_did_not_pass_is_let_in(
    tmp_path: Path, behave: Behaviour, code: str, kind: str
) -> None:
    where = tmp_path / "clamd.sock" if kind == "socket" else None
    began = time.monotonic()
    with odd_clamd(behave, where) as address:
        scanner = Scanner(address, timeout=1, deadline=1.5)
        film = package({"film.mp4": b"x" * 4_000_000})
        found = imported(film, tmp_path / "p", scanner)
    assert code in {each.code for each in found.findings}
    assert not found.is_usable
    assert not (tmp_path / "p").exists()
    assert time.monotonic() - began < 6


def test_a_scanner_is_found_by_its_name_whatever_kind_of_address_it_has(tmp_path: Path) -> None:
    with clamd() as (address, scanned):
        port = address.rpartition(":")[2]
        assert imported(package(), tmp_path / "p", Scanner(f"localhost:{port}")).is_usable
    assert scanned


ADDRESSES = ["clamd", "http://x:1", "unix:relative", "host:port", "host:0", "host:65536"]


@pytest.mark.parametrize("address", ADDRESSES)
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
