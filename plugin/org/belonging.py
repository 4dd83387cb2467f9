"""What a launch says about where a person belongs, by the rules of the organization (pure)."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

IN_COURSE = "context:"
"""Roles with this beginning hold in one course only."""
MIN_HELD = 5
HELD_SHARE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFacts:
    """A rule in use. Without `unit_id` the value said is the ID code of a unit of the kind."""

    id: int
    source: str
    name: str
    value: str | None
    unit_kind: str
    unit_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one launch says that a rule may look at."""

    custom: Mapping[str, str] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()
    course: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a launch says by one rule: in these units (or codes of units) of this context.

    What earlier launches said by the same rule in the same context no longer holds.
    """

    rule_id: int
    context: str = ""
    unit_id: int | None = None
    unit_kind: str = ""
    code: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it says: in no unit."""
        return self.unit_id is None and not self.code


def course_key(registration_id: int, deployment_id: str, context_id: str) -> str:
    """A course's own name among all LMSs: its id is unique only within the deployment."""
    return f"{registration_id}:{deployment_id}:{context_id}"


def statements(rules: Iterable[RuleFacts], said: Said) -> tuple[Statement, ...]:
    """What the launch says by each rule, in order; about a rule it is silent on, nothing."""
    found = (_statement(rule, said) for rule in sorted(rules, key=lambda rule: rule.id))
    return tuple(each for each in found if each is not None)


def _statement(rule: RuleFacts, said: Said) -> Statement | None:
    if rule.source == "custom":
        return _of_custom(rule, said)
    if rule.source == "role":
        return _of_role(rule, said)
    if said.course != rule.name:
        return None  # a launch from one course says nothing about another
    return Statement(rule_id=rule.id, unit_id=rule.unit_id)


def _of_custom(rule: RuleFacts, said: Said) -> Statement | None:
    """A parameter that was not sent says nothing; one that is empty or different says no."""
    if rule.name not in said.custom:
        return None
    value = " ".join(said.custom[rule.name].split())
    if rule.unit_id is None:
        return Statement(rule_id=rule.id, unit_kind=rule.unit_kind, code=value)
    is_meant = value == (rule.value or "")
    return Statement(rule_id=rule.id, unit_id=rule.unit_id if is_meant else None)


def _of_role(rule: RuleFacts, said: Said) -> Statement | None:
    """A role in a course is said by launches of that course; other roles by every launch."""
    is_in_course = rule.name.startswith(IN_COURSE)
    if is_in_course and said.course is None:
        return None
    return Statement(
        rule_id=rule.id,
        context=said.course or "" if is_in_course else "",
        unit_id=rule.unit_id if rule.name in said.roles else None,
    )


def is_asked_of_rosters(rule: RuleFacts) -> bool:
    """Whether a course's roster can say something by the rule: it knows parameters, its course and
    the roles in it; roles in the institution are for launches to say."""
    return rule.source != "role" or rule.name.startswith(IN_COURSE)


def seal(rules_seal: str, said: Sequence[Statement]) -> str:
    """Equal as long as rules and statements are: a launch with a known seal has nothing new."""
    told = [[each.rule_id, each.context, each.unit_id, each.code] for each in said]
    text = json.dumps([rules_seal, told], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def is_held(*, ends: int, memberships: int) -> bool:
    """Whether a sync ends more than a tenth, and at least five, of a unit's memberships."""
    return ends >= MIN_HELD and ends * HELD_SHARE > memberships
