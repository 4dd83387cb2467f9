"""A queue that nobody had to install: started, attached to again, and done without."""

import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from plugin.core import embedded


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: Unix sockets allow about a hundred characters."""
    base = Path(tempfile.mkdtemp(prefix="q-"))
    yield base
    shutil.rmtree(base, ignore_errors=True)


def test_an_embedded_queue_starts_on_a_private_socket_and_stops(folder: Path) -> None:
    queue = embedded.start(folder)
    try:
        assert redis.Redis.from_url(queue.url).ping()
        socket = folder / "queue.sock"
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    finally:
        queue.stop()
    assert queue.process is not None
    assert queue.process.poll() is not None


def test_a_queue_that_still_runs_is_used_again(folder: Path) -> None:
    first = embedded.start(folder)
    try:
        second = embedded.start(folder)
        assert second.url == first.url
        assert second.process is None
        assert "still runs" in second.mode
        second.stop()
        assert redis.Redis.from_url(first.url).ping(), "what was only attached to goes on"
    finally:
        first.stop()


def test_what_was_queued_survives_a_clean_stop(folder: Path) -> None:
    first = embedded.start(folder)
    redis.Redis.from_url(first.url).rpush("work", *range(100))
    first.stop()
    second = embedded.start(folder)
    try:
        assert redis.Redis.from_url(second.url).llen("work") == 100
    finally:
        second.stop()


def test_an_address_that_is_given_wins(folder: Path) -> None:
    queue = embedded.start(folder, given_url="redis://queue.example:6379/0")
    assert (queue.url, queue.process) == ("redis://queue.example:6379/0", None)


def test_without_any_program_the_dispatcher_does_the_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_programs", lambda: iter(()))
    queue = embedded.start(folder)
    assert (queue.url, queue.is_alive()) == ("", True)
    assert "the dispatcher does the work itself" in queue.mode


def test_a_program_that_does_not_start_is_followed_by_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = list(embedded._programs())
    broken = ("/bin/false", "a broken program")
    monkeypatch.setattr(embedded, "_programs", lambda: iter([broken, *works]))
    queue = embedded.start(folder)
    assert queue.mode == works[0][1]
    queue.stop()
    monkeypatch.setattr(embedded, "_programs", lambda: iter([broken]))
    assert embedded.start(folder).url == ""


def test_a_folder_too_deep_for_a_socket_is_done_without(folder: Path) -> None:
    queue = embedded.start(folder / ("deep" * 30))
    assert queue.url == ""
    assert "too long" in queue.mode


def test_a_queue_that_dies_is_noticed_started_here_or_only_attached_to(folder: Path) -> None:
    first = embedded.start(folder)
    second = embedded.start(folder)
    assert (first.is_alive(), second.is_alive()) == (True, True)
    first.stop()
    assert (first.is_alive(), second.is_alive()) == (False, False)
    third = embedded.start(folder)
    assert third.url == first.url
    third.stop()
