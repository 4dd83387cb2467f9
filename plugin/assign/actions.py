"""Everything that changes training configurations."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session, selectinload

from plugin.assign import draft as drafting
from plugin.assign import queries
from plugin.assign.draft import DraftRow, Problem
from plugin.assign.errors import DraftChangedError, RowError
from plugin.assign.facts import RowFacts, TermFacts
from plugin.assign.models import (
    Configuration,
    ConfigurationDraft,
    ConfigurationRow,
    ConfigurationVersion,
    RowTerm,
)
from plugin.core import audit
from plugin.core.base import JsonDict
from plugin.core.db import Tx
from plugin.core.outbox import JobName
from plugin.org.errors import FieldError
from plugin.org.models import Unit
from plugin.org.rules import MAX_NAME


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
    _check(session, configuration, rows)
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


def publish(
    tx: Tx,
    configuration: Configuration,
    *,
    by: int | None,
    reason: str,
    apply_to_existing: bool,
    now: datetime,
    revision: int | None = None,
) -> ConfigurationVersion:
    """The draft becomes the next numbered version and is in force; people are judged by a job.

    With `revision`, refuses when the draft is no longer the one that was looked at; so a form
    sent twice publishes once.
    """
    if not reason.strip():
        raise FieldError("reason", _("Say why, in a few words. It is kept with the version."))
    draft = _lock(tx.session, configuration)
    if revision is not None and draft.revision != revision:
        raise DraftChangedError(configuration.id)
    rows = [DraftRow.from_json(row) for row in draft.rows]
    _check(tx.session, configuration, rows)
    before = published(tx.session, configuration)
    facts_before = rows_of(before) if before else ()
    now = max(now, before.effective_at) if before else now
    next_rows = drafting.publish(facts_before, rows, now=now, apply_to_existing=apply_to_existing)
    version = _add_version(
        tx.session, configuration, draft, next_rows, before=before, by=by, reason=reason, now=now
    )
    configuration.current_version_id = version.id
    draft.revision += 1
    audit.record(
        tx.session,
        "configuration.published",
        about=configuration,
        by=by,
        now=now,
        before=_audited(before, facts_before) if before else None,
        after=_audited(version, next_rows) | {"apply_to_existing": apply_to_existing},
        reason=version.reason,
    )
    tx.then(JobName.APPLY_VERSION, version.id, 0)
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
    """The newest version with its rows and their terms."""
    return session.scalar(
        select(ConfigurationVersion)
        .where(ConfigurationVersion.id == configuration.current_version_id)
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
            terms=tuple(
                TermFacts(
                    applies_from=term.applies_from,
                    applies_until=term.applies_until,
                    validity_months=term.validity_months,
                    pass_mark=term.pass_mark,
                )
                for term in row.terms
            ),
        )
        for row in version.rows
    )


def _add_version(
    session: Session,
    configuration: Configuration,
    draft: ConfigurationDraft,
    rows: Sequence[RowFacts],
    *,
    before: ConfigurationVersion | None,
    by: int | None,
    reason: str,
    now: datetime,
) -> ConfigurationVersion:
    version = ConfigurationVersion(
        organization_id=configuration.organization_id,
        configuration_id=configuration.id,
        number=before.number + 1 if before else 1,
        name=configuration.name,
        certificate_on=draft.certificate_on,
        published_at=now,
        published_by=by,
        reason=reason.strip(),
        effective_at=now,
    )
    session.add(version)
    session.flush()
    _add_rows(session, version, rows)
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
        )
        session.add(row)
        session.flush()
        session.add_all(
            RowTerm(
                organization_id=version.organization_id,
                row_id=row.id,
                applies_from=term.applies_from,
                applies_until=term.applies_until,
                validity_months=term.validity_months,
                pass_mark=term.pass_mark,
            )
            for term in facts.terms
        )
        session.flush()


def _check(session: Session, configuration: Configuration, rows: Sequence[DraftRow]) -> None:
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
