"""An installation nobody has accepted yet, claimed by the holder of an install code.

Where one client id serves many customers (Blackboard), a deployment is a customer; its first admin
has no way in but this (docs/decisions).
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from sqlalchemy.orm import Session

from plugin.core.secrets import decrypt, encrypt
from plugin.lti.tool import deployments, queries
from plugin.lti.tool.claims import Launch
from plugin.lti.tool.errors import ClaimCodeError, ClaimOverError
from plugin.lti.tool.trust_queries import Trust
from plugin.org import actions as org_actions
from plugin.org.errors import InstallCodeError

LIFE = timedelta(minutes=15)
PER_ADDRESS = "10 per minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who came from which installation, as a verified message said it."""

    registration_id: int
    deployment_id: str
    subject: str
    until: float


def claim_of(trust: Trust, launch: Launch, *, now: datetime) -> Claim:
    """What a launch from an unknown installation may claim for a quarter of an hour."""
    return Claim(
        registration_id=trust.id,
        deployment_id=launch.deployment_id,
        subject=launch.subject,
        until=(now + LIFE).timestamp(),
    )


def sealed(claim: Claim, *, encryption_key: str) -> str:
    """The claim as a text only we can make or read."""
    return encrypt(json.dumps(asdict(claim)).encode(), encryption_key=encryption_key)


def opened(text: str, trust: Trust, *, encryption_key: str, now: datetime) -> Claim:
    """The claim this text is, if it is of this registration and not over."""
    try:
        claim = Claim(**json.loads(decrypt(text, encryption_key=encryption_key)))
    except (InvalidToken, ValueError, TypeError):
        raise ClaimOverError(registration_id=trust.id) from None
    if claim.registration_id != trust.id or claim.until <= now.timestamp():
        raise ClaimOverError(registration_id=trust.id)
    return claim


def accept(
    session: Session, trust: Trust, claim: Claim, code: str, *, text: str, now: datetime
) -> None:
    """The holder of the install code is an admin, and the installation accepted; all or nothing."""
    person = org_actions.admit_person(
        session,
        trust.organization_id,
        issuer=trust.issuer,
        client_id=trust.client_id,
        subject=claim.subject,
        given_name=None,
        family_name=None,
        full_name=None,
        email=None,
        locale=None,
        now=now,
    )
    try:
        org_actions.use_install_code(session, person, code, now=now)
    except InstallCodeError:
        raise ClaimCodeError(trust.uid, claim.deployment_id, claim=text) from None
    registration = queries.registration_of(session, trust.organization_id, trust.id)
    deployments.accept_deployment(session, registration, claim.deployment_id, by=person.id, now=now)
