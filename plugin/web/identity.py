"""Who is asking: one frozen answer per request, and the one place rights are checked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import current_app, g, has_request_context, request, session
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.db import read_session
from plugin.core.errors import ForbiddenError, SignInRequiredError
from plugin.web import visits
from plugin.web.roles import Role
from plugin.web.visits import TOKEN

P = ParamSpec("P")
R = TypeVar("R")
_RANK = {Role.LEARNER: 0, Role.MANAGER: 1, Role.ADMIN: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The signed-in person, as everything in this request sees them."""

    sign_in_id: int
    person_id: int
    organization_id: int
    organization_name: str
    name: str
    role: Role
    managed_units: frozenset[int]
    locale: str
    time_zone: str
    frame_ancestors: str
    return_url: str | None
    launch: dict[str, Any]


Loader = Callable[[Session, str, datetime], Me | None]
"""Finds the person behind a visit's token in one statement; the app wires it in."""

FramersLoader = Callable[[Session, str, datetime], str | None]
"""Finds who may frame the visit of a name; None when there is no such visit any more."""

_EXTENSION = "plugin_identity_loader"
_FRAMERS = "plugin_identity_framers"


def install_loaders(extensions: dict[str, Any], loader: Loader, framers: FramersLoader) -> None:
    """Tell this module where visits are kept (the organization's tables are above us)."""
    extensions[_EXTENSION] = loader
    extensions[_FRAMERS] = framers


def sign_in(token: str) -> None:
    """This browser now holds the visit `token` too; those it had go on beside it."""
    visits.hold(session, token)
    g.pop("me", None)


def sign_out() -> None:
    """This browser no longer holds the visit it asks in."""
    session.clear()
    g.pop("me", None)


def me_or_none() -> Me | None:
    """The signed-in person, or None; read once per request."""
    if "me" not in g:
        token = session.get(TOKEN)
        loader = cast(Loader, current_app.extensions[_EXTENSION])
        g.me = loader(read_session(), token, clock.now()) if token else None
    return cast("Me | None", g.me)


def visitor_in(name: str) -> Me | None:
    """The person of the visit of this name, if this browser holds it; for the few addresses that
    another site calls in a browser and that therefore name no visit."""
    token = visits.token_in_this_browser(name)
    loader = cast(Loader, current_app.extensions[_EXTENSION])
    return loader(read_session(), token, clock.now()) if token else None


def framers_of_named_visit() -> str | None:
    """Who may frame the visit this address names; None when there is no such visit."""
    name = visits.named()
    loader = cast(FramersLoader, current_app.extensions[_FRAMERS])
    return loader(read_session(), name, clock.now()) if name else None


def me() -> Me:
    """The signed-in person; raises SignInRequiredError when there is none."""
    found = me_or_none()
    if found is None:
        raise SignInRequiredError
    return found


def holds(person: Me, role: Role) -> bool:
    """Whether the person has at least this role."""
    return _RANK[person.role] >= _RANK[role]


def requires(role: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The view answers only people who hold at least `role` in their organization."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not holds(me(), role):
                raise ForbiddenError(role.value)
            return view(*args, **kwargs)

        guarded.required_role = role  # type: ignore[attr-defined]
        return guarded

    return decorate


def public(view: Callable[P, R]) -> Callable[P, R]:
    """The view answers anybody; said aloud so that a test can prove every page decided."""
    view.required_role = None  # type: ignore[attr-defined]
    return view


def answers_a_visit() -> bool:
    """Whether this address answers a visit; public ones answer anybody and touch nothing of it."""
    if not has_request_context():
        return False
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "required_role", None) is not None
