"""Publishing a training configuration: the next version, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin.assign import checking, queries, versions
from plugin.assign import draft as drafts
from plugin.assign.draft import CertificateWay, DraftRow
from plugin.assign.errors import DraftChangedError
from plugin.assign.facts import CertificateStart, RowFacts, TermFacts
from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationRow,
    ConfigurationVersion,
    RowTerm,
)
from plugin.assign.validity import end_of, local_date
from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.org.errors import FieldError

MAX_AHEAD = timedelta(days=731)
CLOCKS_DIFFER = timedelta(minutes=2)
"""A version published by a machine whose clock is ahead of ours is in force all the same."""


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
    checking.check_rows(session, configuration, rows)
    zone = queries.zone_of(session, configuration)
    effective_at = _effective_at(effect, zone, now)
    before = versions.version_at(session, configuration, effective_at + CLOCKS_DIFFER)
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
        rows=drafts.publish(
            versions.rows_of(before) if before else (),
            rows,
            now=effective_at,
            apply_to_existing=effect.apply_to_existing,
            grace_until=effect.grace_until,
            today=local_date(effective_at, zone),
        ),
        certificate_on=draft.certificate_on,
        certificate_start=drafts.certificate_start(
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
        before=_audited(before, versions.rows_of(before)) if before else None,
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
