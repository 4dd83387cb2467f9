"""Calls to an LMS's services: access tokens, media types, one new token when one is refused.

Only jobs call these: an LMS may fetch our keys while it answers, and a web server that waits for
it could wait for itself (1EdTech security framework 4.1).
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from plugin.core.http import Reply
from plugin.core.settings import Settings
from plugin.lti.tool.answers import (
    OK,
    ServiceError,
    below,
    date_of,
    json_of,
    link,
    next_page,
    no_answer,
    object_of,
    told,
    without,
    words_of_error,
)
from plugin.lti.tool.configuration import AGS, NRPS
from plugin.lti.tool.models import Registration, RegistrationState
from plugin.lti.tool.service_tokens import Holder, access_token, called, forget_token

__all__ = [
    "OK",
    "Client",
    "ServiceError",
    "access_token",
    "below",
    "client_of",
    "date_of",
    "forget_token",
    "json_of",
    "link",
    "next_page",
    "no_answer",
    "object_of",
    "told",
    "words_of_error",
]

LINE_ITEM = AGS + "lineitem"
LINE_ITEM_READ = AGS + "lineitem.readonly"
RESULTS = AGS + "result.readonly"
SCORE = AGS + "score"
MEMBERS = NRPS + "contextmembership.readonly"
LINE_ITEM_JSON = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_JSON = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS_JSON = "application/vnd.ims.lis.v2.resultcontainer+json"
SCORE_JSON = "application/vnd.ims.lis.v1.score+json"
MEMBERS_JSON = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

MAX_BYTES = 4 * 1024 * 1024
LONG_LIST: Mapping[str, Any] = {"max_bytes": 32 * 1024 * 1024, "silence": 30.0, "deadline": 120.0}
"""For lists that an LMS may give whole, which it begins to send when all of it is made."""
PATIENCE_SECONDS = 300.0
"""For all calls of one job: whoever takes longer is told so, before the job is stopped unheard."""
TOO_SLOW = "the LMS takes too long for all of it"
MAX_PAGES = 100
ENDLESS = "the pages of the list do not end"
UNAUTHORIZED = 401
DISABLED = "this LMS is disabled here"
FAILED_HERE = "reading it failed here, and is tried again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client(Holder):
    """One deployment of a registration, as a client of the LMS's services."""

    is_active: bool
    """Whether its registration is in use: a disabled one is neither told nor believed anything."""
    ends: float = field(
        default_factory=lambda: time.monotonic() + PATIENCE_SECONDS, compare=False, repr=False
    )
    """No call begins after this moment of the machine's own clock."""

    @property
    def is_late(self) -> bool:
        """Whether the job's time for calls is over."""
        return time.monotonic() > self.ends

    def call(
        self,
        method: str,
        url: str,
        *,
        scopes: Sequence[str],
        accept: str | None = None,
        content_type: str | None = None,
        body: Mapping[str, Any] | None = None,
        is_long: bool = False,
    ) -> Reply:
        """The LMS's answer, whatever it is; a refused token is replaced once.

        Raises ServiceError without a token, without time, or when the registration is disabled, and
        OutgoingError when the LMS cannot be reached.
        """
        if not self.is_active:
            raise ServiceError("registration", 0, DISABLED)
        if self.is_late:
            raise ServiceError("time", 0, TOO_SLOW)
        sent: dict[str, str] = {}
        if accept:
            sent["Accept"] = accept
        if content_type:
            sent["Content-Type"] = content_type
        data = json.dumps(body).encode() if body is not None else None
        reply = Reply(UNAUTHORIZED, {}, b"")
        for _turn in range(2):
            token = access_token(self, scopes)
            answer = called(
                self.settings,
                method,
                url,
                headers=sent | {"Authorization": f"Bearer {token}"},
                data=data,
                **(LONG_LIST if is_long else {"max_bytes": MAX_BYTES}),
            )
            reply = without(answer, token)
            if reply.status != UNAUTHORIZED:
                break
            forget_token(self, scopes, token)
        return reply

    def lines(
        self, url: str, *, scope: str, accept: str, step: str, kind: str, most: int
    ) -> Iterator[Any]:
        """The lines of a list, its pages followed as the LMS names them (A3).

        Raises ServiceError for a page that cannot be read: half a list is none.
        """
        seen: set[str] = set()
        wanted: str | None = url
        count = 0
        while wanted:
            if wanted in seen or len(seen) >= MAX_PAGES or count > most:
                raise ServiceError(step, 0, ENDLESS)
            seen.add(wanted)
            reply = self.call("GET", wanted, scopes=[scope], accept=accept)
            listed = json_of(reply)
            if reply.status not in OK or not isinstance(listed, list):
                raise no_answer(step, reply, kind)
            count += len(listed)
            yield from listed
            wanted = next_page(reply, base=wanted)


def client_of(
    session: Session, settings: Settings, registration_id: int, deployment_id: str
) -> Client:
    """The client for one deployment of a registration."""
    row = session.get_one(Registration, registration_id)
    return Client(
        settings=settings,
        registration_id=row.id,
        organization_id=row.organization_id,
        deployment_id=deployment_id,
        client_id=row.client_id,
        token_url=row.token_url,
        token_audience=row.token_audience,
        product=row.product,
        is_active=row.state is RegistrationState.ACTIVE,
    )
