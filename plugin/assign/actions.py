"""Everything that changes training configurations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, selectinload

from plugin.assign import draft as drafting
from plugin.assign import queries
from plugin.assign.draft import CertificateWay, DraftRow, Problem
from plugin.assign.errors import DraftChangedError, RowError
from plugin.assign.facts import CertificateStart, GraceFacts, RowFacts, TermFacts
from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationRow,
    ConfigurationVersion,
    RowTerm,
)
from plugin.assign.statement import in_force
from plugin.assign.validity import end_of, local_date
from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.org.errors import FieldError
from plugin.org.models import Unit
from plugin.org.rules import MAX_NAME

MAX_AHEAD = timedelta(days=731)
CLOCKS_DIFFER = timedelta(minutes=2)
"""A version published by a machine whose clock is ahead of ours is in force all the same."""


def create_configuration(
    session: Session, unit: Unit, *, name: str, by: int | None, now: datetime
) -> Configuration:
    """A new, empty configuration of the unit, with a draft to fill; it asks nothing yet."""
    tidy = " ".join(name.split())
    if not tidy:
        raise FieldError("name", _("Give the training a name."))
    if len(tidy) > MAX_NAME:
        raise FieldError("name", _("Use at most %(number)d characters.", number=MAX_NAME))
    configuration = Configuration(
        organization_id=unit.organization_id, unit_id=unit.id, name=tidy, created_at=now
    )
    session.add(configuration)
    session.flush()
    session.add(
        ConfigurationDraft(
            organization_id=unit.organization_id,
            configuration_id=configuration.id,
            rows=[],
            certificate_on=False,
            revision=1,
            updated_at=now,
            updated_by=by,
        )
    )
    audit.record(
        session, "configuration.created", about=configuration, by=by, now=now, after={"name": tidy}
    )
    return configuration


def save_draft(
    session: Session,
    configuration: Configuration,
    rows: Sequence[DraftRow],
    *,
    certificate_on: bool,
    revision: int,
    by: int | None,
    now: datetime,
) -> int:
    """The draft is what was given; the answer is its new revision.

    Refuses when somebody else changed it since `revision`, and rows that make no sense.
    """
    check_rows(session, configuration, rows)
    saved: int | None = session.scalar(
        update(ConfigurationDraft)
        .where(
            ConfigurationDraft.configuration_id == configuration.id,
            ConfigurationDraft.revision == revision,
        )
        .values(
            rows=[row.as_json() for row in rows],
            certificate_on=certificate_on,
            revision=revision + 1,
            updated_at=now,
            updated_by=by,
        )
        .returning(ConfigurationDraft.revision)
    )
    if saved is None:
        raise DraftChangedError(configuration.id)
    return saved


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """When and for what a publish counts (domain §6.2, §6.3).

    At once, or from the first moment of `effective_on` in the unit's zone. What is asked more
    binds after `grace_until`, if given.
    """

    effective_on: date | None = None
    grace_until: date | None = None
    apply_to_existing: bool = False
    certificates: CertificateWay = CertificateWay.MAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class NextVersion:
    """What publishing the draft would put in force: shown in the impact, then written."""

    effective_at: datetime
    zone: str
    rows: tuple[RowFacts, ...]
    certificate_on: bool
    certificate_start: CertificateStart
    before: ConfigurationVersion | None


def next_version(
    session: Session,
    configuration: Configuration,
    draft: ConfigurationDraft,
    effect: Effect,
    *,
    now: datetime,
) -> NextVersion:
    """What the draft and the effect make of the version then in force. Writes nothing."""
    rows = [DraftRow.from_json(row) for row in draft.rows]
    check_rows(session, configuration, rows)
    zone = queries.zone_of(session, configuration)
    effective_at = _effective_at(effect, zone, now)
    before = version_at(session, configuration, effective_at + CLOCKS_DIFFER)
    if before is not None:
        effective_at = max(effective_at, before.effective_at)
    _check_effect(effect, zone, now, is_first=before is None)
    start = (
        CertificateStart(mail_from=before.mail_from_at, issue_from=before.issue_from_at)
        if before is not None and before.certificate_on
        else None
    )
    return NextVersion(
        effective_at=effective_at,
        zone=zone,
        rows=drafting.publish(
            rows_of(before) if before else (),
            rows,
            now=effective_at,
            apply_to_existing=effect.apply_to_existing,
            grace_until=effect.grace_until,
            today=local_date(effective_at, zone),
        ),
        certificate_on=draft.certificate_on,
        certificate_start=drafting.certificate_start(
            start, effect.certificates, is_on=draft.certificate_on, now=effective_at
        ),
        before=before,
    )


def _effective_at(effect: Effect, zone: str, now: datetime) -> datetime:
    if effect.effective_on is None:
        return now
    return max(now, end_of(effect.effective_on - timedelta(days=1), zone))


def _check_effect(effect: Effect, zone: str, now: datetime, *, is_first: bool) -> None:
    today = local_date(now, zone)
    latest = today + MAX_AHEAD
    if effect.effective_on is not None and not today < effect.effective_on <= latest:
        raise FieldError("effective_on", _("Choose a day after today, at most two years ahead."))
    if effect.grace_until is None:
        return
    if is_first:
        raise FieldError(
            "grace_until",
            _("There is no earlier version to be lenient about. Choose now or a date."),
        )
    if effect.effective_on is not None:
        raise FieldError("grace_until", _("Choose either a date or a grace, not both."))
    if not today <= effect.grace_until <= latest:
        raise FieldError("grace_until", _("Choose today or a later day, at most two years ahead."))


def publish(
    tx: Tx,
    configuration: Configuration,
    *,
    by: int | None,
    reason: str,
    apply_to_existing: bool = False,
    effect: Effect | None = None,
    now: datetime,
    revision: int | None = None,
) -> ConfigurationVersion:
    """The draft becomes the next numbered version; from its effect on people are judged by a job.

    With `revision`, refuses when the draft is no longer the one that was looked at; so a form
    sent twice publishes once. It replaces a version that was to take effect later.
    """
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words. It is kept with the version."))
    draft = _lock(tx.session, configuration)
    if revision is not None and draft.revision != revision:
        raise DraftChangedError(configuration.id)
    effect = effect or Effect(apply_to_existing=apply_to_existing)
    coming = next_version(tx.session, configuration, draft, effect, now=now)
    version = _add_version(tx.session, configuration, coming, effect, by=by, reason=reason, now=now)
    configuration.current_version_id = version.id
    draft.revision += 1
    before = coming.before
    audit.record(
        tx.session,
        "configuration.published",
        about=configuration,
        by=by,
        now=now,
        before=_audited(before, rows_of(before)) if before else None,
        after=_audited(version, coming.rows) | _audited_effect(version),
        reason=version.reason,
    )
    tx.then(JobName.APPLY_VERSION, version.id, 0, due_at=version.effective_at)
    return version


def _lock(session: Session, configuration: Configuration) -> ConfigurationDraft:
    """One publish at a time; the configuration and its draft as they are now."""
    session.refresh(configuration, with_for_update=True)
    return session.scalars(
        select(ConfigurationDraft)
        .where(ConfigurationDraft.configuration_id == configuration.id)
        .execution_options(populate_existing=True)
    ).one()


def published(session: Session, configuration: Configuration) -> ConfigurationVersion | None:
    """The newest version with its rows and their terms; perhaps not in force yet."""
    return session.scalar(
        select(ConfigurationVersion)
        .where(ConfigurationVersion.id == configuration.current_version_id)
        .options(selectinload(ConfigurationVersion.rows).selectinload(ConfigurationRow.terms))
    )


def version_at(
    session: Session, configuration: Configuration, at: datetime
) -> ConfigurationVersion | None:
    """The version in force at `at` with its rows and their terms."""
    return session.scalar(
        select(ConfigurationVersion)
        .where(ConfigurationVersion.configuration_id == configuration.id, in_force(at))
        .options(selectinload(ConfigurationVersion.rows).selectinload(ConfigurationRow.terms))
    )


def rows_of(version: ConfigurationVersion) -> tuple[RowFacts, ...]:
    """All rows of a loaded version, the hidden ones too."""
    return tuple(
        RowFacts(
            module_id=row.module_id,
            position=row.position,
            status=row.status,
            due_days=row.due_days,
            required_since=row.required_since_at,
            terms=_terms_of(row, in_grace=False),
            grace=(
                GraceFacts(last_day=row.grace_until, terms=_terms_of(row, in_grace=True))
                if row.grace_until
                else None
            ),
        )
        for row in version.rows
    )


def _terms_of(row: ConfigurationRow, *, in_grace: bool) -> tuple[TermFacts, ...]:
    return tuple(
        TermFacts(
            applies_from=term.applies_from,
            applies_until=term.applies_until,
            validity_months=term.validity_months,
            pass_mark=term.pass_mark,
        )
        for term in row.terms
        if term.in_grace is in_grace
    )


def _add_version(
    session: Session,
    configuration: Configuration,
    coming: NextVersion,
    effect: Effect,
    *,
    by: int | None,
    reason: str,
    now: datetime,
) -> ConfigurationVersion:
    last = session.scalar(
        select(func.max(ConfigurationVersion.number)).where(
            ConfigurationVersion.configuration_id == configuration.id
        )
    )
    version = ConfigurationVersion(
        organization_id=configuration.organization_id,
        configuration_id=configuration.id,
        number=(last or 0) + 1,
        name=configuration.name,
        certificate_on=coming.certificate_on,
        published_at=now,
        published_by=by,
        reason=reason.strip(),
        effective_at=coming.effective_at,
        grace_until=effect.grace_until,
        apply_to_existing=effect.apply_to_existing,
        mail_from_at=coming.certificate_start.mail_from,
        issue_from_at=coming.certificate_start.issue_from,
    )
    session.add(version)
    session.flush()
    _add_rows(session, version, coming.rows)
    return version


def _add_rows(session: Session, version: ConfigurationVersion, rows: Sequence[RowFacts]) -> None:
    for facts in rows:
        row = ConfigurationRow(
            organization_id=version.organization_id,
            version_id=version.id,
            module_id=facts.module_id,
            position=facts.position,
            status=facts.status,
            due_days=facts.due_days,
            required_since_at=facts.required_since,
            grace_until=facts.grace.last_day if facts.grace else None,
        )
        session.add(row)
        session.flush()
        session.add_all(_terms_to_keep(row, facts.terms, in_grace=False))
        if facts.grace:
            session.add_all(_terms_to_keep(row, facts.grace.terms, in_grace=True))
        session.flush()


def _terms_to_keep(
    row: ConfigurationRow, terms: Sequence[TermFacts], *, in_grace: bool
) -> list[RowTerm]:
    return [
        RowTerm(
            organization_id=row.organization_id,
            row_id=row.id,
            applies_from=term.applies_from,
            applies_until=term.applies_until,
            validity_months=term.validity_months,
            pass_mark=term.pass_mark,
            in_grace=in_grace,
        )
        for term in terms
    ]


def check_rows(session: Session, configuration: Configuration, rows: Sequence[DraftRow]) -> None:
    """Refuses rows that make no sense, with the place, the field and why."""
    sentences = {
        Problem.TWICE: _("This module is in the list already."),
        Problem.MONTHS: _("Use 1 to %(most)d months, or leave it empty.", most=drafting.MAX_MONTHS),
        Problem.MARK: _("Use 0 to 100 percent, or leave it empty."),
        Problem.DAYS: _("Use 1 to %(most)d days, or leave it empty.", most=drafting.MAX_DAYS),
    }
    for place, field, problem in drafting.problems(rows):
        raise RowError(place, field, sentences[problem])
    before = published(session, configuration)
    known = [row.module_id for row in before.rows] if before else []
    allowed = {
        module.id
        for module in queries.modules_to_assign(session, configuration.organization_id, also=known)
    }
    for place, row in enumerate(rows):
        if row.module_id not in allowed:
            raise RowError(place, "module_id", _("This module is not published."))


def _audited_effect(version: ConfigurationVersion) -> JsonDict:
    return {
        "effective_at": version.effective_at.isoformat(),
        "grace_until": version.grace_until.isoformat() if version.grace_until else None,
        "apply_to_existing": version.apply_to_existing,
        "mail_from_at": version.mail_from_at.isoformat() if version.mail_from_at else None,
        "issue_from_at": version.issue_from_at.isoformat() if version.issue_from_at else None,
    }


def _audited(version: ConfigurationVersion, rows: Sequence[RowFacts]) -> JsonDict:
    return {
        "version": version.number,
        "certificate_on": version.certificate_on,
        "rows": [
            {
                "module_id": row.module_id,
                "status": row.status,
                "validity_months": row.newest_term.validity_months,
                "pass_mark": row.newest_term.pass_mark,
                "due_days": row.due_days,
            }
            for row in rows
        ],
    }
