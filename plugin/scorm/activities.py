"""A SCORM 2004 course as the browser's sequencing engine wants it. Pure (SCORM 2004 SN; IMS SS).

Activities get short names of our own (`a0` is the course): identifiers of manifests hold characters
the engine does not take in its navigation requests.
"""

import re
from collections.abc import Iterator
from typing import Any

from plugin.scorm import scos
from plugin.scorm.document import is_true
from plugin.scorm.editions import Version
from plugin.scorm.manifest import Item, Manifest, Threshold
from plugin.scorm.objectives import measure, named, objectives_of, written

Plain = dict[str, Any]
CONTROLS = {
    "choice": True,
    "choiceExit": True,
    "flow": False,
    "forwardOnly": False,
    "useCurrentAttemptObjectiveInfo": True,
    "useCurrentAttemptProgressInfo": True,
}
ROLLUP = {"rollupObjectiveSatisfied": True, "rollupProgressCompletion": True}
DELIVERY = {"tracked": True, "completionSetByContent": False, "objectiveSetByContent": False}
CONSTRAINED = {"preventActivation": False, "constrainChoice": False}
CONSIDERATIONS = (
    "requiredForSatisfied",
    "requiredForNotSatisfied",
    "requiredForCompleted",
    "requiredForIncomplete",
)
WHOLE = 100.0
_COUNT = re.compile(r"[0-9]{1,9}")
MINDED = {"stopForwardTraversal": "stop", "hiddenFromChoice": "hide"}
"""What rules are called in the tree that `static/scorm/choice.js` minds, not the engine."""
_ROLLUP_CONDITIONS = {"activityProgressKnown": "progressKnown"}


def tree_of(manifest: Manifest) -> Plain:
    """The whole course as one activity with its children; pass it on as it is."""
    names = names_of(manifest)
    root = _sequenced(manifest.sequencing or {}, "a0", is_leaf=False)
    root.update(id="a0", identifier=manifest.organization, title=manifest.title, shown=True)
    root["children"] = [_activity(item, names, manifest.version) for item in manifest.items]
    return root


def names_of(manifest: Manifest) -> dict[str, str]:
    """The engine's name of every item, by its identifier."""
    items = (item for top in manifest.items for item in top.walk())
    return {item.identifier: f"a{number}" for number, item in enumerate(items, start=1)}


def scaled_passing_score(item: Item) -> str:
    """What `cmi.scaled_passing_score` says: the primary objective's measure, when that decides."""
    primary = first(first(item.sequencing or {}, "objectives"), "primaryObjective")
    if not is_true(primary.get("satisfiedByMeasure"), default=False):
        return ""
    return written(first(primary, "minNormalizedMeasure").get("text"))


def completion_threshold(item: Item) -> str:
    """What `cmi.completion_threshold` says; nothing when progress does not decide."""
    threshold = item.threshold
    if threshold is None or not threshold.by_measure:
        return ""
    return written(threshold.min_measure)


def duration_limit(item: Item) -> str:
    """What `cmi.max_time_allowed` says. Only content is told; the engine does not end parts."""
    limits = first(item.sequencing or {}, "limitConditions")
    return str(limits.get("attemptAbsoluteDurationLimit", ""))


def has_own_rollup(tree: Plain) -> bool:
    """Whether the course says itself when it is complete, so that its parts alone do not."""
    own = ("rollupRules", "rollupConsiderations", "completionThreshold")
    changed = any(tree["sequencingControls"].get(name) != value for name, value in ROLLUP.items())
    return (
        changed
        or any(tree.get(name) for name in own)
        or any(has_own_rollup(child) for child in tree.get("children", []))
    )


def first(plain: Plain, name: str) -> Plain:
    """The first child element of this name; empty when there is none."""
    found = plain.get(name)
    return found[0] if isinstance(found, list) and found else {}


def every(plain: Plain, name: str) -> list[Plain]:
    found = plain.get(name)
    return found if isinstance(found, list) else []


def number(value: object, *, default: float) -> float:
    """The number a value is; what is none, or none that can be stored, is the default."""
    found = scos.number(value)
    return default if found is None else found


def count(value: object) -> int | None:
    """How many a value says; None when it does not say."""
    text = str(value)
    return int(text) if _COUNT.fullmatch(text) else None


def _activity(item: Item, names: dict[str, str], version: Version) -> Plain:
    name = names[item.identifier]
    activity = _sequenced(item.sequencing or {}, name, is_leaf=not item.children)
    activity.update(id=name, identifier=item.identifier, title=item.title, shown=item.is_visible)
    if item.threshold is not None and version is Version.SCORM_2004_4TH:
        activity["completionThreshold"] = _threshold(item.threshold)
    if item.hidden_controls:
        activity["hideLmsUi"] = list(item.hidden_controls)
    if item.shared_data:
        activity["sharedDataMaps"] = [_shared(each) for each in item.shared_data]
    if item.children:
        activity["children"] = [_activity(each, names, version) for each in item.children]
    return activity


def _threshold(threshold: Threshold) -> Plain:
    return {
        "completedByMeasure": threshold.by_measure,
        "minProgressMeasure": measure(threshold.min_measure),
        "progressWeight": number(threshold.weight, default=1.0),
    }


def _shared(found: dict[str, str]) -> Plain:
    return {
        "targetID": found["targetID"],
        "readSharedData": is_true(found["readSharedData"], default=True),
        "writeSharedData": is_true(found["writeSharedData"], default=True),
    }


def _sequenced(plain: Plain, name: str, *, is_leaf: bool) -> Plain:
    activity: Plain = {"sequencingControls": _controls(plain)}
    activity.update(objectives_of(plain, name, is_leaf=is_leaf))
    limit = count(first(plain, "limitConditions").get("attemptLimit"))
    if limit is not None:
        activity["attemptLimit"] = limit
    rules = first(plain, "sequencingRules")
    if rules:
        activity["sequencingRules"] = {
            f"{kind}ConditionRules": _rules(every(rules, f"{kind}ConditionRule"))
            for kind in ("pre", "exit", "post")
        }
    rollup = [_rollup_rule(each) for each in every(first(plain, "rollupRules"), "rollupRule")]
    if rollup:
        activity["rollupRules"] = {"rules": rollup}
    considerations = first(plain, "rollupConsiderations")
    if considerations:
        activity["rollupConsiderations"] = {
            **{word: considerations.get(word) or "always" for word in CONSIDERATIONS},
            "measureSatisfactionIfActive": is_true(
                considerations.get("measureSatisfactionIfActive"), default=True
            ),
        }
    return activity


def _controls(plain: Plain) -> Plain:
    controls: Plain = {}
    for element, names in (
        ("controlMode", CONTROLS),
        ("rollupRules", ROLLUP),
        ("deliveryControls", DELIVERY),
        ("constrainedChoiceConsiderations", CONSTRAINED),
    ):
        found = first(plain, element)
        controls.update({n: is_true(found.get(n), default=value) for n, value in names.items()})
    weight = first(plain, "rollupRules").get("objectiveMeasureWeight")
    controls["objectiveMeasureWeight"] = number(weight, default=1.0)
    controls.update(_random(first(plain, "randomizationControls")))
    return controls


def _random(found: Plain) -> Iterator[tuple[str, Any]]:
    """`reorderChildren` of the manifest is the engine's `randomizeChildren`."""
    if not found:
        return
    yield "randomizationTiming", found.get("randomizationTiming") or "never"
    yield "selectionTiming", found.get("selectionTiming") or "never"
    yield "randomizeChildren", is_true(found.get("reorderChildren"), default=False)
    selected = count(found.get("selectCount"))
    if selected is not None:
        yield "selectCount", selected


def _rules(found: list[Plain]) -> list[Plain]:
    """In their order; those the player minds come last, since the first that holds counts."""
    return sorted((_rule(each) for each in found), key=_is_minded_by_the_player)


def _is_minded_by_the_player(rule: Plain) -> bool:
    return rule["action"] in MINDED.values()


def _rule(plain: Plain) -> Plain:
    conditions = first(plain, "ruleConditions")
    action = first(plain, "ruleAction").get("action", "")
    return {
        "action": MINDED.get(action, action),
        "conditionCombination": conditions.get("conditionCombination") or "all",
        "conditions": [_condition(each) for each in every(conditions, "ruleCondition")],
    }


def _condition(plain: Plain) -> Plain:
    condition: Plain = {"condition": plain.get("condition", "")}
    if plain.get("operator") == "not":
        condition["operator"] = "not"
    if plain.get("referencedObjective"):
        condition["referencedObjective"] = named(plain["referencedObjective"])
    if plain.get("measureThreshold"):
        condition["parameters"] = {"threshold": number(plain["measureThreshold"], default=0.0)}
    return condition


def _rollup_rule(plain: Plain) -> Plain:
    """Shares of children are 0 to 1 in manifests and 0 to 100 in the engine."""
    conditions = first(plain, "rollupConditions")
    return {
        "action": first(plain, "rollupAction").get("action", ""),
        "consideration": plain.get("childActivitySet") or "all",
        "minimumCount": int(number(plain.get("minimumCount"), default=0.0)),
        "minimumPercent": number(plain.get("minimumPercent"), default=0.0) * WHOLE,
        "conditionCombination": conditions.get("conditionCombination") or "any",
        "conditions": [_rollup_condition(each) for each in every(conditions, "rollupCondition")],
    }


def _rollup_condition(plain: Plain) -> Plain:
    word = plain.get("condition", "")
    condition: Plain = {"condition": _ROLLUP_CONDITIONS.get(word, word)}
    if plain.get("operator") == "not":
        condition["operator"] = "not"
    return condition
