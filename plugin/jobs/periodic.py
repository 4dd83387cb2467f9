"""Work that comes round: declared here, fired once per turn however many dispatchers run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select

from plugin.api import delivering
from plugin.api.actions import KEEP_ANSWERS, forget_answers
from plugin.assign import crossings
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import read_session, transaction
from plugin.core.log import log
from plugin.core.outbox import JobName, OutboxRow, Periodic, QueueName, as_urgent_as
from plugin.core.upsert import insert_absent
from plugin.jobs import managers, reconcile
from plugin.jobs.set_back import CLOCKS_DIFFER
from plugin.lti.platform.actions import forget_ended
from plugin.lti.tool import (
    deep_linking,
    grades_in,
    grading,
    notice_handlers,
    notices,
    reconciling,
)
from plugin.lti.tool import rosters as tied
from plugin.lti.tool.actions import forget_former
from plugin.lti.tool.login_actions import forget_logins
from plugin.notify import retention, topics
from plugin.org.models import SignIn
from plugin.scorm import attempts as package_attempts

KEEP_DONE_STEPS = timedelta(days=7)
KEEP_VISITS = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One kind of periodic work: how often, and what to do."""

    every: timedelta
    work: Callable[[], None]


def tidy() -> None:
    """Logins, visits, steps, notices and files of failed imports that ended long ago are gone; no
    fact is among them."""
    now = clock.now()
    package_attempts.forget(now=now)
    with transaction() as tx:
        forget_logins(tx.session, before=now - timedelta(days=1))
        forget_answers(tx.session, before=now - KEEP_ANSWERS)
        delivering.forget_deliveries(tx.session, before=now - delivering.KEEP_DELIVERIES)
        forget_ended(tx.session, before=now - timedelta(days=1))
        deep_linking.forget(tx.session, before=now - timedelta(days=1))
        forget_former(tx.session, now=now)
        topics.forget(tx.session, before=now - topics.KEEP)
        notices.forget(tx.session, before=now - notices.KEEP)
        tx.session.execute(delete(SignIn).where(SignIn.expires_at < now - KEEP_VISITS))
        tx.session.execute(delete(OutboxRow).where(OutboxRow.done_at < now - KEEP_DONE_STEPS))


def erase_mail_bodies() -> None:
    """The words of mails that were kept long enough are gone."""
    days, now = current_settings().mail_keep_days, clock.now()
    if not days:
        return
    erased = retention.CHUNK
    while erased == retention.CHUNK:
        with transaction() as tx:
            before = now - timedelta(days=days)
            erased = retention.erase_bodies(tx.session, before=before, now=now)


def repair() -> None:
    """Every missing next step is asked for again."""
    found = reconcile.run(now=clock.now())
    if any(found.values()):
        log.warning("reconcile.repaired", **found)


def repair_everything() -> None:
    """Every stored standing is compared with the facts again, in chunks by the workers."""
    log.info("reconcile.everybody", versions=reconcile.everybody(now=clock.now()))


def note_lapses() -> None:
    """What ended in the last hours without anybody doing anything is said to the gradebooks, and
    what teachers graded there is read. Grades that nobody sends any more are asked for."""
    with transaction() as tx:
        grading.ask_for_lapsed(tx, now=clock.now())
        reconciling.ask_for_forgotten(tx, now=clock.now())
        grades_in.ask_all(tx)


def note_crossings() -> None:
    """Somebody's day has come: the workers look, unless they are going to anyway."""
    with transaction() as tx:
        waiting = select(OutboxRow.id).where(
            OutboxRow.job == JobName.NOTE_CROSSINGS,
            OutboxRow.done_at.is_(None),
            OutboxRow.failed_at.is_(None),
        )
        is_asked = tx.session.scalar(select(exists(waiting)))
        if not is_asked and crossings.any_due(tx.session, clock.now()):
            tx.then(JobName.NOTE_CROSSINGS)


def note_mornings() -> None:
    """It is past 09:00 in an organization: its managers' round of the day begins, once."""
    with transaction() as tx:
        managers.begin_rounds(tx, now=clock.now())


def ask_lmss() -> None:
    """Rosters are read again, grades that did not arrive are tried again, and each is compared
    with what is true now."""
    with transaction() as tx:
        rosters = tied.ask_all(tx, now=clock.now())
        grades = reconciling.ask_again(tx, now=clock.now())
        people = grading.ask_for_everybody(tx)
        reconciling.ask_to_compare(tx)
        notice_handlers.ask_again(tx)
    log.info("lms.asked", rosters=rosters, grades=grades, people=people)


def tell_others() -> None:
    """What happened in the last minute is owed to other systems."""
    with transaction() as tx:
        delivering.collect(tx, now=clock.now())


TURNS = {
    "webhooks": Turn(every=timedelta(minutes=1), work=tell_others),
    "crossings": Turn(every=timedelta(minutes=5), work=note_crossings),
    "lapses": Turn(every=timedelta(hours=1), work=note_lapses),
    "managers": Turn(every=timedelta(minutes=10), work=note_mornings),
    "lms": Turn(every=timedelta(days=1), work=ask_lmss),
    "reconcile": Turn(every=timedelta(hours=1), work=repair),
    "reconcile everybody": Turn(every=timedelta(days=7), work=repair_everything),
    "mail bodies": Turn(every=timedelta(days=1), work=erase_mail_bodies),
    "tidy": Turn(every=timedelta(days=1), work=tidy),
}


def declare(now: datetime) -> None:
    """Every declared turn has its row; a new one is due after its first interval."""
    with transaction() as tx:
        rows = [
            {"name": name, "due_at": now + turn.every, "fired_at": None}
            for name, turn in TURNS.items()
        ]
        tx.session.execute(insert_absent(tx.session, Periodic, rows, key=("name",)))


def fire(now: datetime) -> list[str]:
    """Do what is due and not being done elsewhere; missed turns are done once, not caught up.

    One at a time: a turn that fails keeps no other from its time. What it causes is a bulk. After a
    clock was set back every turn comes once, instead of waiting until the time it last came at is
    reached again.
    """
    fired: list[str] = []
    while (name := _claim(now)) is not None:
        with as_urgent_as(QueueName.BULK):
            TURNS[name].work()
        fired.append(name)
    return fired


def _claim(now: datetime) -> str | None:
    set_back = Periodic.fired_at > now + CLOCKS_DIFFER
    due = select(Periodic).where(or_(Periodic.due_at <= now, set_back), Periodic.name.in_(TURNS))
    first = due.order_by(Periodic.due_at, Periodic.id).limit(1)
    session = read_session()
    is_anything_due = session.scalar(first) is not None
    session.rollback()
    if not is_anything_due:
        return None
    with transaction() as tx:
        row = tx.session.scalar(first.with_for_update(skip_locked=True))
        if row is None:
            return None
        row.fired_at, row.due_at = now, now + TURNS[row.name].every
        return row.name
