"""Reads of what belongs to one learner; everything takes the organization."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Float,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from plugin.assign.facts import RowStatus
from plugin.assign.models import Configuration, ConfigurationRow, ConfigurationVersion
from plugin.assign.statement import in_force, is_active
from plugin.certs.models import Certificate, CertificateEvent, Edition
from plugin.certs.rules import EventFacts, EventKind
from plugin.classroom.queries import leads
from plugin.core.base import EnumText, Int, JsonDict, UTCDateTime
from plugin.dashboard.proofs import Paper
from plugin.dashboard.tiles import Attempt
from plugin.modules.models import Completion, CompletionSource, Module, Run, RunState
from plugin.modules.queries import is_withdrawal
from plugin.org.models import Membership, Person, Unit
from plugin.submissions.models import SubmissionState, SubmittedCertificate

CORRECTING = (CompletionSource.MANUAL, CompletionSource.LMS_GRADE)
"""Who takes back what was said: a person here, or a teacher by another grade in the LMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """Certificates by configuration; by module the last ended sitting, and what became of what was
    submitted in the open one."""

    papers: dict[int, Paper]
    attempts: dict[int, Attempt]
    submissions: dict[int, SubmissionState]
    leads_sessions: bool
    """Whether the person is the instructor of sessions."""


def belongings(session: Session, organization_id: int, person_id: int) -> Belongings:
    """What the person has of certificates, sittings and submissions, in one statement."""
    whose = {"organization_id": organization_id, "person_id": person_id}
    lines = session.execute(_belongings(), whose).all()
    events: dict[int, dict[int, EventFacts]] = defaultdict(dict)
    papers, attempts = {}, {}
    submissions: dict[int, SubmissionState] = {}
    leads_sessions = False
    for line in lines:
        if line.tag == "leads":
            leads_sessions = line.subject_id > 0
            continue
        if line.tag == "attempt":
            attempts[line.subject_id] = Attempt(
                run_id=line.run_id, state=RunState(line.state), score=line.score
            )
            continue
        if line.tag == "submission":
            if submissions.get(line.subject_id) is not SubmissionState.WAITING:
                submissions[line.subject_id] = SubmissionState(line.state)
            continue
        if line.event_id is not None:
            events[line.certificate_id][line.event_id] = EventFacts(
                kind=EventKind(line.state), at=line.moment
            )
        papers[line.subject_id] = Paper(
            certificate_id=line.certificate_id,
            credential_id=line.credential_id,
            events=tuple(events[line.certificate_id].values()),
            printed_edition=line.printed,
        )
    return Belongings(
        papers=papers,
        attempts=attempts,
        submissions=submissions,
        leads_sessions=leads_sessions,
    )


@cache
def _belongings() -> CompoundSelect[*tuple[Any, ...]]:
    """Built once: to build it costs more than to run it."""
    return union_all(_papers(), _attempts(), _submissions(), _leads())


def _papers() -> Select[*tuple[Any, ...]]:
    printed = (
        select(func.max(Edition.number))
        .where(Edition.certificate_id == Certificate.id, Edition.rendered_at.is_not(None))
        .correlate(Certificate)
        .scalar_subquery()
    )
    return (
        select(
            literal_column("'paper'", Text).label("tag"),
            Certificate.configuration_id.label("subject_id"),
            Certificate.id.label("certificate_id"),
            CertificateEvent.id.label("event_id"),
            printed.label("printed"),
            cast(CertificateEvent.kind, Text).label("state"),
            Certificate.credential_id.label("credential_id"),
            CertificateEvent.at.label("moment"),
            cast(null(), Float).label("score"),
            cast(null(), Int).label("run_id"),
        )
        .outerjoin(CertificateEvent, CertificateEvent.certificate_id == Certificate.id)
        .where(
            Certificate.organization_id == bindparam("organization_id"),
            Certificate.person_id == bindparam("person_id"),
        )
    )


def _attempts() -> Select[*tuple[Any, ...]]:
    later = aliased(Run)
    newest = (
        select(func.max(later.number))
        .where(
            later.person_id == Run.person_id,
            later.module_id == Run.module_id,
            later.state.in_((RunState.COMPLETED, RunState.FAILED)),
        )
        .correlate(Run)
        .scalar_subquery()
    )
    return select(
        literal_column("'attempt'", Text),
        Run.module_id,
        cast(null(), Int),
        cast(null(), Int),
        cast(null(), Int),
        cast(Run.state, Text),
        cast(null(), Text),
        cast(null(), UTCDateTime()),
        Run.score,
        Run.id,
    ).where(
        Run.organization_id == bindparam("organization_id"),
        Run.person_id == bindparam("person_id"),
        Run.number == newest,
    )


def _submissions() -> Select[*tuple[Any, ...]]:
    """Of open sittings; one that waits is the newest, for no other is taken while it does."""
    return (
        select(
            literal_column("'submission'", Text),
            SubmittedCertificate.module_id,
            cast(null(), Int),
            cast(null(), Int),
            cast(null(), Int),
            cast(SubmittedCertificate.state, Text),
            cast(null(), Text),
            cast(null(), UTCDateTime()),
            cast(null(), Float),
            cast(null(), Int),
        )
        .join(Run, Run.id == SubmittedCertificate.run_id)
        .where(
            SubmittedCertificate.organization_id == bindparam("organization_id"),
            SubmittedCertificate.person_id == bindparam("person_id"),
            SubmittedCertificate.state.in_((SubmissionState.WAITING, SubmissionState.REJECTED)),
            Run.state == RunState.OPEN,
        )
    )


def _leads() -> Select[*tuple[Any, ...]]:
    return select(
        literal_column("'leads'", Text),
        leads(bindparam("person_id")).scalar_subquery(),
        cast(null(), Int),
        cast(null(), Int),
        cast(null(), Int),
        cast(null(), Text),
        cast(null(), Text),
        cast(null(), UTCDateTime()),
        cast(null(), Float),
        cast(null(), Int),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One line of the history: a run, or a completion that came without one."""

    title: str
    at: datetime
    state: RunState | None
    passed: bool | None
    score: float | None
    source: CompletionSource | None
    evidence: JsonDict
    is_corrected: bool


def history(
    session: Session,
    organization_id: int,
    person_id: int,
    *,
    at: datetime,
    now: datetime,
    page: int,
    size: int,
) -> Sequence[Sitting]:
    """One page of what the person had done by `at`, newest first; one more says there is more.

    Modules that are hidden from the person now are not in it, whatever they were (domain §3.4).
    """
    own = union_all(
        _runs(organization_id, person_id, at), _other_completions(organization_id, person_id, at)
    ).subquery()
    rows = session.execute(
        select(own, Module.title)
        .join(Module, Module.id == own.c.module_id)
        .where(own.c.module_id.not_in(hidden_modules(organization_id, person_id, now)))
        .order_by(own.c.moment.desc(), own.c.id.desc())
        .offset((page - 1) * size)
        .limit(size + 1)
    )
    return [
        Sitting(
            title=row.title,
            at=row.moment,
            state=row.state,
            passed=row.passed,
            score=row.score,
            source=row.source,
            evidence=row.evidence or {},
            is_corrected=row.corrected_by is not None,
        )
        for row in rows
    ]


def hidden_modules(organization_id: int, person_id: int, now: datetime) -> Select[int]:
    """Ids of the modules that are hidden from the person: hidden somewhere and shown nowhere."""
    return select(Module.id).where(
        Module.organization_id == organization_id,
        Module.id.in_(_modules(organization_id, person_id, now, hidden=True)),
        Module.id.not_in(_modules(organization_id, person_id, now, hidden=False)),
    )


def _runs(organization_id: int, person_id: int, at: datetime) -> Select[*tuple[Any, ...]]:
    """Sittings as they stood: one that had not ended by then was in progress."""
    correction = aliased(Completion)
    had_ended = Run.ended_at <= at
    was_active = case((Run.last_activity_at <= at, Run.last_activity_at), else_=Run.started_at)
    return (
        select(
            Run.id.label("id"),
            Run.module_id.label("module_id"),
            type_coerce(case((had_ended, Run.ended_at), else_=was_active), UTCDateTime()).label(
                "moment"
            ),
            case(
                (Run.ended_at > at, literal(RunState.OPEN, EnumText(RunState))), else_=Run.state
            ).label("state"),
            Completion.passed.label("passed"),
            case(
                (Run.ended_at > at, null()), else_=func.coalesce(Run.score, Completion.score)
            ).label("score"),
            Completion.source.label("source"),
            Completion.evidence.label("evidence"),
            correction.id.label("corrected_by"),
        )
        .outerjoin(Completion, and_(Completion.run_id == Run.id, Completion.learned_at <= at))
        .outerjoin(correction, _corrects(correction, at))
        .where(
            Run.organization_id == organization_id,
            Run.person_id == person_id,
            Run.started_at <= at,
        )
    )


def _other_completions(
    organization_id: int, person_id: int, at: datetime
) -> Select[*tuple[Any, ...]]:
    correction = aliased(Completion)
    return (
        select(
            Completion.id,
            Completion.module_id,
            Completion.happened_at,
            cast(null(), EnumText(RunState)),
            Completion.passed,
            Completion.score,
            Completion.source,
            Completion.evidence,
            correction.id,
        )
        .outerjoin(correction, _corrects(correction, at))
        .where(
            Completion.organization_id == organization_id,
            Completion.person_id == person_id,
            Completion.learned_at <= at,
            Completion.run_id.is_(None),
            ~is_withdrawal(Completion),
            or_(correction.id.is_(None), ~is_withdrawal(correction)),
            or_(
                Completion.supersedes_id.is_(None),
                Completion.source.in_(CORRECTING),
            ),
        )
    )


def _corrects(correction: type[Completion], at: datetime) -> ColumnElement[bool]:
    """Somebody said otherwise by then; a better score of the same sitting is not a correction."""
    return and_(
        correction.supersedes_id == Completion.id,
        correction.source.in_(CORRECTING),
        correction.learned_at <= at,
    )


def _modules(organization_id: int, person_id: int, at: datetime, *, hidden: bool) -> Select[int]:
    """Ids of the modules that configurations covering the person hide, or show."""
    status = ConfigurationRow.status
    places = (
        select(Unit.id, Unit.region_id)
        .join(Membership, Membership.unit_id == Unit.id)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.person_id == person_id, is_active(at))
        .subquery()
    )
    return (
        select(ConfigurationRow.module_id)
        .join(ConfigurationVersion, ConfigurationVersion.id == ConfigurationRow.version_id)
        .join(Configuration, Configuration.id == ConfigurationVersion.configuration_id)
        .join(Unit, Unit.id == Configuration.unit_id)
        .where(
            Configuration.organization_id == organization_id,
            in_force(at),
            _is_open(Configuration.archived_at, at),
            _is_open(Unit.archived_at, at),
            or_(
                Unit.id.in_(select(places.c.id)),
                Unit.id.in_(select(places.c.region_id).where(places.c.region_id.is_not(None))),
            ),
            status == RowStatus.HIDDEN if hidden else status != RowStatus.HIDDEN,
        )
    )


def _is_open(
    archived_at: InstrumentedAttribute[datetime | None], at: datetime
) -> ColumnElement[bool]:
    return or_(archived_at.is_(None), archived_at > at)
