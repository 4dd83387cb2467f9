"""What a preview of each kind says: invented, and plainly so."""

from collections.abc import Mapping
from typing import Any

from plugin.notify.digests import DIGEST, URGENCY, facts_of
from plugin.notify.models import MessageKind

_MODULES = [
    {"title": "Working at height", "due_on": "24 March 2027"},
    {"title": "First aid", "due_on": None},
]
_EVENT = {
    "configuration": "Basic safety",
    "unit": "North Quay",
    "credential_id": "ABCD-EFGH-JKLM",
    "verify_url": "https://training.example/v/sample",
}
_CERTIFICATE = {
    **_EVENT,
    "person": "Ada Byron",
    "organization": "Harbour Works",
    "passcode": "QWER-TYUI-OPAS",
    "passcode_url": "https://training.example/verify",
    "valid_through": "10 March 2028",
}
_TRAINING = {"unit_name": "North Quay", "configuration": "Basic safety", "modules": _MODULES}
_STANDING = {
    "person": "Ada Byron",
    "training": "Basic safety",
    "unit": "North Quay",
    "day": "14 March 2027",
}
_EVIDENCE = {
    "name": "First aid, two days",
    "issuer": "Red Cross",
    "module": "First aid",
    "reason": "",
}
SAMPLES: Mapping[MessageKind, Mapping[str, Any]] = {
    MessageKind.NEW_TRAINING: _TRAINING,
    MessageKind.NEW_REQUIREMENT: _TRAINING,
    MessageKind.REMINDER: {
        "unit_name": "North Quay",
        "configuration": "Basic safety",
        "items": [
            {
                "title": "Working at height",
                "unit": "North Quay",
                "due_on": None,
                "ends_on": "24 March 2027",
                "has_expired": False,
            },
            {
                "title": "First aid",
                "unit": "North Quay",
                "due_on": "1 April 2027",
                "ends_on": None,
                "has_expired": False,
            },
        ],
    },
    MessageKind.EXPIRED: {
        "unit_name": "North Quay",
        "configuration": "Basic safety",
        "has_certificate": True,
        "last_day": "9 March 2027",
        "items": [
            {
                "title": "First aid",
                "unit": "North Quay",
                "due_on": None,
                "ends_on": "9 March 2027",
                "has_expired": True,
            }
        ],
    },
    MessageKind.CERTIFICATE_ISSUED: _CERTIFICATE,
    MessageKind.CERTIFICATE_RENEWED: _CERTIFICATE,
    MessageKind.CERTIFICATE_RESTORED: _CERTIFICATE,
    MessageKind.CERTIFICATE_SUSPENDED: _EVENT,
    MessageKind.CERTIFICATE_REVOKED: _EVENT,
    MessageKind.EVIDENCE_APPROVED: _EVIDENCE,
    MessageKind.EVIDENCE_REJECTED: {
        **_EVIDENCE,
        "reason": "The name on it cannot be read. Please take the photo again.",
    },
    MessageKind.SESSION_CHANGED: {
        "module": "Working at height, practice",
        "when": "Tuesday, March 16, 2027, 9:00 – 12:00 (Europe/London)",
        "place": "Training yard, hall 5",
        "before_when": "Monday, March 15, 2027, 9:00 – 12:00 (Europe/London)",
        "before_place": "Training yard, hall 3",
    },
    MessageKind.SESSION_CANCELLED: {
        "module": "Working at height, practice",
        "when": "Monday, March 15, 2027, 9:00 – 12:00 (Europe/London)",
        "place": "Training yard, hall 3",
        "reason": "The trainer is ill.",
    },
    MessageKind.MANAGER_DIGEST: {
        "matters": {
            "escalated": {"total": 1, "more": 0, "lines": [_STANDING]},
            "newly_invalid": {"total": 12, "more": 11, "lines": [_STANDING]},
        },
        "unreachable": 3,
    },
}

TEMPLATES: Mapping[str, Mapping[str, Any]] = {
    **{kind.value: facts for kind, facts in SAMPLES.items()},
    DIGEST: facts_of([(kind, SAMPLES[kind]) for kind in URGENCY]),
}
"""Every mail there is: each kind alone, and a day's news together."""
