"""A launched person is let in: known to the organization, with a visit that begins."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.core import outbox
from plugin.core.base import JsonDict
from plugin.lti.tool import deep_linking
from plugin.lti.tool.addresses import (
    ADMIN,
    HOME,
    origins_of,
)
from plugin.lti.tool.claims import Launch, MessageType
from plugin.lti.tool.trust_queries import Trust
from plugin.org import actions as org_actions
from plugin.org import launch_rules
from plugin.org.belonging import Said, course_key
from plugin.org.launch_rules import News
from plugin.org.models import Grant, Person
from plugin.org.visits import start_known_visit
from plugin.web.roles import Role

MAX_DIGITS = 18
BY_LMS_ROLE = "administrator role in the LMS"


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
            context_id=(visit["launch"]["context"] or {}).get("id"),
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
            "subject": launch.subject,
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
