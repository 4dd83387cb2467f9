"""Changes how a module reads what its course reports."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy.orm import Session

from plugin.core import audit
from plugin.modules.models import Module
from plugin.scorm import queries
from plugin.scorm.models import ScormRules
from plugin.scorm.policy import Policy


def choose(session: Session, module: Module, policy: Policy, *, by: int, now: datetime) -> None:
    """From now on reports are read so; completions there are stay. Safe to call again."""
    before = queries.policy_of_module(session, module)
    if policy == before:
        return
    rules = session.get(ScormRules, module.id)
    if rules is None:
        rules = ScormRules(module_id=module.id, organization_id=module.organization_id)
        session.add(rules)
    rules.trusts_status, rules.pass_share = policy.trusts_status, policy.pass_share
    rules.never_set, rules.score_rule = policy.never_set, policy.score_rule
    rules.shares_objectives = policy.shares_objectives
    rules.weights = dict(policy.weights) or None
    audit.record(
        session,
        "module.results_changed",
        about=module,
        by=by,
        now=now,
        before=_told(before),
        after=_told(policy),
    )


def _told(policy: Policy) -> dict[str, object]:
    return {name: value if value is None else str(value) for name, value in asdict(policy).items()}
