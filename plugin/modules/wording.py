"""Kinds of modules, and where completions are known from, in the reader's language."""

from datetime import date
from typing import Any

from flask_babel import format_date, gettext
from flask_babel import lazy_gettext as _l

from plugin.core.base import JsonDict
from plugin.modules.actions import BETTER_SCORE, PASSED_AFTER_ALL
from plugin.modules.by_lms import CHANGED, REMOVED
from plugin.modules.models import CompletionSource, ModuleKind

KINDS = {
    ModuleKind.SCORM: _l("Course"),
    ModuleKind.DOCUMENT: _l("Document to acknowledge"),
    ModuleKind.CERTIFICATE: _l("External certificate"),
    ModuleKind.SESSION: _l("Classroom or practical session"),
    ModuleKind.LTI: _l("External tool"),
    ModuleKind.LMS_GRADE: _l("Grade from the LMS"),
}
SOURCES = {
    CompletionSource.SCORM: _l("Course"),
    CompletionSource.LTI: _l("External tool"),
    CompletionSource.LMS_GRADE: _l("Grade from the LMS"),
    CompletionSource.DOCUMENT: _l("Acknowledged"),
    CompletionSource.CERTIFICATE: _l("External certificate"),
    CompletionSource.SESSION: _l("Session attended"),
    CompletionSource.MANUAL: _l("By hand"),
    CompletionSource.IMPORT: _l("Import"),
    CompletionSource.API: _l("Another system"),
}
REASONS = {
    BETTER_SCORE: _l("A better score in the same sitting."),
    PASSED_AFTER_ALL: _l("Passed in the same sitting after all."),
    CHANGED: _l("The grade in the LMS changed."),
    REMOVED: _l("The grade in the LMS was removed."),
}
"""Reasons of a correction that are ours; anything else was written by a person."""


def _(text: str, **values: Any) -> str:
    return str(gettext(text, **values))


def source_words(source: CompletionSource, evidence: JsonDict) -> str:
    """Where a completion is known from, with what its evidence names."""
    words = str(SOURCES[source])
    more = evidence_words(evidence)
    return f"{words}, {more}" if more else words


def evidence_words(evidence: JsonDict) -> str:
    """What was acknowledged, shown or attended; empty when the evidence names nothing."""
    if document := evidence.get("document"):
        return _("version %(number)s", number=document["number"])
    if certificate := evidence.get("certificate"):
        return _("%(name)s by %(issuer)s", **certificate)
    if session := evidence.get("session"):
        return str(session["place"])
    return ""


def evidence_lines(evidence: JsonDict) -> list[tuple[str, str]]:
    """Everything the evidence says that somebody who checks it wants to see."""
    if document := evidence.get("document"):
        return [
            (_("Document"), document["filename"]),
            (_("Version"), str(document["number"])),
            ("SHA-256", document["sha256"]),
        ]
    if certificate := evidence.get("certificate"):
        found = [
            (_("Certificate"), certificate["name"]),
            (_("Issued by"), certificate["issuer"]),
            (_("Issued on"), _day(certificate["issued_on"])),
        ]
        ends = certificate["ends_on"]
        return [*found, (_("Ends on"), _day(ends))] if ends else found
    if session := evidence.get("session"):
        by_code = session["how"] == "code"
        return [
            (_("Session"), f"{session['id']}, {session['place']}"),
            (_("Presence"), _("Code shown in the room") if by_code else _("Attendance list")),
        ]
    return []


def _day(text: str) -> str:
    return str(format_date(date.fromisoformat(text), "medium"))
