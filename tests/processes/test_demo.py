"""`plugin demo`: ready in seconds, keeps its data, leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import demo as demos
from tests.support.smtp import free_port

pytestmark = pytest.mark.processes


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: Unix sockets allow about a hundred characters."""
    base = Path(tempfile.mkdtemp(prefix="demo-"))
    yield base / "var"
    shutil.rmtree(base, ignore_errors=True)


def processes_of(folder: Path) -> list[str]:
    """Command lines of processes that work in this folder."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line]


def page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as answer:
        return str(answer.read().decode())


def test_the_demo_starts_stops_and_goes_on_where_it_was(folder: Path) -> None:
    first = demos.start(folder)
    demos.wait_until_ready(first)
    assert f"The demo is ready:  {first.lms}" in first.output
    assert "Work is queued in" in first.output
    assert "Lars" in page(first.lms)
    secrets = (folder / "secrets.json").read_text(encoding="utf-8")
    assert first.stop() == 0
    assert "Stopped." in first.output
    assert "Traceback" not in first.output
    assert processes_of(folder) == []

    second = demos.start(folder, port=first.port, lms_port=first.lms_port)
    demos.wait_until_ready(second)
    try:
        assert (folder / "secrets.json").read_text(encoding="utf-8") == secrets
        assert len(list((folder / "files" / "logos").iterdir())) == 1, "loaded once"
    finally:
        assert second.stop() == 0
    assert processes_of(folder) == []


def test_a_part_that_dies_is_started_again(folder: Path) -> None:
    with demos.running(folder) as demo:
        time.sleep(2.5)
        listed = subprocess.run(
            ["pgrep", "-f", f"sandbox.serve {folder}/campus.json"],
            capture_output=True,
            text=True,
            check=True,
        )
        os.kill(int(listed.stdout.split()[0]), signal.SIGKILL)
        end = time.monotonic() + 20
        while True:
            try:
                assert "Lars" in page(demo.lms)
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.2)


def test_a_taken_port_gives_a_sentence_and_no_trace(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = demos.start(folder, port=port)
        assert demo.process.wait(timeout=30) == 2
    assert f"Port {port} is in use" in demo.output
    assert "--port" in demo.output
    assert "Traceback" not in demo.output


def test_production_cannot_start_it(folder: Path) -> None:
    for command in (
        [sys.executable, "-m", "plugin.cli", "demo", "--folder", str(folder)],
        [sys.executable, "-m", "sandbox.serve", str(folder / "campus.json"), str(free_port())],
    ):
        done = subprocess.run(
            command,
            env={**os.environ, "PLUGIN_ENV": "production"},
            cwd=demos.ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode != 0
        assert "does not start in production" in done.stderr
        assert "Traceback" not in done.stderr
    assert not folder.exists()
