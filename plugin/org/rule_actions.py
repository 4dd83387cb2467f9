"""Everything that changes launch rules: create, switch off, switch on."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.core.db import Tx
from plugin.core.secrets import new_token
from plugin.org import membership_sets
from plugin.org.errors import FieldError
from plugin.org.launch_rules import has_claim
from plugin.org.models import Membership, MembershipSource, Organization, Unit, UnitKind
from plugin.org.rule_models import LaunchClaim, LaunchRule, RuleSource
from plugin.org.rules import MAX_NAME

MAX_TEXT = 255


def create_rule(
    tx: Tx,
    organization_id: int,
    *,
    source: RuleSource,
    name: str,
    value: str | None = None,
    unit_kind: UnitKind | None = None,
    unit: Unit | None = None,
    by: int | None,
    now: datetime,
) -> LaunchRule:
    """Launches that say this fill the unit from now on; without a unit, the one of the ID code."""
    name, value = name.strip(), " ".join((value or "").split()) or None
    _check(source, name, value, unit_kind, unit)
    rule = LaunchRule(
        organization_id=organization_id,
        source=source,
        name=name,
        value=value if unit is not None else None,
        by_code=unit is None,
        unit_kind=unit.kind if unit is not None else unit_kind,
        unit_id=unit.id if unit is not None else None,
        is_active=True,
        created_at=now,
        created_by=by,
    )
    session = tx.session
    same = select(LaunchRule.id).where(
        LaunchRule.organization_id == organization_id,
        LaunchRule.source == source,
        LaunchRule.name == name,
        LaunchRule.value.is_not_distinct_from(rule.value),
        LaunchRule.unit_kind == rule.unit_kind,
        LaunchRule.unit_id.is_not_distinct_from(rule.unit_id),
    )
    if session.scalar(same.limit(1)) is not None:
        raise FieldError("name", _("There is such a rule already; switch it on if it is off."))
    session.add(rule)
    after = {
        "source": source.value,
        "name": name,
        "value": rule.value,
        "unit_kind": rule.unit_kind.value,
        "unit_id": rule.unit_id,
    }
    audit.record(session, "launch_rule.created", about=rule, by=by, now=now, after=after)
    _new_seal(session, organization_id)
    return rule


def _check(
    source: RuleSource, name: str, value: str | None, unit_kind: UnitKind | None, unit: Unit | None
) -> None:
    if not name or len(name) > MAX_TEXT:
        raise FieldError("name", _("Name what the launch says, in at most 255 characters."))
    if unit is None and (source is not RuleSource.CUSTOM or unit_kind is None):
        raise FieldError("unit_id", _("Choose the unit."))
    if unit is not None and unit.archived_at is not None:
        raise FieldError("unit_id", _("This unit is archived."))
    if unit is not None and source is RuleSource.CUSTOM and not value:
        raise FieldError("value", _("Say what the parameter must say for this unit."))
    if value and len(value) > MAX_NAME:
        raise FieldError("value", _("Use at most 200 characters."))


def switch_off(
    tx: Tx, rule: LaunchRule, *, ends_memberships: bool, by: int | None, now: datetime
) -> int:
    """Launches follow the rule no longer; what it gave stays, or ends now where nothing else says
    so. Returns how many memberships ended. Safe to call again.
    """
    session = tx.session
    session.refresh(rule, with_for_update=True)
    if not rule.is_active:
        return 0
    rule.is_active = False
    ended = _end_what_it_gave(session, rule, by=by, now=now) if ends_memberships else 0
    audit.record(
        session,
        "launch_rule.switched_off",
        about=rule,
        by=by,
        now=now,
        after={"ended": ended, "ends_memberships": ends_memberships},
    )
    _new_seal(session, rule.organization_id)
    return ended


def _end_what_it_gave(session: Session, rule: LaunchRule, *, by: int | None, now: datetime) -> int:
    units = set(
        session.scalars(
            update(LaunchClaim)
            .where(LaunchClaim.rule_id == rule.id, LaunchClaim.until_at.is_(None))
            .values(until_at=now)
            .returning(LaunchClaim.unit_id)
            .execution_options(synchronize_session=False)
        )
    )
    return membership_sets.end(
        session,
        rule.organization_id,
        Membership.unit_id.in_(units) & ~has_claim(),
        source=MembershipSource.LAUNCH,
        by=by,
        reason=f"launch rule {rule.id} switched off",
        now=now,
    )


def switch_on(tx: Tx, rule: LaunchRule, *, by: int | None, now: datetime) -> None:
    """Launches follow the rule again, from each person's next one on. Safe to call again."""
    tx.session.refresh(rule, with_for_update=True)
    if rule.is_active:
        return
    rule.is_active = True
    audit.record(tx.session, "launch_rule.switched_on", about=rule, by=by, now=now)
    _new_seal(tx.session, rule.organization_id)


def _new_seal(session: Session, organization_id: int) -> None:
    """Every launch is looked at anew; without a rule in use none is looked at."""
    session.flush()
    rules = select(LaunchRule.id).where(
        LaunchRule.organization_id == organization_id, LaunchRule.is_active
    )
    has_rules = session.scalar(rules.limit(1)) is not None
    session.execute(
        update(Organization)
        .where(Organization.id == organization_id)
        .values(rules_seal=new_token() if has_rules else None)
    )
