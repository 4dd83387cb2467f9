"""An admin's decision stands above a standing; certificates are above us: the app wires it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy.orm import Session

Decisions = Callable[[Session, int, int, Mapping[int, str], datetime], Mapping[int, str]]
"""(session, organization, person, zones by configuration, at): what was decided, in words, by
configuration; only those whose certificate is suspended or revoked."""

_EXTENSION = "plugin_withheld"


def install(extensions: dict[str, Any], decisions: Decisions) -> None:
    extensions[_EXTENSION] = decisions


def decisions(extensions: dict[str, Any]) -> Decisions:
    return cast(Decisions, extensions[_EXTENSION])
