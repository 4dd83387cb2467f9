"""A completion recorded by hand: a date, an approver, a reason, and perhaps a file as evidence."""

from datetime import UTC, date, datetime, time
from pathlib import PurePosixPath
from typing import BinaryIO
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.names import file_name
from plugin.core.outbox import JobName
from plugin.core.secrets import new_token
from plugin.core.storage import Storage
from plugin.modules import actions
from plugin.modules.errors import CompletionNotFoundError
from plugin.modules.models import Completion, CompletionSource, Module
from plugin.org.errors import FieldError, PersonMergedError
from plugin.org.models import Person

EARLIEST = date(1990, 1, 1)
NOON = time(12)
MAX_FILE_NAME = 120
MAX_MEGABYTES = 10
MAX_EVIDENCE = MAX_MEGABYTES * 1024 * 1024
KINDS = {
    b"%PDF-": ("application/pdf", ".pdf"),
    b"\x89PNG\r\n\x1a\n": ("image/png", ".png"),
    b"\xff\xd8\xff": ("image/jpeg", ".jpg"),
}


def keep_evidence(storage: Storage, organization_id: int, file: BinaryIO, name: str) -> JsonDict:
    """The file lies in the storage, under a key of its own: the same file of somebody else, or
    brought again, is another one. PDF, PNG or JPEG by what it really is, at most 10 MB."""
    content = file.read(MAX_EVIDENCE + 1)
    kind = next((what for start, what in KINDS.items() if content.startswith(start)), None)
    if kind is None or len(content) > MAX_EVIDENCE:
        raise FieldError("evidence", _("Use a PDF, PNG or JPEG file of at most 10 MB."))
    media_type, ending = kind
    stored = storage.put(f"evidence/{organization_id}/{new_token()}{ending}", content)
    return {
        "key": stored.key,
        "sha256": stored.sha256,
        "media_type": media_type,
        "filename": PurePosixPath(file_name(name, MAX_FILE_NAME)).stem + ending,
    }


def record(
    tx: Tx,
    person: Person,
    module: Module,
    *,
    happened_on: date | None,
    ends_on: date | None = None,
    score: float | None,
    reason: str,
    approved_by: int,
    evidence: JsonDict | None,
    once: str,
    zone: str,
    now: datetime,
) -> Completion | None:
    """The person passed the module on that day, and it counts through `ends_on` at most; None when
    this very form was sent before."""
    day = _checked(person, happened_on, ends_on, score, reason, by=approved_by, zone=zone, now=now)
    key = f"manual:{once}"
    known = select(Completion.id).where(
        Completion.organization_id == person.organization_id,
        Completion.source == CompletionSource.MANUAL,
        Completion.source_key == key,
    )
    if tx.session.scalar(known) is not None:
        return None
    completion = Completion(
        organization_id=person.organization_id,
        person_id=person.id,
        module_id=module.id,
        module_version_id=module.current_version_id,
        passed=True,
        score=score,
        happened_at=_moment(day, zone, now),
        learned_at=now,
        source=CompletionSource.MANUAL,
        source_key=key,
        evidence={"approved_by": approved_by, "file": evidence},
        reason=reason.strip(),
        valid_until_on=ends_on,
    )
    tx.session.add(completion)
    audit.record(
        tx.session,
        "completion.recorded",
        about=person,
        by=approved_by,
        now=now,
        after={
            "module_id": module.id,
            "happened_on": day.isoformat(),
            "ends_on": ends_on.isoformat() if ends_on else None,
            "score": score,
        },
        reason=completion.reason,
    )
    tx.then(JobName.EVALUATE_PERSON, person.id)
    return completion


def correct(
    tx: Tx,
    person: Person,
    completion: Completion,
    *,
    passed: bool,
    happened_on: date | None,
    ends_on: date | None,
    score: float | None,
    reason: str,
    by: int,
    zone: str,
    now: datetime,
) -> Completion:
    """What was recorded of the person was wrong; this stands instead, and both stay on record."""
    day = _checked(person, happened_on, ends_on, score, reason, by=by, zone=zone, now=now)
    is_same_day = completion.happened_at.astimezone(ZoneInfo(zone)).date() == day
    try:
        with tx.session.begin_nested():
            return actions.correct_completion(
                tx,
                completion,
                passed=passed,
                score=score,
                happened_at=None if is_same_day else _moment(day, zone, now),
                valid_until_on=ends_on,
                by=by,
                reason=reason.strip(),
                now=now,
            )
    except IntegrityError:
        raise FieldError(
            "reason", _("This was corrected already. Look at the person's records again.")
        ) from None


def _checked(
    person: Person,
    happened_on: date | None,
    ends_on: date | None,
    score: float | None,
    reason: str,
    *,
    by: int,
    zone: str,
    now: datetime,
) -> date:
    """The day, if all of it may be recorded of the person."""
    if person.merged_into_id is not None:
        raise PersonMergedError(person_id=person.id)
    if by == person.id:
        raise FieldError("reason", _("Nobody records training for themselves. Ask somebody else."))
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words."))
    today = now.astimezone(ZoneInfo(zone)).date()
    if happened_on is None or not EARLIEST <= happened_on <= today:
        raise FieldError("happened_on", _("Choose the day it happened; not one to come."))
    if ends_on is not None and ends_on < happened_on:
        raise FieldError("ends_on", _("It cannot end before the day it happened."))
    if score is not None and not 0 <= score <= 1:
        raise FieldError("score", _("Use 0 to 100 percent, or leave it empty."))
    return happened_on


def _moment(day: date, zone: str, now: datetime) -> datetime:
    """Noon of the day, which is that day in every zone near; never later than now."""
    return min(now, datetime.combine(day, NOON, ZoneInfo(zone)).astimezone(UTC))


def completion_of(
    session: Session, organization_id: int, person_id: int, completion_id: int
) -> Completion:
    found = session.scalar(
        select(Completion).where(
            Completion.organization_id == organization_id,
            Completion.person_id == person_id,
            Completion.id == completion_id,
        )
    )
    if found is None:
        raise CompletionNotFoundError(completion_id)
    return found
