"""Who a tool's modules are for, as far as it may know (NRPS 2.0); off unless an admin allows it."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from plugin.lti.platform.claims import LEARNER
from plugin.lti.platform.columns import Page
from plugin.lti.platform.errors import ServiceRefusal
from plugin.lti.platform.models import ExternalTool, PairwiseId, ToolLink
from plugin.modules.models import Run
from plugin.org.models import Person


def listed(
    session: Session,
    tool: ExternalTool,
    *,
    link_uid: str | None,
    role: str | None,
    limit: int,
    after: int,
) -> Page:
    """The people who opened the tool, each by the name it knows them by; of one link with `rlid`.

    Nobody is listed who never opened it: an assignment alone is none of a tool's business.
    """
    statement = (
        select(PairwiseId.id.label("row"), PairwiseId.subject, Person)
        .join(Person, Person.id == PairwiseId.person_id)
        .where(
            PairwiseId.tool_id == tool.id,
            PairwiseId.id > after,
            PairwiseId.person_id.in_(_players(session, tool, link_uid)),
        )
        .order_by(PairwiseId.id)
        .limit(limit + 1)
    )
    rows = [] if role not in {None, LEARNER, "Learner"} else session.execute(statement).all()
    shown = rows[:limit]
    return Page(
        items=[_member(row.subject, row.Person, tool) for row in shown],
        next_after=shown[-1].row if len(rows) > limit else None,
    )


def _players(session: Session, tool: ExternalTool, link_uid: str | None) -> Select[int]:
    """Everybody who opened a module the tool plays, or this one."""
    links = select(ToolLink.module_version_id).where(ToolLink.tool_id == tool.id)
    if link_uid is not None:
        links = links.where(ToolLink.uid == link_uid)
        if session.scalar(links) is None:
            raise ServiceRefusal(404, "not_found", "rlid is not a link of this tool")
    return select(Run.person_id).where(Run.module_version_id.in_(links))


def _member(subject: str, person: Person, tool: ExternalTool) -> dict[str, Any]:
    said: dict[str, Any] = {
        "user_id": subject,
        "roles": [LEARNER],
        "status": "Inactive" if person.deactivated_at else "Active",
    }
    if tool.shares_name:
        told = {
            "name": person.full_name,
            "given_name": person.given_name,
            "family_name": person.family_name,
        }
        said.update({name: value for name, value in told.items() if value})
    if tool.shares_email and person.email:
        said["email"] = person.email
    return said
