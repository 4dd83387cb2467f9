"""Reads of registrations, their deployments and keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from plugin.core.base import JsonDict
from plugin.lti.tool.errors import (
    RegistrationUnknownError,
)
from plugin.lti.tool.models import (
    Deployment,
    FormerAddress,
    Registration,
    RegistrationState,
    ToolKey,
)
from plugin.lti.tool.notice_models import CopyState, CourseCopy
from plugin.lti.tool.service_models import LmsCourse
from plugin.lti.tool.trust_queries import is_uid, trust

NOTED_FOR = timedelta(hours=1)


def deployment(session: Session, registration_id: int, deployment_id: str) -> Deployment | None:
    """This installation of the registration, accepted or waiting."""
    return session.scalar(
        select(Deployment).where(
            Deployment.registration_id == registration_id,
            Deployment.deployment_id == deployment_id,
        )
    )


def is_deployment(session: Session, registration_id: int, deployment_id: str) -> bool:
    """Whether an admin has accepted this installation of the registration."""
    found = deployment(session, registration_id, deployment_id)
    return found is not None and found.accepted_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """What we publish for an LMS, and which of it nobody was noted to have read lately."""

    keys: Sequence[JsonDict]
    unread: Sequence[int]


def key_set(session: Session, uid: str, *, at: datetime) -> KeySet:
    """The keys an LMS may verify us with, newest first; a retired one until it is withdrawn."""
    rows = published_keys(session, trust(session, uid, at=at).id, at=at)
    return KeySet(
        keys=[row.public_jwk for row in rows],
        unread=[row.id for row in rows if is_stale(row.fetched_at, at)],
    )


def is_stale(noted_at: datetime | None, at: datetime) -> bool:
    """Whether something seen now is worth a note: the last one is an hour old."""
    return noted_at is None or noted_at <= at - NOTED_FOR


def registration_by_uid(session: Session, uid: str) -> Registration:
    asked = select(Registration).where(Registration.uid == uid)
    found = session.scalar(asked) if is_uid(uid) else None
    if found is None:
        raise RegistrationUnknownError
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationLine:
    """A registration in a list."""

    uid: str
    name: str
    issuer: str
    client_id: str
    state: RegistrationState


def registrations(session: Session, organization_id: int) -> Sequence[RegistrationLine]:
    """Every registration of an organization, by name."""
    rows = session.scalars(
        select(Registration)
        .where(Registration.organization_id == organization_id)
        .order_by(Registration.name, Registration.id)
    )
    return [
        RegistrationLine(
            uid=row.uid,
            name=row.name,
            issuer=row.issuer,
            client_id=row.client_id,
            state=row.state,
        )
        for row in rows
    ]


def deployments(session: Session, registration_id: int) -> Sequence[str]:
    """The accepted deployment ids of a registration."""
    return session.scalars(
        select(Deployment.deployment_id)
        .where(Deployment.registration_id == registration_id, Deployment.accepted_at.is_not(None))
        .order_by(Deployment.deployment_id)
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class LmsLine:
    """A registration in the admins' list."""

    id: int
    name: str
    product: str | None
    issuer: str
    state: RegistrationState
    accepted: int
    waiting: int
    has_open_copies: bool
    """A course that was copied waits for an admin's word."""


def lms_lines(session: Session, organization_id: int) -> Sequence[LmsLine]:
    """Every LMS of an organization with its deployments counted, in one statement."""
    rows = session.execute(
        select(
            Registration.id,
            Registration.name,
            Registration.product,
            Registration.issuer,
            Registration.state,
            func.count(Deployment.accepted_at).label("accepted"),
            func.count(Deployment.id).label("known"),
            _open_copies().label("has_open_copies"),
        )
        .outerjoin(Deployment, Deployment.registration_id == Registration.id)
        .where(Registration.organization_id == organization_id)
        .group_by(Registration.id)
        .order_by(Registration.name, Registration.id)
    )
    return [
        LmsLine(
            id=row.id,
            name=row.name,
            product=row.product,
            issuer=row.issuer,
            state=row.state,
            accepted=row.accepted,
            waiting=row.known - row.accepted,
            has_open_copies=row.has_open_copies,
        )
        for row in rows
    ]


def _open_copies() -> ColumnElement[bool]:
    return (
        select(CourseCopy.id)
        .join(LmsCourse, LmsCourse.id == CourseCopy.course_id)
        .where(
            CourseCopy.organization_id == Registration.organization_id,
            CourseCopy.state == CopyState.PROPOSED,
            LmsCourse.registration_id == Registration.id,
        )
        .correlate(Registration)
        .exists()
    )


def registration_of(session: Session, organization_id: int, registration_id: int) -> Registration:
    """The registration, if it is the organization's."""
    found = session.scalar(
        select(Registration).where(
            Registration.id == registration_id, Registration.organization_id == organization_id
        )
    )
    if found is None:
        raise RegistrationUnknownError
    return found


def all_deployments(session: Session, registration_id: int) -> Sequence[Deployment]:
    """Accepted ones and those that wait, oldest first."""
    return session.scalars(
        select(Deployment)
        .where(Deployment.registration_id == registration_id)
        .order_by(Deployment.accepted_at.is_(None).desc(), Deployment.id)
    ).all()


def published_keys(session: Session, registration_id: int, *, at: datetime) -> Sequence[ToolKey]:
    """Our keys this LMS may verify us with, newest first."""
    return session.scalars(
        select(ToolKey)
        .where(
            ToolKey.registration_id == registration_id,
            or_(ToolKey.retired_at.is_(None), ToolKey.retired_at > at),
        )
        .order_by(ToolKey.id.desc())
    ).all()


def former_addresses(
    session: Session, registration_id: int, *, at: datetime
) -> Sequence[FormerAddress]:
    """Addresses the registration still answers at, newest first."""
    return session.scalars(
        select(FormerAddress)
        .where(FormerAddress.registration_id == registration_id, FormerAddress.until_at > at)
        .order_by(FormerAddress.id.desc())
    ).all()
