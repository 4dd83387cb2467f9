"""The objectives of an activity and how they read and write shared ones. Pure (IMS SS; ADL SEQ)."""

from typing import Any
from urllib.parse import unquote

from plugin.scorm.document import collapsed, is_true
from plugin.scorm.scos import number

Plain = dict[str, Any]
IMS_READ = ("readSatisfiedStatus", "readNormalizedMeasure")
IMS_WRITE = ("writeSatisfiedStatus", "writeNormalizedMeasure")
ADL_FIELDS = ("RawScore", "MinScore", "MaxScore", "CompletionStatus", "ProgressMeasure")
ADL_READ = tuple(f"read{name}" for name in ADL_FIELDS)
ADL_WRITE = tuple(f"write{name}" for name in ADL_FIELDS)
BLANK = " "


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
        objective["minNormalizedMeasure"] = _measure(_first(plain, "minNormalizedMeasure"))
    return objective


def _measure(plain: Plain) -> float:
    found = number(plain.get("text"))
    return 1.0 if found is None else found


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
