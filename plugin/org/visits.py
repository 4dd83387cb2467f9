"""The quick way in: the visit of a person we know, in one statement."""

from datetime import datetime
from typing import cast

from sqlalchemy import Table, and_, bindparam, insert, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import ColumnElement

from plugin.core.base import JsonDict
from plugin.core.secrets import hash_of, new_token
from plugin.org import rules
from plugin.org.actions import VISIT
from plugin.org.models import Identity, Person, SignIn

_GIVEN = (
    SignIn.token_hash,
    SignIn.frame_ancestors,
    SignIn.locale,
    SignIn.return_url,
    SignIn.launch,
    SignIn.created_at,
    SignIn.expires_at,
)

_VISITS = cast(Table, SignIn.__table__)


def _unchanged(
    column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
) -> ColumnElement[bool]:
    said = bindparam(f"said_{column.key}", type_=column.type)
    return or_(said.is_(None), column == said)


_START = (
    insert(_VISITS)
    .from_select(
        ["organization_id", "person_id", *(column.key for column in _GIVEN)],
        select(
            Person.organization_id,
            Person.id,
            *(bindparam(f"new_{column.key}", type_=column.type) for column in _GIVEN),
        )
        .join(Identity, Identity.person_id == Person.id)
        .where(
            Identity.issuer == bindparam("issuer"),
            Identity.client_id == bindparam("client_id"),
            Identity.subject == bindparam("subject"),
            Person.deactivated_at.is_(None),
            or_(
                bindparam("said_seal", type_=Identity.said_seal.type).is_(None),
                Identity.said_seal == bindparam("said_seal", type_=Identity.said_seal.type),
            ),
            and_(
                *map(
                    _unchanged,
                    (
                        Person.given_name,
                        Person.family_name,
                        Person.full_name,
                        Person.email,
                        Person.locale,
                    ),
                )
            ),
        ),
    )
    .returning(SignIn.id)
)
"""Built once: composing it costs more than running it."""


def start_known_visit(
    session: Session,
    *,
    issuer: str,
    client_id: str,
    subject: str,
    given_name: str | None,
    family_name: str | None,
    full_name: str | None,
    email: str | None,
    said_locale: str | None,
    frame_ancestors: str,
    locale: str | None,
    return_url: str | None,
    launch: JsonDict,
    said_seal: str | None,
    now: datetime,
) -> tuple[str, int] | None:
    """The browser's token and the visit's id, or None when nobody is known of whom all this is
    already true.

    Then `admit_person` and `start_visit` do the same and more, one after the other.
    """
    token = new_token()
    names = rules.names_of(given_name, family_name, full_name)
    started = session.connection().execute(
        _START,
        {
            "issuer": issuer,
            "client_id": client_id,
            "subject": subject,
            "said_given_name": names.given if names else None,
            "said_family_name": names.family if names else None,
            "said_full_name": names.full if names else None,
            "said_email": rules.email_of(email),
            "said_locale": said_locale,
            "said_seal": said_seal,
            "new_token_hash": hash_of(token),
            "new_frame_ancestors": frame_ancestors,
            "new_locale": locale,
            "new_return_url": return_url,
            "new_launch": launch,
            "new_created_at": now,
            "new_expires_at": now + VISIT,
        },
    )
    visit_id = started.scalar_one_or_none()
    return None if visit_id is None else (token, int(visit_id))
