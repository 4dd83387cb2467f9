"""Who may open a module is decided by the configurations, which are above us: the app wires it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.modules.errors import ModuleNotFoundHereError
from plugin.modules.models import Module, ModuleKind, Run

IsVisible = Callable[[Session, int, int, int, datetime], bool]
"""(session, organization, person, module, at): does a configuration show it to the person?"""
Enter = Callable[[Tx, Run, datetime], str]
"""Prepares a way into a run and gives the address to go to."""
Renew = Callable[[Tx, Module, int | None, datetime], None]
"""(module, by, now): what it is made of becomes a version of its own, without another file."""

_EXTENSION = "plugin_module_doors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How modules are guarded and entered."""

    is_visible: IsVisible
    players: Mapping[ModuleKind, Enter]
    renewals: Mapping[ModuleKind, Renew] = field(default_factory=dict)
    """Of the kinds that have no files whose next version could be brought."""


def install(extensions: dict[str, Any], doors: Doors) -> None:
    extensions[_EXTENSION] = doors


def doors(extensions: dict[str, Any]) -> Doors:
    return cast(Doors, extensions[_EXTENSION])


def require_visible(
    doors: Doors,
    session: Session,
    organization_id: int,
    person_id: int,
    module_id: int,
    *,
    now: datetime,
) -> None:
    """Raises ModuleNotFoundHereError unless a configuration shows the module to the person."""
    if not doors.is_visible(session, organization_id, person_id, module_id, now):
        raise ModuleNotFoundHereError(module_id)
