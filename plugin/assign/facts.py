"""What the rules judge by: frozen facts, free of tables and of the clock."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from plugin.assign.spans import Span


class RowStatus(StrEnum):
    REQUIRED = "required"
    OPTIONAL = "optional"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermFacts:
    """Validity and pass mark for completions that happened from `applies_from` until before
    `applies_until`."""

    applies_from: datetime | None = None
    applies_until: datetime | None = None
    validity_months: int | None = None
    pass_mark: float | None = None

    def covers(self, moment: datetime) -> bool:
        """Whether a completion of that moment is judged by this term."""
        return (self.applies_from is None or self.applies_from <= moment) and (
            self.applies_until is None or moment < self.applies_until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraceFacts:
    """What a publish asks more than before binds only after `last_day`.

    Until then the `terms` that judged before still satisfy the row; without any, the row was not
    asked before and counts as satisfied.
    """

    last_day: date
    terms: tuple[TermFacts, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFacts:
    """One module in a version; `terms` cover all of time without a gap."""

    module_id: int
    position: int = 0
    status: RowStatus = RowStatus.REQUIRED
    due_days: int | None = None
    required_since: datetime | None = None
    terms: tuple[TermFacts, ...] = (TermFacts(),)
    grace: GraceFacts | None = None

    @property
    def newest_term(self) -> TermFacts:
        """The term that has no end: it judges what happens from now on."""
        return next(term for term in self.terms if term.applies_until is None)

    def term_at(self, moment: datetime) -> TermFacts:
        """The term that judges what happened at `moment`."""
        return term_at(self.terms, moment)


def term_at(terms: tuple[TermFacts, ...], moment: datetime) -> TermFacts:
    """The one of the terms that judges what happened at `moment`."""
    return next(term for term in terms if term.covers(moment))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionFacts:
    """A completion: `happened_at` dates it, `learned_at` is when we could first know.

    `valid_until_on`: the last day it counts by its own words, however long the row would give.
    `version_number`: the module's version it was made on, where that was kept.
    `silent`: history that was recorded without mail.
    """

    id: int
    module_id: int
    passed: bool = True
    score: float | None = None
    happened_at: datetime
    learned_at: datetime
    supersedes_id: int | None = None
    valid_until_on: date | None = None
    version_number: int | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingFacts:
    """What was decided of the version `number` of a module: from the day `from_on` on, what was
    learned with an older one proves nothing. None: the version is equivalent.

    The last decision of a version stands. `came_at`: when the version was there.
    """

    id: int
    module_id: int
    number: int
    came_at: datetime
    from_on: date | None
    decided_at: datetime

    @property
    def last_day(self) -> date:
        """The last day on which what was learned before counts."""
        return (self.from_on or date.max) - timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverFacts:
    """A row set aside through `until_on`, unless ended before."""

    module_id: int
    from_at: datetime
    until_on: date
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageFacts:
    """When the person was a member of the unit, by any source; spans may overlap."""

    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierVersion:
    """What a configuration asked before; in force until the next one's `effective_at`."""

    effective_at: datetime
    rows: tuple[RowFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStart:
    """How the certificate was switched on for those who had done everything before (domain §6.3).

    Proven before `mail_from`: a first edition without mail. Proven before `issue_from`: none.
    """

    mail_from: datetime | None = None
    issue_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFacts:
    """The version of a configuration in force; `earlier` ones newest first, without a gap."""

    configuration_id: int
    version_id: int
    number: int
    unit_id: int
    zone: str
    effective_at: datetime
    certificate_on: bool = True
    certificate_start: CertificateStart = CertificateStart()
    archived: bool = False
    rows: tuple[RowFacts, ...]
    earlier: tuple[EarlierVersion, ...] = ()

    @property
    def required(self) -> tuple[RowFacts, ...]:
        """The required rows, in order."""
        return required(self.rows)


def required(rows: tuple[RowFacts, ...]) -> tuple[RowFacts, ...]:
    """The rows a certificate rests on."""
    return tuple(row for row in rows if row.status is RowStatus.REQUIRED)
