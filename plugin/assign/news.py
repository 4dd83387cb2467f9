"""What the mails about training say, as the facts have it: when queued, and again when sent."""

from collections.abc import Callable, Iterable, Sequence, Set
from datetime import date, datetime, timedelta

from babel.dates import format_date
from sqlalchemy.orm import Session

from plugin.assign.fetch import Facts, facts
from plugin.assign.notices import OVER, About, Notice, still_holds
from plugin.assign.standing import RowStanding, RowState, Standing
from plugin.assign.validity import end_of, morning
from plugin.core.base import JsonDict
from plugin.notify.actions import NewMessage
from plugin.notify.models import CancelReason, Message, MessageKind
from plugin.notify.parcels import Verdict

SOON = timedelta(days=30)
Held = Callable[[Session, int, datetime], Set[int]]
"""(session, person, at): the configurations whose certificate the person has, worth something as
far as admins have decided."""
NEW = frozenset({MessageKind.NEW_TRAINING, MessageKind.NEW_REQUIREMENT})


def spelled(day: date | None, locale: str) -> str | None:
    """The day as the person's language writes it."""
    return format_date(day, "medium", locale=locale.replace("-", "_")) if day else None


def new_duties(found: Facts, standing: Standing, locale: str) -> JsonDict:
    """The facts of a mail about new training: everything that is to be done."""
    return {
        **_place(found, standing),
        "modules": [
            {
                "title": found.modules[row.module_id].title,
                "due_on": spelled(row.due_on, locale),
            }
            for row in standing.to_do
        ],
    }


def to_learn_anew(found: Facts, standing: Standing, retraining_id: int, locale: str) -> JsonDict:
    """The facts of a mail about a version that has to be learned anew: by which day, and what."""
    rows = [row for row in standing.rows if row.retraining and row.retraining.id == retraining_id]
    return {
        **_place(found, standing),
        "retraining_id": retraining_id,
        "modules": [
            {
                "title": found.modules[row.module_id].title,
                "due_on": spelled(row.valid_through, locale),
            }
            for row in rows
            if row.status == "required" and row.state is RowState.SATISFIED
        ],
    }


def notice_message(
    found: Facts, person_id: int, standing: Standing, notice: Notice, locale: str, *, now: datetime
) -> NewMessage:
    """A reminder, or that something has run out; once for each day it speaks of and each step."""
    kind = MessageKind.EXPIRED if notice.is_expiry else MessageKind.REMINDER
    deadline = notice.deadline
    subject = f"{person_id}:{standing.configuration_id}"
    return NewMessage(
        person_id=person_id,
        kind=kind,
        key=f"{kind}:{subject}:{deadline.about}:{deadline.on.isoformat()}:{notice.days}",
        facts=_notice_facts(
            found, standing, deadline.about, deadline.on, notice.days, locale, now=now
        ),
        not_before=morning(now, standing.zone),
        zone=standing.zone,
        cause=f"configuration:{standing.configuration_id}",
    )


def ran_out(found: Facts, standing: Standing, locale: str, *, now: datetime) -> JsonDict:
    """The facts of a mail about a standing whose last day is over."""
    on = standing.valid_through or standing.at.date()
    return _notice_facts(found, standing, About.END, on, OVER, locale, now=now)


def reread(
    session: Session, messages: Sequence[Message], now: datetime, *, held: Held
) -> dict[int, Verdict]:
    """What each of one person's messages has to say now, or why it has nothing to say any more.

    Of a certificate it speaks only to whom training gives it back: not of one that was never given,
    or that an admin withholds.
    """
    about = [each for each in messages if "configuration_id" in each.facts]
    verdicts: dict[int, Verdict] = {each.id: dict(each.facts) for each in messages}
    if not about:
        return verdicts
    person_id, organization_id = about[0].person_id, about[0].organization_id
    found = facts(
        session,
        organization_id,
        person_ids=[person_id],
        configuration_ids=sorted({each.facts["configuration_id"] for each in about}),
        at=now,
        history=False,
    )
    last, holds = _most_urgent(about), held(session, person_id, now)
    for message in about:
        standing = found.standing(person_id, message.facts["configuration_id"])
        verdict = _verdict(found, message, standing, message in last, now)
        if not isinstance(verdict, CancelReason):
            verdict["has_certificate"] = (
                verdict.get("has_certificate", True) and standing.configuration_id in holds
            )
        verdicts[message.id] = verdict
    return verdicts


def _most_urgent(messages: Iterable[Message]) -> list[Message]:
    """Of the messages that speak of the same day, the last step; all that speak of none."""
    best: dict[tuple[object, ...], Message] = {}
    for message in messages:
        said = message.facts
        subject: tuple[object, ...] = (said["configuration_id"], said.get("about"), said.get("on"))
        if "on" not in said:
            subject = (message.id,)
        known = best.get(subject)
        if known is None or _step(message) > _step(known):
            best[subject] = message
    return list(best.values())


def _step(message: Message) -> tuple[bool, int]:
    return (message.kind is MessageKind.EXPIRED, -message.facts.get("days", 0))


def _verdict(
    found: Facts, message: Message, standing: Standing, is_last: bool, now: datetime
) -> Verdict:
    said = message.facts
    locale = message.locale or found.lines[standing.configuration_id].locale
    if not standing.covered:
        return CancelReason.LEFT
    if "retraining_id" in said:
        anew = to_learn_anew(found, standing, said["retraining_id"], locale)
        return {**said, **anew} if anew["modules"] else CancelReason.DONE
    if message.kind in NEW:
        news = said.get("news")  # what the mail is about; the rest to do was told before
        if not any(news is None or row.module_id in news for row in standing.to_do):
            return CancelReason.DONE
        return {**said, **new_duties(found, standing, locale)}
    on, about = date.fromisoformat(said["on"]), About(said["about"])
    if not still_holds(standing, about, on):
        return CancelReason.CHANGED
    is_over = now >= end_of(on, standing.zone)
    if not is_last or (is_over and said["days"] > OVER):
        return CancelReason.SUPERSEDED
    return _notice_facts(found, standing, about, on, said["days"], locale, now=now)


def _place(found: Facts, standing: Standing) -> JsonDict:
    line = found.lines[standing.configuration_id]
    return {
        "unit_name": line.unit_name,
        "configuration": line.name,
        "configuration_id": standing.configuration_id,
    }


def _notice_facts(
    found: Facts,
    standing: Standing,
    about: About,
    on: date,
    days: int,
    locale: str,
    *,
    now: datetime,
) -> JsonDict:
    horizon = max(now + SOON, end_of(on, standing.zone))
    return {
        **_place(found, standing),
        "about": about.value,
        "on": on.isoformat(),
        "days": days,
        "last_day": spelled(on, locale),
        "has_certificate": standing.certificate_on and standing.complete,
        "items": [
            item(found, standing.configuration_id, row, locale)
            for row in pressing(standing, horizon)
        ],
    }


def pressing(standing: Standing, until: datetime) -> Sequence[RowStanding]:
    """What is to do, and what ends until then."""
    if not standing.covered:
        return ()
    soon = [
        row
        for row in standing.rows
        if row.status == "required"
        and row.state in {RowState.SATISFIED, RowState.WAIVED}
        and row.ends_at is not None
        and row.ends_at <= until
    ]
    return (*standing.to_do, *soon)


def item(found: Facts, configuration_id: int, row: RowStanding, locale: str) -> JsonDict:
    """One line of a reminder: which training, where, and the day it is about."""
    return {
        "title": found.modules[row.module_id].title,
        "unit": found.lines[configuration_id].unit_name,
        "due_on": spelled(row.due_on, locale),
        "ends_on": None if row.by_grace else spelled(row.valid_through, locale),
        "has_expired": row.state is RowState.EXPIRED,
    }
