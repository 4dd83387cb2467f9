"""A configuration being prepared, and what publishing makes of it; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from plugin.assign.facts import CertificateStart, GraceFacts, RowFacts, RowStatus, TermFacts

MAX_MONTHS = 240
MAX_DAYS = 3650


class Problem(StrEnum):
    """Why a row cannot be saved; the name of the field comes with it."""

    TWICE = "twice"
    MONTHS = "months"
    MARK = "mark"
    DAYS = "days"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """One module as an admin wants it. `pass_mark` is a share, 0 to 1."""

    module_id: int
    status: RowStatus = RowStatus.REQUIRED
    validity_months: int | None = None
    pass_mark: float | None = None
    due_days: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The row as it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "DraftRow":
        """The row that was stored."""
        return cls(**stored | {"status": RowStatus(stored["status"])})


def problems(rows: Sequence[DraftRow]) -> list[tuple[int, str, Problem]]:
    """What stands in the way of saving: (place in the list, field, why)."""
    found: list[tuple[int, str, Problem]] = []
    seen: set[int] = set()
    for place, row in enumerate(rows):
        if row.module_id in seen:
            found.append((place, "module_id", Problem.TWICE))
        seen.add(row.module_id)
        if row.validity_months is not None and not 1 <= row.validity_months <= MAX_MONTHS:
            found.append((place, "validity_months", Problem.MONTHS))
        if row.pass_mark is not None and not 0 <= row.pass_mark <= 1:
            found.append((place, "pass_mark", Problem.MARK))
        if row.due_days is not None and not 1 <= row.due_days <= MAX_DAYS:
            found.append((place, "due_days", Problem.DAYS))
    return found


def needs_required_row(rows: Iterable[DraftRow], *, certificate_on: bool) -> bool:
    """Whether the certificate is switched on though nothing is required (domain §9.11)."""
    return certificate_on and all(row.status is not RowStatus.REQUIRED for row in rows)


def publish(
    before: Iterable[RowFacts],
    rows: Sequence[DraftRow],
    *,
    now: datetime,
    apply_to_existing: bool,
    grace_until: date | None = None,
    today: date | None = None,
) -> tuple[RowFacts, ...]:
    """The rows of the next version, in force from `now`: earlier promises are carried over.

    A row required before keeps the moment it became so. A changed period or pass mark judges what
    happens from `now` on, unless it is to apply to existing completions too (domain §6.2). A row
    nobody could see promised nothing. What is asked more binds after `grace_until`, the last day
    of the grace; a grace that is not over by `today` is kept.
    """
    known = {row.module_id: row for row in before}
    return tuple(
        _next_row(
            known.get(row.module_id),
            row,
            place,
            now=now,
            apply_to_existing=apply_to_existing,
            grace_until=grace_until,
            today=today or now.date(),
        )
        for place, row in enumerate(rows)
    )


def _next_row(
    before: RowFacts | None,
    row: DraftRow,
    place: int,
    *,
    now: datetime,
    apply_to_existing: bool,
    grace_until: date | None,
    today: date,
) -> RowFacts:
    wanted = TermFacts(validity_months=row.validity_months, pass_mark=row.pass_mark)
    terms = _terms(None if apply_to_existing else before, wanted, now)
    return RowFacts(
        module_id=row.module_id,
        position=place,
        status=row.status,
        due_days=row.due_days,
        required_since=_required_since(before, row, now),
        terms=terms,
        grace=_grace(before, row, terms, grace_until=grace_until, today=today),
    )


def _grace(
    before: RowFacts | None,
    row: DraftRow,
    terms: tuple[TermFacts, ...],
    *,
    grace_until: date | None,
    today: date,
) -> GraceFacts | None:
    """The grace of a required row: the one this publish gives, else one that is not over."""
    if row.status is not RowStatus.REQUIRED:
        return None
    was_required = before is not None and before.status is RowStatus.REQUIRED
    if grace_until is not None and not was_required:
        return GraceFacts(last_day=grace_until)
    if grace_until is not None and before is not None and before.terms != terms:
        return GraceFacts(last_day=grace_until, terms=before.terms)
    if was_required and before is not None and before.grace is not None:
        return before.grace if before.grace.last_day >= today else None
    return None


class CertificateWay(StrEnum):
    """What switching the certificate on does for those who have done everything already."""

    MAIL = "mail"
    SILENT = "silent"
    FROM_NOW = "from_now"


def certificate_start(
    before: CertificateStart | None, way: CertificateWay, *, is_on: bool, now: datetime
) -> CertificateStart:
    """From when certificates are issued and mailed; `before` is given when it was on before."""
    if not is_on:
        return CertificateStart()
    if before is not None:
        return before
    return CertificateStart(
        mail_from=now if way is CertificateWay.SILENT else None,
        issue_from=now if way is CertificateWay.FROM_NOW else None,
    )


def _required_since(before: RowFacts | None, row: DraftRow, now: datetime) -> datetime | None:
    if row.status is not RowStatus.REQUIRED:
        return None
    return (before.required_since if before else None) or now


def _terms(before: RowFacts | None, wanted: TermFacts, now: datetime) -> tuple[TermFacts, ...]:
    if before is None or before.status is RowStatus.HIDDEN:
        return (wanted,)
    last = before.newest_term
    earlier = tuple(term for term in before.terms if term is not last)
    if (last.validity_months, last.pass_mark) == (wanted.validity_months, wanted.pass_mark):
        return before.terms
    return (*earlier, replace(last, applies_until=now), replace(wanted, applies_from=now))
