"""The only place that reads the machine's clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

Source = Callable[[], datetime]


def machine() -> datetime:
    """The machine's own time, whatever `now` shows."""
    return datetime.now(UTC)


_source: Source = machine


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _source()


def set_source(source: Source | None) -> None:
    """Replace where `now` reads from; None gives the machine's clock back."""
    global _source  # noqa: PLW0603 - one clock for the process is the point of this module
    _source = source or machine


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Hold the clock still at `moment` (tests and previews)."""
    if moment.tzinfo is None:
        raise ValueError("the clock only shows aware moments")
    before = _source
    set_source(lambda: moment.astimezone(UTC))
    try:
        yield
    finally:
        set_source(before)


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Let the clock run on, `by` ahead of (or behind) the machine."""
    before = _source
    set_source(lambda: before() + by)
    try:
        yield
    finally:
        set_source(before)
