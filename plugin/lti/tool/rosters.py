"""Courses whose people fill units: read from the LMS, applied whole or not at all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.core import clock, http
from plugin.core.base import JsonDict
from plugin.core.context import current_settings
from plugin.core.db import Tx, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.lti.tool import roster_reading, services
from plugin.lti.tool.addresses import with_query
from plugin.lti.tool.answers import TOO_MANY
from plugin.lti.tool.members import members
from plugin.lti.tool.models import Registration
from plugin.lti.tool.roles import roles_of
from plugin.lti.tool.roster_reading import Reading, Source
from plugin.lti.tool.service_models import CourseMember, LmsCourse
from plugin.lti.tool.services import Client, ServiceError
from plugin.org import roster, roster_claims
from plugin.org.belonging import Said
from plugin.org.rule_models import RosterTie

GONE, BROKEN = 404, 500
FRESH = timedelta(hours=1)
"""A launch asks for a sync only when the last one is older."""


def sync(tie_id: int) -> None:
    """The unit holds the learners of its course, as the LMS lists them now.

    A list that cannot be read whole changes nothing; the tie says what went wrong, and what may
    pass is tried from the same page on. A list too long for one job is continued by the next.
    """
    source = _source(tie_id)
    if source is None:
        return
    try:
        reading = _read(tie_id, source)
        if reading is not None:
            _apply(tie_id, source, reading)
    except Exception:
        _note(tie_id, services.FAILED_HERE, keeps_place=True)
        raise


def _read(tie_id: int, source: Source) -> Reading | None:
    """The list, read to its end; None when it is not, and the tie says why."""
    try:
        with http.kept_open():
            return roster_reading.read(tie_id, source)
    except (OutgoingError, ServiceError) as error:
        log.warning("roster.not_read", tie_id=tie_id, reason=type(error).__name__)
        _note(tie_id, services.words_of_error(error), keeps_place=_may_pass(error))
        return None


def _apply(tie_id: int, source: Source, reading: Reading) -> None:
    remarks: list[list[str]] = []
    if reading.nameless:
        remarks.append(["nameless", str(reading.nameless)])
    custom = _said_through_activity(source, remarks)
    with transaction() as tx:
        tie = tx.session.get_one(RosterTie, tie_id, with_for_update=True)
        if tie.until_at is not None or tie.reading != reading.kept():
            return  # it was untied meanwhile, or another job has applied it
        learners = roster_reading.learners(tx.session, source, reading)
        done = roster.apply_roster(
            tx,
            tie,
            [each.person_id for each in learners],
            ends=not reading.nameless,
            asks=not reading.listed,  # not even who teaches: more likely a mistake than a course
            now=clock.now(),
        )
        _follow_rules(tx, tie, source.client, _said(tie, learners, custom), remarks)
        tie.problem, tie.tried_at, tie.reading = None, clock.now(), None
        tie.outcome = _outcome(reading, len(learners), done, remarks)


def _may_pass(error: OutgoingError | ServiceError) -> bool:
    """Whether the same page may be answered another time."""
    if isinstance(error, OutgoingError):
        return True
    return error.status == TOO_MANY or error.status >= BROKEN


def _source(tie_id: int) -> Source | None:
    with transaction() as tx:
        tie = tx.session.get(RosterTie, tie_id)
        if tie is None or tie.until_at is not None:
            return None
        course = course_of(tx.session, tie)
        if course is None or course.members_url is None:
            tie.problem = "the LMS has not offered its list of people yet"
            tie.tried_at = clock.now()
            return None
        is_asked = roster_claims.has_rules(tx.session, tie.organization_id)
        return Source(
            client=services.client_of(
                tx.session, current_settings(), tie.registration_id, tie.deployment_id
            ),
            url=course.members_url,
            course_id=course.id,
            link_id=course.link_id if is_asked else None,
        )


def course_of(session: Session, tie: RosterTie) -> LmsCourse | None:
    """The course a tie is about, as launches described it."""
    return session.scalar(
        select(LmsCourse).where(
            LmsCourse.registration_id == tie.registration_id,
            LmsCourse.deployment_id == tie.deployment_id,
            LmsCourse.context_id == tie.context_id,
        )
    )


def _said_through_activity(
    source: Source, remarks: list[list[str]]
) -> Mapping[str, Mapping[str, str]]:
    """Custom parameters of each person, asked for through an activity (N7).

    Who may not open the activity is missing there, which says nothing of the course: nobody is
    taken for gone. An activity the LMS no longer has is not asked for again.
    """
    if source.link_id is None:
        return {}
    url = with_query(source.url, urlencode({"rlid": source.link_id}))
    try:
        through = members(source.client, url)
    except (OutgoingError, ServiceError) as error:
        log.warning("roster.variables_not_read", course_id=source.course_id)
        remarks.append(["variables", services.words_of_error(error)])
        if isinstance(error, ServiceError) and error.status == GONE:
            _forget_link(source)
        return {}
    return {each.subject: each.custom for each in through.values() if each.custom}


def _forget_link(source: Source) -> None:
    with transaction() as tx:
        tx.session.execute(
            update(LmsCourse)
            .where(LmsCourse.id == source.course_id, LmsCourse.link_id == source.link_id)
            .values(link_id=None)
        )


def _said(
    tie: RosterTie, learners: Sequence[CourseMember], custom: Mapping[str, Mapping[str, str]]
) -> dict[str, Said]:
    """What the list says of each learner that a rule may look at, as a launch would."""
    course = roster_claims.key_of(tie)
    return {
        each.subject: Said(
            custom=custom.get(each.subject, {}),
            roles=frozenset(roles_of(each.roles).names()),
            course=course,
        )
        for each in learners
    }


def _follow_rules(
    tx: Tx,
    tie: RosterTie,
    client: Client,
    said: Mapping[str, Said],
    remarks: list[list[str]],
) -> None:
    registration = tx.session.get_one(Registration, client.registration_id)
    followed = roster_claims.follow(
        tx,
        tie,
        said,
        issuer=registration.issuer,
        client_id=registration.client_id,
        now=clock.now(),
    )
    if followed.held:
        remarks.append(["held", str(followed.held)])


def _outcome(
    reading: Reading, learners: int, done: roster.Synced, remarks: list[list[str]]
) -> JsonDict:
    return {
        "listed": reading.listed,
        "learners": learners,
        "joined": done.joined,
        "left": done.left,
        "held": done.held,
        "roles": dict(Counter(reading.roles).most_common(20)),
        "remarks": remarks,
    }


def _note(tie_id: int, words: str, *, keeps_place: bool) -> None:
    with transaction() as tx:
        tie = tx.session.get_one(RosterTie, tie_id, with_for_update=True)
        tie.problem, tie.tried_at = words, clock.now()
        if not keeps_place:
            tie.reading = None


def ask(tx: Tx, ties: Sequence[RosterTie], *, now: datetime) -> None:
    """These ties' courses are read soon."""
    for tie in ties:
        tie.asked_at = now
    tx.session.flush()
    tx.then_many(JobName.SYNC_ROSTER, [(tie.id,) for tie in ties])


def ask_all(tx: Tx, *, now: datetime) -> int:
    """Every tied course is read again, by the nightly turn."""
    ties = tx.session.scalars(select(RosterTie).where(RosterTie.until_at.is_(None))).all()
    ask(tx, ties, now=now)
    return len(ties)


def ask_after_launch(tx: Tx, course: LmsCourse, *, now: datetime) -> None:
    """The ties of the course somebody launched from are read again, unless just done."""
    ties = tx.session.scalars(
        select(RosterTie).where(
            RosterTie.registration_id == course.registration_id,
            RosterTie.deployment_id == course.deployment_id,
            RosterTie.context_id == course.context_id,
            RosterTie.until_at.is_(None),
            (RosterTie.synced_at.is_(None)) | (RosterTie.synced_at <= now - FRESH),
        )
    ).all()
    ask(tx, ties, now=now)
