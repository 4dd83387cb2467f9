"""Reads of external tools, their links and what they said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, and_, func, select
from sqlalchemy.orm import Session, aliased

from plugin.lti.platform.errors import ToolUnknownError
from plugin.lti.platform.models import (
    ExternalTool,
    PairwiseId,
    ScoreCallback,
    ToolColumn,
    ToolInvitation,
    ToolLink,
    ToolState,
)
from plugin.lti.tool.claim_values import is_id
from plugin.modules.errors import RunNotFoundError
from plugin.modules.models import Module, Run, RunState
from plugin.org.models import Person

RECENT = 50


def tool_of(session: Session, organization_id: int, tool_id: int) -> ExternalTool:
    """The organization's tool with this id."""
    found = session.scalar(
        select(ExternalTool).where(
            ExternalTool.organization_id == organization_id, ExternalTool.id == tool_id
        )
    )
    if found is None:
        raise ToolUnknownError(tool_id=tool_id)
    return found


def tool_at(session: Session, uid: str) -> ExternalTool:
    """The tool whose addresses these are."""
    found = None
    if is_id(uid):
        found = session.scalar(select(ExternalTool).where(ExternalTool.uid == uid))
    if found is None:
        raise ToolUnknownError
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLine:
    """One tool in the list."""

    id: int
    name: str
    target_url: str
    state: ToolState
    modules: int
    last_heard_at: datetime | None


def tool_lines(session: Session, organization_id: int) -> Sequence[ToolLine]:
    """Every tool by name, with how many modules it plays and when it last reported."""
    modules = (
        select(func.count(ToolLink.module_id.distinct()))
        .where(ToolLink.tool_id == ExternalTool.id)
        .scalar_subquery()
    )
    heard = (
        select(func.max(ScoreCallback.received_at))
        .where(ScoreCallback.tool_id == ExternalTool.id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(ExternalTool, modules.label("modules"), heard.label("heard"))
        .where(ExternalTool.organization_id == organization_id)
        .order_by(func.lower(ExternalTool.name), ExternalTool.id)
    )
    return [
        ToolLine(
            id=row.ExternalTool.id,
            name=row.ExternalTool.name,
            target_url=row.ExternalTool.target_url,
            state=row.ExternalTool.state,
            modules=row.modules,
            last_heard_at=row.heard,
        )
        for row in rows
    ]


def count_pending(organization_id: int) -> ScalarSelect[int]:
    """How many registered themselves and wait for an admin."""
    return (
        select(func.count(ExternalTool.id))
        .where(
            ExternalTool.organization_id == organization_id,
            ExternalTool.state == ToolState.PENDING,
        )
        .scalar_subquery()
    )


def modules_of(session: Session, tool: ExternalTool) -> Sequence[tuple[Module, ToolLink]]:
    """What the tool plays now, by title."""
    rows = session.execute(
        select(Module, ToolLink)
        .join(ToolLink, ToolLink.module_version_id == Module.current_version_id)
        .where(ToolLink.tool_id == tool.id)
        .order_by(func.lower(Module.title), Module.id)
    )
    return [(row[0], row[1]) for row in rows]


def latest_state(
    session: Session, organization_id: int, person_id: int, *, run_id: int
) -> RunState:
    """How the person's sitting stands, or the one that followed it: a pass after a fail is a
    sitting of its own."""
    asked = aliased(Run)
    found = session.scalar(
        select(Run.state)
        .join(
            asked,
            and_(asked.person_id == Run.person_id, asked.module_id == Run.module_id),
        )
        .where(
            asked.id == run_id,
            asked.organization_id == organization_id,
            asked.person_id == person_id,
            Run.number >= asked.number,
        )
        .order_by(Run.number.desc())
        .limit(1)
    )
    if found is None:
        raise RunNotFoundError(run_id)
    return found


def link_of_version(session: Session, module_version_id: int) -> ToolLink:
    """What this version of a module opens."""
    return session.scalars(
        select(ToolLink).where(ToolLink.module_version_id == module_version_id)
    ).one()


def column_of_link(session: Session, link: ToolLink) -> ToolColumn:
    """The line item that counts."""
    return session.scalars(select(ToolColumn).where(ToolColumn.link_id == link.id)).one()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackLine:
    """One thing a tool said, for admins."""

    person_id: int
    person_name: str
    column: str
    stamped_at: datetime
    received_at: datetime
    score: float | None
    is_final: bool
    outcome: str


def callbacks_of(session: Session, tool: ExternalTool) -> Sequence[CallbackLine]:
    """The last things the tool said, newest first."""
    rows = session.execute(
        select(ScoreCallback, Person.full_name, ToolColumn.label)
        .join(Person, Person.id == ScoreCallback.person_id)
        .join(ToolColumn, ToolColumn.id == ScoreCallback.column_id)
        .where(ScoreCallback.tool_id == tool.id)
        .order_by(ScoreCallback.received_at.desc(), ScoreCallback.id.desc())
        .limit(RECENT)
    )
    return [
        CallbackLine(
            person_id=row.ScoreCallback.person_id,
            person_name=row.full_name,
            column=row.label,
            stamped_at=row.ScoreCallback.stamped_at,
            received_at=row.ScoreCallback.received_at,
            score=row.ScoreCallback.score,
            is_final=row.ScoreCallback.is_final,
            outcome=row.ScoreCallback.outcome,
        )
        for row in rows
    ]


def open_invitations(
    session: Session, organization_id: int, *, now: datetime
) -> Sequence[ToolInvitation]:
    """Invitations a tool could still use, newest first."""
    return session.scalars(
        select(ToolInvitation)
        .where(
            ToolInvitation.organization_id == organization_id,
            ToolInvitation.used_at.is_(None),
            ToolInvitation.expires_at > now,
        )
        .order_by(ToolInvitation.id.desc())
    ).all()


def person_called(session: Session, tool: ExternalTool, subject: str) -> PairwiseId | None:
    """Whom the tool means."""
    return session.scalar(
        select(PairwiseId).where(PairwiseId.tool_id == tool.id, PairwiseId.subject == subject)
    )


def is_invited(session: Session, uid: str) -> bool:
    """Whether these addresses were made for a tool that is to register itself."""
    statement = select(ToolInvitation.id).where(ToolInvitation.uid == uid)
    return is_id(uid) and session.scalar(statement) is not None
