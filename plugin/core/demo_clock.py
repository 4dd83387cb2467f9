"""The demo's clock: every process of the demo runs ahead of the machine by what one file says."""

import json
from datetime import timedelta
from pathlib import Path

from plugin.core import clock


def follow(path: Path) -> None:
    """This process's clock is ahead by what the file says, from the moment the file says it."""
    clock.set_source(lambda: clock.machine() + ahead(path))


def ahead(path: Path) -> timedelta:
    """How far ahead the demo is; not at all while there is no file."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return timedelta(0)
    return timedelta(seconds=said["ahead_seconds"])


def set_ahead(path: Path, by: timedelta) -> None:
    """Every process that follows the file is ahead by so much; none ever reads half a file."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"ahead_seconds": by.total_seconds()}), encoding="utf-8")
    part.replace(path)
