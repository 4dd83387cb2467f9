"""What is known of whether an LMS lets us do what we need: by its checks, and by launches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.lti.tool.models import ContentRequest, Login, Registration, ToolKey
from plugin.lti.tool.service_models import (
    CheckState,
    InstallCheck,
    LineItem,
    LmsCourse,
)

PATIENCE = timedelta(seconds=90)
"""How long a page that was asked to check looks again by itself."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of one thing; no state: not seen yet."""

    name: Name
    state: CheckState | None
    words: str | None
    at: datetime | None


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
        "partly": states.count(CheckState.PARTLY),
        "failed": states.count(CheckState.FAILED),
        "unseen": states.count(None),
    }


def has_been_opened(found: Sequence[Finding]) -> bool:
    """Whether a launch has shown that the LMS and we understand each other."""
    return any(each.name is Name.LAUNCH and each.state is not None for each in found)


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
