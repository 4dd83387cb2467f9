"""An LMS registers itself: read what it is, ask it to register us, keep what it granted."""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from plugin.core import clock, http
from plugin.core.db import read_session, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.core.settings import Settings
from plugin.lti.tool import actions, configuration, invitations, queries
from plugin.lti.tool.addresses import tool_addresses
from plugin.lti.tool.claim_values import web_address
from plugin.lti.tool.configuration import Granted, Platform
from plugin.lti.tool.errors import LtiError
from plugin.lti.tool.invitations import Claimed
from plugin.lti.tool.registration_errors import (
    ConfigurationAddressError,
    ConfigurationError,
    ConfigurationUnreadableError,
    RegistrationRefusedError,
)

OK = (200, 201)
WANTS_TOKEN = (401, 403)
REDIRECTS = range(300, 400)
MAX_TOKEN = 8192
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What the page at the end says."""

    registration_id: int
    platform: Platform
    deployment_id: str | None
    former_until: datetime | None
    """Until when the addresses it had before still answer; None: it is new."""


def register(
    settings: Settings, token: str, *, configuration_url: str | None, registration_token: str | None
) -> Registered:
    """The LMS behind `configuration_url` may sign people in to the inviting organization.

    Raises an LtiError that says what went wrong; the invitation can then be tried again.
    """
    with transaction() as tx:
        claimed = invitations.claim(tx.session, token, now=clock.now())
    try:
        return _register(settings, claimed, configuration_url, registration_token)
    except BaseException:
        with transaction() as tx:
            invitations.give_back(tx.session, claimed.id)
        raise


def _register(
    settings: Settings,
    claimed: Claimed,
    configuration_url: str | None,
    registration_token: str | None,
) -> Registered:
    address = web_address(configuration_url)
    if address is None:
        raise ConfigurationAddressError
    platform = _platform(settings, address, registration_token)
    uid = secrets.token_hex(8)
    asked = configuration.registration_request(
        platform,
        tool_addresses(settings.tool_url, uid),
        product_name=settings.product_name,
    )
    granted = _granted(settings, platform, asked, registration_token)
    with transaction() as tx:
        registration = actions.keep_registration(
            tx.session,
            claimed.organization_id,
            uid=uid,
            name=claimed.name,
            platform=platform,
            granted=granted,
            admins_by_role=claimed.admins_by_role,
            encryption_key=settings.encryption_key,
            now=clock.now(),
        )
        invitations.mark_used(
            tx.session, claimed.id, registration_id=registration.id, now=clock.now()
        )
        return Registered(
            registration_id=registration.id,
            platform=platform,
            deployment_id=granted.deployment_id,
            former_until=max(
                (
                    each.until_at
                    for each in queries.former_addresses(
                        tx.session, registration.id, at=clock.now()
                    )
                ),
                default=None,
            ),
        )


def _platform(settings: Settings, address: str, token: str | None) -> Platform:
    """The configuration; the token goes along first, since some LMSs want it, then without,
    since others refuse it, some of them with status 200 (R2)."""
    plain = {"Accept": JSON}
    refused: LtiError | None = None
    for headers in [plain | _bearer(token), plain] if token else [plain]:
        reply = _called(settings, "GET", address, headers, step="configuration")
        if reply.status in OK and configuration.is_configuration(reply.body):
            return configuration.read_configuration(reply.body, address=address)
        if refused is None or reply.status not in WANTS_TOKEN:  # else the first says more
            refused = ConfigurationUnreadableError(f"HTTP {reply.status}", _said(reply))
    raise refused or ConfigurationAddressError


def _bearer(token: str) -> dict[str, str]:
    """The token as a header; one that no LMS gives and no header can hold is refused."""
    if not token.isascii() or not token.isprintable() or " " in token or len(token) > MAX_TOKEN:
        raise ConfigurationError("registration_token")
    return {"Authorization": f"Bearer {token}"}


def _said(reply: Reply) -> str:
    """The LMS's own words; of a redirect, which is never followed, that it is one."""
    if reply.status in REDIRECTS:
        return str(_("it sends us to another address, which is not followed"))
    return configuration.words_of(reply.body)


def _granted(
    settings: Settings, platform: Platform, asked: dict[str, Any], token: str | None
) -> Granted:
    headers = {"Accept": JSON, "Content-Type": JSON, **(_bearer(token) if token else {})}
    reply = _called(
        settings,
        "POST",
        platform.registration_url,
        headers,
        data=json.dumps(asked).encode(),
        step="registration",
    )
    if reply.status not in OK:
        raise RegistrationRefusedError(reply.status, _said(reply))
    return configuration.read_registration(reply.body, asked=asked["scope"].split())


def _called(
    settings: Settings, method: str, url: str, headers: dict[str, str], *, step: str, **more: Any
) -> Reply:
    read_session().rollback()  # no transaction stays open while we wait for the LMS
    try:
        return http.call(settings, method, url, headers=headers, **more)
    except OutgoingError as error:
        raise ConfigurationUnreadableError(step, str(error)) from error
