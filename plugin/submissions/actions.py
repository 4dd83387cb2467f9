"""Everything that changes submitted certificates: submitted, withdrawn, approved, rejected."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.modules import actions as module_actions
from plugin.modules.by_hand import EARLIEST
from plugin.modules.models import Completion, CompletionSource, Module, ModuleKind, Run, RunState
from plugin.modules.rules import Report
from plugin.notify.actions import queue_message
from plugin.notify.models import MessageKind
from plugin.org.errors import FieldError
from plugin.org.models import Person
from plugin.submissions.errors import (
    OwnSubmissionError,
    SubmissionDecidedError,
    SubmissionOutdatedError,
)
from plugin.submissions.models import SubmissionState, SubmittedCertificate

MAX_WORDS = 200
MAX_REASON = 500
MAX_A_DAY = 20
"""Certificates of one person, withdrawn ones too."""
NOON = time(12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What a certificate says of itself."""

    name: str
    issuer: str
    issued_on: date | None
    ends_on: date | None


def create_module(
    tx: Tx, organization_id: int, *, title: str, words: str, by: int | None, now: datetime
) -> Module:
    """A published module that is completed by a certificate from elsewhere."""
    module = module_actions.create_module(
        tx.session,
        organization_id,
        kind=ModuleKind.CERTIFICATE,
        title=_title(title),
        by=by,
        now=now,
    )
    module.description = words.strip()
    module_actions.add_version(tx.session, module, package_id=None, by=by, now=now)
    return module


def change_module(
    tx: Tx, module: Module, *, title: str, words: str, by: int, now: datetime
) -> None:
    """Another title, and what the certificate must be, in words for learners."""
    before = {"title": module.title, "description": module.description}
    module.title, module.description = _title(title), words.strip()
    after = {"title": module.title, "description": module.description}
    module_actions.note_change(tx.session, module, before, after, by=by, now=now)


def _title(title: str) -> str:
    if not title.strip() or len(title.strip()) > MAX_WORDS:
        raise FieldError("title", _("Give the module a title of at most 200 characters."))
    return title.strip()


def submit(
    tx: Tx, run: Run, paper: Paper, file: JsonDict, *, zone: str, now: datetime
) -> SubmittedCertificate:
    """The certificate waits for a decision; refused while another of this sitting waits."""
    tx.session.refresh(run, with_for_update=True)
    if run.state is not RunState.OPEN:
        raise SubmissionDecidedError(run.id)
    issued_on = checked(paper, zone=zone, now=now)
    _require_patience(tx.session, run.person_id, now)
    submission = SubmittedCertificate(
        organization_id=run.organization_id,
        person_id=run.person_id,
        module_id=run.module_id,
        run_id=run.id,
        name=paper.name.strip(),
        issuer=paper.issuer.strip(),
        issued_on=issued_on,
        ends_on=paper.ends_on,
        file=file,
        state=SubmissionState.WAITING,
        submitted_at=now,
        reason="",
    )
    try:
        with tx.session.begin_nested():
            tx.session.add(submission)
    except IntegrityError:  # two at the same moment: the other one waits
        raise SubmissionDecidedError(run.id) from None
    run.last_activity_at = now
    return submission


def _require_patience(session: Session, person_id: int, now: datetime) -> None:
    """Whoever withdraws and submits again all day long would fill our disk."""
    lately = select(func.count(SubmittedCertificate.id)).where(
        SubmittedCertificate.person_id == person_id,
        SubmittedCertificate.submitted_at > now - timedelta(days=1),
    )
    if (session.scalar(lately) or 0) >= MAX_A_DAY:
        words = _("At most %(most)d files are taken in a day. Try again tomorrow.", most=MAX_A_DAY)
        raise FieldError("evidence", words)


def checked(paper: Paper, *, zone: str, now: datetime) -> date:
    """The day it was issued, if all it says can be; raises FieldError otherwise."""
    today = now.astimezone(ZoneInfo(zone)).date()
    for field, words in (("name", paper.name), ("issuer", paper.issuer)):
        if not words.strip() or len(words.strip()) > MAX_WORDS:
            raise FieldError(field, _("Use 1 to %(most)d characters.", most=MAX_WORDS))
    if paper.issued_on is None or not EARLIEST <= paper.issued_on <= today:
        raise FieldError("issued_on", _("Choose the day it was issued; not one to come."))
    if paper.ends_on is not None and paper.ends_on < today:
        raise FieldError("ends_on", _("This certificate has ended. Submit one that still counts."))
    return paper.issued_on


def withdraw(tx: Tx, submission: SubmittedCertificate, *, now: datetime) -> None:
    """Its holder takes it back before it was decided."""
    _take(tx.session, submission)
    submission.state, submission.decided_at = SubmissionState.WITHDRAWN, now


def approve(
    tx: Tx,
    submission: SubmittedCertificate,
    *,
    issued_on: date | None,
    ends_on: date | None,
    by: int,
    zone: str,
    now: datetime,
) -> Completion:
    """The module is completed by it, since the day it was issued, through its own last day at most.

    Who approves may put the two days right, as the certificate has them.
    """
    _take(tx.session, submission, by=by)
    paper = Paper(
        name=submission.name, issuer=submission.issuer, issued_on=issued_on, ends_on=ends_on
    )
    day = checked(paper, zone=zone, now=now)
    before = _days(submission)
    submission.issued_on, submission.ends_on = day, ends_on
    _decide(submission, SubmissionState.APPROVED, by=by, now=now)
    completion = _complete(tx, submission, by=by, zone=zone, now=now)
    submission.completion_id = completion.id
    person = tx.session.get_one(Person, submission.person_id)
    audit.record(
        tx.session,
        "submission.approved",
        about=person,
        by=by,
        now=now,
        before=before,
        after={**_days(submission), "module_id": submission.module_id},
    )
    _tell(tx, submission, MessageKind.EVIDENCE_APPROVED, now=now)
    return completion


def reject(
    tx: Tx, submission: SubmittedCertificate, *, reason: str, by: int, now: datetime
) -> None:
    """It does not count, and its holder reads why; another one may be submitted."""
    _take(tx.session, submission, by=by)
    if not reason.strip() or len(reason.strip()) > MAX_REASON:
        raise FieldError("reason", _("Say why, in at most %(most)d characters.", most=MAX_REASON))
    submission.reason = reason.strip()
    _decide(submission, SubmissionState.REJECTED, by=by, now=now)
    audit.record(
        tx.session,
        "submission.rejected",
        about=tx.session.get_one(Person, submission.person_id),
        by=by,
        now=now,
        after={"module_id": submission.module_id},
        reason=submission.reason,
    )
    _tell(tx, submission, MessageKind.EVIDENCE_REJECTED, now=now)


def _take(session: Session, submission: SubmittedCertificate, *, by: int | None = None) -> None:
    """It still waits, nobody else decides meanwhile, and `by` is not its holder."""
    if by == submission.person_id:
        raise OwnSubmissionError(submission.id)
    session.refresh(submission, with_for_update=True)
    if submission.state is not SubmissionState.WAITING:
        raise SubmissionDecidedError(submission.id)


def _decide(
    submission: SubmittedCertificate, state: SubmissionState, *, by: int, now: datetime
) -> None:
    submission.state, submission.decided_by, submission.decided_at = state, by, now


def _complete(
    tx: Tx, submission: SubmittedCertificate, *, by: int, zone: str, now: datetime
) -> Completion:
    run = tx.session.scalars(select(Run).where(Run.id == submission.run_id).with_for_update()).one()
    completion = module_actions.record_completion(
        tx,
        run,
        Report(is_completed=True, is_passed=None, is_finished=True),
        source=CompletionSource.CERTIFICATE,
        evidence={
            "certificate": {
                "name": submission.name,
                "issuer": submission.issuer,
                "issued_on": submission.issued_on.isoformat(),
                "ends_on": submission.ends_on.isoformat() if submission.ends_on else None,
            },
            "file": submission.file,
            "approved_by": by,
        },
        happened_at=min(now, _moment(submission.issued_on, zone)),
        valid_until_on=submission.ends_on,
        now=now,
    )
    if completion is None:  # its holder sits anew, because a certificate was asked for anew
        raise SubmissionOutdatedError(submission.id)
    tx.session.flush()
    return completion


def _moment(day: date, zone: str) -> datetime:
    """Noon of the day, which is that day in every zone near."""
    return datetime.combine(day, NOON, ZoneInfo(zone)).astimezone(UTC)


def _days(submission: SubmittedCertificate) -> JsonDict:
    return {
        "issued_on": submission.issued_on.isoformat(),
        "ends_on": submission.ends_on.isoformat() if submission.ends_on else None,
    }


def _tell(tx: Tx, submission: SubmittedCertificate, kind: MessageKind, *, now: datetime) -> None:
    """One mail for the decision, at once: its holder waits for it."""
    queue_message(
        tx,
        organization_id=submission.organization_id,
        person_id=submission.person_id,
        kind=kind,
        key=f"submission:{submission.id}",
        facts={
            "name": submission.name,
            "issuer": submission.issuer,
            "module": tx.session.get_one(Module, submission.module_id).title,
            "reason": submission.reason,
        },
        cause=f"submission:{submission.id}",
        now=now,
    )
