"""What there is to tell other systems, and the stretch of time it is looked for in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from plugin.api.models import EventName
from plugin.core.base import JsonDict

LOOK_BACK = timedelta(minutes=15)
"""Facts written by slow transactions appear late, at most so late."""
LIMIT = 1000
"""How many rows are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One thing to tell; `cause` makes it happen once."""

    event: EventName
    cause: str
    at: datetime
    body: JsonDict
    row_id: int
    """Of the row it was read from: the next ones are read after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What was recorded after `since`, up to and including `until`."""

    organization_id: int
    since: datetime
    until: datetime

    def page(self, statement: Any, table: Any, moment: Any, after: int) -> Any:
        """The statement's rows of this table and this window, in order, `LIMIT` at most."""
        return (
            statement.where(
                table.organization_id == self.organization_id,
                moment > self.since,
                moment <= self.until,
                table.id > after,
            )
            .order_by(table.id)
            .limit(LIMIT)
        )


Read = Callable[[Session, Window, Sequence[EventName], int], list[Happening]]
"""(session, window, events, after which row): at most `LIMIT` rows' worth, by row."""
