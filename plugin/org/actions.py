"""Everything that changes organizations, people, units, memberships and grants."""

from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit, outbox
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.secrets import hash_of, new_token
from plugin.core.storage import Storage
from plugin.org import history, pictures, rules
from plugin.org.errors import FieldError, InstallCodeError, PersonDeactivatedError
from plugin.org.models import (
    Grant,
    Identity,
    InstallCode,
    Membership,
    MembershipSource,
    Organization,
    Person,
    SignIn,
    Unit,
    UnitKind,
)
from plugin.web.roles import Role

VISIT = timedelta(hours=12)
INSTALL_CODE_LIFE = timedelta(days=14)


def create_organization(
    session: Session, *, name: str, slug: str, time_zone: str, locale: str, now: datetime
) -> Organization:
    """A new, empty organization."""
    if not name.strip():
        raise FieldError("name", _("Give the organization a name."))
    if not rules.SLUG.match(slug):
        raise FieldError("slug", _("Use small letters, digits and hyphens, for example acme-ltd."))
    _check_zone(time_zone)
    if not rules.is_locale(locale):
        raise FieldError("locale", _("Use a language such as en or en_GB."))
    if session.scalar(select(Organization.id).where(Organization.slug == slug)):
        raise FieldError("slug", _("Another organization already has this short name."))
    organization = Organization(
        name=name.strip(), slug=slug, time_zone=time_zone, locale=locale, created_at=now
    )
    session.add(organization)
    audit.record(session, "organization.created", about=organization, by=None, now=now)
    return organization


def set_logo(
    session: Session,
    organization: Organization,
    storage: Storage,
    content: bytes,
    *,
    now: datetime,
    by: int | None = None,
) -> None:
    """Certificates and mails show this picture from now on (PNG or JPEG, at most 1 MB)."""
    try:
        drawn = pictures.clean(content)
    except pictures.PictureError:
        raise FieldError("logo", _("Use a PNG or JPEG picture of at most 1 MB.")) from None
    stored = storage.put(f"logos/{organization.id}/{new_token()}.png", drawn)
    _change_logo(session, organization, stored.key, by=by, now=now)


def remove_logo(
    session: Session, organization: Organization, *, by: int | None, now: datetime
) -> None:
    """Nothing shows a logo from now on; what was printed with it stays."""
    if organization.logo_key is not None:
        _change_logo(session, organization, None, by=by, now=now)


def _change_logo(
    session: Session,
    organization: Organization,
    key: str | None,
    *,
    by: int | None,
    now: datetime,
) -> None:
    before, organization.logo_key = organization.logo_key, key
    audit.record(
        session,
        "organization.logo_changed",
        about=organization,
        by=by,
        now=now,
        before={"logo_key": before},
        after={"logo_key": key},
    )


def create_install_code(session: Session, organization: Organization, *, now: datetime) -> str:
    """A one-time code that makes its holder an admin; shown once, kept as a hash."""
    code = new_token()
    session.add(
        InstallCode(
            organization_id=organization.id,
            code_hash=hash_of(code),
            created_at=now,
            expires_at=now + INSTALL_CODE_LIFE,
        )
    )
    audit.record(session, "install_code.created", about=organization, by=None, now=now)
    return code


def use_install_code(session: Session, person: Person, code: str, *, now: datetime) -> None:
    """The person is now an admin of the organization; the code works once."""
    used = session.execute(
        update(InstallCode)
        .where(
            InstallCode.code_hash == hash_of(code.strip()),
            InstallCode.organization_id == person.organization_id,
            InstallCode.used_at.is_(None),
            InstallCode.expires_at > now,
        )
        .values(used_at=now, used_by=person.id)
        .returning(InstallCode.id)
    ).one_or_none()
    if used is None:
        raise InstallCodeError
    grant(session, person, Role.ADMIN, by=None, now=now, reason="install code")


def create_person(
    session: Session,
    organization_id: int,
    *,
    full_name: str,
    email: str | None,
    employee_id: str | None,
    by: int | None,
    now: datetime,
) -> Person:
    """A person known before their first launch."""
    names = rules.names_of(None, None, full_name)
    if names is None:
        raise FieldError("name", _("Give the person a name."))
    if email and rules.email_of(email) is None:
        raise FieldError("email", _("This is not an email address."))
    person = Person(
        organization_id=organization_id,
        given_name=names.given,
        family_name=names.family,
        full_name=names.full,
        email=rules.email_of(email),
        employee_id=employee_id or None,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(person)
    except IntegrityError:
        raise FieldError("employee_id", _("Another person already has this employee ID.")) from None
    audit.record(session, "person.created", about=person, by=by, now=now)
    return person


def admit_person(
    session: Session,
    organization_id: int,
    *,
    issuer: str,
    client_id: str,
    subject: str,
    given_name: str | None,
    family_name: str | None,
    full_name: str | None,
    email: str | None,
    locale: str | None,
    now: datetime,
) -> Person:
    """The person this LMS identity stands for: found, or made at the first launch.

    What the LMS says of name, email and language replaces what we knew; silence changes nothing.
    """
    said: dict[str, Any] = {"email": rules.email_of(email), "locale": locale}
    names = rules.names_of(given_name, family_name, full_name)
    if names:
        said |= {
            "given_name": names.given,
            "family_name": names.family,
            "full_name": names.full,
        }
    person = _known(session, issuer, client_id, subject)
    if person is None:
        person = _new_person(
            session, organization_id, (issuer, client_id, subject), said=said, now=now
        )
    if person.deactivated_at is not None:
        raise PersonDeactivatedError(person_id=person.id)
    for name, value in said.items():
        if value is not None and getattr(person, name) != value:
            if name == "email" and person.id is not None:
                history.remember(session, person, name, person.email, now=now)
            setattr(person, name, value)
    return person


def _known(session: Session, issuer: str, client_id: str, subject: str) -> Person | None:
    return session.scalar(
        select(Person)
        .join(Identity, Identity.person_id == Person.id)
        .where(
            Identity.issuer == issuer,
            Identity.client_id == client_id,
            Identity.subject == subject,
        )
    )


def _new_person(
    session: Session,
    organization_id: int,
    identity: tuple[str, str, str],
    *,
    said: dict[str, Any],
    now: datetime,
) -> Person:
    issuer, client_id, subject = identity
    person = Person(
        organization_id=organization_id,
        given_name=said.get("given_name", ""),
        family_name=said.get("family_name", ""),
        full_name=said.get("full_name", _("Learner %(number)s", number=subject)),
        email=said["email"],
        locale=said["locale"],
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(person)
            session.flush()
            session.add(
                Identity(
                    organization_id=organization_id,
                    person_id=person.id,
                    issuer=issuer,
                    client_id=client_id,
                    subject=subject,
                    created_at=now,
                )
            )
    except IntegrityError:
        found = _known(session, issuer, client_id, subject)
        if found is None:
            raise
        return found
    audit.record(session, "person.created", about=person, by=None, now=now, reason="launch")
    return person


def start_visit(
    session: Session,
    person: Person,
    *,
    frame_ancestors: str,
    locale: str | None,
    return_url: str | None,
    launch: JsonDict,
    now: datetime,
) -> tuple[str, int]:
    """A visit of the person; returns the token the browser is to hold, and the visit's id."""
    token = new_token()
    visit = SignIn(
        organization_id=person.organization_id,
        person_id=person.id,
        token_hash=hash_of(token),
        frame_ancestors=frame_ancestors,
        locale=locale,
        return_url=return_url,
        launch=launch,
        created_at=now,
        expires_at=now + VISIT,
    )
    session.add(visit)
    session.flush()
    return token, visit.id


def grant(
    session: Session,
    person: Person,
    role: Role,
    *,
    unit: Unit | None = None,
    by: int | None,
    now: datetime,
    reason: str | None = None,
) -> None:
    """The person holds `role` (for a manager: in `unit`). Safe to call again."""
    if (role is Role.MANAGER) != (unit is not None):
        raise FieldError("role", _("A manager needs a unit; an admin has all of them."))
    row = Grant(
        organization_id=person.organization_id,
        person_id=person.id,
        role=role,
        unit_id=unit.id if unit else None,
        granted_at=now,
        granted_by=by,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return
    audit.record(
        session,
        "grant.given",
        about=person,
        by=by,
        now=now,
        after={"role": role.value, "unit_id": row.unit_id},
        reason=reason,
    )


def create_unit(
    session: Session,
    organization_id: int,
    *,
    kind: UnitKind,
    name: str,
    id_code: str | None,
    description: str = "",
    time_zone: str | None = None,
    region: Unit | None = None,
    by: int | None,
    now: datetime,
) -> Unit:
    """A new group, site or region."""
    if not name.strip():
        raise FieldError("name", _("Give the unit a name."))
    if region is not None and (kind is not UnitKind.SITE or region.kind is not UnitKind.REGION):
        raise FieldError("region", _("Only a site can lie in a region."))
    if time_zone:
        _check_zone(time_zone)
    unit = Unit(
        organization_id=organization_id,
        kind=kind,
        name=name.strip(),
        id_code=(id_code or "").strip() or None,
        description=description.strip(),
        time_zone=time_zone or None,
        region_id=region.id if region else None,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(unit)
    except IntegrityError:
        raise FieldError("id_code", _("Another unit of this kind already has this code.")) from None
    audit.record(
        session, "unit.created", about=unit, by=by, now=now, after={"kind": kind, "name": unit.name}
    )
    return unit


def add_member(
    tx: Tx,
    unit: Unit,
    person: Person,
    *,
    source: MembershipSource,
    by: int | None,
    now: datetime,
) -> None:
    """The person is in the unit from `now` on. Safe to call again."""
    insert = postgresql.insert if _is_postgresql(tx.session) else sqlite.insert
    added = tx.session.execute(
        insert(Membership)
        .values(
            organization_id=unit.organization_id,
            unit_id=unit.id,
            person_id=person.id,
            source=source,
            since_at=now,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(Membership.id)
    ).one_or_none()
    if added is None:
        return
    audit.record(
        tx.session, "membership.started", about=person, by=by, now=now, after={"unit_id": unit.id}
    )
    outbox.add(tx.session, JobName.EVALUATE_PERSON, (person.id,))


def end_membership(tx: Tx, membership: Membership, *, by: int | None, now: datetime) -> None:
    """The person is no longer in the unit from `now` on. Safe to call again."""
    tx.session.refresh(membership, with_for_update=True)
    if membership.until_at is not None:
        return
    membership.until_at = now
    person = tx.session.get_one(Person, membership.person_id)
    audit.record(
        tx.session,
        "membership.ended",
        about=person,
        by=by,
        now=now,
        before={"unit_id": membership.unit_id, "since": membership.since_at.isoformat()},
    )
    tx.then(JobName.EVALUATE_PERSON, membership.person_id)


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _check_zone(name: str) -> None:
    if not rules.is_time_zone(name):
        raise FieldError("time_zone", _("Use a time zone such as Europe/Oslo."))
