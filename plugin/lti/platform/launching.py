"""We launch a tool: it asks back who the person is, and hears it once, in the same browser."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Exists, exists, select, update
from sqlalchemy.orm import Session

from plugin.core.secrets import hash_of, new_token
from plugin.core.settings import Settings
from plugin.lti.platform import actions, queries, signing
from plugin.lti.platform.addresses import PlatformAddresses, platform_addresses
from plugin.lti.platform.claims import Link, Place, Visitor, pick_claims, play_claims
from plugin.lti.platform.errors import LaunchRefusedError, ToolDisabledError
from plugin.lti.platform.models import ExternalTool, MessageFor, ToolLaunch, ToolState
from plugin.lti.tool.addresses import with_query
from plugin.modules.models import Run
from plugin.org.models import Grant, Organization, Person, SignIn
from plugin.web import visits
from plugin.web.roles import Role

LIFE = timedelta(minutes=5)
FIXED = {"response_type": "id_token", "response_mode": "form_post", "prompt": "none"}


class AnswerError(Exception):
    """The request is refused, and the tool hears why at its own address (OIDC core 3.1.2.6)."""

    def __init__(self, error: str, words: str) -> None:
        super().__init__(error)
        self.error, self.words = error, words


def begin(
    session: Session,
    tool: ExternalTool,
    *,
    settings: Settings,
    purpose: MessageFor,
    person_id: int,
    sign_in_id: int,
    run: Run | None,
    in_window: bool,
    now: datetime,
) -> str:
    """Where the browser goes: the tool's login, with hints that work once and for five minutes."""
    require_active(tool)
    target = _target(session, tool, run)
    login, message = new_token(), new_token()
    session.add(
        ToolLaunch(
            organization_id=tool.organization_id,
            tool_id=tool.id,
            purpose=purpose,
            person_id=person_id,
            sign_in_id=sign_in_id,
            run_id=run.id if run else None,
            target_url=target,
            login_hash=hash_of(login),
            message_hash=hash_of(message),
            in_window=in_window,
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    said = {
        "iss": platform_addresses(settings.tool_url, tool.uid).issuer,
        "login_hint": login,
        "lti_message_hint": message,
        "target_link_uri": target,
        "client_id": tool.client_id,
        "lti_deployment_id": actions.DEPLOYMENT,
    }
    if not in_window:
        said["lti_storage_target"] = "_parent"
    return with_query(tool.login_url, urlencode(said))


def require_active(tool: ExternalTool) -> None:
    """Raises ToolDisabledError unless an administrator lets the tool play modules."""
    if tool.state is not ToolState.ACTIVE:
        raise ToolDisabledError(tool_id=tool.id)


def _target(session: Session, tool: ExternalTool, run: Run | None) -> str:
    if run is None:
        return tool.picker_url or tool.target_url
    return queries.link_of_version(session, run.module_version_id).target_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A tool's request whose answer may go to `redirect_uri`."""

    redirect_uri: str
    state: str
    nonce: str
    login: str
    message: str


def read_request(said: Mapping[str, str], tool: ExternalTool) -> Asked:
    """The request of this tool; raises LaunchRefusedError while no address is to be trusted.

    Only an exact registered redirect_uri is ever answered (security framework 5.1.1.3).
    """
    same = hmac.compare_digest(said.get("client_id", "").encode(), tool.client_id.encode())
    redirect = said.get("redirect_uri", "")
    if not same or redirect not in tool.redirect_urls:
        raise LaunchRefusedError(tool_id=tool.id)
    require_active(tool)
    return Asked(
        redirect_uri=redirect,
        state=said.get("state", ""),
        nonce=said.get("nonce", ""),
        login=said.get("login_hint", ""),
        message=said.get("lti_message_hint", ""),
    )


def check_request(said: Mapping[str, str], asked: Asked) -> None:
    """Everything else the standard fixes; raises AnswerError."""
    if "openid" not in said.get("scope", "").split():
        raise AnswerError("invalid_scope", "scope must hold openid")
    for name, value in FIXED.items():
        if said.get(name) != value:
            raise AnswerError("invalid_request", f"{name} must be {value}")
    for name in ("state", "nonce", "login", "message"):
        if not getattr(asked, name):
            raise AnswerError("invalid_request", f"{name} is missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The visit a launch began in: its public name, and who may frame its pages."""

    name: str
    frame_ancestors: str


def origin_of_hints(session: Session, tool: ExternalTool, said: Mapping[str, str]) -> Origin | None:
    """Where the launch of these hints began; None for hints nobody gave. It opens nothing."""
    row = session.execute(
        select(SignIn.token_hash, SignIn.frame_ancestors)
        .join(ToolLaunch, ToolLaunch.sign_in_id == SignIn.id)
        .where(
            ToolLaunch.login_hash == hash_of(said.get("login_hint", "")),
            ToolLaunch.message_hash == hash_of(said.get("lti_message_hint", "")),
            ToolLaunch.tool_id == tool.id,
        )
    ).one_or_none()
    if row is None:
        return None
    return Origin(name=visits.name_of_hash(row.token_hash), frame_ancestors=row.frame_ancestors)


def take(
    session: Session, tool: ExternalTool, asked: Asked, *, sign_in_id: int, now: datetime
) -> ToolLaunch:
    """The launch these hints belong to, used up by this caller: raises AnswerError for hints that
    are unknown, used, old, or of another visit."""
    row = session.execute(
        update(ToolLaunch)
        .where(
            ToolLaunch.login_hash == hash_of(asked.login),
            ToolLaunch.message_hash == hash_of(asked.message),
            ToolLaunch.tool_id == tool.id,
            ToolLaunch.sign_in_id == sign_in_id,
            ToolLaunch.used_at.is_(None),
            ToolLaunch.expires_at > now,
        )
        .values(used_at=now)
        .returning(ToolLaunch.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if row is None:
        raise AnswerError("login_required", "open the module again")
    return session.get_one(ToolLaunch, row.id)


def message_of(
    session: Session,
    tool: ExternalTool,
    launch: ToolLaunch,
    *,
    settings: Settings,
    locale: str,
    nonce: str,
    return_url: str,
    answer_url: str,
    now: datetime,
) -> str:
    """The signed id_token that answers the launch."""
    ours = platform_addresses(settings.tool_url, tool.uid)
    place = _place(session, tool, launch, settings, ours, return_url)
    visitor = visitor_of(session, tool, launch.person_id, locale=locale)
    if launch.purpose is MessageFor.PICK:
        claims = pick_claims(
            place, visitor, answer_url=answer_url, data=str(launch.id), nonce=nonce, now=now
        )
    else:
        claims = _play(session, tool, launch, place, visitor, ours, nonce=nonce, now=now)
    return signing.signed(session, tool, claims)


def _play(
    session: Session,
    tool: ExternalTool,
    launch: ToolLaunch,
    place: Place,
    visitor: Visitor,
    ours: PlatformAddresses,
    *,
    nonce: str,
    now: datetime,
) -> dict[str, Any]:
    run = session.get_one(Run, launch.run_id)
    link = queries.link_of_version(session, run.module_version_id)
    column = queries.column_of_link(session, link)
    opened = Link(uid=link.uid, title=link.title, line_item=ours.line_item(column.uid))
    custom = {**tool.custom, **link.custom}
    return play_claims(place, visitor, opened, custom, nonce=nonce, now=now)


def _place(
    session: Session,
    tool: ExternalTool,
    launch: ToolLaunch,
    settings: Settings,
    ours: PlatformAddresses,
    return_url: str,
) -> Place:
    organization = session.get_one(Organization, tool.organization_id)
    return Place(
        issuer=ours.issuer,
        client_id=tool.client_id,
        deployment_id=actions.DEPLOYMENT,
        tool_uid=tool.uid,
        product_name=settings.product_name,
        organization_name=organization.name,
        line_items=ours.line_items,
        memberships=ours.memberships,
        scopes=list(tool.scopes),
        target_url=launch.target_url,
        return_url=return_url,
        in_window=launch.in_window,
    )


def visitor_of(session: Session, tool: ExternalTool, person_id: int, *, locale: str) -> Visitor:
    """The person as far as the tool may know them."""
    person = session.get_one(Person, person_id)
    return Visitor(
        subject=actions.subject_of(session, tool, person_id),
        locale=locale,
        full_name=person.full_name if tool.shares_name else None,
        given_name=person.given_name if tool.shares_name else None,
        family_name=person.family_name if tool.shares_name else None,
        email=person.email if tool.shares_email else None,
    )


def offer_answer(session: Session, launch: ToolLaunch) -> str:
    """The secret part of the address a choice of content comes back to, once."""
    token = new_token()
    launch.answer_hash = hash_of(token)
    session.flush()
    return token


def answered_launch(
    session: Session, tool: ExternalTool, token: str, *, now: datetime
) -> ToolLaunch | None:
    """The question a choice answers, used up by this caller; None when there is none, or when
    who asked may not ask any more."""
    row = session.execute(
        update(ToolLaunch)
        .where(
            ToolLaunch.answer_hash == hash_of(token),
            ToolLaunch.tool_id == tool.id,
            ToolLaunch.purpose == MessageFor.PICK,
            ToolLaunch.answered_at.is_(None),
            ToolLaunch.created_at > now - PICK_LIFE,
            _is_still_admin(),
        )
        .values(answered_at=now)
        .returning(ToolLaunch.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return None if row is None else session.get_one(ToolLaunch, row.id)


def _is_still_admin() -> Exists:
    return exists().where(
        Grant.person_id == ToolLaunch.person_id,
        Grant.role == Role.ADMIN,
        Grant.revoked_at.is_(None),
        Person.id == Grant.person_id,
        Person.deactivated_at.is_(None),
    )


PICK_LIFE = timedelta(hours=2)
"""How long an admin may choose content in a tool."""


def waiting_launch(session: Session, tool: ExternalTool, token: str) -> ToolLaunch | None:
    """The question an answer token belongs to, looked at without using it up."""
    return session.scalar(
        select(ToolLaunch).where(
            ToolLaunch.answer_hash == hash_of(token), ToolLaunch.tool_id == tool.id
        )
    )
