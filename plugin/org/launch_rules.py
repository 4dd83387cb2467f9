"""What a launch says of units becomes so: claims, and memberships with source `launch`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from plugin.core.db import Tx
from plugin.org import actions
from plugin.org.belonging import RuleFacts, Said, Statement, seal, statements
from plugin.org.models import Identity, Membership, MembershipSource, Person, Unit
from plugin.org.rule_models import LaunchClaim, LaunchRule, UnknownCode
from plugin.org.rules import MAX_NAME

KEPT_RULES = 256
_rules: dict[str, tuple[RuleFacts, ...]] = {}
"""The rules of organizations by their seal, which changes with them; shared by all requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a launch says by the rules. Without a seal there are no rules and nothing is said."""

    statements: tuple[Statement, ...] = ()
    seal: str | None = None


def news_of(session: Session, organization_id: int, rules_seal: str | None, said: Said) -> News:
    """What the launch says by the organization's rules; one statement when they are new here."""
    if rules_seal is None:
        return News()
    rules = _rules.get(rules_seal)
    if rules is None:
        rules = active_rules(session, organization_id)
        if len(_rules) >= KEPT_RULES:
            _rules.clear()
        _rules[rules_seal] = rules
    found = statements(rules, said)
    return News(statements=found, seal=seal(rules_seal, found))


def active_rules(session: Session, organization_id: int) -> tuple[RuleFacts, ...]:
    """The organization's rules in use."""
    rows = session.execute(
        select(
            LaunchRule.id,
            LaunchRule.source,
            LaunchRule.name,
            LaunchRule.value,
            LaunchRule.unit_kind,
            LaunchRule.unit_id,
        ).where(LaunchRule.organization_id == organization_id, LaunchRule.is_active)
    )
    return tuple(
        RuleFacts(
            id=row.id,
            source=row.source,
            name=row.name,
            value=row.value,
            unit_kind=row.unit_kind,
            unit_id=row.unit_id,
        )
        for row in rows
    )


def follow(
    session: Session,
    person: Person,
    news: News,
    *,
    issuer: str,
    client_id: str,
    subject: str,
    now: datetime,
) -> None:
    """The person is in the units this launch says, and no longer where only it said so before.

    A code that no unit has changes nothing; it is noted for the admins, and the next launch is
    looked at again.
    """
    if news.seal is None:
        return
    identity = session.scalars(
        select(Identity)
        .where(
            Identity.issuer == issuer,
            Identity.client_id == client_id,
            Identity.subject == subject,
        )
        .with_for_update()
    ).one()
    if identity.said_seal == news.seal:
        return
    resolved, unknown = resolve(session, person.organization_id, news.statements)
    lost = _claim(session, identity, resolved, now=now)
    tx = Tx(session)
    for unit in {unit.id: unit for _said, unit in resolved if unit is not None}.values():
        actions.add_member(tx, unit, person, source=MembershipSource.LAUNCH, by=None, now=now)
    for membership in _without_claim(session, person, lost):
        actions.end_membership(tx, membership, by=None, now=now)
    for each in unknown:
        note_unknown(session, person.organization_id, each, now=now)
    identity.said_seal = None if unknown else news.seal


Resolved = Sequence[tuple[Statement, Unit | None]]
"""Statements with the unit they name; None: they say that it is none."""


def resolve(
    session: Session, organization_id: int, said: Sequence[Statement]
) -> tuple[Resolved, Sequence[Statement]]:
    """The statements whose unit is known and in use, and those with a code nobody has."""
    ids = {each.unit_id for each in said if each.unit_id is not None}
    codes = {each.code for each in said if each.code}
    units: Sequence[Unit] = ()
    if ids or codes:
        units = session.scalars(
            select(Unit).where(
                Unit.organization_id == organization_id,
                Unit.archived_at.is_(None),
                or_(Unit.id.in_(ids), Unit.id_code.in_(codes)),
            )
        ).all()
    by_id = {unit.id: unit for unit in units}
    by_code = {(unit.kind.value, unit.id_code): unit for unit in units}
    resolved: list[tuple[Statement, Unit | None]] = []
    unknown = []
    for each in said:
        unit = (
            by_code.get((each.unit_kind, each.code)) if each.code else by_id.get(each.unit_id or 0)
        )
        if unit is not None or each.is_empty:
            resolved.append((each, unit))
        elif each.code:
            unknown.append(each)
    return resolved, unknown


def _claim(
    session: Session, identity: Identity, resolved: Resolved, *, now: datetime
) -> frozenset[int]:
    """The identity's open claims are what these statements say; units some ended in."""
    rows = session.scalars(
        select(LaunchClaim).where(
            LaunchClaim.identity_id == identity.id, LaunchClaim.until_at.is_(None)
        )
    ).all()
    lost = set()
    for said, unit in resolved:
        mine = [row for row in rows if (row.rule_id, row.context) == (said.rule_id, said.context)]
        for row in mine:
            if unit is None or row.unit_id != unit.id:
                row.until_at = now
                lost.add(row.unit_id)
        if unit is not None and unit.id not in {row.unit_id for row in mine}:
            session.add(
                LaunchClaim(
                    organization_id=identity.organization_id,
                    rule_id=said.rule_id,
                    identity_id=identity.id,
                    unit_id=unit.id,
                    context=said.context,
                    since_at=now,
                )
            )
    session.flush()
    return frozenset(lost)


def _without_claim(
    session: Session, person: Person, unit_ids: frozenset[int]
) -> Sequence[Membership]:
    """The person's open memberships by launch in these units that no claim speaks for now."""
    if not unit_ids:
        return ()
    return session.scalars(
        select(Membership).where(
            Membership.organization_id == person.organization_id,
            Membership.person_id == person.id,
            Membership.unit_id.in_(unit_ids),
            Membership.source == MembershipSource.LAUNCH,
            Membership.until_at.is_(None),
            ~has_claim(),
        )
    ).all()


def has_claim() -> ColumnElement[bool]:
    """Some open claim speaks for the membership in question."""
    return exists().where(
        LaunchClaim.unit_id == Membership.unit_id,
        LaunchClaim.until_at.is_(None),
        LaunchClaim.identity_id == Identity.id,
        Identity.person_id == Membership.person_id,
    )


def note_unknown(session: Session, organization_id: int, said: Statement, *, now: datetime) -> None:
    """Somebody named a code that no unit in use has; admins see it."""
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    build: Any = postgresql.insert if is_postgresql else sqlite.insert
    statement = build(UnknownCode).values(
        organization_id=organization_id,
        rule_id=said.rule_id,
        code=said.code[:MAX_NAME],
        launches=1,
        last_seen_at=now,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["rule_id", "code"],
            set_={"launches": UnknownCode.launches + 1, "last_seen_at": now},
        )
    )
