"""What the person did and holds, in the reader's language."""

from dataclasses import dataclass

from flask_babel import format_date
from flask_babel import lazy_gettext as _l

from plugin.certs.queries import OwnCertificate
from plugin.certs.rules import CertificateState
from plugin.dashboard.queries import Sitting
from plugin.dashboard.wording import STATES, Badge, _, percent, through
from plugin.modules.models import CompletionSource, RunState
from plugin.modules.wording import evidence_words

RUNS = {
    RunState.OPEN: Badge("info", _l("In progress")),
    RunState.COMPLETED: Badge("valid", _l("Completed")),
    RunState.FAILED: Badge("invalid", _l("Not passed")),
    RunState.ABANDONED: Badge("plain", _l("Ended without a result")),
}
CORRECTED = Badge("plain", _l("Corrected"))
SOURCES = {
    CompletionSource.MANUAL: _l("Recorded by hand"),
    CompletionSource.IMPORT: _l("Imported"),
    CompletionSource.LMS_GRADE: _l("Grade in the LMS"),
    CompletionSource.API: _l("Reported by another system"),
    CompletionSource.DOCUMENT: _l("Acknowledged"),
    CompletionSource.CERTIFICATE: _l("External certificate"),
    CompletionSource.SESSION: _l("Session attended"),
    CompletionSource.SCORM: "",
    CompletionSource.LTI: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SittingView:
    """One line of the history, ready to print."""

    title: str
    when: str
    badge: Badge
    score: str
    source: str


def sitting_view(sitting: Sitting) -> SittingView:
    """The line in the reader's language."""
    return SittingView(
        title=sitting.title,
        when=format_date(sitting.at, "medium"),
        badge=_badge(sitting),
        score="" if sitting.score is None else percent(sitting.score),
        source=_source(sitting),
    )


def _badge(sitting: Sitting) -> Badge:
    if sitting.is_corrected:
        return CORRECTED
    if sitting.source is CompletionSource.LMS_GRADE and sitting.score is None:
        return RUNS[RunState.ABANDONED]  # the LMS has taken the grade back
    return RUNS[sitting.state or (RunState.COMPLETED if sitting.passed else RunState.FAILED)]


def _source(sitting: Sitting) -> str:
    words = str(SOURCES[sitting.source]) if sitting.source else ""
    more = evidence_words(sitting.evidence)
    return f"{words}, {more}" if words and more else words


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionView:
    """One printing of a certificate."""

    number: int
    label: str
    is_ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """One certificate with its editions, newest first, ready to print."""

    id: int
    configuration_id: int
    title: str
    unit: str
    badge: Badge
    headline: str
    credential_id: str
    token: str
    editions: tuple[EditionView, ...]


def certificate_view(certificate: OwnCertificate) -> CertificateView:
    """The certificate in the reader's language."""
    is_valid = certificate.state is CertificateState.VALID
    return CertificateView(
        id=certificate.id,
        configuration_id=certificate.configuration_id,
        title=certificate.configuration.name,
        unit=certificate.configuration.unit_name,
        badge=STATES[certificate.state],
        headline=through(certificate.standing.valid_through) if is_valid else "",
        credential_id=certificate.credential_id,
        token=certificate.token,
        editions=tuple(
            EditionView(
                number=edition.number,
                label=_(
                    "Edition %(number)d, issued %(date)s",
                    number=edition.number,
                    date=format_date(edition.issued_at, "medium"),
                ),
                is_ready=edition.is_ready,
            )
            for edition in certificate.editions
        ),
    )
