"""What a place or person was before a change: what questions about the past answer from.

Most facts carry their own dates and are never changed. These few values are replaced in place, and
each replaced value is kept here with the moment it ended.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Index, case, exists, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from plugin.core.base import AppendOnly, Base, IntKey
from plugin.core.db import chunks

CHUNK = 1000
_KEPT_AS = {
    "archived_at": "moment",
    "deactivated_at": "moment",
    "email": "words",
    "region_id": "number",
    "time_zone": "words",
}
"""The values that are kept, and the column each is kept in."""


class EarlierValue(AppendOnly, Base):
    """Until `until_at` the value of `name` of the row `about` was this one (or empty)."""

    __tablename__ = "earlier_value"
    __table_args__ = (Index(None, "about_kind", "about_id", "name", "until_at"),)

    id: Mapped[IntKey]
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    about_kind: Mapped[str]
    about_id: Mapped[int]
    name: Mapped[str]
    moment: Mapped[datetime | None]
    number: Mapped[int | None]
    words: Mapped[str | None]
    until_at: Mapped[datetime]


def remember(session: Session, about: Any, name: str, value: Any, *, now: datetime) -> None:
    """Until `now` this value of the row was `value`; call it where it is replaced."""
    remember_many(
        session,
        about.organization_id,
        about.__tablename__,
        name,
        [(about.id, value)],
        now=now,
    )


def remember_many(
    session: Session,
    organization_id: int,
    kind: str,
    name: str,
    values: list[tuple[int, Any]],
    *,
    now: datetime,
) -> None:
    """The same for many rows of one kind: pairs of id and value."""
    for some in chunks(range(len(values)), CHUNK):
        session.add_all(
            EarlierValue(
                organization_id=organization_id,
                about_kind=kind,
                about_id=values[place][0],
                name=name,
                **{_KEPT_AS[name]: values[place][1]},
                until_at=now,
            )
            for place in some
        )


def as_it_was(model: Any, name: str, at: Any) -> ColumnElement[Any]:
    """The value of a column at a past moment: the first one replaced after it, or today's."""
    later = aliased(EarlierValue)
    replaced = (
        select(getattr(later, _KEPT_AS[name]))
        .where(
            later.about_kind == model.__tablename__,
            later.about_id == model.id,
            later.name == name,
            later.until_at > at,
        )
        .order_by(later.until_at, later.id)
        .limit(1)
        .correlate(model)
    )
    was: ColumnElement[Any] = case(
        (exists(replaced), replaced.scalar_subquery()), else_=getattr(model, name)
    )
    return was


def was(model: Any, name: str, at: Any, *, past: bool) -> Any:
    """The value of a column at `at`: of the past as it was then, of now as it is."""
    return as_it_was(model, name, at) if past else getattr(model, name)
