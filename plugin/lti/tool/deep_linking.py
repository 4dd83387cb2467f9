"""Content picked in our pages for an LMS's course (Deep Linking 2.0; rules DL1 to DL8)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from plugin.assign.models import Configuration
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.core.secrets import hash_of, new_token
from plugin.lti.tool import keys
from plugin.lti.tool.addresses import tool_addresses
from plugin.lti.tool.claims import DEEP_LINKING as SETTINGS
from plugin.lti.tool.claims import LTI, VERSION, DeepLinking
from plugin.lti.tool.columns import open_items
from plugin.lti.tool.errors import ContentRequestError, RegistrationDisabledError
from plugin.lti.tool.models import ContentRequest, Registration, RegistrationState
from plugin.lti.tool.service_models import LmsCourse
from plugin.lti.tool.trust_queries import Trust
from plugin.modules import catalogue
from plugin.modules.catalogue import Line
from plugin.modules.models import ModuleState
from plugin.org.models import Unit
from plugin.web.listing import like

CLAIM = SETTINGS.rpartition("/")[0] + "/"
LIFE = timedelta(hours=2)
RESPONSE_LIFE = timedelta(minutes=5)
BACKDATED = timedelta(seconds=60)
MADE_AFTER = timedelta(minutes=2)
"""When a teacher will have saved in the LMS what was picked here, most likely."""
RESOURCE_LINK = "ltiResourceLink"
MAXIMUM = 100
SHOWN = 50
MAX_DIGITS = 18
REVIEWABLE = ("InProgress", "Submitted", "Completed")
"""The states of a learner's work that teachers may open from the gradebook (DL 3.1, AGS 3.2.12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something a teacher can put into the course. `key` is what its box says."""

    key: str
    title: str
    text: str
    custom: Mapping[str, str]
    is_graded: bool
    module: Line | None = None
    """What tells a module from another of its title."""


def begin(
    session: Session,
    trust: Trust,
    person_id: int,
    *,
    deployment_id: str,
    context_id: str | None = None,
    settings: JsonDict,
    now: datetime,
) -> str:
    """The request waits for the teacher's choice; returns the name of its page."""
    token = new_token()
    session.add(
        ContentRequest(
            organization_id=trust.organization_id,
            registration_id=trust.id,
            person_id=person_id,
            deployment_id=deployment_id,
            context_id=context_id,
            token_hash=hash_of(token),
            settings=settings,
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    return token


def forget(session: Session, *, before: datetime) -> None:
    """Requests that ended before this moment are gone."""
    session.execute(delete(ContentRequest).where(ContentRequest.expires_at < before))


def request_of(session: Session, token: str, person_id: int, *, now: datetime) -> ContentRequest:
    """The request of this page, if it is the visitor's own and not too old, and the LMS not
    disabled meanwhile."""
    row = session.execute(
        select(ContentRequest, Registration.state, Registration.uid)
        .join(Registration, Registration.id == ContentRequest.registration_id)
        .where(
            ContentRequest.token_hash == hash_of(token),
            ContentRequest.person_id == person_id,
            ContentRequest.expires_at > now,
        )
    ).one_or_none()
    if row is None:
        raise ContentRequestError
    request, state, uid = row
    if state is not RegistrationState.ACTIVE:
        raise RegistrationDisabledError(uid)
    return request


def course_of(session: Session, request: ContentRequest) -> int | None:
    """The course that content is picked for, if it is known here."""
    return session.scalar(
        select(LmsCourse.id).where(
            LmsCourse.registration_id == request.registration_id,
            LmsCourse.deployment_id == request.deployment_id,
            LmsCourse.context_id == request.context_id,
        )
    )


def present(session: Session, request: ContentRequest) -> set[str]:
    """The keys of what the course has a gradebook column for already, as far as is known."""
    course_id = course_of(session, request)
    items = open_items(session, course_id) if course_id else []
    return {f"module:{each.module_id}" for each in items if each.module_id} | {
        f"configuration:{each.configuration_id}" for each in items if each.configuration_id
    }


def note_sent(tx: Tx, request: ContentRequest, *, now: datetime) -> None:
    """Something is on its way into the course: its columns are read once the LMS made them."""
    course_id = course_of(tx.session, request)
    if course_id:
        tx.then(JobName.READ_COLUMNS, course_id, due_at=now + MADE_AFTER)


def settings_of(request: ContentRequest) -> DeepLinking:
    """What the LMS accepts."""
    said = dict(request.settings)
    return DeepLinking(**{**said, "accept_types": tuple(said["accept_types"])})


def dashboard(product_name: str) -> Offer:
    """The learner's own page, with everything they have to do."""
    return Offer(
        key="dashboard", title=product_name, text="", custom={"view": "dashboard"}, is_graded=False
    )


def offers(session: Session, organization_id: int, words: str) -> Sequence[Offer]:
    """Published modules and configurations whose name contains the words, in two statements."""
    pattern = func.lower(like(words.strip()))
    modules, _total = catalogue.to_choose(session, organization_id, words.strip(), limit=SHOWN)
    configurations = session.execute(
        _published_configurations(organization_id)
        .where(func.lower(Configuration.name + " " + Unit.name).like(pattern, escape="\\"))
        .order_by(func.lower(Configuration.name), Configuration.id)
        .limit(SHOWN)
    )
    return [
        *(_of_configuration(row[0], unit=row[1]) for row in configurations),
        *map(_of_module, modules),
    ]


def _published_configurations(organization_id: int) -> Select[Configuration, str]:
    return (
        select(Configuration, Unit.name)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(
            Configuration.organization_id == organization_id,
            Configuration.current_version_id.is_not(None),
            Configuration.archived_at.is_(None),
            Unit.archived_at.is_(None),
        )
    )


def _of_module(module: Line) -> Offer:
    return Offer(
        key=f"module:{module.id}",
        title=module.title,
        text=module.description,
        custom={"module": str(module.id)},
        is_graded=True,
        module=module,
    )


def _of_configuration(configuration: Configuration, *, unit: str) -> Offer:
    return Offer(
        key=f"configuration:{configuration.id}",
        title=f"{configuration.name} – {unit}",
        text="",
        custom={"configuration": str(configuration.id)},
        is_graded=True,
    )


def chosen(
    session: Session, organization_id: int, picked: Sequence[str], *, product_name: str
) -> list[Offer]:
    """What was picked, in its order; ids that are not the organization's own are left out."""
    ids: dict[str, set[int]] = {"module": set(), "configuration": set()}
    for key in picked:
        kind, _, number = key.partition(":")
        if kind in ids and number.isascii() and number.isdecimal() and len(number) <= MAX_DIGITS:
            ids[kind].add(int(number))
    modules = catalogue.listed(session, organization_id, sorted(ids["module"]))
    configurations = _published_configurations(organization_id).where(
        Configuration.id.in_(ids["configuration"])
    )
    found = [
        dashboard(product_name),
        *(_of_module(each) for each in modules if each.state is ModuleState.PUBLISHED),
        *(_of_configuration(row[0], unit=row[1]) for row in session.execute(configurations)),
    ]
    known = {each.key: each for each in found}
    return [known[key] for key in dict.fromkeys(picked) if key in known]


def response(
    session: Session,
    request: ContentRequest,
    picked: Sequence[Offer],
    *,
    tool_url: str,
    encryption_key: str,
    message: str | None = None,
    error: str | None = None,
    now: datetime,
) -> str:
    """The signed answer (DL4): what was picked, or nothing; `data` comes back iff it was sent."""
    registration = session.get_one(Registration, request.registration_id)
    settings = settings_of(request)
    launch_url = tool_addresses(tool_url, registration.uid).launch
    issued = now - BACKDATED
    claims: dict[str, Any] = {
        "iss": registration.client_id,
        "aud": registration.issuer,
        "iat": int(issued.timestamp()),
        "exp": int((now + RESPONSE_LIFE).timestamp()),
        "nonce": new_token(),
        LTI + "deployment_id": request.deployment_id,
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": VERSION,
        CLAIM + "content_items": [item_of(each, settings, launch_url) for each in picked],
    }
    if settings.data is not None:
        claims[CLAIM + "data"] = _as_sent(settings.data)
    if message:
        claims[CLAIM + "msg"] = message
    if error:
        claims[CLAIM + "errormsg"] = error
    key = keys.signing_key(session, registration.id)
    private = keys.private_key_of(key, encryption_key=encryption_key)
    return jwt.encode(claims, private, algorithm="RS256", headers={"kid": key.kid})


def _as_sent(kept: str) -> Any:
    """What the LMS gave along with its request; one of before this was kept as JSON is text."""
    try:
        return json.loads(kept)
    except ValueError:
        return kept


def item_of(offer: Offer, settings: DeepLinking, launch_url: str) -> dict[str, Any]:
    """One link: always with its address, and our id both in `custom` and in the column's
    `resourceId`, so that a copy of the course is known again (DL8)."""
    item: dict[str, Any] = {
        "type": RESOURCE_LINK,
        "title": offer.title,
        "url": launch_url,
        "custom": dict(offer.custom),
    }
    if offer.text:
        item["text"] = offer.text
    if offer.is_graded and settings.accept_line_item:
        item["lineItem"] = {
            "label": offer.title,
            "scoreMaximum": MAXIMUM,
            "resourceId": offer.key,
            "tag": offer.key,
            "submissionReview": {"reviewableStatus": list(REVIEWABLE), "url": launch_url},
        }
    return item
