"""The links at the top of every page: only those that exist and that the person may follow."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flask import current_app, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.web.identity import Me, holds
from plugin.web.roles import Role


@dataclass(frozen=True, slots=True)
class _Place:
    endpoint: str
    label: LazyString
    covers: tuple[str, ...]
    """Pages whose endpoint starts with one of these are reached through it."""


_OWN = (
    _Place("dashboard.home", _l("My training"), ("dashboard.home", "scorm.play")),
    _Place("dashboard.history", _l("History"), ("dashboard.history",)),
    _Place("dashboard.certificates", _l("Certificates"), ("dashboard.certificates",)),
)
_ADMINISTRATION = (
    _Place("org.units", _l("Units"), ("org.",)),
    _Place("assign.configurations", _l("Training"), ("assign.",)),
    _Place(
        "modules.catalogue",
        _l("Modules"),
        ("modules.", "scorm.module", "scorm.new_package", "scorm.package"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link of the navigation."""

    label: str
    url: str
    is_current: bool
    starts_group: bool = False


def links(person: Me | None) -> tuple[Link, ...]:
    """What this person can go to from here; nothing for a visitor we do not know."""
    if person is None:
        return ()
    own, administration = _links(person, _OWN), _links(person, _ADMINISTRATION)
    return own + tuple(
        replace(link, starts_group=bool(own) and index == 0)
        for index, link in enumerate(administration)
    )


def _links(person: Me, places: Iterable[_Place]) -> tuple[Link, ...]:
    here = request.endpoint or ""
    return tuple(
        Link(
            label=str(place.label),
            url=url_for(place.endpoint),
            is_current=here.startswith(place.covers),
        )
        for place in places
        if _may_open(person, place.endpoint)
    )


def _may_open(person: Me, endpoint: str) -> bool:
    view = current_app.view_functions.get(endpoint)
    role: Role | None = getattr(view, "required_role", None)
    return role is not None and holds(person, role)
