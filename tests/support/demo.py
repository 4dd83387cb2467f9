"""The real demo as a process of its own, on free ports."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.smtp import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90


@dataclass(slots=True)
class Demo:
    """A running demo."""

    process: "subprocess.Popen[str]"
    folder: Path
    port: int
    lms_port: int

    @property
    def lms(self) -> str:
        return f"http://127.0.0.1:{self.lms_port}"

    @property
    def tool(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def output(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.out").read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


def start(folder: Path, *more: str, port: int | None = None, lms_port: int | None = None) -> Demo:
    """`plugin demo` with its data in `folder`; it may not be ready yet."""
    demo_port, lms = port or free_port(), lms_port or free_port()
    command = [sys.executable, "-m", "plugin.cli", "demo", "--folder", str(folder)]
    command += [
        "--port",
        str(demo_port),
        "--lms-port",
        str(lms),
        "--smtp-port",
        str(free_port()),
        "--maker-port",
        str(free_port()),
        *more,
    ]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLUGIN_")}
    with (folder.parent / f"{folder.name}.out").open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=clean, stdout=out, stderr=subprocess.STDOUT, text=True
        )
    return Demo(process=process, folder=folder, port=demo_port, lms_port=lms)


def wait_until_ready(demo: Demo) -> None:
    end = time.monotonic() + READY_SECONDS
    while "The demo is ready" not in demo.output:
        assert demo.process.poll() is None, demo.output
        assert time.monotonic() < end, demo.output
        time.sleep(0.1)


@contextmanager
def running(folder: Path, *more: str) -> Iterator[Demo]:
    """A demo that is ready, and gone afterwards."""
    demo = start(folder, *more)
    try:
        wait_until_ready(demo)
        yield demo
    finally:
        demo.stop()
