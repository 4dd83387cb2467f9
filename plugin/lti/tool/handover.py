"""A launch that waits: the browser kept no cookie, so its visit begins by a code, once."""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from plugin.core.secrets import hash_of, new_token
from plugin.lti.tool.admission import Admitted, begin_visit
from plugin.lti.tool.errors import HandoverError
from plugin.lti.tool.models import Login
from plugin.lti.tool.platform_storage import is_proven
from plugin.lti.tool.trust_queries import LoginFacts, Trust
from plugin.org.models import Person

HANDOVER_LIFE = timedelta(minutes=5)


def offer(session: Session, login: LoginFacts, admitted: Admitted, *, now: datetime) -> str:
    """The launch waits for the press of a button; returns the code that the button carries."""
    code = new_token()
    session.execute(
        update(Login)
        .where(Login.id == login.id)
        .values(
            handover_hash=hash_of(code),
            handover={
                "person_id": admitted.person.id,
                "visit": admitted.visit,
                "landing": admitted.landing,
            },
            expires_at=now + HANDOVER_LIFE,
        )
        .execution_options(synchronize_session=False)
    )
    return code


def take(
    session: Session,
    trust: Trust,
    code: str,
    *,
    proof: str | None = None,
    secret_key: str = "",
    now: datetime,
) -> tuple[str, str]:
    """The visit a code stands for, begun now, and its first page; it works once.

    With a `proof` (nobody pressed anything) only if it is the one of this login: S3.
    """
    row = session.execute(
        update(Login)
        .where(
            Login.handover_hash == hash_of(code),
            Login.registration_id == trust.id,
            Login.expires_at > now,
        )
        .values(handover_hash=None)
        .returning(Login.handover, Login.state_hash)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        raise HandoverError(registration_id=trust.id)
    if proof is not None and not is_proven(proof, row.state_hash, secret_key=secret_key):
        raise HandoverError("proof", registration_id=trust.id)
    person = session.get_one(Person, row.handover["person_id"])
    admitted = Admitted(person=person, visit=row.handover["visit"], landing=row.handover["landing"])
    return begin_visit(session, trust, admitted, now=now)
