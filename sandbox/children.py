"""Processes that are started together, started again when they die, and ended together."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from plugin.core import embedded

PAUSE_SECONDS = 2.0
STOP_SECONDS = 12.0


class ChildError(Exception):
    """A process does not start; the message names it and its log."""


@dataclass(slots=True)
class Child:
    """One process."""

    name: str
    command: list[str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0

    @property
    def is_dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None


@dataclass(slots=True)
class Family:
    """Children with one environment, each with a log of its own."""

    children: list[Child]
    environment: dict[str, str]
    logs: Path

    def start(self) -> None:
        """Every child runs."""
        self.logs.mkdir(exist_ok=True)
        for child in self.children:
            self._start(child)

    def refuse_the_dead(self) -> None:
        """While the demo starts: raises ChildError for the first one that ended."""
        for child in self.children:
            if child.is_dead:
                log = self.logs / f"{child.name}.log"
                raise ChildError(f"{child.name} does not start: see {log}")

    def restart_the_dead(self) -> None:
        """Who ended runs again, at most once in a while."""
        for child in self.children:
            if child.is_dead and time.monotonic() - child.started > PAUSE_SECONDS:
                self._start(child)

    def stop(self) -> None:
        """End every child and what it started; nobody stays behind."""
        alive = [each.process for each in self.children if each.process is not None]
        for process in alive:
            _signal(process, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for process in alive:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, end - time.monotonic()))
            _signal(process, signal.SIGKILL)
            process.wait()

    def _start(self, child: Child) -> None:
        child.started = time.monotonic()
        with (self.logs / f"{child.name}.log").open("ab") as out:
            child.process = subprocess.Popen(  # noqa: S603 - our own programs
                child.command,
                env=self.environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=embedded.die_with_parent(),  # noqa: PLW1509 - no thread runs here
            )


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return
