"""`plugin demo`: ready in seconds, keeps its data, leaves nothing behind."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.processes.visitor import launched
from tests.support import demo as demos
from tests.support.demo import Demo
from tests.support.smtp import free_port

pytestmark = pytest.mark.processes
VISIT = re.compile(r"/visit/[0-9a-f]{16}/")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: Unix sockets allow about a hundred characters."""
    base = Path(tempfile.mkdtemp(prefix="demo-"))
    yield base / "var"
    shutil.rmtree(base, ignore_errors=True)


def processes_of(folder: Path) -> list[str]:
    """Processes that work in this folder: their command lines or environments name it."""
    listed = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(folder) in line]


def page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as answer:
        return str(answer.read().decode())


def ended(demo: Demo) -> None:
    """Ctrl-C ends the demo cleanly and leaves no process."""
    assert demo.stop() == 0
    assert "Stopped." in demo.output
    assert f"plugin demo --folder {demo.folder} lms list" in demo.output
    assert "Traceback" not in demo.output
    assert processes_of(demo.folder) == []


def kill(command: str) -> None:
    """The first process whose command line holds this ends at once."""
    say = ["ps", "axww", "-o", "pid,args"]
    listed = subprocess.run(say, capture_output=True, text=True, check=True)
    found = [line for line in listed.stdout.splitlines() if command in line]
    os.kill(int(found[0].split()[0]), signal.SIGKILL)


def eventually(is_true: Callable[[], bool], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.1)


def is_ready(demo: Demo) -> bool:
    try:
        return bool(page(f"http://127.0.0.1:{demo.port}/readyz"))
    except OSError:
        return False


def is_open(lms: str) -> bool:
    try:
        return "Lars" in page(lms)
    except OSError:
        return False


@dataclass
class Store:
    """What the demo's database says of when things were done."""

    folder: Path

    def last_visit(self) -> datetime:
        return self._moment("SELECT max(created_at) FROM sign_in")

    def last_turn(self) -> datetime:
        """When the dispatcher last did what comes round."""
        return self._moment("SELECT max(fired_at) FROM periodic")

    def _moment(self, statement: str) -> datetime:
        with closing(sqlite3.connect(self.folder / "demo.db")) as connection:
            (found,) = connection.execute(statement).fetchone()
        never = datetime(1, 1, 1, tzinfo=UTC)
        return datetime.fromisoformat(found).replace(tzinfo=UTC) if found else never


LISTS = ("lms", "list", "--organization", "northwind")


def said(*words: str) -> "subprocess.CompletedProcess[str]":
    called = [sys.executable, "-m", "plugin.cli", *words]
    return subprocess.run(called, capture_output=True, text=True, check=False, timeout=60)


def test_a_command_needs_a_demo_that_is_there(folder: Path) -> None:
    done = said("demo", "--folder", str(folder), *LISTS)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip() == f"There is no demo in {folder}: run `plugin demo` first."


def test_the_demo_starts_stops_and_goes_on_where_it_was(folder: Path) -> None:
    with demos.running(folder) as first:
        assert f"The demo is ready:  {first.lms}" in first.output
        assert "Work is queued in" in first.output
        parts = ["demo", "queue", "lms", "maker", "web", "dispatcher", "worker"]
        assert len(processes_of(folder)) >= len(parts)
        dashboard = launched(first.lms, "lars")
        assert dashboard.status_code == 200
        assert VISIT.fullmatch(dashboard.url.removeprefix(first.tool))
        assert "Working at height" in dashboard.text
        secrets = (folder / "secrets.json").read_text(encoding="utf-8")
        ended(first)

    listed = said("demo", "--folder", str(folder), *LISTS)
    assert (listed.returncode, "Northwind campus" in listed.stdout) == (0, True), listed.stderr

    with demos.running(folder) as second:
        assert second.lms != first.lms
        assert (folder / "secrets.json").read_text(encoding="utf-8") == secrets
        assert len(list((folder / "files" / "logos").iterdir())) == 1, "loaded once"
        assert "Working at height" in launched(second.lms, "lars").text
        ended(second)


def test_a_part_that_dies_is_started_again(folder: Path) -> None:
    with demos.running(folder) as demo:
        time.sleep(2.5)
        kill(f"sandbox.serve {folder}/campus.json")
        kill(f"{folder}/queue/queue.")
        eventually(lambda: is_open(demo.lms))
        eventually(lambda: is_ready(demo))
        assert "Working at height" in launched(demo.lms, "lars").text


def test_every_part_of_the_demo_follows_its_clock(folder: Path) -> None:
    """An id_token of the moved LMS is neither of the future nor too old for the moved tool."""
    with demos.running(folder) as demo:
        later = datetime.now(UTC) + timedelta(days=400)
        moved = requests.post(f"{demo.lms}/clock", data={"to": later.isoformat()}, timeout=10)
        assert f"{later + timedelta(hours=1):%b %Y}" in moved.text
        dashboard = launched(demo.lms, "lars")
        assert dashboard.status_code == 200
        assert VISIT.fullmatch(dashboard.url.removeprefix(demo.tool))
        kept = Store(folder)
        assert kept.last_visit() > later
        eventually(lambda: kept.last_turn() > later, seconds=30)
        requests.post(f"{demo.lms}/clock", data={"to": "real"}, timeout=10)
        assert launched(demo.lms, "lars").status_code == 200
        eventually(lambda: kept.last_turn() < later, seconds=30)


def test_nothing_outlives_a_demo_that_is_killed(folder: Path) -> None:
    demo = demos.start(folder)
    demos.wait_until_ready(demo)
    demo.process.kill()
    demo.process.wait()
    eventually(lambda: processes_of(folder) == [])


def test_one_folder_belongs_to_one_demo(folder: Path) -> None:
    with demos.running(folder) as demo:
        other = demos.start(folder, "--reset")
        assert other.process.wait(timeout=30) == 2
        assert "Another demo runs with the data in" in other.output
        assert "Traceback" not in other.output
        assert is_open(demo.lms)


def test_reset_forgets_the_demo_and_nothing_else(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    (folder / "demo.db").write_text("of a demo that was cut short")
    with demos.running(folder) as demo:
        ended(demo)
    secrets = (folder / "secrets.json").read_text(encoding="utf-8")
    with demos.running(folder, "--reset") as again:
        ended(again)
    assert (folder / "thesis.txt").read_text() == "mine"
    assert (folder / "secrets.json").read_text(encoding="utf-8") != secrets


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


def test_a_port_that_cannot_be_is_refused_and_one_asked_for_twice_too(folder: Path) -> None:
    same = free_port()
    for port, lms_port, said in (
        (99999, None, "99999 is not in the range"),
        (same, same, f"Port {same} is asked for twice: choose another: plugin demo --lms-port"),
    ):
        demo = demos.start(folder, port=port, lms_port=lms_port)
        assert demo.process.wait(timeout=30) == 2
        assert said in demo.output
        assert "Traceback" not in demo.output


def test_a_folder_that_cannot_be_gives_a_sentence_and_no_trace(folder: Path) -> None:
    folder.write_text("a file")
    demo = demos.start(folder)
    assert demo.process.wait(timeout=30) == 2
    assert f"The demo cannot keep its data in {folder}" in demo.output
    assert "Traceback" not in demo.output


def test_a_queue_that_cannot_start_again_ends_the_demo_which_goes_on_without_it(
    folder: Path,
) -> None:
    with demos.running(folder) as demo:
        for kept in (folder / "queue" / "appendonlydir").iterdir():
            kept.write_text("broken")
        kill(f"{folder}/queue/queue.")
        assert demo.process.wait(timeout=30) == 1
        assert "The queue ended and does not start again" in demo.output
        assert "Traceback" not in demo.output
        eventually(lambda: processes_of(folder) == [])
    with demos.running(folder) as again:
        assert "Work is queued in no Redis" in again.output
        ended(again)


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
