"""Calls to an LMS's services: access tokens, media types, one new token when one is refused.

Only jobs call these: an LMS may fetch our keys while it answers, and a web server that waits for
it could wait for itself (1EdTech security framework 4.1).
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

import jwt
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from plugin.core import clock, http
from plugin.core.db import read_session, transaction
from plugin.core.http import OutgoingError, Reply
from plugin.core.secrets import decrypt, encrypt, new_token
from plugin.core.settings import Settings
from plugin.core.upsert import insert_absent
from plugin.lti.tool import keys
from plugin.lti.tool.addresses import origin_of, with_query
from plugin.lti.tool.configuration import AGS, NRPS, words_of
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import ServiceToken

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

BACKDATED = timedelta(seconds=60)
ASSERTION_LIFE = timedelta(seconds=300)
TOKEN_MARGIN = timedelta(seconds=60)
DEFAULT_TOKEN_LIFE = timedelta(minutes=10)
MAX_TOKEN_LIFE = timedelta(hours=24)
MAX_BYTES = 4 * 1024 * 1024
MAX_PAUSE_SECONDS = 86_400
MAX_LINK = 8192
MAX_WORDS = 300
UNAUTHORIZED = 401
OK = range(200, 300)
NOTHING_GIVEN = "the answer has no token in it"
_TOKEN = re.compile(r"[!-~]{1,8192}")
_LINK = re.compile(r"<([^>]*)>([^<]*)")
_REL = re.compile(r";\s*rel\s*=\s*[\"“]?([^\"”;,]*)", re.IGNORECASE)


class ServiceError(Exception):
    """The LMS did not do what it was asked; `status` 0 when it gave no token or no answer."""

    def __init__(self, step: str, status: int, words: str, reply: Reply | None = None) -> None:
        super().__init__(f"{step} {status}")
        self.step, self.status, self.words, self.reply = step, status, words, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One deployment of a registration, as a client of the LMS's services."""

    settings: Settings
    registration_id: int
    organization_id: int
    deployment_id: str
    client_id: str
    token_url: str
    token_audience: str | None
    product: str | None

    def call(
        self,
        method: str,
        url: str,
        *,
        scopes: Sequence[str],
        accept: str | None = None,
        content_type: str | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Reply:
        """The LMS's answer, whatever it is; a refused token is replaced once.

        Raises ServiceError without a token, and OutgoingError when the LMS cannot be reached.
        """
        sent: dict[str, str] = {}
        if accept:
            sent["Accept"] = accept
        if content_type:
            sent["Content-Type"] = content_type
        data = json.dumps(body).encode() if body is not None else None
        reply = Reply(UNAUTHORIZED, {}, b"")
        for _turn in range(2):
            token = access_token(self, scopes)
            reply = _called(
                self.settings,
                method,
                url,
                headers=sent | {"Authorization": f"Bearer {token}"},
                data=data,
                max_bytes=MAX_BYTES,
            )
            if reply.status != UNAUTHORIZED:
                break
            forget_token(self, scopes)
        return reply


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
    )


def access_token(client: Client, scopes: Sequence[str]) -> str:
    """A token for these services, remembered until a minute before it ends (K1 to K3)."""
    wanted = " ".join(sorted(set(scopes)))
    known = _known(client, wanted)
    if known is not None:
        return known
    assertion, kid = _assertion(client)
    reply = _called(
        client.settings,
        "POST",
        client.token_url,
        headers={"Accept": "application/json"},
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
            "scope": wanted,
        },
    )
    token, life = _granted(reply)
    _remember(client, wanted, token, clock.now() + life - TOKEN_MARGIN, kid=kid)
    return token


def _known(client: Client, wanted: str) -> str | None:
    session = read_session()
    sealed = session.scalar(
        select(ServiceToken.sealed_token).where(
            ServiceToken.registration_id == client.registration_id,
            ServiceToken.deployment_id == client.deployment_id,
            ServiceToken.scopes == wanted,
            ServiceToken.expires_at > clock.now(),
        )
    )
    session.rollback()
    if sealed is None:
        return None
    return decrypt(sealed, encryption_key=client.settings.encryption_key).decode()


def _assertion(client: Client) -> tuple[str, str]:
    """Signed by our key for this LMS, and which; back-dated, since some forgive no second of
    difference."""
    session = read_session()
    key = keys.signing_key(session, client.registration_id)
    private = keys.private_key_of(key, encryption_key=client.settings.encryption_key)
    kid = key.kid
    session.rollback()
    issued = clock.now() - BACKDATED
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.token_audience or client.token_url,
        "iat": int(issued.timestamp()),
        "exp": int((issued + ASSERTION_LIFE).timestamp()),
        "jti": new_token(),
        "https://purl.imsglobal.org/spec/lti/claim/deployment_id": client.deployment_id,
    }
    return jwt.encode(claims, private, algorithm="RS256", headers={"kid": kid}), kid


def _granted(reply: Reply) -> tuple[str, timedelta]:
    words = words_of(reply.body)
    if reply.status not in OK:
        raise ServiceError("token", reply.status, words, reply)
    said = object_of(reply)
    token, seconds = said.get("access_token"), said.get("expires_in")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ServiceError("token", reply.status, NOTHING_GIVEN, reply)
    return token, _life(seconds)


def _life(seconds: Any) -> timedelta:
    """How long a token lasts; some LMSs write the number as a text, or none at all."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | str):
        return DEFAULT_TOKEN_LIFE
    try:
        life = timedelta(seconds=float(seconds))
    except (ValueError, OverflowError):
        return DEFAULT_TOKEN_LIFE
    return min(max(life, TOKEN_MARGIN), MAX_TOKEN_LIFE)


def _remember(client: Client, wanted: str, token: str, expires_at: datetime, *, kid: str) -> None:
    with transaction() as tx:
        keys.note_proven(tx.session, client.registration_id, kid, now=clock.now())
        _forget(tx.session, client, wanted)
        row = {
            "organization_id": client.organization_id,
            "registration_id": client.registration_id,
            "deployment_id": client.deployment_id,
            "scopes": wanted,
            "sealed_token": encrypt(token.encode(), encryption_key=client.settings.encryption_key),
            "expires_at": expires_at,
        }
        key = ("registration_id", "deployment_id", "scopes")
        tx.session.execute(insert_absent(tx.session, ServiceToken, [row], key=key))


def forget_token(client: Client, scopes: Sequence[str]) -> None:
    """The LMS refused the token: it is not used again."""
    with transaction() as tx:
        _forget(tx.session, client, " ".join(sorted(set(scopes))))


def _forget(session: Session, client: Client, wanted: str) -> None:
    session.execute(
        delete(ServiceToken).where(
            ServiceToken.registration_id == client.registration_id,
            ServiceToken.deployment_id == client.deployment_id,
            ServiceToken.scopes == wanted,
        )
    )


def _called(settings: Settings, method: str, url: str, **more: Any) -> Reply:
    read_session().rollback()  # no transaction stays open while we wait for the LMS
    return http.call(settings, method, url, **more)


def object_of(reply: Reply) -> Mapping[str, Any]:
    """The JSON object of an answer, whatever type it claims to be; empty when there is none."""
    found = json_of(reply)
    return found if isinstance(found, Mapping) else {}


def json_of(reply: Reply) -> Any:
    """The JSON of an answer, whatever type it claims to be; None when there is none."""
    try:
        return json.loads(reply.body)
    except (ValueError, RecursionError):
        return None


def below(url: str, name: str, **query: str) -> str:
    """The address with `name` added to its path; a query it has is kept (A7)."""
    parts = urlsplit(url)
    longer = urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))
    return with_query(longer, urlencode(query)) if query else longer


def link(reply: Reply, rel: str, *, base: str) -> str | None:
    """The address of a `Link` header's relation (N4): names in any case, several, relative; "" for
    one that is no address."""
    said = " , ".join(text for name, text in reply.headers.items() if name.lower() == "link")
    said = said[:MAX_LINK]
    for address, words in _LINK.findall(said):
        found = _REL.search(words)
        if found and rel in found[1].strip().lower().split():
            with suppress(ValueError):  # an address like `https://[` is none
                return str(urljoin(base, address.replace("&amp;", "&").strip()))
            return ""
    return None


def next_page(reply: Reply, *, base: str) -> str | None:
    """The next page's address as the LMS names it (A3, N4); our token goes to no other host."""
    found = link(reply, "next", base=base)
    if found is not None and origin_of(found) != origin_of(base):
        raise ServiceError("pages", reply.status, "the next page lies on another host", reply)
    return found


def _header(reply: Reply, wanted: str) -> str:
    return next((text for name, text in reply.headers.items() if name.lower() == wanted), "")


def words_of_error(error: OutgoingError | ServiceError) -> str:
    """What went wrong, in the LMS's own words where it has some."""
    if isinstance(error, OutgoingError):
        return str(error)[:MAX_WORDS] or "no answer"
    status = str(error.status) if error.status else ""
    return f"{status} {error.words}".strip()[:MAX_WORDS] or "no answer"


def date_of(reply: Reply) -> datetime | None:
    """The LMS's own clock, as its answer says it."""
    try:
        found = parsedate_to_datetime(_header(reply, "date"))
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def pause_of(reply: Reply) -> timedelta | None:
    """How long the LMS asks us to wait (`Retry-After` in seconds)."""
    said = _header(reply, "retry-after")
    if not (said.isascii() and said.isdecimal()):
        return None
    return timedelta(seconds=min(int(said), MAX_PAUSE_SECONDS))
