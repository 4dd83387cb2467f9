"""What a roster made true, read from the database; and lists as an LMS may answer them."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from plugin.core.db import db
from plugin.core.http import Reply
from plugin.org.models import Identity, Membership, MembershipSource, Unit
from plugin.org.rule_models import RosterTie
from tests.functional.lti.campus import Peer

Answer = Callable[[str], Reply | None]


def members(
    source: MembershipSource = MembershipSource.ROSTER, unit: Unit | None = None
) -> set[str]:
    """Who is in a unit by this source, by the id the LMS knows them by."""
    db.session.rollback()
    found = (
        select(Identity.subject)
        .join(Membership, Membership.person_id == Identity.person_id)
        .where(Membership.source == source, Membership.until_at.is_(None))
    )
    if unit is not None:
        found = found.where(Membership.unit_id == unit.id)
    return set(db.session.scalars(found))


def problem() -> str | None:
    db.session.rollback()
    return db.session.scalars(select(RosterTie.problem)).one()


def remarks() -> list[list[str]]:
    """What the last sync had to say besides."""
    db.session.rollback()
    outcome = db.session.scalars(select(RosterTie.outcome)).one()
    return list((outcome or {}).get("remarks", []))


def answering(peer: Peer, answer: Answer) -> Callable[..., Reply]:
    """The LMS's door, whose list of people is what `answer` says of an address; None: its own."""

    def call(*words: Any, **more: Any) -> Reply:
        reply = peer.call(*words, **more)
        if "memberships" not in words[2]:
            return reply
        return answer(words[2]) or reply

    return call


def listing(*people: Any, status: int = 200, **headers: str) -> Reply:
    """A list of these lines."""
    return Reply(status, headers, json.dumps({"members": list(people)}).encode())


def learner(number: int | str, **more: Any) -> dict[str, Any]:
    """A line about somebody who learns."""
    return {"user_id": str(number), "roles": ["Learner"], **more}
