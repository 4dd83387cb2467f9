"""Does the LMS let us do what we need? Tried for real, and told in its own words.

No line of a check holds a secret or names a person, so that the report may be passed on.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.core import clock, http
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.core.settings import Settings
from plugin.core.upsert import insert_or_renew
from plugin.lti.tool import services
from plugin.lti.tool.claims import web_address
from plugin.lti.tool.configuration import words_of
from plugin.lti.tool.errors import KeysUnavailableError
from plugin.lti.tool.models import ContentRequest, Deployment, Login, Registration, ToolKey
from plugin.lti.tool.platform_keys import usable_keys
from plugin.lti.tool.service_models import (
    CheckState,
    CourseMember,
    InstallCheck,
    LineItem,
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
PATIENCE = timedelta(seconds=90)
"""How long a page that was asked to check looks again by itself."""
_PERSONAL = re.compile(r"[\w.+-]+@[\w.-]+|\b(userId|user_id|name|email)\b.*", re.IGNORECASE)


class Name(StrEnum):
    """What is checked, in the order it is shown."""

    LAUNCH = "launch"
    THEIR_KEYS = "their_keys"
    OUR_KEYS = "our_keys"
    TOKEN = "token"  # noqa: S105 - the name of a check
    CLOCK = "clock"
    LINE_ITEM = "line_item"
    LINE_ITEM_READ = "line_item_read"
    RESULTS = "results"
    SCORE = "score"
    MEMBERS = "members"
    COLUMNS = "columns"
    ROSTER = "roster"
    TRIAL = "trial"
    DEEP_LINKING = "deep_linking"


SCOPES = {
    Name.LINE_ITEM: LINE_ITEM,
    Name.LINE_ITEM_READ: LINE_ITEM_READ,
    Name.RESULTS: RESULTS,
    Name.SCORE: SCORE,
    Name.MEMBERS: MEMBERS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of one thing; no state: not seen yet."""

    name: Name
    state: CheckState | None
    words: str | None
    at: datetime | None


class _FailedError(Exception):
    """A check did not pass; the text is what is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where things are tried: the course somebody launched from last."""

    client: Client
    jwks_url: str
    columns_url: str | None
    members_url: str | None
    subject: str | None


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
            words, state = check(place), CheckState.PASSED
        except _FailedError as error:
            words, state = str(error), CheckState.FAILED
        except ServiceError as error:
            words, state = f"{error.status or ''} {error.words}".strip(), CheckState.FAILED
        except OutgoingError as error:
            words, state = str(error), CheckState.FAILED
        _keep(place.client, name, state, words)


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
        members_url=course.members_url if course else None,
        subject=_learner(session, course.id) if course else None,
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
        raise _FailedError(f"{reply.status} {words_of(reply.body)}".strip()) from None
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
    reply = place.client.call("GET", url, scopes=[LINE_ITEM], accept=LINE_ITEMS_JSON)
    found = services.json_of(reply)
    if reply.status not in OK or not isinstance(found, list):
        raise ServiceError("columns", reply.status, words_of(reply.body), reply)
    return f"{len(found)} of ours"


def _roster(place: _Place) -> str:
    url = place.members_url or ""
    reply = place.client.call("GET", url, scopes=[MEMBERS], accept=MEMBERS_JSON)
    found = services.object_of(reply).get("members")
    if reply.status not in OK or not isinstance(found, list):
        raise ServiceError("roster", reply.status, words_of(reply.body), reply)
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
    url = web_address(services.object_of(made).get("id"))
    if made.status not in OK or url is None:
        raise ServiceError("made", made.status, words_of(made.body), made)
    try:
        if place.subject is None:
            return "made and removed; nobody has launched as a learner yet"
        return _scored(place, url)
    finally:
        _remove(place, url)


def _remove(place: _Place, url: str) -> None:
    gone = place.client.call("DELETE", url, scopes=[LINE_ITEM])
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
        raise ServiceError("scored", reply.status, words_of(reply.body), reply)
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


def findings(session: Session, registration: Registration) -> list[Finding]:
    """Everything that is checked, with what is known of it."""
    kept = {
        row.name: row
        for row in session.scalars(
            select(InstallCheck).where(InstallCheck.registration_id == registration.id)
        )
    }
    seen = _seen(session, registration)
    found = []
    for name in Name:
        if name in seen:
            at = seen[name]
            state = CheckState.PASSED if at else None
            found.append(Finding(name=name, state=state, words=None, at=at))
        else:
            row = kept.get(name.value)
            found.append(
                Finding(
                    name=name,
                    state=row.state if row else None,
                    words=row.words if row else None,
                    at=row.at if row else None,
                )
            )
    return found


def counts(found: Sequence[Finding]) -> dict[str, int]:
    """How many passed, failed, and were not seen yet."""
    states = [each.state for each in found]
    return {
        "passed": states.count(CheckState.PASSED),
        "failed": states.count(CheckState.FAILED),
        "unseen": states.count(None),
    }


def is_running(found: Sequence[Finding], *, since: datetime, now: datetime) -> bool:
    """Whether checks asked for at `since` still go on: the last one writes its answer last."""
    if not since <= now < since + PATIENCE:
        return False
    tried = [each.at for each in found if each.name in (Name.THEIR_KEYS, Name.MEMBERS) and each.at]
    return len(tried) < len((Name.THEIR_KEYS, Name.MEMBERS)) or min(tried) < since


def _seen(session: Session, registration: Registration) -> dict[Name, datetime | None]:
    """What launches have shown by themselves."""
    logins = session.scalar(
        select(func.max(Login.used_at)).where(Login.registration_id == registration.id)
    )
    courses = session.scalar(
        select(func.max(LmsCourse.seen_at)).where(LmsCourse.registration_id == registration.id)
    )
    requests = session.scalar(
        select(func.max(ContentRequest.created_at)).where(
            ContentRequest.registration_id == registration.id
        )
    )
    picked = session.scalar(
        select(func.max(LineItem.created_at))
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .where(
            LmsCourse.registration_id == registration.id,
            LineItem.module_id.is_not(None) | LineItem.configuration_id.is_not(None),
        )
    )
    fetched = session.scalar(
        select(func.max(ToolKey.fetched_at)).where(ToolKey.registration_id == registration.id)
    )
    return {
        Name.OUR_KEYS: fetched,
        Name.LAUNCH: max((each for each in (logins, courses) if each), default=None),
        Name.DEEP_LINKING: max((each for each in (requests, picked) if each), default=None),
    }
