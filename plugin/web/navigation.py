"""The links at the top of every page: only those that exist and that the person may follow."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flask import current_app, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.web.identity import Me, holds
from plugin.web.roles import Role

_OWN = (
    ("dashboard.home", _l("My training")),
    ("dashboard.history", _l("History")),
    ("dashboard.certificates", _l("Certificates")),
)
_ADMINISTRATION = (
    ("org.units", _l("Units")),
    ("assign.configurations", _l("Training")),
    ("modules.catalogue", _l("Modules")),
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


def _links(person: Me, places: Iterable[tuple[str, LazyString]]) -> tuple[Link, ...]:
    return tuple(
        Link(label=str(label), url=url_for(endpoint), is_current=_is_here(endpoint))
        for endpoint, label in places
        if _may_open(person, endpoint)
    )


def _may_open(person: Me, endpoint: str) -> bool:
    view = current_app.view_functions.get(endpoint)
    role: Role | None = getattr(view, "required_role", None)
    return role is not None and holds(person, role)


def _is_here(endpoint: str) -> bool:
    """The learner's pages stand alone; an admin's page belongs to the list it came from."""
    here = request.endpoint or ""
    feature = endpoint.partition(".")[0]
    return here == endpoint or (feature != "dashboard" and here.startswith(f"{feature}."))
