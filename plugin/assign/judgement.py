"""Judging people: the stored standings, the mails about new duties, the next step to a proof."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plugin.assign import notices, queries
from plugin.assign.duties import Change, mail_about, version_before
from plugin.assign.fetch import Facts, facts
from plugin.assign.models import (
    Configuration,
    ConfigurationVersion,
    StoredStanding,
    VersionProgress,
)
from plugin.assign.standing import RowState, Standing
from plugin.assign.statement import configurations_of_people
from plugin.core import outbox
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.modules.merging import carry_over
from plugin.notify.actions import NewMessage, queue_messages
from plugin.org.models import Person

CHUNK = 500
LATELY = timedelta(hours=6)
"""Longer than the certificates of any bulk take."""


def evaluate_person(tx: Tx, person_id: int, *, now: datetime) -> None:
    """The person's stored standings are what the facts say. Safe to call again."""
    evaluate_people(tx, [person_id], now=now)


def evaluate_people(tx: Tx, person_ids: Sequence[int], *, now: datetime) -> None:
    """These people's stored standings are what the facts say; they are of one organization.

    What came late for somebody who was merged into another person counts for that person.
    """
    rows = tx.session.execute(
        select(Person.id, Person.organization_id, Person.merged_into_id)
        .where(Person.id.in_(person_ids))
        .order_by(Person.id)
    ).all()
    for person_id, _organization_id, survivor_id in rows:
        if survivor_id is not None:
            carry_over(tx, person_id, now=now)
    organization_id = rows[0].organization_id
    concerned = configurations_of_people(organization_id, list(person_ids))
    ids = tx.session.scalars(concerned).all()
    refresh_standings(tx, organization_id, ids, list(person_ids), now=now)


def apply_version(tx: Tx, version_id: int, after_person_id: int, *, now: datetime) -> Sequence[int]:
    """The next people by id are judged by the version, and the step after these is under way;
    returns who was judged.

    A version that is not in force has nothing to do: a newer one's steps judge everybody.
    """
    version = tx.session.get_one(ConfigurationVersion, version_id)
    configuration = tx.session.get_one(Configuration, version.configuration_id)
    now = max(now, version.effective_at)  # our clock may be behind the publisher's
    in_force = queries.version_in_force(tx.session, configuration, now)
    if in_force is None or in_force.id != version_id:
        return ()
    people = queries.people_to_judge(
        tx.session, configuration, after=after_person_id, limit=CHUNK, at=now
    )
    refresh_standings(tx, configuration.organization_id, [configuration.id], people, now=now)
    is_last = len(people) < CHUNK
    if after_person_id == 0:
        _begin_progress(tx.session, configuration, version, now=now)
    _advance(tx.session, version, len(people), now=now if is_last else None)
    if not is_last:
        tx.then(JobName.APPLY_VERSION, version_id, people[-1])
    return people


def _begin_progress(
    session: Session, configuration: Configuration, version: ConfigurationVersion, *, now: datetime
) -> None:
    """Nobody is judged yet by this round; a round begun again starts at nothing."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    values = {
        "organization_id": version.organization_id,
        "version_id": version.id,
        "people": queries.count_people_to_judge(session, configuration, at=now),
        "judged": 0,
        "started_at": now,
        "finished_at": None,
    }
    insert = (postgresql.insert if is_postgresql else sqlite.insert)(VersionProgress)
    session.execute(
        insert.values(values).on_conflict_do_update(index_elements=["version_id"], set_=values)
    )


def _advance(
    session: Session, version: ConfigurationVersion, people: int, *, now: datetime | None
) -> None:
    session.execute(
        update(VersionProgress)
        .where(VersionProgress.version_id == version.id)
        .values(judged=VersionProgress.judged + people, finished_at=now)
        .execution_options(synchronize_session=False)
    )


def refresh_standings(
    tx: Tx,
    organization_id: int,
    configuration_ids: Sequence[int],
    person_ids: Sequence[int],
    *,
    now: datetime,
) -> None:
    """Every standing of these people under these configurations is stored as the facts have it.

    What follows is queued in the same transaction: a mail about a duty that is new to the person
    and not yet met, and the certificate's step when the standing became or stays valid by other
    dates. People are locked, so that of two workers the later one sees everything.
    """
    if not configuration_ids or not person_ids:
        return
    people = _lock(tx.session, organization_id, person_ids)
    found = facts(
        tx.session,
        organization_id,
        person_ids=[person.id for person in people],
        configuration_ids=configuration_ids,
        at=now,
    )
    at = max(now, found.recorded_at or now)  # facts we can read have been learned by now
    stored = _stored(tx.session, configuration_ids, person_ids)
    changes = [
        change
        for person in people
        for configuration_id in sorted(found.configurations)
        if (
            change := _judge(
                found, person, configuration_id, stored.get((person.id, configuration_id)), at
            )
        )
    ]
    if changes:
        _store(tx.session, organization_id, changes, now=now)
        _follow(tx, found, organization_id, changes, now=now)
    _hurry(tx, found, stored, at, now=now)


def _hurry(
    tx: Tx, found: Facts, stored: Mapping[tuple[int, int], Any], at: datetime, *, now: datetime
) -> None:
    """A bulk may have judged somebody between their pass and their own step, which then finds
    nothing new: their certificate does not wait with that bulk's (docs/decisions/0095)."""
    if outbox.is_in_bulk():
        return
    lately = [key for key, line in stored.items() if line.updated_at > now - LATELY]
    waiting = outbox.waiting_in_bulk(tx.session, JobName.ISSUE_CERTIFICATE, lately)
    valid = [key for key in waiting if _is_proof(found.standing(*key, at))]
    tx.then_many(JobName.ISSUE_CERTIFICATE, valid)


def _is_proof(standing: Standing) -> bool:
    return standing.certificate_on and standing.is_valid(standing.at)


def _judge(
    found: Facts, person: Person, configuration_id: int, before: Any, at: datetime
) -> Change | None:
    standing = found.standing(person.id, configuration_id, at)
    if before is None and not standing.covered:
        return None
    values = stored_values(standing) | _alarm(standing, before, at)
    if before is not None and all(getattr(before, name) == value for name, value in values.items()):
        return None
    return Change(person=person, standing=standing, values=values, before=before)


def stored_values(standing: Standing) -> JsonDict:
    """What is kept of a standing: nothing in it turns false by the clock alone."""
    return {
        "version_id": standing.version_id,
        "covered": standing.covered,
        "complete": standing.complete,
        "valid_through": standing.valid_through,
        "ends_at": standing.ends_at,
        "continuous_since_at": standing.continuous_since,
        "proved_at": standing.proved_at,
        "missing": [
            {
                "module_id": row.module_id,
                "reason": (RowState.NEW_REQUIREMENT if row.by_grace else row.state).value,
                "since": row.since.isoformat() if row.since else None,
            }
            for row in standing.to_do
            if not row.is_proven
        ],
    }


def _alarm(standing: Standing, before: Any, at: datetime) -> JsonDict:
    """When there is something to say next; what has come up and was not yet looked at stays."""
    is_pending = before is not None and before.notice_at is not None and before.notice_at <= at
    pending = before.notice_on if is_pending else None
    alarm = notices.alarm(standing, pending=pending, now=at)
    return {"notice_on": alarm and alarm[0], "notice_at": alarm and alarm[1]}


def _lock(session: Session, organization_id: int, person_ids: Sequence[int]) -> Sequence[Person]:
    return session.scalars(
        select(Person)
        .where(Person.organization_id == organization_id, Person.id.in_(person_ids))
        .order_by(Person.id)
        .with_for_update(key_share=True)
    ).all()


def _stored(
    session: Session, configuration_ids: Sequence[int], person_ids: Sequence[int]
) -> dict[tuple[int, int], Any]:
    lines = session.execute(
        select(*StoredStanding.__table__.columns).where(
            StoredStanding.configuration_id.in_(configuration_ids),
            StoredStanding.person_id.in_(person_ids),
        )
    )
    return {(line.person_id, line.configuration_id): line for line in lines}


def _store(
    session: Session, organization_id: int, changes: Sequence[Change], *, now: datetime
) -> None:
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    insert = (postgresql.insert if is_postgresql else sqlite.insert)(StoredStanding)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["person_id", "configuration_id"],
            set_={name: insert.excluded[name] for name in (*changes[0].values, "updated_at")},
        ),
        [
            change.values
            | {
                "organization_id": organization_id,
                "person_id": change.person.id,
                "configuration_id": change.standing.configuration_id,
                "first_at": now,
                "updated_at": now,
            }
            for change in changes
        ],
    )


def _follow(
    tx: Tx, found: Facts, organization_id: int, changes: Sequence[Change], *, now: datetime
) -> None:
    messages: list[NewMessage] = []
    valid: list[tuple[int, int]] = []
    for change in changes:
        standing, known = change.standing, version_before(found, change)
        mail = mail_about(found, change, known, now=now)
        messages += [mail] if mail else []
        promised = known is not None and known.certificate_on
        is_news = change.is_of_dates or not promised or standing.certificate_start.issue_from
        if _is_proof(standing) and is_news:
            valid.append((change.person.id, standing.configuration_id))
    queue_messages(tx, organization_id, messages, now=now)
    if valid:
        tx.then_many(JobName.ISSUE_CERTIFICATE, valid)
