"""Reads for other systems, and for the pages about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.api.actions import described
from plugin.api.models import ApiKey, DeliveryState, Webhook, WebhookDelivery
from plugin.api.moments import text_of
from plugin.api.windows import LOOK_BACK
from plugin.core.base import JsonDict
from plugin.modules.models import Completion, Module, ModuleState, ModuleVersion
from plugin.org.models import Person

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, and after which id the next ones begin, if there are any."""

    items: Sequence[JsonDict]
    next_after: int | None


def modules(session: Session, organization_id: int, *, after: int, limit: int) -> Page:
    """The modules completions can be reported of."""
    rows = session.execute(
        select(Module, ModuleVersion.number)
        .outerjoin(ModuleVersion, ModuleVersion.id == Module.current_version_id)
        .where(
            Module.organization_id == organization_id,
            Module.id > after,
            Module.state != ModuleState.DRAFT,
        )
        .order_by(Module.id)
        .limit(limit + 1)
    ).all()
    shown = rows[:limit]
    items = [
        {
            "id": each.id,
            "title": each.title,
            "kind": each.kind.value,
            "version": number,
            "created_at": text_of(each.created_at),
            "archived": each.state is ModuleState.ARCHIVED,
        }
        for each, number in shown
    ]
    return Page(items=items, next_after=shown[-1].Module.id if len(rows) > limit else None)


def people(
    session: Session, organization_id: int, *, employee_id: str | None, after: int, limit: int
) -> Page:
    """People by id: who they are to another system, and no more."""
    statement = (
        select(Person)
        .where(
            Person.organization_id == organization_id,
            Person.id > after,
            Person.deactivated_at.is_(None),
        )
        .order_by(Person.id)
        .limit(limit + 1)
    )
    if employee_id is not None:
        statement = statement.where(Person.employee_id == employee_id)
    rows = session.scalars(statement).all()
    shown = rows[:limit]
    items = [
        {"id": each.id, "employee_id": each.employee_id, "name": each.full_name} for each in shown
    ]
    return Page(items=items, next_after=shown[-1].id if len(rows) > limit else None)


def completions(
    session: Session,
    organization_id: int,
    *,
    person_id: int | None,
    module_id: int | None,
    after: int,
    limit: int,
    now: datetime,
) -> Page:
    """Facts in the order of their numbers; what supersedes an earlier one names it.

    Of everybody it ends before the first that was recorded within `LOOK_BACK`: numbers are given
    before a transaction ends, and who goes on after the last one they were told must miss none.
    """
    statement = (
        select(Completion)
        .where(Completion.organization_id == organization_id, Completion.id > after)
        .order_by(Completion.id)
        .limit(limit + 1)
    )
    if person_id is not None:
        statement = statement.where(Completion.person_id == person_id)
    if module_id is not None:
        statement = statement.where(Completion.module_id == module_id)
    rows = session.scalars(statement).all()
    if person_id is None:
        rows = list(takewhile(lambda each: each.learned_at <= now - LOOK_BACK, rows))
    shown = rows[:limit]
    return Page(
        items=[described(each) for each in shown],
        next_after=shown[-1].id if len(rows) > limit else None,
    )


def keys(session: Session, organization_id: int) -> Sequence[ApiKey]:
    """The keys that open something, newest first."""
    return session.scalars(
        select(ApiKey)
        .where(ApiKey.organization_id == organization_id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.id.desc())
    ).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLine:
    """One webhook in the list."""

    id: int
    url: str
    events: Sequence[str]
    ended_at: datetime | None
    end_words: str | None
    waiting: int
    failed: int


def webhooks(session: Session, organization_id: int) -> Sequence[WebhookLine]:
    """Every webhook with what waits and what was given up, in one statement."""
    rows = session.execute(
        select(
            Webhook,
            func.count(WebhookDelivery.id)
            .filter(WebhookDelivery.state == DeliveryState.WAITING)
            .label("waiting"),
            func.count(WebhookDelivery.id)
            .filter(WebhookDelivery.state == DeliveryState.FAILED)
            .label("failed"),
        )
        .outerjoin(WebhookDelivery, WebhookDelivery.webhook_id == Webhook.id)
        .where(Webhook.organization_id == organization_id)
        .group_by(Webhook.id)
        .order_by(Webhook.id)
    )
    return [
        WebhookLine(
            id=row.Webhook.id,
            url=row.Webhook.url,
            events=list(row.Webhook.events),
            ended_at=row.Webhook.ended_at,
            end_words=row.Webhook.end_words,
            waiting=row.waiting,
            failed=row.failed,
        )
        for row in rows
    ]
