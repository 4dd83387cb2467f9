"""Reads of the published versions of a configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from plugin.assign.difference import Difference, State, as_draft, differences
from plugin.assign.errors import VersionNotFoundError
from plugin.assign.facts import GraceFacts, RowFacts, TermFacts
from plugin.assign.models import Configuration, ConfigurationRow, ConfigurationVersion
from plugin.assign.statement import in_force
from plugin.org.models import Person

_WITH_ROWS = selectinload(ConfigurationVersion.rows).selectinload(ConfigurationRow.terms)


def newest(session: Session, configuration: Configuration) -> ConfigurationVersion | None:
    """The newest version with its rows and their terms; perhaps not in force yet."""
    return session.scalar(
        select(ConfigurationVersion)
        .where(ConfigurationVersion.id == configuration.current_version_id)
        .options(_WITH_ROWS)
    )


def version_at(
    session: Session, configuration: Configuration, at: datetime
) -> ConfigurationVersion | None:
    """The version in force at `at` with its rows and their terms."""
    return session.scalar(
        select(ConfigurationVersion)
        .where(ConfigurationVersion.configuration_id == configuration.id, in_force(at))
        .options(_WITH_ROWS)
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


def state_of(version: ConfigurationVersion) -> State:
    """What the version said, as an admin would write it."""
    return State(
        name=version.name,
        certificate_on=version.certificate_on,
        rows=as_draft(rows_of(version)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEntry:
    """A version in the history: who, when, why, and what it changed."""

    version: ConfigurationVersion
    author: str | None
    is_in_force: bool
    changes: tuple[Difference, ...]


def history(
    session: Session, configuration: Configuration, at: datetime, *, offset: int, limit: int
) -> tuple[Sequence[VersionEntry], int]:
    """Some versions, newest first, each beside the one before it, and how many there are."""
    of_this = ConfigurationVersion.configuration_id == configuration.id
    total = session.scalar(select(func.count()).select_from(ConfigurationVersion).where(of_this))
    lines = session.execute(
        select(ConfigurationVersion, Person.full_name)
        .outerjoin(Person, Person.id == ConfigurationVersion.published_by)
        .where(of_this)
        .options(_WITH_ROWS)
        .order_by(ConfigurationVersion.number.desc())
        .offset(offset)
        .limit(limit + 1)
    ).all()
    current = session.scalar(select(ConfigurationVersion.id).where(of_this, in_force(at)))
    nothing = State(name=configuration.name, certificate_on=False, rows=())
    states = [*(state_of(line[0]) for line in lines), nothing]
    entries = [
        VersionEntry(
            version=version,
            author=author,
            is_in_force=version.id == current,
            changes=differences(states[place + 1], states[place]),
        )
        for place, (version, author) in enumerate(lines[:limit])
    ]
    return entries, total or 0


def version_of(session: Session, configuration: Configuration, number: int) -> ConfigurationVersion:
    """One version with its rows, or the refusal."""
    found = session.scalar(
        select(ConfigurationVersion)
        .where(
            ConfigurationVersion.configuration_id == configuration.id,
            ConfigurationVersion.number == number,
        )
        .options(_WITH_ROWS)
    )
    if found is None:
        raise VersionNotFoundError(number)
    return found
