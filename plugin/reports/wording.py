"""How reports speak: the states of standings in words, tones and icons."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.assign.listed import StandingState
from plugin.org.models import UnitKind
from plugin.reports.matrix import CellState


@dataclass(frozen=True, slots=True)
class Badge:
    """A tone, which brings colour and icon, and words."""

    tone: str
    text: LazyString


SOON = Badge("soon", _l("Valid, ends soon"))
BADGES: Mapping[StandingState, Badge] = {
    StandingState.VALID: Badge("valid", _l("Valid")),
    StandingState.ENDED: Badge("plain", _l("Ended")),
    StandingState.NOTHING_REQUIRED: Badge("plain", _l("Nothing required")),
    StandingState.NEVER_COMPLETED: Badge("invalid", _l("Invalid: never completed")),
    StandingState.NEW_REQUIREMENT: Badge("invalid", _l("Invalid: new requirement")),
    StandingState.EXPIRED: Badge("invalid", _l("Invalid: expired")),
}
FILTERS: Mapping[str, LazyString] = {
    "valid": _l("Valid"),
    "expiring_30": _l("Valid, ends within 30 days"),
    "expiring_60": _l("Valid, ends within 60 days"),
    "expiring_90": _l("Valid, ends within 90 days"),
    "invalid": _l("Invalid"),
    "newly_invalid": _l("Invalid since less than 7 days"),
    "never_completed": _l("Invalid: never completed"),
    "expired": _l("Invalid: expired"),
    "new_requirement": _l("Invalid: new requirement"),
    "nothing_required": _l("Nothing required"),
    "ended": _l("Ended"),
}
CAUSES: Mapping[str, LazyString] = {
    "no_address": _l("No email address"),
    "dead": _l("Mail came back"),
    "failed": _l("Last mail failed"),
}
CELLS: Mapping[CellState, Badge] = {
    CellState.VALID: Badge("valid", _l("Valid")),
    CellState.ENDS_SOON: Badge("soon", _l("Ends soon")),
    CellState.EXEMPT: Badge("valid", _l("Exempt")),
    CellState.IN_GRACE: Badge("soon", _l("Due")),
    CellState.EXPIRED: Badge("invalid", _l("Expired")),
    CellState.NEVER: Badge("invalid", _l("Missing")),
    CellState.NEW: Badge("invalid", _l("New")),
    CellState.NOT_DONE: Badge("plain", _l("Not done")),
    CellState.LAPSED: Badge("plain", _l("Lapsed")),
    CellState.NOT_COVERED: Badge("plain", _l("Not covered")),
}
KINDS: Mapping[UnitKind, LazyString] = {
    UnitKind.REGION: _l("Region"),
    UnitKind.SITE: _l("Site"),
    UnitKind.GROUP: _l("Group"),
}


def badge(state: StandingState, *, expires_soon: bool = False) -> Badge:
    """What a list shows of a standing."""
    return SOON if expires_soon else BADGES[state]
