"""Times in what a part says: those its edition does not know are left out, the rest stays. Pure.

The player takes what is kept here and refuses the rest (`static/scorm/times.js`), but others than
our player can send what they like. More digits of a second or fewer of an hour harm nobody.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

_SPAN_12 = re.compile(r"[0-9]+:[0-9]{2}:[0-9]{2}(\.[0-9]{1,2})?")
"""CMITimespan of SCORM 1.2: its minutes and seconds are two digits of any size, its hours any."""
_MOMENT_12 = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,2})?")
_SPAN_2004 = re.compile(
    r"P(?=[0-9T])([0-9]+Y)?([0-9]+M)?([0-9]+D)?"
    r"(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,2})?S)?)?"
)
_MOMENT_2004 = re.compile(
    r"(?P<year>[0-9]{4})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2})(T([01][0-9]|2[0-3])"
    r"(:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6}(Z|[+-][0-9]{2}(:[0-9]{2})?)?)?)?)?)?)?)?"
)
MAX_LENGTH = 64
_SPANS = ("total_time", "session_time")
_LISTS = ("interactions", "comments_from_learner", "comments_from_lms")

Check = Callable[[str], bool]


def is_span_12(text: str) -> bool:
    return len(text) <= MAX_LENGTH and _SPAN_12.fullmatch(text) is not None


def is_moment_12(text: str) -> bool:
    return len(text) <= MAX_LENGTH and _MOMENT_12.fullmatch(text) is not None


def is_span_2004(text: str) -> bool:
    """A timeinterval: no weeks, decimals only of seconds, and something after `P` and `T`."""
    return len(text) <= MAX_LENGTH and _SPAN_2004.fullmatch(text) is not None


def is_moment_2004(text: str) -> bool:
    """A time(second,10,0), of a day there is."""
    found = _MOMENT_2004.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        return False
    try:
        date(int(found["year"]), int(found["month"] or 1), int(found["day"] or 1))
    except ValueError:
        return False
    return True


def mended(cmi: dict[str, Any]) -> dict[str, Any]:
    """The data model without the times that are none; what is empty stays empty."""
    if "core" in cmi:
        core, spans = cmi["core"], dict.fromkeys(_SPANS, is_span_12)
        kept = _without(core, spans) if isinstance(core, dict) else core
        return _listed({**cmi, "core": kept}, {"latency": is_span_12, "time": is_moment_12})
    checks = {"latency": is_span_2004, "timestamp": is_moment_2004}
    return _listed(_without(cmi, dict.fromkeys(_SPANS, is_span_2004)), checks)


def _listed(cmi: dict[str, Any], checks: Mapping[str, Check]) -> dict[str, Any]:
    lists = {name: _entries(cmi[name], checks) for name in _LISTS if name in cmi}
    return {**cmi, **lists}


def _entries(found: Any, checks: Mapping[str, Check]) -> Any:
    """The engine numbers the entries of a list as names of an object."""
    if not isinstance(found, dict):
        return found
    return {
        name: _without(each, checks) if isinstance(each, dict) else each
        for name, each in found.items()
    }


def _without(group: dict[str, Any], checks: Mapping[str, Check]) -> dict[str, Any]:
    return dict(_fit(group, checks))


def _fit(group: dict[str, Any], checks: Mapping[str, Check]) -> Iterator[tuple[str, Any]]:
    for name, value in group.items():
        check = checks.get(name)
        if check is None or value == "" or (isinstance(value, str) and check(value)):
            yield name, value
