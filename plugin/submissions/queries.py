"""Reads of submitted certificates: a learner's own, and those that wait for a decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from plugin.modules.models import Module, Run
from plugin.org.models import Person
from plugin.org.reach import Reach
from plugin.submissions.errors import SubmissionNotFoundError
from plugin.submissions.models import SubmissionState, SubmittedCertificate


def of_run(session: Session, run: Run) -> Sequence[SubmittedCertificate]:
    """What was submitted in the sitting, newest first."""
    return session.scalars(
        select(SubmittedCertificate)
        .where(
            SubmittedCertificate.organization_id == run.organization_id,
            SubmittedCertificate.run_id == run.id,
        )
        .order_by(SubmittedCertificate.id.desc())
    ).all()


def own(session: Session, run: Run, submission_id: int) -> SubmittedCertificate:
    found = session.scalar(
        select(SubmittedCertificate).where(
            SubmittedCertificate.organization_id == run.organization_id,
            SubmittedCertificate.run_id == run.id,
            SubmittedCertificate.id == submission_id,
        )
    )
    if found is None:
        raise SubmissionNotFoundError(submission_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One certificate in the list of those who decide."""

    submission: SubmittedCertificate
    person: str
    module: str


def _lines(reach: Reach, at: datetime) -> Select[Any]:
    found: Any = (
        select(SubmittedCertificate, Person.full_name, Module.title)
        .join(Person, Person.id == SubmittedCertificate.person_id)
        .join(Module, Module.id == SubmittedCertificate.module_id)
        .where(
            SubmittedCertificate.organization_id == reach.organization_id,
            reach.people(SubmittedCertificate.person_id, at),
        )
    )
    lines: Select[Any] = found
    return lines


def listed(
    session: Session,
    reach: Reach,
    state: SubmissionState,
    *,
    at: datetime,
    offset: int,
    size: int,
) -> list[Line]:
    """The certificates in reach: the longest waiting first, what is decided newest first; one more
    than `size` says there is more."""
    order = (
        SubmittedCertificate.id
        if state is SubmissionState.WAITING
        else SubmittedCertificate.id.desc()
    )
    rows = session.execute(
        _lines(reach, at)
        .where(SubmittedCertificate.state == state)
        .order_by(order)
        .offset(offset)
        .limit(size + 1)
    )
    return [Line(submission=row[0], person=row[1], module=row[2]) for row in rows]


def count_waiting(reach: Reach, at: datetime) -> ScalarSelect[int]:
    """How many wait for a decision of whoever reaches so far."""
    return (
        select(func.count(SubmittedCertificate.id))
        .where(
            SubmittedCertificate.organization_id == reach.organization_id,
            SubmittedCertificate.state == SubmissionState.WAITING,
            reach.people(SubmittedCertificate.person_id, at),
        )
        .scalar_subquery()
    )


def in_reach(session: Session, reach: Reach, submission_id: int, *, at: datetime) -> Line:
    """The certificate, or the refusal that also says nothing about those out of reach."""
    row = session.execute(
        _lines(reach, at).where(SubmittedCertificate.id == submission_id)
    ).one_or_none()
    if row is None:
        raise SubmissionNotFoundError(submission_id)
    return Line(submission=row[0], person=row[1], module=row[2])
