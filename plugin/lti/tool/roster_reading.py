"""A course's list of people, read page by page. What was read stays read: a job that has read
enough or was interrupted is continued by the next one, from the page it had come to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from plugin.core import clock
from plugin.core.base import JsonDict
from plugin.core.db import Tx, chunks, read_session, transaction
from plugin.core.outbox import JobName
from plugin.lti.tool.course_members import EARLIEST, join_course
from plugin.lti.tool.members import Member, Page, check_ends, first_page, read_page
from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import CourseMember, LmsCourse
from plugin.lti.tool.services import TOO_SLOW, Client, ServiceError
from plugin.org import actions as org_actions
from plugin.org.errors import PersonDeactivatedError
from plugin.org.models import Person
from plugin.org.rule_models import RosterEntry, RosterTie

AT_ONCE = 100
LINES_A_JOB = 20_000
PAGES_A_JOB = 100
"""So much one job reads at the most, far within the time it may take."""
KEPT_FOR = timedelta(hours=1)
"""A reading that began longer ago is not continued: its list is of the past."""
LONGEST = timedelta(minutes=45)
"""No further job is asked for after so long: the next would begin anew, and so on for ever."""
MAX_ROLES = 100
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the people of a tie's course are listed."""

    client: Client
    url: str
    course_id: int
    link_id: str | None
    """An activity through which to ask what the rules look at; None: no rule looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far a reading has come. Everybody it met is marked with the moment it began."""

    began_at: datetime
    source: str
    url: str | None
    """The page that is next; None: the list was read to its end."""
    is_second: bool = False
    pages: int = 0
    listed: int = 0
    nameless: int = 0
    roles: Mapping[str, int] = field(default_factory=dict)

    def kept(self) -> JsonDict:
        """The form in which its tie keeps it."""
        return {**asdict(self), "began_at": self.began_at.isoformat()}


def read(tie_id: int, source: Source) -> Reading | None:
    """The list, read to its end. None: another job goes on with it.

    A list of several pages is read twice if somebody seems gone: people move between pages while a
    list changes, and who is on either reading is there. Raises ServiceError for what is no list.
    """
    reading: Reading | None = _begun(tie_id, source)
    asked: set[tuple[bool, str]] = set()
    lines = 0
    while reading is not None and reading.url is not None:
        turn = (reading.is_second, reading.url)
        check_ends(pages=reading.pages, people=reading.listed, is_circle=turn in asked)
        asked.add(turn)
        page = read_page(source.client, reading.url)
        _keep(source, page, reading.began_at)
        lines += len(page.people)
        is_late = source.client.is_late
        is_enough = is_late or lines >= LINES_A_JOB or len(asked) >= PAGES_A_JOB
        reading = _moved(tie_id, reading, _after(tie_id, reading, page, source), stops=is_enough)
    return reading


def learners(session: Session, source: Source, reading: Reading) -> Sequence[CourseMember]:
    """Everybody the reading met who learns."""
    return session.scalars(
        select(CourseMember).where(
            CourseMember.course_id == source.course_id, CourseMember.listed_at >= reading.began_at
        )
    ).all()


def _begun(tie_id: int, source: Source) -> Reading:
    """The reading that was interrupted, or a new one. It begins later than any before it."""
    with transaction() as tx:
        tie = tx.session.get_one(RosterTie, tie_id, with_for_update=True)
        if tie.reading is not None:
            began_at = datetime.fromisoformat(tie.reading["began_at"])
            kept = Reading(**{**tie.reading, "began_at": began_at})
            if kept.source == source.url and kept.began_at > clock.now() - KEPT_FOR:
                return kept
        last = tx.session.scalar(
            select(func.max(CourseMember.listed_at)).where(
                CourseMember.course_id == source.course_id
            )
        )
        reading = Reading(
            began_at=max(clock.now(), (last or EARLIEST) + TICK),
            source=source.url,
            url=first_page(source.client, source.url),
        )
        tie.reading = reading.kept()
        return reading


def _after(tie_id: int, reading: Reading, page: Page, source: Source) -> Reading:
    """How far the reading has come with this page."""
    roles = Counter(reading.roles)
    roles.update(role for each in page.people.values() for role in each.called)
    after = replace(
        reading,
        url=page.next,
        pages=reading.pages + 1,
        listed=reading.listed + len(page.people),
        nameless=reading.nameless + page.nameless,
        roles=dict(roles.most_common(MAX_ROLES)),
    )
    is_over = after.url is None
    if is_over and after.pages > 1 and not after.is_second and _is_missed(tie_id, after, source):
        return Reading(
            began_at=reading.began_at,
            source=reading.source,
            url=first_page(source.client, source.url),
            is_second=True,
        )
    return after


def _is_missed(tie_id: int, reading: Reading, source: Source) -> bool:
    """Whether somebody who was on the course's list is not on it any more."""
    session = read_session()
    met = exists().where(
        CourseMember.course_id == source.course_id,
        CourseMember.person_id == RosterEntry.person_id,
        CourseMember.listed_at >= reading.began_at,
    )
    found = session.scalar(
        select(RosterEntry.id)
        .join(Person, Person.id == RosterEntry.person_id)
        .where(
            RosterEntry.tie_id == tie_id,
            RosterEntry.until_at.is_(None),
            Person.deactivated_at.is_(None),
            ~met,
        )
        .limit(1)
    )
    session.rollback()
    return found is not None


def _moved(tie_id: int, reading: Reading, after: Reading, *, stops: bool) -> Reading | None:
    """The reading, a page further; None when the next job goes on, or another has done so."""
    with transaction() as tx:
        tie = tx.session.get_one(RosterTie, tie_id, with_for_update=True)
        if tie.reading != reading.kept():
            return None
        tie.reading = after.kept()
        if not stops or after.url is None:
            return after
        if after.began_at <= clock.now() - LONGEST:
            raise ServiceError("time", 0, TOO_SLOW)
        tx.then(JobName.SYNC_ROSTER, tie_id)
        return None


def _keep(source: Source, page: Page, began_at: datetime) -> None:
    """Who learns is known here from now on, also before their first launch."""
    found = [each for each in page.people.values() if each.learns]
    for some in chunks(range(len(found)), AT_ONCE):
        with transaction() as tx:
            course = tx.session.get_one(LmsCourse, source.course_id)
            registration = tx.session.get_one(Registration, source.client.registration_id)
            for each in (found[index] for index in some):
                person_id = _admitted(tx, registration, each)
                if person_id is None:
                    continue
                known = join_course(
                    tx.session, course, person_id, each.subject, learns=True, now=clock.now()
                )
                known.roles = list(each.called)
                known.listed_at = max(known.listed_at or EARLIEST, began_at)


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
