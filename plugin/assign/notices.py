"""When there is something to say about a standing: reminders, the expiry, what is overdue.

A standing has days it speaks of: the last day of what is valid, and the days training is due. Each
has moments at which mail goes, at 09:00 in the unit's zone (domain §8).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from plugin.assign.standing import RowStanding, Standing
from plugin.assign.validity import nine

SHORT_MONTHS = 3
BEFORE_END = (30, 14, 7, 1)
BEFORE_SHORT_END = (14, 7, 1)
BEFORE_DUE = (7, 1)
OVER = -1
"""The day after the day spoken of: it has expired, or is overdue."""
WEEK = 7
WEEKS_AFTER = 4


class About(StrEnum):
    """What the day is: the last one of what is valid, or the one by which training is due."""

    END = "end"
    DUE = "due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """A day to speak of, and how many days before it that is done."""

    about: About
    on: date
    before: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to say: `days` before the deadline (negative: after it)."""

    deadline: Deadline
    days: int

    @property
    def on(self) -> date:
        """The day on which it is said."""
        return self.deadline.on - timedelta(days=self.days)

    @property
    def is_expiry(self) -> bool:
        """Whether it says that something has just run out."""
        return self.deadline.about is About.END and self.days == OVER


def deadlines(standing: Standing) -> tuple[Deadline, ...]:
    """The days to speak of; none for somebody the training does not cover.

    What is complete ends on its effective date, the earliest over the required rows. Where
    something was never completed, the earliest end of the rest counts, beside every due day.
    """
    if not standing.covered or standing.archived:
        return ()
    end = _end(standing)
    due = sorted({row.due_on for row in standing.to_do if row.due_on is not None})
    return (
        *((end,) if end else ()),
        *(
            Deadline(about=About.DUE, on=day, before=BEFORE_DUE)
            for day in due
            if end is None or day != end.on
        ),
    )


def due(standing: Standing, *, since: date, now: datetime) -> Notice | None:
    """What is to be said at `now` of all that came up from the day `since` on: one thing.

    That something has run out beats everything; else the latest is the most urgent.
    """
    missed = [
        notice
        for notice in _notices(standing)
        if since <= notice.on and nine(notice.on, standing.zone) <= now
    ]
    return max(missed, key=_urgency, default=None)


def upcoming(standing: Standing, now: datetime) -> date | None:
    """The next day, its 09:00 after `now`, on which there will be something to say."""
    days = (each.on for each in _notices(standing) if nine(each.on, standing.zone) > now)
    return min(days, default=None)


def alarm(
    standing: Standing, *, pending: date | None, now: datetime
) -> tuple[date, datetime] | None:
    """The day to look at the standing again and the moment it begins.

    `pending` is a day whose 09:00 has come and that nobody has looked at yet: it stays.
    """
    if not deadlines(standing):
        return None
    days = [day for day in (pending, upcoming(standing, now)) if day is not None]
    return (min(days), nine(min(days), standing.zone)) if days else None


def still_holds(standing: Standing, about: About, on: date) -> bool:
    """Whether the standing still speaks of that day."""
    return any(each.about is about and each.on == on for each in deadlines(standing))


def _end(standing: Standing) -> Deadline | None:
    ends = [row for row in _obliged(standing) if row.is_proven and row.valid_through is not None]
    if standing.complete:
        binding = standing.binding
    else:
        binding = min(ends, key=lambda row: row.valid_through or date.max, default=None)
    if binding is None or binding.valid_through is None:
        return None
    is_short = binding.months_counted is not None and binding.months_counted <= SHORT_MONTHS
    return Deadline(
        about=About.END,
        on=binding.valid_through,
        before=BEFORE_SHORT_END if is_short else BEFORE_END,
    )


def _obliged(standing: Standing) -> Iterator[RowStanding]:
    return (row for row in standing.rows if row.status == "required")


def _notices(standing: Standing) -> Iterator[Notice]:
    for deadline in deadlines(standing):
        after = (OVER - WEEK * week for week in range(WEEKS_AFTER + 1))
        for days in (*deadline.before, *after):
            yield Notice(deadline=deadline, days=days)


def _urgency(notice: Notice) -> tuple[bool, date, bool]:
    return (notice.is_expiry, notice.on, notice.deadline.about is About.END)
