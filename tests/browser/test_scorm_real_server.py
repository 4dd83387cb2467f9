"""The server as it is run, killed and started again in the middle of a course: nothing is lost."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests
from playwright.sync_api import Page

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.settings import Settings
from plugin.org.models import Person
from plugin.scorm import actions
from tests.browser.playing import PATIENCE, Playing, completions, stored, until
from tests.processes.conftest import environment
from tests.support.browser import Address, free_address
from tests.support.packages2004 import BOTH, course, part, sequencing
from tests.support.play import brought_in, started
from tests.support.world import World

WORKERS = 2


class Server:
    """`plugin serve` with two workers, over the database and the files of the tests."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.port = port
        self.content = f"http://content.localhost:{port}"
        tool = f"http://localhost:{port}"
        self.settings = replace(settings, tool_url=tool, content_url=self.content)
        self.start()

    def start(self) -> None:
        said = ["serve", "--port", str(self.port), "--workers", str(WORKERS)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plugin.cli", *said],
            env=environment(self.settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.answers, 60)

    def answers(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code > 0
        except requests.RequestException:
            return False

    def workers(self) -> list[int]:
        """The processes that answer."""
        told = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        lines = [line.split(None, 2) for line in told.splitlines()]
        return [
            int(pid)
            for pid, parent, *args in lines
            if int(parent) == self.process.pid and "resource_tracker" not in " ".join(args)
        ]

    def kill_workers(self) -> None:
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def server(settings: Settings, whole_app: object) -> Iterator[Server]:
    with free_address() as found:
        port = Address(found.listener).port
    server = Server(settings, port)
    yield server
    server.stop()


@pytest.fixture
def playing(server: Server, world: World, page: Page) -> Playing:
    """A course of two parts, opened at the server: the player needs its address and no cookie."""
    with clock.at(datetime.now(UTC)):  # the server lives by its own clock
        module = brought_in(world, course(part("ONE"), part("TWO"), sequencing(BOTH)))
        learner: Person = world.person("Lars Learner")
        run = started(module, learner)
        with transaction() as tx:
            merged = tx.session.merge(run)
            token = actions.create_launch(
                tx.session, merged, frame_ancestors="'self'", now=clock.now()
            )
    db.session.rollback()
    page.goto(f"{server.content}/c/{token}/")
    return Playing(page)


def commit(playing: Playing, name: str) -> bool:
    return bool(playing.at(name).evaluate("() => scorm.Commit('')") == "true")


def test_killed_workers_and_a_restart_in_the_middle_of_a_course_lose_nothing(
    server: Server, playing: Playing
) -> None:
    playing.set("ONE", suspend_data="acknowledged")
    assert commit(playing, "ONE")
    before = server.workers()
    assert len(before) == WORKERS
    server.kill_workers()
    playing.set("ONE", suspend_data="said to the dead")
    commit(playing, "ONE")
    until(lambda: stored("ONE").get("suspend_data") == "said to the dead", 60)
    assert not set(before) & set(server.workers()), "others have taken their place"

    server.stop()
    playing.set("ONE", suspend_data="said to nobody", completion_status="completed")
    assert not commit(playing, "ONE")
    playing.shell.locator("#trouble").wait_for()
    server.start()
    until(lambda: stored("ONE").get("suspend_data") == "said to nobody", 60)
    playing.shell.locator("#trouble").wait_for(state="hidden")
    playing.finish("ONE", "continue")
    playing.set("TWO", completion_status="completed", success_status="passed")
    playing.finish("TWO", "exitAll")
    playing.shell.locator("#message-ended").wait_for()
    (only,) = until(completions)
    assert only.passed
