"""The people of a course as its LMS lists them (Names and Roles 2.0; rules N1 to N9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugin.lti.tool import services
from plugin.lti.tool.claims import is_id, text_of
from plugin.lti.tool.configuration import words_of
from plugin.lti.tool.roles import Roles, roles_of
from plugin.lti.tool.services import MEMBERS, MEMBERS_JSON, OK, Client, ServiceError

MAX_PAGES = 500
MAX_MEMBERS = 200_000
ACTIVE = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One active person of a course; names and address as far as the LMS shares them."""

    subject: str
    roles: Roles
    given_name: str | None
    family_name: str | None
    full_name: str | None
    email: str | None

    @property
    def learns(self) -> bool:
        """Whether they are there to learn."""
        return bool({"Learner", "Member"} & self.roles.context)


def members(client: Client, url: str) -> list[Member]:
    """Everybody, or ServiceError: an incomplete list is no list (N8)."""
    found: dict[str, Member] = {}
    seen: set[str] = set()
    wanted: str | None = url
    while wanted:
        if wanted in seen or len(seen) >= MAX_PAGES or len(found) > MAX_MEMBERS:
            raise ServiceError("members", 0, "the pages of the list do not end")
        seen.add(wanted)
        reply = client.call("GET", wanted, scopes=[MEMBERS], accept=MEMBERS_JSON)
        listed = services.object_of(reply).get("members")
        if reply.status not in OK or not isinstance(listed, list):
            raise ServiceError("members", reply.status, words_of(reply.body), reply)
        for each in map(read_member, listed):
            if each is not None:
                found[each.subject] = each
        wanted = services.link(reply, "next", base=wanted)
    return list(found.values())


def read_member(said: Any) -> Member | None:
    """One line of the list; who is not active, or the LMS's test student, is not in it.

    Only `user_id` and `roles` are certain (N6); a missing status means active (N5).
    """
    if not isinstance(said, Mapping) or not is_id(said.get("user_id")):
        return None
    status = said.get("status", ACTIVE)
    if not isinstance(status, str) or status.rpartition("#")[2].lower() != ACTIVE:
        return None
    listed = said.get("roles")
    roles = roles_of(listed if isinstance(listed, list) else [])
    if roles.is_test_user:
        return None
    return Member(
        subject=str(said["user_id"]),
        roles=roles,
        given_name=text_of(said.get("given_name")),
        family_name=text_of(said.get("family_name")),
        full_name=text_of(said.get("name")),
        email=text_of(said.get("email")),
    )
