"""The demo's clock can be moved: by days, to a reminder, over a last day, and back to real time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from sqlalchemy import create_engine, func, select
from werkzeug.wrappers import Response

from plugin.assign.models import Configuration, StoredStanding
from plugin.assign.validity import end_of
from plugin.core import clock, demo_clock
from plugin.org.models import Organization, Person, Unit

bp = Blueprint("moving", __name__)
ZONE = "Europe/Oslo"
"""Where the demo's people live; the clock of the LMS shows the time there."""
DAYS_BEFORE = (30, 14, 7, 1)
MORNING = time(9, 1)
FURTHEST = timedelta(days=3660)
MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A moment worth going to, and what it is called."""

    words: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one person has proven under one training, and the stops on the way to its end."""

    person: str
    training: str
    valid_through: date
    stops: tuple[Stop, ...]


@bp.before_request
def _only_where_time_moves() -> None:
    if current_app.extensions["campus"].clock is None:
        abort(404)


@bp.get("/clock")
def show() -> str:
    """What time it is in the demo, and where it can go from here."""
    now = clock.now()
    general = [
        Stop(words="1 day on", at=now + timedelta(days=1)),
        Stop(words="Next morning, 09:01", at=_next_morning(now)),
    ]
    return render_template(
        "clock.html",
        general=general,
        lines=lines(current_app.extensions["campus"].database_url, now=now),
        ahead=demo_clock.ahead(current_app.extensions["campus"].clock),
    )


@bp.post("/clock")
def move() -> Response:
    """On to a later moment; without one, back to real time."""
    wanted, path = request.form.get("to", ""), current_app.extensions["campus"].clock
    if wanted == "real":
        demo_clock.set_ahead(path, timedelta(0))
    else:
        demo_clock.set_ahead(path, _later(wanted) - clock.machine())
    return redirect(url_for("moving.show"), 303)


def _later(text: str) -> datetime:
    """The moment written, which is after now and not out of all proportion."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        abort(400)
    now = clock.now()
    if moment.tzinfo is None or not now < moment <= now + FURTHEST:
        abort(400)
    return moment


def shown() -> str:
    """The demo's time as the pages of the LMS show it; nothing where it does not move."""
    if current_app.extensions["campus"].clock is None:
        return ""
    return f"{clock.now().astimezone(ZoneInfo(ZONE)):%a %d %b %Y, %H:%M}"


def lines(database_url: str, *, now: datetime) -> Sequence[Line]:
    """What is valid now and ends, the nearest end first, as the tool has stored it."""
    statement = (
        select(
            Person.full_name,
            Configuration.name,
            Unit.name.label("unit"),
            StoredStanding.valid_through,
            func.coalesce(Unit.time_zone, Organization.time_zone).label("zone"),
        )
        .join(Person, Person.id == StoredStanding.person_id)
        .join(Configuration, Configuration.id == StoredStanding.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .join(Organization, Organization.id == StoredStanding.organization_id)
        .where(StoredStanding.covered, StoredStanding.complete, StoredStanding.ends_at > now)
        .order_by(StoredStanding.ends_at, Person.full_name)
        .limit(MOST)
    )
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(statement).all()
    finally:
        engine.dispose()
    return [
        Line(
            person=row.full_name,
            training=f"{row.unit}, {row.name}",
            valid_through=row.valid_through,
            stops=stops(row.valid_through, row.zone, now=now),
        )
        for row in rows
    ]


def stops(valid_through: date, zone: str, *, now: datetime) -> tuple[Stop, ...]:
    """The mornings of the reminders and the first second after the last day, as far as to come."""
    mornings = [
        Stop(
            words=f"{days} day{'s' if days > 1 else ''} before",
            at=_morning(valid_through - timedelta(days=days), zone),
        )
        for days in DAYS_BEFORE
    ]
    end = Stop(words="Its end", at=end_of(valid_through, zone) + timedelta(seconds=1))
    return tuple(each for each in (*mornings, end) if each.at > now)


def _next_morning(now: datetime) -> datetime:
    """Today's, in the small hours: what ended at midnight is mailed that same morning."""
    today = now.astimezone(ZoneInfo(ZONE)).date()
    mornings = (_morning(today + timedelta(days=days), ZONE) for days in range(2))
    return next(each for each in mornings if each > now)


def _morning(day: date, zone: str) -> datetime:
    return datetime.combine(day, MORNING, ZoneInfo(zone)).astimezone(UTC)
