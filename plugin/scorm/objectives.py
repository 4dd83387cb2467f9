"""The objectives of an activity and how they read and write shared ones. Pure (IMS SS; ADL SEQ)."""

from typing import Any
from urllib.parse import unquote

from plugin.scorm.document import collapsed, is_true
from plugin.scorm.scos import HUNDRED, number

Plain = dict[str, Any]
IMS_READ = ("readSatisfiedStatus", "readNormalizedMeasure")
IMS_WRITE = ("writeSatisfiedStatus", "writeNormalizedMeasure")
ADL_FIELDS = ("RawScore", "MinScore", "MaxScore", "CompletionStatus", "ProgressMeasure")
ADL_READ = tuple(f"read{name}" for name in ADL_FIELDS)
ADL_WRITE = tuple(f"write{name}" for name in ADL_FIELDS)
BLANK = " "
LOWEST_MARK = 10.0
"""No course passes with less than a tenth; what is written as 2 or 5 is no mark in hundredths."""


def objectives_of(plain: Plain, activity: str, *, is_leaf: bool) -> Plain:
    """`primaryObjective` and `objectives` for the engine, each with its maps.

    The engine drops a primary objective without id: a heading gets one of ours, a part gets a
    blank one, which is not shown to content in `cmi.objectives`.
    """
    found = _first(plain, "objectives")
    more = _maps_by_objective(_first(plain, "adl:objectives"))
    settings: Plain = {}
    primary = _first(found, "primaryObjective")
    if "primaryObjective" in found:
        unnamed = BLANK if is_leaf else f"primary-{activity}"
        settings["primaryObjective"] = _objective(primary, unnamed, more)
    others = [_objective(each, "", more) for each in found.get("objective", [])]
    settings["objectives"] = [each for each in others if each["objectiveID"]]
    return settings


def named(text: object) -> str:
    """One spelling of an objective's name: manifests write it as an address, with %-codes.

    It is what content finds in `cmi.objectives`, and what rules of other items mean by it.
    """
    return collapsed(unquote(str(text or "")))


def measure(text: object) -> float:
    """A measure to reach, 1 at most; one that nobody could ever reach is meant in hundredths."""
    found = number(text)
    if found is None:
        return 1.0
    return found / HUNDRED if is_in_hundredths(found) else found


def is_in_hundredths(found: float | None) -> bool:
    """Whether a measure (which is at most 1) is written as people write marks: 80 for 0.8."""
    return found is not None and LOWEST_MARK <= found <= HUNDRED


def mark_of(plain: Plain | None) -> str:
    """The measure that satisfies an activity, as its manifest writes it; empty without one."""
    primary = _first(_first(plain or {}, "objectives"), "primaryObjective")
    if not is_true(primary.get("satisfiedByMeasure"), default=False):
        return ""
    return str(_first(primary, "minNormalizedMeasure").get("text") or "")


def written(text: object) -> str:
    """The same as content is told it: as the manifest writes it, where that is a measure."""
    return f"{measure(text):g}" if is_in_hundredths(number(text)) else str(text or "") or "1.0"


def _first(plain: Plain, name: str) -> Plain:
    found = plain.get(name)
    return found[0] if isinstance(found, list) and found else {}


def _objective(plain: Plain, unnamed: str, more: dict[str, list[Plain]]) -> Plain:
    identifier = named(plain.get("objectiveID"))
    objective: Plain = {
        "objectiveID": identifier or unnamed,
        "satisfiedByMeasure": is_true(plain.get("satisfiedByMeasure"), default=False),
        "mapInfo": _maps(plain.get("mapInfo", []), more.get(identifier, [])),
    }
    if objective["satisfiedByMeasure"]:
        found = _first(plain, "minNormalizedMeasure")
        objective["minNormalizedMeasure"] = measure(found.get("text"))
    return objective


def _maps_by_objective(plain: Plain) -> dict[str, list[Plain]]:
    return {
        named(each.get("objectiveID")): each.get("mapInfo", [])
        for each in plain.get("objective", [])
    }


def _maps(ims: list[Plain], adl: list[Plain]) -> list[Plain]:
    """One map per shared objective: what IMS maps name, and what ADL's add for the same one."""
    maps: dict[str, Plain] = {}
    for found, reads, writes in ((ims, IMS_READ, IMS_WRITE), (adl, ADL_READ, ADL_WRITE)):
        for each in found:
            target = named(each.get("targetObjectiveID"))
            info = maps.setdefault(target, _nothing(target))
            info.update({name: is_true(each.get(name), default=True) for name in reads})
            info.update({name: is_true(each.get(name), default=False) for name in writes})
    return list(maps.values())


def _nothing(target: str) -> Plain:
    names = (*IMS_READ, *IMS_WRITE, *ADL_READ, *ADL_WRITE)
    return {"targetObjectiveID": target, **dict.fromkeys(names, False)}
