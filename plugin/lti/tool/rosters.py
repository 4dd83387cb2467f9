"""Courses whose people fill units: read from the LMS, applied whole or not at all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.base import JsonDict
from plugin.core.context import current_settings
from plugin.core.db import Tx, chunks, read_session, transaction
from plugin.core.http import OutgoingError
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.lti.tool import services
from plugin.lti.tool.addresses import with_query
from plugin.lti.tool.course_members import join_course
from plugin.lti.tool.members import Listed, Member, members
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import CourseMember, LmsCourse
from plugin.lti.tool.services import Client, ServiceError
from plugin.org import actions as org_actions
from plugin.org import roster, roster_claims
from plugin.org.belonging import Said
from plugin.org.errors import PersonDeactivatedError
from plugin.org.rule_models import RosterTie

AT_ONCE = 100
GONE = 404
FRESH = timedelta(hours=1)
"""A launch asks for a sync only when the last one is older."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """Where the people of a tie's course are listed."""

    client: Client
    url: str
    course_id: int
    link_id: str | None
    """An activity through which to ask what the rules look at; None: no rule looks."""


def sync(tie_id: int) -> None:
    """The unit holds the learners of its course, as the LMS lists them now.

    A list that cannot be read whole changes nothing; the tie says what went wrong. Nor does a list
    that is older than what others read and applied meanwhile.
    """
    source = _source(tie_id)
    if source is None:
        return
    began_at = clock.now()
    try:
        listed = _everybody(tie_id, source)
    except (OutgoingError, ServiceError) as error:
        log.warning("roster.not_read", tie_id=tie_id, reason=type(error).__name__)
        _note(tie_id, services.words_of_error(error))
        return
    learners = [each for each in listed.people.values() if each.learns]
    remarks: list[list[str]] = []
    if listed.nameless:
        remarks.append(["nameless", str(listed.nameless)])
    said = _said_through_activity(source, learners, remarks)
    person_ids = _people(source.course_id, source.client, learners)
    with transaction() as tx:
        tie = tx.session.get_one(RosterTie, tie_id, with_for_update=True)
        if tie.synced_at is not None and tie.synced_at > began_at:
            return
        done = roster.apply_roster(
            tx,
            tie,
            person_ids,
            ends=not listed.nameless,
            asks=not listed.people,  # not even who teaches: more likely a mistake than a course
            now=clock.now(),
        )
        _follow_rules(tx, tie, source.client, _said(tie, learners, said), remarks)
        tie.problem, tie.tried_at = None, clock.now()
        tie.outcome = _outcome(listed, learners, done, remarks)


def _source(tie_id: int) -> _Source | None:
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
        return _Source(
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


def _everybody(tie_id: int, source: _Source) -> Listed:
    """The course's list. One of several pages is read twice if somebody seems gone: people move
    between pages while a list changes, and who is on either reading is there."""
    listed = members(source.client, source.url)
    if listed.pages == 1 or not _known_subjects(tie_id, source) - listed.people.keys():
        return listed
    again = members(source.client, source.url)
    return Listed(
        people={**listed.people, **again.people},
        pages=again.pages,
        nameless=max(listed.nameless, again.nameless),
    )


def _known_subjects(tie_id: int, source: _Source) -> set[str]:
    session = read_session()
    found = session.scalars(
        select(CourseMember.subject).where(
            CourseMember.course_id == source.course_id,
            CourseMember.person_id.in_(roster.listed_people(tie_id)),
        )
    ).all()
    session.rollback()
    return set(found)


def _said_through_activity(
    source: _Source, learners: Sequence[Member], remarks: list[list[str]]
) -> Mapping[str, Mapping[str, str]]:
    """Custom parameters of each learner, asked for through an activity (N7).

    Who may not open the activity is missing there, which says nothing of the course: nobody is
    taken for gone. An activity the LMS no longer has is not asked for again.
    """
    if source.link_id is None:
        return {}
    url = with_query(source.url, urlencode({"rlid": source.link_id}))
    try:
        through = members(source.client, url).people
    except (OutgoingError, ServiceError) as error:
        log.warning("roster.variables_not_read", course_id=source.course_id)
        remarks.append(["variables", services.words_of_error(error)])
        if isinstance(error, ServiceError) and error.status == GONE:
            _forget_link(source)
        return {}
    return {
        each.subject: through[each.subject].custom
        for each in learners
        if each.subject in through and through[each.subject].custom
    }


def _forget_link(source: _Source) -> None:
    with transaction() as tx:
        tx.session.execute(
            update(LmsCourse)
            .where(LmsCourse.id == source.course_id, LmsCourse.link_id == source.link_id)
            .values(link_id=None)
        )


def _said(
    tie: RosterTie, learners: Sequence[Member], custom: Mapping[str, Mapping[str, str]]
) -> dict[str, Said]:
    """What the list says of each learner that a rule may look at, as a launch would."""
    course = roster_claims.key_of(tie)
    return {
        each.subject: Said(
            custom=custom.get(each.subject, {}),
            roles=frozenset(each.roles.names()),
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
    listed: Listed,
    learners: Sequence[Member],
    done: roster.Synced,
    remarks: list[list[str]],
) -> JsonDict:
    roles = Counter(role for each in listed.people.values() for role in each.called)
    return {
        "listed": len(listed.people),
        "learners": len(learners),
        "joined": done.joined,
        "left": done.left,
        "held": done.held,
        "roles": dict(roles.most_common(20)),
        "remarks": remarks,
    }


def _note(tie_id: int, words: str) -> None:
    with transaction() as tx:
        tx.session.execute(
            update(RosterTie)
            .where(RosterTie.id == tie_id)
            .values(problem=words, tried_at=clock.now())
        )


def _people(course_id: int, client: Client, learners: Sequence[Member]) -> list[int]:
    """Everybody listed is known here from now on, also before their first launch."""
    found: list[int] = []
    for some in chunks(range(len(learners)), AT_ONCE):
        with transaction() as tx:
            course = tx.session.get_one(LmsCourse, course_id)
            registration = tx.session.get_one(Registration, client.registration_id)
            for each in (learners[index] for index in some):
                person_id = _admitted(tx, registration, each)
                if person_id is not None:
                    known = join_course(
                        tx.session, course, person_id, each.subject, learns=True, now=clock.now()
                    )
                    known.roles, known.listed_at = list(each.called), clock.now()
                    found.append(person_id)
    return found


def _admitted(tx: Tx, registration: Registration, member: Member) -> int | None:
    try:
        person = org_actions.admit_person(
            tx.session,
            registration.organization_id,
            issuer=registration.issuer,
            client_id=registration.client_id,
            subject=member.subject,
            given_name=member.given_name,
            family_name=member.family_name,
            full_name=member.full_name,
            email=member.email,
            locale=None,
            now=clock.now(),
        )
    except PersonDeactivatedError:
        return None
    tx.session.flush()
    return person.id


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
