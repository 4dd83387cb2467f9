"""Installations (deployments) of a registration: accepted by an admin, or waiting for one."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.upsert import insert_absent
from plugin.lti.tool import queries
from plugin.lti.tool.claim_values import is_id
from plugin.lti.tool.models import Deployment, Registration
from plugin.lti.tool.registration_errors import RegistrationAddressError
from plugin.lti.tool.trust_queries import Trust

MAX_WAITING = 100
"""Deployments that may wait for an admin, per registration."""


def accept_deployment(
    session: Session,
    registration: Registration,
    deployment_id: str,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """People may launch from this installation of the registration. Safe to call again."""
    if not is_id(deployment_id):
        raise RegistrationAddressError("deployment")
    session.flush()
    known = queries.deployment(session, registration.id, deployment_id)
    if known is not None and known.accepted_at is not None:
        return
    if known is not None:
        known.accepted_at = now
    else:
        session.add(
            Deployment(
                organization_id=registration.organization_id,
                registration_id=registration.id,
                deployment_id=deployment_id,
                created_at=now,
                accepted_at=now,
            )
        )
    audit.record(
        session,
        "deployment.accepted",
        about=registration,
        by=by,
        now=now,
        after={"deployment_id": deployment_id},
    )


def note_deployment(session: Session, trust: Trust, deployment_id: str, *, now: datetime) -> None:
    """A verified launch named an installation nobody has accepted: it waits for an admin."""
    waiting = select(func.count()).where(
        Deployment.registration_id == trust.id, Deployment.accepted_at.is_(None)
    )
    if (session.scalar(waiting) or 0) >= MAX_WAITING:
        return
    row = {
        "organization_id": trust.organization_id,
        "registration_id": trust.id,
        "deployment_id": deployment_id,
        "created_at": now,
        "accepted_at": None,
    }
    key = ("registration_id", "deployment_id")
    session.execute(insert_absent(session, Deployment, [row], key=key))
