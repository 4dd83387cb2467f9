"""Everything that changes registrations and logins, and lets launched people in."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin.core import audit, outbox
from plugin.core.base import JsonDict
from plugin.core.secrets import hash_of
from plugin.core.upsert import insert_absent
from plugin.lti.tool import deep_linking, queries
from plugin.lti.tool.addresses import (
    ADMIN,
    HOME,
    host_of,
    is_secure_address,
    origin_of,
    origins_of,
)
from plugin.lti.tool.claims import Launch, MessageType, is_id
from plugin.lti.tool.configuration import Granted, Platform
from plugin.lti.tool.errors import (
    DeploymentUnknownError,
    LoginUsedError,
    RegistrationAddressError,
    RegistrationElsewhereError,
    RegistrationExistsError,
)
from plugin.lti.tool.keys import create_key
from plugin.lti.tool.models import Deployment, FormerAddress, Login, Registration, RegistrationState
from plugin.lti.tool.queries import LoginFacts, Trust
from plugin.org import actions as org_actions
from plugin.org import launch_rules
from plugin.org.belonging import Said, course_key
from plugin.org.launch_rules import News
from plugin.org.models import Grant, Person
from plugin.org.visits import start_known_visit
from plugin.web.roles import Role

LOGIN_LIFE = timedelta(minutes=10)
HANDOVER_LIFE = timedelta(minutes=5)
FORMER_LIFE = timedelta(days=90)
"""How long a registration answers at its old addresses after it was registered again."""
MAX_DIGITS = 18
MAX_WAITING = 100
"""Deployments that may wait for an admin, per registration."""
BY_LMS_ROLE = "administrator role in the LMS"

_USE_LOGIN = (
    update(Login.__table__)  # type: ignore[arg-type]
    .where(
        Login.id == bindparam("login"),
        Login.used_at.is_(None),
        Login.expires_at > bindparam("now"),
        exists().where(
            Deployment.registration_id == bindparam("trust"),
            Deployment.deployment_id == bindparam("deployment"),
            Deployment.accepted_at.is_not(None),
        ),
    )
    .values(used_at=bindparam("now"))
)
"""Built once: composing it costs more than running it."""


def register(
    session: Session,
    organization_id: int,
    *,
    name: str,
    issuer: str,
    client_id: str,
    auth_url: str,
    token_url: str,
    jwks_url: str,
    deployment_ids: Sequence[str],
    admins_by_role: bool,
    encryption_key: str,
    token_audience: str | None = None,
    extra_origins: Sequence[str] = (),
    uid: str | None = None,
    by: int | None,
    now: datetime,
) -> Registration:
    """This LMS may sign people in to the organization; it has a key of its own."""
    _check_identifiers(issuer, client_id, extra_origins)
    addresses = {"auth-url": auth_url, "token-url": token_url, "jwks-url": jwks_url}
    for option, address in addresses.items():
        if not is_secure_address(address):
            raise RegistrationAddressError(option)
    registration = Registration(
        organization_id=organization_id,
        uid=uid or secrets.token_hex(8),
        name=name.strip() or issuer,
        issuer=issuer,
        client_id=client_id,
        auth_url=auth_url,
        token_url=token_url,
        jwks_url=jwks_url,
        token_audience=token_audience or None,
        state=RegistrationState.ACTIVE,
        admins_by_role=admins_by_role,
        extra_origins=list(origins_of(extra_origins)),
        product=None,
        scopes=[],
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(registration)
    except IntegrityError:
        raise RegistrationExistsError from None
    create_key(session, registration, encryption_key=encryption_key, now=now)
    audit.record(
        session,
        "registration.created",
        about=registration,
        by=by,
        now=now,
        after={"issuer": issuer, "client_id": client_id, "admins_by_role": admins_by_role},
    )
    for deployment_id in dict.fromkeys(deployment_ids):
        accept_deployment(session, registration, deployment_id, by=by, now=now)
    return registration


def _check_identifiers(issuer: str, client_id: str, extra_origins: Sequence[str]) -> None:
    if not issuer.isprintable() or not issuer.strip():
        raise RegistrationAddressError("issuer")
    if not is_id(client_id):
        raise RegistrationAddressError("client-id")
    if any(origin_of(each) is None for each in extra_origins):
        raise RegistrationAddressError("extra-origin")


def keep_registration(
    session: Session,
    organization_id: int,
    *,
    uid: str,
    name: str,
    platform: Platform,
    granted: Granted,
    admins_by_role: bool,
    encryption_key: str,
    now: datetime,
) -> Registration:
    """What an LMS granted when it registered itself. The same client id again is an update: the
    LMS now has the addresses under `uid`, and the registration moves there with its keys.
    """
    known = session.scalar(
        select(Registration)
        .where(Registration.issuer == platform.issuer, Registration.client_id == granted.client_id)
        .with_for_update()
    )
    if known is None:
        known = register(
            session,
            organization_id,
            uid=uid,
            name=name or f"{platform.profile.name} {host_of(platform.issuer)}",
            issuer=platform.issuer,
            client_id=granted.client_id,
            auth_url=platform.auth_url,
            token_url=platform.token_url,
            jwks_url=platform.jwks_url,
            deployment_ids=(),
            admins_by_role=admins_by_role,
            encryption_key=encryption_key,
            token_audience=platform.token_audience,
            by=None,
            now=now,
        )
    elif known.organization_id != organization_id:
        raise RegistrationElsewhereError(registration_id=known.id)
    else:
        _move(session, known, uid, platform, now=now)
    known.product, known.scopes = platform.product, list(granted.scopes)
    if granted.deployment_id is not None:
        accept_deployment(session, known, granted.deployment_id, by=None, now=now)
    return known


def _move(
    session: Session, known: Registration, uid: str, platform: Platform, *, now: datetime
) -> None:
    before = {"uid": known.uid, "auth_url": known.auth_url, "token_url": known.token_url}
    session.add(
        FormerAddress(
            organization_id=known.organization_id,
            registration_id=known.id,
            uid=known.uid,
            ended_at=now,
            until_at=now + FORMER_LIFE,
        )
    )
    known.uid, known.auth_url, known.token_url = uid, platform.auth_url, platform.token_url
    known.jwks_url, known.token_audience = platform.jwks_url, platform.token_audience
    known.state = RegistrationState.ACTIVE
    audit.record(
        session,
        "registration.updated",
        about=known,
        by=None,
        now=now,
        before=before,
        after={"uid": uid, "auth_url": known.auth_url, "token_url": known.token_url},
    )


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


def set_state(
    session: Session,
    registration: Registration,
    state: RegistrationState,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """Launches of the registration are accepted, or refused. Safe to call again."""
    if registration.state is state:
        return
    before = registration.state
    registration.state = state
    audit.record(
        session,
        "registration.state_changed",
        about=registration,
        by=by,
        now=now,
        before={"state": before.value},
        after={"state": state.value},
    )


def set_origins(
    session: Session,
    registration: Registration,
    origins: Sequence[str],
    *,
    by: int | None,
    now: datetime,
) -> None:
    """These addresses may frame the tool too, besides the LMS's own."""
    before, after = list(registration.extra_origins), list(origins_of(origins))
    if before == after:
        return
    registration.extra_origins = after
    audit.record(
        session,
        "registration.origins_changed",
        about=registration,
        by=by,
        now=now,
        before={"extra_origins": before},
        after={"extra_origins": after},
    )


def begin_login(
    session: Session,
    trust: Trust,
    *,
    state: str,
    nonce: str,
    binding: str,
    target_link_uri: str,
    now: datetime,
) -> None:
    """A login is under way; only hashes of its secrets are kept."""
    session.add(
        Login(
            organization_id=trust.organization_id,
            registration_id=trust.id,
            state_hash=hash_of(state),
            nonce_hash=hash_of(nonce),
            binding_hash=hash_of(binding),
            target_link_uri=target_link_uri,
            created_at=now,
            expires_at=now + LOGIN_LIFE,
        )
    )


def use_login(
    session: Session, trust: Trust, login: LoginFacts, *, deployment_id: str, now: datetime
) -> None:
    """The login is used up, by this caller and no other; its deployment is an accepted one."""
    used = session.connection().execute(
        _USE_LOGIN,
        {"login": login.id, "trust": trust.id, "deployment": deployment_id, "now": now},
    )
    if used.rowcount == 1:
        return
    if not queries.is_deployment(session, trust.id, deployment_id):
        raise DeploymentUnknownError(trust.uid, deployment_id)
    raise LoginUsedError(login_id=login.id)


def note_their_key(session: Session, trust: Trust, kid: str, *, now: datetime) -> None:
    """The LMS signed a message with this key; noted for a new key, and once an hour."""
    if kid == trust.their_kid and not queries.is_stale(trust.their_kid_at, now):
        return
    session.execute(
        update(Registration)
        .where(Registration.id == trust.id)
        .values(their_kid=kid, their_kid_at=now)
        .execution_options(synchronize_session=False)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A person the LMS vouches for, and the visit they may begin."""

    person: Person
    visit: JsonDict
    landing: JsonDict


def admit(session: Session, trust: Trust, launch: Launch, *, now: datetime) -> Admitted:
    """The launched person is known to the organization; an LMS administrator may become admin."""
    person = org_actions.admit_person(
        session,
        trust.organization_id,
        **_identity(trust, launch),
        locale=launch.locale,
        now=now,
    )
    if _may_become_admin(trust, launch):
        _grant_once(session, person, now=now)
    launch_rules.follow(
        session, person, _news(session, trust, launch), **_key(trust, launch), now=now
    )
    return Admitted(person=person, visit=_visit(trust, launch), landing=_landing(launch))


def enter(session: Session, trust: Trust, launch: Launch, *, now: datetime) -> tuple[str, str]:
    """The launched person is admitted and their visit begins; returns the browser's token and the
    page it goes to first."""
    visit = _visit(trust, launch)
    is_plain = launch.message_type is MessageType.RESOURCE_LINK
    if is_plain and not _may_become_admin(trust, launch):
        started = start_known_visit(
            session,
            **_identity(trust, launch),
            said_locale=launch.locale,
            **visit,
            said_seal=_news(session, trust, launch).seal,
            now=now,
        )
        if started is not None:
            return _noted(session, visit, started), first_page(launch)
    admitted = admit(session, trust, launch, now=now)
    return begin_visit(session, trust, admitted, now=now)


def begin_visit(
    session: Session, trust: Trust, admitted: Admitted, *, now: datetime
) -> tuple[str, str]:
    """The visit of an admitted person: the browser's token, and the page it goes to first."""
    visit, landing = admitted.visit, admitted.landing
    started = org_actions.start_visit(session, admitted.person, **visit, now=now)
    page: str = landing["page"]
    if landing["content"] is not None:
        name = deep_linking.begin(
            session,
            trust,
            admitted.person.id,
            deployment_id=visit["launch"]["deployment_id"],
            settings=landing["content"],
            now=now,
        )
        page = f"/content/{name}"
    elif landing["reviews"]:
        page = f"/review/{started[1]}"
    return _noted(session, visit, started), page


def _landing(launch: Launch) -> JsonDict:
    """Where the launch leads, in a form that can wait for the press of a button."""
    return {
        "page": first_page(launch),
        "content": asdict(launch.deep_linking) if launch.deep_linking else None,
        "reviews": launch.message_type is MessageType.SUBMISSION_REVIEW,
    }


def first_page(launch: Launch) -> str:
    """Where a plain launch goes. Its parameters are advice: rights decide what is shown there."""
    if launch.custom.get("view") == "admin":
        return ADMIN
    module = launch.custom.get("module", "")
    if module.isascii() and module.isdecimal() and len(module) <= MAX_DIGITS:
        return f"{HOME}#module-{int(module)}"
    return HOME


def _news(session: Session, trust: Trust, launch: Launch) -> News:
    """What the launch says of units, by the organization's rules."""
    course = launch.context
    said = Said(
        custom=launch.custom,
        roles=frozenset(launch.roles.names()),
        course=course_key(trust.id, launch.deployment_id, course.id) if course else None,
    )
    return launch_rules.news_of(session, trust.organization_id, trust.rules_seal, said)


def _key(trust: Trust, launch: Launch) -> dict[str, str]:
    return {"issuer": trust.issuer, "client_id": trust.client_id, "subject": launch.subject}


def _identity(trust: Trust, launch: Launch) -> dict[str, Any]:
    return {
        **_key(trust, launch),
        "given_name": launch.given_name,
        "family_name": launch.family_name,
        "full_name": launch.full_name,
        "email": launch.email,
    }


def _may_become_admin(trust: Trust, launch: Launch) -> bool:
    return trust.admins_by_role and launch.roles.is_lms_administrator


def _grant_once(session: Session, person: Person, *, now: datetime) -> None:
    """What an admin took back later stays taken back."""
    ever = select(Grant.id).where(Grant.person_id == person.id, Grant.role == Role.ADMIN).limit(1)
    if session.scalar(ever) is None:
        org_actions.grant(session, person, Role.ADMIN, by=None, now=now, reason=BY_LMS_ROLE)


def _visit(trust: Trust, launch: Launch) -> JsonDict:
    context = launch.context
    framers = origins_of((trust.issuer, trust.auth_url, *trust.extra_origins))
    return {
        "frame_ancestors": " ".join(framers),
        "locale": launch.locale,
        "return_url": launch.return_url,
        "launch": {
            "registration_id": trust.id,
            "deployment_id": launch.deployment_id,
            "context": {"id": context.id, "title": context.title} if context else None,
            "resource_link_id": launch.resource_link.id if launch.resource_link else None,
            "custom": dict(launch.custom),
            "roles": launch.roles.names(),
            "services": asdict(launch.services) if launch.services else None,
            **({"for_user": launch.for_user} if launch.for_user else {}),
        },
    }


def _noted(session: Session, visit: JsonDict, started: tuple[str, int]) -> str:
    """What the launch said of its course's services is looked at by a job."""
    token, visit_id = started
    offered = visit["launch"]["services"]
    if offered and (visit["launch"]["context"] or offered["notices"]):
        outbox.add(session, outbox.JobName.NOTE_LAUNCH, [visit_id])
    return token


def forget_logins(session: Session, *, before: datetime) -> int:
    """Logins that ended before this moment are gone; returns how many."""
    gone = session.execute(delete(Login).where(Login.expires_at < before))
    return int(gone.rowcount)  # type: ignore[attr-defined]
