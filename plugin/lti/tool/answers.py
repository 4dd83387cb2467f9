"""Answers of an LMS's services, read whatever they look like (pure).

LMSs answer in HTML where JSON was promised, in JSON that claims to be HTML, and with nothing.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit, urlunsplit

from plugin.core.http import OutgoingError, Reply
from plugin.lti.tool.addresses import origin_of, with_query
from plugin.lti.tool.configuration import MAX_WORDS, words_of

MAX_PAUSE_SECONDS = 86_400
MAX_LINK = 8192
MIN_SECRET = 16
"""A shorter text may be part of any word."""
OK, REDIRECTS = range(200, 300), range(300, 400)
FORBIDDEN, TOO_MANY = 403, 429
ELSEWHERE = "it sends us to another address, which is not followed"
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_ADDRESS = re.compile(r"<[^<>]*>")
_REL = re.compile(r";\s*rel\s*=\s*[\"“']?([^\"”';,]*)", re.IGNORECASE)


class ServiceError(Exception):
    """The LMS did not do what it was asked; `status` 0 when it gave no token or no answer."""

    def __init__(self, step: str, status: int, words: str, reply: Reply | None = None) -> None:
        super().__init__(f"{step} {status}")
        self.step, self.status, self.words, self.reply = step, status, words, reply


def no_answer(step: str, reply: Reply, wanted: str) -> ServiceError:
    """Why an answer is none of what was wanted: in the LMS's words, after ours if it means well."""
    words = words_of(reply.body) if reply.status in OK else words_in(reply)
    if reply.status in OK:
        words = f"the answer is no {wanted}" + (f": {words}" if words else "")
    return ServiceError(step, reply.status, words, reply)


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
    for address, words in _LINK.findall(_links(reply)):
        found = _REL.search(words)
        if found and rel in found[1].strip().lower().split():
            with suppress(ValueError):  # an address like `https://[` is none
                return str(urljoin(base, address.replace("&amp;", "&").strip()))
            return ""
    return None


def _links(reply: Reply) -> str:
    named = (text for name, text in reply.headers.items() if name.lower() == "link")
    return " , ".join(_as_written(text) for text in named)[:MAX_LINK]


def _as_written(text: str) -> str:
    """A header in UTF-8, as some LMSs write them, although HTTP reads headers as Latin-1."""
    try:
        return text.encode("latin-1").decode()
    except ValueError:
        return text


def next_page(reply: Reply, *, base: str) -> str | None:
    """The next page's address as the LMS names it (A3, N4); our token goes to no other host.

    Raises ServiceError if there is one that cannot be read: the list would end too early (N8).
    """
    found = link(reply, "next", base=base)
    if found is None and _names_next(_links(reply)):
        raise ServiceError("pages", reply.status, "the next page's address is none", reply)
    if found is not None and origin_of(found) != origin_of(base):
        raise ServiceError("pages", reply.status, "the next page lies on another host", reply)
    return found


def _names_next(said: str) -> bool:
    """Whether the relation is there without an address; also when the header is too long to say."""
    named = " ".join(_REL.findall(_ADDRESS.sub("", said))).lower().split()
    return "next" in named or len(said) >= MAX_LINK


def _header(reply: Reply, wanted: str) -> str:
    return next((text for name, text in reply.headers.items() if name.lower() == wanted), "")


def date_of(reply: Reply) -> datetime | None:
    """The LMS's own clock, as its answer says it."""
    return _date(_header(reply, "date"))


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def pause_of(reply: Reply, *, now: datetime) -> timedelta | None:
    """How long the LMS asks us to wait (`Retry-After`, in seconds or as a date; RFC 9110, 10.2.3),
    at most a day."""
    said = _header(reply, "retry-after").strip()
    if said.isascii() and said.isdecimal():
        return timedelta(seconds=min(int(said[:9]), MAX_PAUSE_SECONDS))
    until = _date(said)
    if until is None or until <= now:
        return None
    return min(until - now, timedelta(seconds=MAX_PAUSE_SECONDS))


def words_in(reply: Reply) -> str:
    """What the LMS said of it: its body's words, else those beside the status.

    One LMS repeats there what it was sent, after a bracket: that is left out.
    """
    if reply.status in REDIRECTS:
        return ELSEWHERE
    words = words_of(reply.body)
    if words:
        return words
    said = re.split(r"[\[{(]", _as_written(reply.reason), maxsplit=1)[0].strip()
    return "".join(sign for sign in said if sign.isprintable())[:MAX_WORDS]


def without(reply: Reply, secret: str) -> Reply:
    """The answer, should it repeat what nobody else may read: its words are shown to people."""
    sealed = secret.encode()
    if len(sealed) < MIN_SECRET or (sealed not in reply.body and secret not in reply.reason):
        return reply
    body = reply.body.replace(sealed, "…".encode())
    return replace(reply, body=body, reason=reply.reason.replace(secret, "…"))


def with_usual_status(reply: Reply) -> Reply:
    """One LMS says 403 where others say 429: too many calls, try later. The words tell."""
    if reply.status != FORBIDDEN:
        return reply
    words = f"{words_of(reply.body)} {reply.reason}".lower()
    return replace(reply, status=TOO_MANY) if "rate limit" in words else reply


def words_of_error(error: OutgoingError | ServiceError) -> str:
    """What went wrong, in the LMS's own words where it has some."""
    if isinstance(error, OutgoingError):
        return str(error)[:MAX_WORDS] or "no answer"
    return told(error.status, error.words) or "no answer"


def told(status: int, words: str) -> str:
    """The status of an answer and its words, which often begin with it; 0 is none."""
    if not status or words.startswith(str(status)):
        return words[:MAX_WORDS]
    return f"{status} {words}".strip()[:MAX_WORDS]
