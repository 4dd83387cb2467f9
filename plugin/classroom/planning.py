"""Modules of sessions, and the sessions themselves: planned, changed, cancelled."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

from flask_babel import gettext as _

from plugin.classroom import queries, telling
from plugin.classroom.errors import SessionOverError
from plugin.classroom.models import ClassRules, ClassSession, SessionState
from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.secrets import new_token
from plugin.modules import actions as module_actions
from plugin.modules.models import Module, ModuleKind
from plugin.org.errors import FieldError

MAX_WORDS = 200
MAX_NOTE = 1000
MAX_SEATS = 10_000
WHEN_AND_WHERE = ("starts_at", "ends_at", "zone", "place")
"""What people with a seat are told of when it changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is said of a session; times as the clock on the wall there shows them."""

    starts: datetime
    ends: datetime
    zone: str
    place: str
    instructor: str
    capacity: int | None
    note: str
    state: SessionState


def create_module(
    tx: Tx,
    organization_id: int,
    *,
    title: str,
    words: str,
    confirms: bool,
    by: int | None,
    now: datetime,
) -> Module:
    """A published module that is completed by being there."""
    module = module_actions.create_module(
        tx.session,
        organization_id,
        kind=ModuleKind.SESSION,
        title=_title(title),
        by=by,
        now=now,
    )
    module.description = words.strip()
    module_actions.add_version(tx.session, module, package_id=None, by=by, now=now)
    rules = ClassRules(module_id=module.id, organization_id=organization_id, confirms=confirms)
    tx.session.add(rules)
    tx.session.flush()
    return module


def change_module(
    tx: Tx, module: Module, *, title: str, words: str, confirms: bool, by: int, now: datetime
) -> None:
    """Another title, other words for learners, another way of completing from now on."""
    rules = tx.session.get_one(ClassRules, module.id)
    before = _of_module(module, rules)
    module.title, module.description, rules.confirms = _title(title), words.strip(), confirms
    after = _of_module(module, rules)
    module_actions.note_change(tx.session, module, before, after, by=by, now=now)


def _of_module(module: Module, rules: ClassRules) -> JsonDict:
    return {
        "title": module.title,
        "description": module.description,
        "confirms": rules.confirms,
    }


def _title(title: str) -> str:
    if not title.strip() or len(title.strip()) > MAX_WORDS:
        raise FieldError("title", _("Give the module a title of at most 200 characters."))
    return title.strip()


def plan(tx: Tx, module: Module, said: Plan, *, by: int | None, now: datetime) -> ClassSession:
    """A new session of the module."""
    values = _checked(tx, module.organization_id, said)
    found = ClassSession(
        organization_id=module.organization_id,
        module_id=module.id,
        taken=0,
        secret=new_token(),
        created_at=now,
        created_by=by,
        cancel_reason="",
        **values,
    )
    tx.session.add(found)
    tx.session.flush()
    after = _told(said)
    audit.record(tx.session, "session.planned", about=found, by=by, now=now, after=after)
    return found


def change(tx: Tx, found: ClassSession, said: Plan, *, by: int, now: datetime) -> int:
    """The session is as said; never smaller than the seats already taken, never hidden from who
    has one. With another time or place they are told by mail; returns how many are."""
    tx.session.refresh(found, with_for_update=True)
    if found.state is SessionState.CANCELLED:
        raise SessionOverError(found.id)
    values = _checked(tx, found.organization_id, said)
    if said.capacity is not None and said.capacity < found.taken:
        raise FieldError(
            "capacity", _("%(num)d seats are taken already; use at least so many.", num=found.taken)
        )
    if said.state is SessionState.DRAFT and found.taken:
        raise FieldError(
            "state", _("People have seats in it. Close it, or cancel it with a reason.")
        )
    before = telling.as_told(tx.session, found)
    is_moved = any(getattr(found, each) != values[each] for each in WHEN_AND_WHERE)
    for name, value in values.items():
        setattr(found, name, value)
    audit.record(tx.session, "session.changed", about=found, by=by, now=now, after=_told(said))
    if not is_moved:
        return 0
    found.moves += 1
    return telling.moved(tx, found, before, now=now) if found.ends_at > now else 0


def _told(said: Plan) -> JsonDict:
    plain = asdict(said)
    return {**plain, "starts": said.starts.isoformat(), "ends": said.ends.isoformat()}


def _checked(tx: Tx, organization_id: int, said: Plan) -> JsonDict:
    if said.zone not in available_timezones():
        raise FieldError("zone", _("Use a time zone such as Europe/London."))
    zone = ZoneInfo(said.zone)
    starts_at, ends_at = (
        each.replace(tzinfo=zone).astimezone(UTC) for each in (said.starts, said.ends)
    )
    if ends_at <= starts_at:
        raise FieldError("ends", _("It must end after it has started."))
    if not said.place.strip() or len(said.place.strip()) > MAX_WORDS:
        raise FieldError("place", _("Use 1 to %(most)d characters.", most=MAX_WORDS))
    if said.capacity is not None and not 1 <= said.capacity <= MAX_SEATS:
        raise FieldError(
            "capacity", _("Use 1 to %(most)d seats, or leave it empty.", most=MAX_SEATS)
        )
    return {
        "starts_at": starts_at,
        "ends_at": ends_at,
        "zone": said.zone,
        "place": said.place.strip(),
        "instructor_id": _instructor(tx, organization_id, said.instructor, ends_at),
        "capacity": said.capacity,
        "note": said.note.strip()[:MAX_NOTE],
        "state": said.state,
    }


def _instructor(tx: Tx, organization_id: int, words: str, at: datetime) -> int | None:
    if not words.strip():
        return None
    return the_one(queries.named(tx.session, organization_id, words, None, at=at), "instructor")


def the_one(people: Sequence[int], field: str) -> int:
    """The only person of that name; raises FieldError at `field` otherwise."""
    if len(people) > 1:
        raise FieldError(field, _("Several people have that name. Use the employee ID or address."))
    if not people:
        raise FieldError(field, _("Nobody has exactly that employee ID, email address or name."))
    return people[0]


def cancel(tx: Tx, found: ClassSession, *, reason: str, by: int, now: datetime) -> int:
    """It does not take place; who has a seat is told by mail, once. Returns how many are told."""
    tx.session.refresh(found, with_for_update=True)
    if found.state is SessionState.CANCELLED:
        return 0
    if not reason.strip() or len(reason.strip()) > MAX_WORDS:
        raise FieldError("reason", _("Say why, in at most %(most)d characters.", most=MAX_WORDS))
    is_known = found.state is not SessionState.DRAFT
    found.state, found.cancel_reason = SessionState.CANCELLED, reason.strip()
    audit.record(tx.session, "session.cancelled", about=found, by=by, now=now, reason=reason)
    return telling.cancelled(tx, found, now=now) if is_known and found.ends_at > now else 0
