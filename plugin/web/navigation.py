"""The links at the top of every page: only those that exist and that the person may follow."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flask import current_app, g, request, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.web.identity import Me, holds, me_or_none
from plugin.web.roles import Role


@dataclass(frozen=True, slots=True)
class _Place:
    endpoint: str
    label: LazyString
    covers: tuple[str, ...]
    """Pages whose endpoint starts with one of these are reached through it."""
    below: tuple["_Place", ...] = ()


_OWN = (
    _Place(
        "dashboard.home",
        _l("My training"),
        (
            "dashboard.home",
            "scorm.play",
            "external.",
            "reading.",
            "submit.",
            "classes.",
            "room.",
        ),
    ),
    _Place("dashboard.history", _l("History"), ("dashboard.history",)),
    _Place("dashboard.certificates", _l("Certificates"), ("dashboard.certificates",)),
)
_ADMINISTRATION = (
    _Place(
        "reports.overview",
        _l("Overview"),
        (
            "reports.",
            "ledger.",
            "teaching.",
            "submissions.queue",
            "submissions.show",
            "submissions.approve",
            "submissions.reject",
        ),
        below=(
            _Place("reports.overview", _l("At a glance"), ("reports.overview",)),
            _Place("reports.standings", _l("Standings"), ("reports.standings",)),
            _Place("reports.unreachable", _l("Unreachable by mail"), ("reports.unreachable",)),
            _Place("ledger.listing", _l("Mails"), ("ledger.",)),
            _Place("teaching.listing", _l("Sessions"), ("teaching.",)),
            _Place(
                "submissions.queue",
                _l("Certificates to check"),
                (
                    "submissions.queue",
                    "submissions.show",
                    "submissions.approve",
                    "submissions.reject",
                ),
            ),
        ),
    ),
    _Place(
        "people.listing",
        _l("Organization"),
        (
            "people.",
            "person",
            "units.",
            "imports.",
            "launch_rules.",
            "lms.",
            "lms_adding.",
            "courses.",
            "grades.",
            "copies.",
            "mail.",
            "systems.",
        ),
        below=(
            _Place("people.listing", _l("Users"), ("people.", "person")),
            _Place("units.groups", _l("Groups"), ("units.groups",)),
            _Place("units.sites", _l("Sites"), ("units.sites",)),
            _Place("units.regions", _l("Regions"), ("units.regions",)),
            _Place("imports.listing", _l("Imports"), ("imports.",)),
            _Place("launch_rules.listing", _l("Rules"), ("launch_rules.",)),
            _Place("lms.listing", _l("LMSs"), ("lms.", "lms_adding.", "grades.", "copies.")),
            _Place("mail.settings", _l("Mail"), ("mail.",)),
            _Place("systems.listing", _l("Other systems"), ("systems.",)),
        ),
    ),
    _Place(
        "assign.configurations",
        _l("Training"),
        ("assign.", "templates.", "publishing.", "preview.", "versions."),
        below=(
            _Place(
                "assign.configurations",
                _l("Configurations"),
                ("assign.", "publishing.", "preview.", "versions."),
            ),
            _Place("templates.listing", _l("Templates"), ("templates.",)),
        ),
    ),
    _Place(
        "modules.catalogue",
        _l("Modules"),
        (
            "modules.",
            "archiving.",
            "retraining.",
            "scorm.module",
            "scorm.rename",
            "scorm.new_package",
            "scorm.package",
            "scorm.results",
            "tools.",
            "documents.",
            "submissions.new",
            "submissions.module",
            "sessions.",
        ),
        below=(
            _Place(
                "modules.catalogue",
                _l("Catalogue"),
                (
                    "modules.",
                    "archiving.",
                    "retraining.",
                    "scorm.module",
                    "scorm.rename",
                    "scorm.new_package",
                    "scorm.package",
                    "scorm.results",
                    "documents.",
                    "submissions.new",
                    "submissions.module",
                    "sessions.",
                ),
            ),
            _Place("tools.listing", _l("External tools"), ("tools.",)),
        ),
    ),
    _Place("issued.listing", _l("Certificates issued"), ("issued.",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link of the navigation."""

    label: str
    url: str
    is_current: bool
    starts_group: bool = False


def has_page(endpoint: str) -> bool:
    """Whether the product has this page; templates ask before they link to another part."""
    return endpoint in current_app.view_functions


def may_open(endpoint: str) -> bool:
    """Whether the visitor has the role this page asks for."""
    person = me_or_none()
    return person is not None and _may_open(person, endpoint)


def stand_at(endpoint: str) -> None:
    """This page is reached through `endpoint`, whatever its own address says."""
    g.navigation_place = endpoint


def links(person: Me | None) -> tuple[Link, ...]:
    """What this person can go to from here; nothing for a visitor we do not know."""
    if person is None:
        return ()
    own, administration = _links(person, _OWN), _links(person, _ADMINISTRATION)
    return own + tuple(
        replace(link, starts_group=bool(own) and index == 0)
        for index, link in enumerate(administration)
    )


def links_below(person: Me | None) -> tuple[Link, ...]:
    """The places inside the part of the product this page belongs to; none if it has only one."""
    if person is None:
        return ()
    part = next((each for each in _ADMINISTRATION if _is_here(each)), None)
    found = _links(person, part.below) if part else ()
    return found if len(found) > 1 else ()


def _links(person: Me, places: Iterable[_Place]) -> tuple[Link, ...]:
    return tuple(
        Link(label=str(place.label), url=url_for(place.endpoint), is_current=_is_here(place))
        for place in places
        if _may_open(person, place.endpoint)
    )


def _is_here(place: _Place) -> bool:
    here: str = g.get("navigation_place") or request.endpoint or ""
    return here.startswith(place.covers)


def _may_open(person: Me, endpoint: str) -> bool:
    view = current_app.view_functions.get(endpoint)
    role: Role | None = getattr(view, "required_role", None)
    return role is not None and holds(person, role)
