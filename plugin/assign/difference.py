"""What differs between two states of a training configuration; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from plugin.assign.draft import DraftRow
from plugin.assign.facts import RowFacts


class What(StrEnum):
    """The kind of thing that differs."""

    ADDED = "added"
    REMOVED = "removed"
    STATUS = "status"
    VALIDITY = "validity_months"
    PASS_MARK = "pass_mark"  # noqa: S105 - the name of a field
    DUE = "due_days"
    ORDER = "order"
    CERTIFICATE = "certificate_on"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A configuration as a draft or a version has it."""

    name: str
    certificate_on: bool
    rows: tuple[DraftRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs; `module_id` is empty when it is about the whole configuration."""

    what: What
    module_id: int | None = None
    before: object = None
    after: object = None


def as_draft(rows: Sequence[RowFacts]) -> tuple[DraftRow, ...]:
    """The rows of a version as an admin would write them."""
    return tuple(
        DraftRow(
            module_id=row.module_id,
            status=row.status,
            validity_months=row.newest_term.validity_months,
            pass_mark=row.newest_term.pass_mark,
            due_days=row.due_days,
        )
        for row in sorted(rows, key=lambda row: row.position)
    )


def differences(before: State, after: State) -> tuple[Difference, ...]:
    """Everything that differs, the whole first, then module by module in the order of `after`."""
    found: list[Difference] = []
    if before.name != after.name:
        found.append(Difference(what=What.NAME, before=before.name, after=after.name))
    if before.certificate_on is not after.certificate_on:
        found.append(
            Difference(
                what=What.CERTIFICATE, before=before.certificate_on, after=after.certificate_on
            )
        )
    was = {row.module_id: row for row in before.rows}
    will = {row.module_id: row for row in after.rows}
    for row in after.rows:
        found += _of_row(was.get(row.module_id), row)
    found += [
        Difference(what=What.REMOVED, module_id=row.module_id, before=row)
        for row in before.rows
        if row.module_id not in will
    ]
    kept_before = [row.module_id for row in before.rows if row.module_id in will]
    kept_after = [row.module_id for row in after.rows if row.module_id in was]
    if kept_before != kept_after:
        found.append(Difference(what=What.ORDER, before=kept_before, after=kept_after))
    return tuple(found)


def _of_row(before: DraftRow | None, after: DraftRow) -> list[Difference]:
    if before is None:
        return [Difference(what=What.ADDED, module_id=after.module_id, after=after)]
    return [
        Difference(
            what=what,
            module_id=after.module_id,
            before=getattr(before, what.value),
            after=getattr(after, what.value),
        )
        for what in (What.STATUS, What.VALIDITY, What.PASS_MARK, What.DUE)
        if getattr(before, what.value) != getattr(after, what.value)
    ]
