"""The people of a course as its LMS lists them (Names and Roles 2.0; rules N1 to N9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugin.lti.tool import services
from plugin.lti.tool.addresses import with_query
from plugin.lti.tool.claim_values import is_id, text_of
from plugin.lti.tool.claims import custom_of
from plugin.lti.tool.profiles import profile_of
from plugin.lti.tool.roles import Roles, roles_of
from plugin.lti.tool.services import MEMBERS, MEMBERS_JSON, OK, Client, ServiceError

MAX_PAGES = 5000
"""Some LMSs give fifty people at a time, whatever they are asked for."""
MAX_MEMBERS = 200_000
MAX_ROLES = 20
ACTIVE = "active"
STATES = frozenset({ACTIVE, "inactive", "deleted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One active person of a course; names and address as far as the LMS shares them."""

    subject: str
    roles: Roles
    given_name: str | None
    family_name: str | None
    full_name: str | None
    email: str | None
    called: tuple[str, ...] = ()
    """Their roles in the LMS's own words."""
    custom: Mapping[str, str] = field(default_factory=dict)
    """Custom parameters said of this person, where asked for through an activity (N7)."""

    @property
    def learns(self) -> bool:
        """Whether they are there to learn."""
        return self.roles.learns


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list; `nameless` lines of it say of nobody we could know, or nothing that could
    be understood of somebody."""

    people: Mapping[str, Member]
    nameless: int
    next: str | None
    """Where the list goes on."""


def first_page(client: Client, url: str) -> str:
    """Where a list begins: the LMS is asked for a page of it where it would give all at once."""
    size = profile_of(client.product).roster_page
    return with_query(url, f"limit={size}") if size else url


def read_page(client: Client, url: str) -> Page:
    """One page of a list; ServiceError for what is none (N8)."""
    reply = client.call("GET", url, scopes=[MEMBERS], accept=MEMBERS_JSON, is_long=True)
    lines = services.object_of(reply).get("members")
    if reply.status not in OK or not isinstance(lines, list):
        raise services.no_answer("members", reply, "list of people")
    found: dict[str, Member] = {}
    for line in lines:
        _keep(found, read_member(line))
    return Page(
        people=found,
        nameless=sum(not _is_clear(line) for line in lines),
        next=services.next_page(reply, base=url),
    )


def check_ends(*, pages: int, people: int, is_circle: bool) -> None:
    """No course has so many people: the LMS goes round in a circle."""
    if is_circle or pages >= MAX_PAGES or people > MAX_MEMBERS:
        raise ServiceError("members", 0, services.ENDLESS)


def members(client: Client, url: str) -> Mapping[str, Member]:
    """Everybody on a list, or ServiceError: an incomplete list is no list."""
    found: dict[str, Member] = {}
    seen: set[str] = set()
    wanted: str | None = first_page(client, url)
    while wanted:
        check_ends(pages=len(seen), people=len(found), is_circle=wanted in seen)
        seen.add(wanted)
        page = read_page(client, wanted)
        for each in page.people.values():
            _keep(found, each)
        wanted = page.next
    return found


def _keep(found: dict[str, Member], member: Member | None) -> None:
    """Of two lines about one person the one that has them learn counts, else the later."""
    if member is None:
        return
    known = found.get(member.subject)
    if known is None or member.learns or not known.learns:
        found[member.subject] = member


def subject_of(said: Any) -> str | None:
    """The person a line is about; an id is the same as a launch's `sub`, so in ASCII (V10)."""
    subject = said.get("user_id") if isinstance(said, Mapping) else None
    return str(subject) if is_id(subject) and str(subject).isascii() else None


def _is_clear(said: Any) -> bool:
    """Whether a line says who, what they do in the course and whether they still are in it."""
    if subject_of(said) is None or _state(said) not in STATES:
        return False
    return isinstance(said.get("roles"), list) or _state(said) != ACTIVE


def _state(said: Mapping[str, Any]) -> str:
    status = said.get("status")
    if status is None:
        return ACTIVE
    return status.rpartition("#")[2].lower() if isinstance(status, str) else ""


def read_member(said: Any) -> Member | None:
    """One line of the list; who is not active, or the LMS's test student, is not in it.

    Only `user_id` and `roles` are certain (N6); a missing status means active (N5).
    """
    subject = subject_of(said)
    if subject is None:
        return None
    if _state(said) != ACTIVE:
        return None
    listed = said.get("roles")
    listed = listed if isinstance(listed, list) else []
    roles = roles_of(listed)
    if roles.is_test_user:
        return None
    return Member(
        subject=subject,
        roles=roles,
        given_name=text_of(said.get("given_name")),
        family_name=text_of(said.get("family_name")),
        full_name=text_of(said.get("name")),
        email=text_of(said.get("email")),
        called=tuple(each for each in listed if is_id(each))[:MAX_ROLES],
        custom=_custom(said.get("message")),
    )


def _custom(messages: Any) -> Mapping[str, str]:
    """What a launch by this person would say: an unresolved variable was not said, "" was."""
    found: dict[str, str] = {}
    for each in messages if isinstance(messages, list) else [messages]:
        if isinstance(each, Mapping):
            found |= custom_of(each)
    return found
