"""The facts of any number of people, read in one statement and made ready for the rules."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from plugin.assign.facts import (
    CertificateStart,
    CompletionFacts,
    ConfigurationFacts,
    CoverageFacts,
    EarlierVersion,
    GraceFacts,
    RetrainingFacts,
    RowFacts,
    RowStatus,
    TermFacts,
    WaiverFacts,
)
from plugin.assign.spans import Span
from plugin.assign.standing import Standing, evaluate
from plugin.assign.statement import facts_statement

Line = Row[Any]


def _lists() -> dict[Any, Any]:
    return defaultdict(list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationLine:
    """What a page says of a configuration beside the facts the rules need."""

    name: str
    organization_name: str
    locale: str
    unit_id: int
    unit_name: str
    unit_kind: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleLine:
    """What a page says of a module."""

    id: int
    title: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """A sitting that can be continued."""

    id: int
    progress: float | None
    last_activity_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLine:
    """One version of a configuration: since when, and whether it promised a certificate."""

    id: int
    effective_at: datetime
    certificate_on: bool


@dataclass(slots=True)
class Facts:
    """Everything known of some people under some configurations at one moment."""

    at: datetime
    configurations: dict[int, ConfigurationFacts] = field(default_factory=dict)
    lines: dict[int, ConfigurationLine] = field(default_factory=dict)
    versions: dict[int, list[VersionLine]] = field(default_factory=dict)
    modules: dict[int, ModuleLine] = field(default_factory=dict)
    memberships: dict[int, list[tuple[frozenset[int], Span]]] = field(default_factory=_lists)
    completions: dict[int, list[CompletionFacts]] = field(default_factory=_lists)
    waivers: dict[tuple[int, int], list[WaiverFacts]] = field(default_factory=_lists)
    retrainings: list[RetrainingFacts] = field(default_factory=list)
    open_runs: dict[tuple[int, int], OpenRun] = field(default_factory=dict)
    silent: dict[int, list[tuple[frozenset[int], Span]]] = field(default_factory=_lists)
    recorded_at: datetime | None = None

    def standing(
        self, person_id: int, configuration_id: int, at: datetime | None = None
    ) -> Standing:
        """What the rules say of this person under this configuration."""
        configuration = self.configurations[configuration_id]
        spans = tuple(
            span
            for units, span in self.memberships.get(person_id, [])
            if configuration.unit_id in units
        )
        return evaluate(
            configuration,
            CoverageFacts(spans=spans),
            self.completions.get(person_id, []),
            self.waivers.get((person_id, configuration_id), []),
            self.retrainings,
            at=at or self.at,
        )

    def began_silently(self, person_id: int, configuration_id: int, at: datetime) -> bool:
        """Whether only memberships that began without mail cover the person at `at`."""
        unit_id = self.configurations[configuration_id].unit_id

        def covering(spans: list[tuple[frozenset[int], Span]]) -> int:
            return sum(unit_id in units and span.holds(at) for units, span in spans)

        silent = covering(self.silent.get(person_id, []))
        return silent > 0 and silent == covering(self.memberships.get(person_id, []))


def facts(
    session: Session,
    organization_id: int,
    *,
    person_ids: Sequence[int],
    configuration_ids: Sequence[int] | None = None,
    at: datetime,
    history: bool = True,
    runs: bool = False,
    past: bool = False,
) -> Facts:
    """What was true at `at` for these people, in one statement.

    Without `configuration_ids`: under every configuration that covers or once covered them.
    `history` adds the versions before the one in force; `runs` the sittings that are open. `past`:
    `at` is behind us, so what was changed in place since is taken as it was.
    """
    statement = facts_statement(
        names_configurations=configuration_ids is not None, history=history, runs=runs, past=past
    )
    known = {"organization_id": organization_id, "person_ids": list(person_ids), "at": at}
    if configuration_ids is not None:
        known["configuration_ids"] = list(configuration_ids)
    lines: dict[str, list[Line]] = defaultdict(list)
    for line in session.execute(statement, known):
        lines[line.tag].append(line)
    found = Facts(at=at)
    _add_configurations(found, lines["version"], lines["row"])
    _add_people(found, lines)
    return found


def _add_configurations(found: Facts, versions: Iterable[Line], rows: Iterable[Line]) -> None:
    rows_of = _rows_by_version(rows)
    by_configuration: dict[int, list[Line]] = defaultdict(list)
    for version in versions:
        by_configuration[version.a].append(version)
    for configuration_id, published in by_configuration.items():
        published.sort(key=lambda version: version.c)
        newest = published[-1]
        found.configurations[configuration_id] = ConfigurationFacts(
            configuration_id=configuration_id,
            version_id=newest.b,
            number=newest.c,
            unit_id=newest.d,
            zone=newest.s1,
            effective_at=newest.t1,
            certificate_on=newest.flag,
            certificate_start=CertificateStart(mail_from=newest.t4, issue_from=newest.t5),
            archived=any(each is not None and each <= found.at for each in (newest.t2, newest.t3)),
            rows=rows_of.get(newest.b, ()),
            earlier=_earlier(published, rows_of),
        )
        found.versions[configuration_id] = [
            VersionLine(id=each.b, effective_at=each.t1, certificate_on=each.flag)
            for each in published
        ]
        found.lines[configuration_id] = ConfigurationLine(
            name=newest.s4,
            organization_name=newest.s5,
            locale=newest.s6,
            unit_id=newest.d,
            unit_name=newest.s2,
            unit_kind=newest.s3,
            zone=newest.s1,
        )
    found.modules.update(
        (row.b, ModuleLine(id=row.b, title=row.s2, kind=row.s3, state=row.s4)) for row in rows
    )


def _earlier(
    published: Sequence[Line], rows_of: dict[int, tuple[RowFacts, ...]]
) -> tuple[EarlierVersion, ...]:
    """The versions before the newest that were ever in force, newest first; given by number."""
    earlier: list[EarlierVersion] = []
    until = published[-1].t1
    for version in reversed(published[:-1]):
        if version.t1 < until:
            earlier.append(EarlierVersion(effective_at=version.t1, rows=rows_of.get(version.b, ())))
            until = version.t1
    return tuple(earlier)


def _rows_by_version(lines: Iterable[Line]) -> dict[int, tuple[RowFacts, ...]]:
    by_row: dict[tuple[int, int], list[Line]] = defaultdict(list)
    for line in lines:
        by_row[line.a, line.b].append(line)
    by_version: dict[int, list[RowFacts]] = defaultdict(list)
    for (version_id, module_id), lines_of_row in by_row.items():
        first = lines_of_row[0]
        terms = [_term(line) for line in sorted(lines_of_row, key=lambda line: line.e)]
        before = tuple(term for term, in_grace in terms if in_grace)
        by_version[version_id].append(
            RowFacts(
                module_id=module_id,
                position=first.c,
                status=RowStatus(first.s1),
                due_days=first.d,
                required_since=first.t1,
                terms=tuple(term for term, in_grace in terms if not in_grace),
                grace=GraceFacts(last_day=first.day, terms=before) if first.day else None,
            )
        )
    return {version_id: tuple(rows) for version_id, rows in by_version.items()}


def _term(line: Line) -> tuple[TermFacts, bool]:
    """The term, and whether it is one of before that judges until the grace is over."""
    term = TermFacts(
        applies_from=line.t2, applies_until=line.t3, validity_months=line.f, pass_mark=line.x
    )
    return term, bool(line.flag)


def _add_people(found: Facts, lines: dict[str, list[Line]]) -> None:
    recorded: list[datetime] = []
    for line in lines["membership"]:
        until = min((each for each in (line.t2, line.t3, line.t4) if each), default=None)
        units = frozenset(each for each in (line.b, line.c) if each is not None)
        span = (units, Span(since=line.t1, until=until))
        found.memberships[line.a].append(span)
        if line.flag:
            found.silent[line.a].append(span)
        recorded.append(line.t5)
    for line in lines["completion"]:
        found.completions[line.a].append(
            CompletionFacts(
                id=line.c,
                module_id=line.b,
                passed=line.flag,
                score=line.x,
                happened_at=line.t1,
                learned_at=line.t2,
                supersedes_id=line.d,
                valid_until_on=line.day,
                version_number=line.f,
                silent=bool(line.e),
            )
        )
        recorded.append(line.t2)
    for line in lines["retraining"]:
        found.retrainings.append(
            RetrainingFacts(
                id=line.b,
                module_id=line.a,
                number=line.c,
                came_at=line.t1,
                from_on=line.day,
                decided_at=line.t2,
            )
        )
        recorded.append(line.t2)
    for line in lines["waiver"]:
        found.waivers[line.a, line.b].append(
            WaiverFacts(module_id=line.c, from_at=line.t1, until_on=line.day, ended_at=line.t2)
        )
    for line in lines["run"]:
        found.open_runs[line.a, line.b] = OpenRun(
            id=line.c, progress=line.x, last_activity_at=line.t1
        )
    found.recorded_at = max(recorded, default=None)
