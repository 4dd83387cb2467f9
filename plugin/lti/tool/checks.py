"""Does the LMS let us do what we need? Tried for real, and told in its own words.

No line of a check holds a secret or names a person, so that the report may be passed on.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import clock, http
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.core.settings import Settings
from plugin.core.upsert import insert_or_renew
from plugin.lti.tool import columns, services
from plugin.lti.tool.columns import is_column_at, reading_scope
from plugin.lti.tool.errors import KeysUnavailableError
from plugin.lti.tool.findings import Name
from plugin.lti.tool.members import first_page
from plugin.lti.tool.models import Deployment, Registration
from plugin.lti.tool.platform_keys import usable_keys
from plugin.lti.tool.service_models import (
    CheckState,
    CourseMember,
    InstallCheck,
    LmsCourse,
)
from plugin.lti.tool.services import (
    LINE_ITEM,
    LINE_ITEM_JSON,
    LINE_ITEM_READ,
    LINE_ITEMS_JSON,
    MEMBERS,
    MEMBERS_JSON,
    OK,
    RESULTS,
    SCORE,
    SCORE_JSON,
    Client,
    ServiceError,
)

MAX_SKEW_SECONDS = 30
_PERSONAL = re.compile(r"[\w.+-]+@[\w.-]+|\b(userId|user_id|name|email)\b.*", re.IGNORECASE)


SCOPES = {
    Name.LINE_ITEM: LINE_ITEM,
    Name.LINE_ITEM_READ: LINE_ITEM_READ,
    Name.RESULTS: RESULTS,
    Name.SCORE: SCORE,
    Name.MEMBERS: MEMBERS,
}


class _FailedError(Exception):
    """A check did not pass; the text is what is shown."""


class _PartlyError(Exception):
    """A check could be tried in part only, and that part passed; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where things are tried: the course somebody launched from last."""

    client: Client
    jwks_url: str
    columns_url: str | None
    columns_scope: str
    members_url: str | None
    subject: str | None
    known_columns: frozenset[str]


def run(registration_id: int, *, with_trial: bool) -> None:
    """Try everything that can be tried now; each answer is kept as soon as it is there."""
    place = _place(registration_id)
    if place is None:
        return
    tried: dict[Name, Callable[[_Place], str]] = {
        Name.THEIR_KEYS: _their_keys,
        Name.TOKEN: _token,
        **{name: _scope(scope) for name, scope in SCOPES.items()},
    }
    if place.columns_url:
        tried[Name.COLUMNS] = _columns
        if with_trial:
            tried[Name.TRIAL] = _trial
    if place.members_url:
        tried[Name.ROSTER] = _roster
    for name, check in tried.items():
        try:
            state, words = _tried(check, place)
        except Exception:
            _keep(place.client, name, CheckState.FAILED, services.FAILED_HERE)
            raise
        _keep(place.client, name, state, words)


def _tried(check: Callable[[_Place], str], place: _Place) -> tuple[CheckState, str]:
    """Whether a check passed, and in which words."""
    try:
        return CheckState.PASSED, check(place)
    except _PartlyError as error:
        return CheckState.PARTLY, str(error)
    except (_FailedError, OutgoingError) as error:
        return CheckState.FAILED, str(error)
    except ServiceError as error:
        return CheckState.FAILED, services.told(error.status, error.words)


def _place(registration_id: int) -> _Place | None:
    session = read_session()
    registration = session.get(Registration, registration_id)
    if registration is None:
        return None
    course = session.scalar(
        select(LmsCourse)
        .where(LmsCourse.registration_id == registration_id)
        .order_by(LmsCourse.seen_at.desc(), LmsCourse.id.desc())
        .limit(1)
    )
    deployment = session.scalar(
        select(Deployment.deployment_id)
        .where(Deployment.registration_id == registration_id, Deployment.accepted_at.is_not(None))
        .order_by(Deployment.id.desc())
        .limit(1)
    )
    deployment_id = course.deployment_id if course else deployment or ""
    place = _Place(
        client=services.client_of(session, current_settings(), registration_id, deployment_id),
        jwks_url=registration.jwks_url,
        columns_url=course.line_items_url if course else None,
        columns_scope=(reading_scope(course.scopes) if course else None) or LINE_ITEM_READ,
        members_url=course.members_url if course else None,
        subject=_learner(session, course.id) if course else None,
        known_columns=frozenset(
            each.url for each in (columns.open_items(session, course.id) if course else ())
        ),
    )
    session.rollback()
    return place


def _learner(session: Session, course_id: int) -> str | None:
    return session.scalar(
        select(CourseMember.subject)
        .where(CourseMember.course_id == course_id, CourseMember.learns.is_(True))
        .order_by(CourseMember.seen_at.desc())
        .limit(1)
    )


def _their_keys(place: _Place) -> str:
    settings: Settings = place.client.settings
    reply = http.call(settings, "GET", place.jwks_url, headers={"Accept": "application/json"})
    _keep_clock(place, reply)
    try:
        found = usable_keys(reply)
    except KeysUnavailableError:
        unread = services.no_answer("keys", reply, "key set")
        raise _FailedError(services.told(reply.status, unread.words)) from None
    if not found:
        raise _FailedError("no key that can sign with RS256")
    return ""


def _keep_clock(place: _Place, reply: Reply) -> None:
    theirs = services.date_of(reply)
    if theirs is None:
        return
    seconds = round((theirs - clock.now()).total_seconds())
    state = CheckState.PASSED if abs(seconds) <= MAX_SKEW_SECONDS else CheckState.FAILED
    _keep(place.client, Name.CLOCK, state, f"{seconds:+d} s")


def _token(place: _Place) -> str:
    """The LMS reads our key to give a token: with one, keys are reachable both ways."""
    services.forget_token(place.client, [SCORE])
    try:
        services.access_token(place.client, [SCORE])
    except ServiceError as error:
        services.forget_token(place.client, [MEMBERS])
        try:
            services.access_token(place.client, [MEMBERS])
        except ServiceError:
            raise error from None
    return ""


def _scope(scope: str) -> Callable[[_Place], str]:
    def check(place: _Place) -> str:
        services.forget_token(place.client, [scope])
        services.access_token(place.client, [scope])
        return ""

    return check


def _columns(place: _Place) -> str:
    url = place.columns_url or ""
    reply = place.client.call("GET", url, scopes=[place.columns_scope], accept=LINE_ITEMS_JSON)
    found = services.json_of(reply)
    if reply.status not in OK or not isinstance(found, list):
        raise services.no_answer("columns", reply, "list of columns")
    listed = {each["id"] for each in found if is_column_at(url, each)}
    known = len(listed & place.known_columns)
    return f"{len(found)} listed by the LMS, {known} of them known here"


def _roster(place: _Place) -> str:
    url = first_page(place.client, place.members_url or "")
    reply = place.client.call("GET", url, scopes=[MEMBERS], accept=MEMBERS_JSON, is_long=True)
    found = services.object_of(reply).get("members")
    if reply.status not in OK or not isinstance(found, list):
        raise services.no_answer("roster", reply, "list of people")
    named = sum(1 for each in found if isinstance(each, Mapping) and each.get("name"))
    return f"{len(found)} people on the first page, {named} of them named"


def _trial(place: _Place) -> str:
    """A column of its own is made, a learner's score put into it, and all removed."""
    said = {"label": "Trial – may be removed", "scoreMaximum": 10, "resourceId": "trial"}
    made = place.client.call(
        "POST",
        place.columns_url or "",
        scopes=[LINE_ITEM],
        accept=LINE_ITEM_JSON,
        content_type=LINE_ITEM_JSON,
        body=said,
    )
    column = services.object_of(made)
    if made.status not in OK:
        raise services.no_answer("made", made, "column")
    if not is_column_at(place.columns_url or "", column):
        raise _FailedError("maybe made, at no address of this gradebook: look for the trial there")
    url = str(column["id"])
    try:
        if place.subject is None:
            raise _PartlyError("made and removed; nothing graded, no learner is known there yet")
        return _scored(place, url)
    finally:
        _remove(place, url)


def _remove(place: _Place, url: str) -> None:
    try:
        gone = place.client.call("DELETE", url, scopes=[LINE_ITEM])
    except (OutgoingError, ServiceError):
        raise _FailedError("made, but maybe not removed: look for the trial there") from None
    if gone.status not in OK:
        raise _FailedError(f"made, but not removed ({gone.status}): delete the trial column there")


def _scored(place: _Place, url: str) -> str:
    score: dict[str, Any] = {
        "userId": place.subject,
        "scoreGiven": 5,
        "scoreMaximum": 10,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "timestamp": clock.now().isoformat(timespec="milliseconds"),
    }
    reply = place.client.call(
        "POST",
        services.below(url, "scores"),
        scopes=[SCORE],
        content_type=SCORE_JSON,
        body=score,
    )
    if reply.status not in OK:
        raise services.no_answer("scored", reply, "score")
    return "made, scored, removed"


def _keep(client: Client, name: Name, state: CheckState, words: str) -> None:
    with transaction() as tx:
        row = {
            "organization_id": client.organization_id,
            "registration_id": client.registration_id,
            "name": name.value,
            "state": state,
            "words": _PERSONAL.sub("…", words)[:300] or None,
            "at": clock.now(),
        }
        insert_or_renew(tx.session, InstallCheck, row, key=("registration_id", "name"))
