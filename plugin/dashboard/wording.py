"""The words of the learner's pages: verdicts become badges, sentences and one button."""

from dataclasses import dataclass, replace
from datetime import date

import flask_babel
from flask_babel import LazyString, format_date
from flask_babel import lazy_gettext as _l

from plugin.assign.standing import RowState
from plugin.certs.queries import OwnCertificate
from plugin.certs.rules import CertificateState
from plugin.dashboard.proofs import Proof, Reason
from plugin.dashboard.queries import Sitting
from plugin.dashboard.tiles import Asker, Attempt, Shelf, Step, Tile, Verdict
from plugin.modules.models import CompletionSource, ModuleKind, RunState


def _(words: str, **facts: object) -> str:
    return str(flask_babel.gettext(words, **_apart(facts)))


def ngettext(one: str, many: str, number: int, **facts: object) -> str:
    return str(flask_babel.ngettext(one, many, number, **_apart(facts)))


def _apart(facts: dict[str, object]) -> dict[str, object]:
    """In a language written from the right, names and dates keep a direction of their own."""
    if flask_babel.get_locale().text_direction != "rtl":
        return facts
    return {
        name: f"\u2068{value}\u2069" if isinstance(value, str) else value
        for name, value in facts.items()
    }


def percent(share: float) -> str:
    """A share of 0 to 1 as the reader writes it."""
    return str(flask_babel.format_percent(share))


@dataclass(frozen=True, slots=True)
class Badge:
    """A tone, which brings colour and icon, and a word."""

    tone: str
    text: LazyString | str


@dataclass(frozen=True, slots=True)
class Button:
    """What the one button of a tile says and how much it stands out."""

    label: LazyString | str
    icon: str
    look: str = "primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class TileView:
    """One tile, ready to print: facts are pairs of a label and its value."""

    module_id: int
    title: str
    badge: Badge
    facts: tuple[tuple[str, str], ...]
    note: str
    percent: int | None
    percent_text: str
    button: Button | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """One sentence about a module, leading to its tile."""

    module_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofView:
    """One certificate, ready to print."""

    configuration_id: int
    title: str
    unit: str
    badge: Badge
    headline: str
    advice: str
    todos: tuple[Todo, ...]
    more: str
    share: str
    percent: int
    certificate_id: int | None
    edition: int | None


MOST_TODOS = 3
"""More would push the modules out of sight; each says for itself what it needs."""

BADGES = {
    Verdict.OVERDUE: Badge("invalid", _l("Overdue")),
    Verdict.EXPIRED: Badge("invalid", _l("Expired")),
    Verdict.DUE: Badge("soon", _l("To do")),
    Verdict.NEW: Badge("soon", _l("New requirement")),
    Verdict.TO_DO: Badge("soon", _l("To do")),
    Verdict.RENEW_SOON: Badge("soon", _l("Renew soon")),
    Verdict.OPEN_TO_ALL: Badge("plain", _l("Optional")),
    Verdict.EXEMPT: Badge("info", _l("Exempt")),
    Verdict.DONE: Badge("valid", _l("Valid")),
}
BUTTONS = {
    Step.START: Button(_l("Start"), "start"),
    Step.CONTINUE: Button(_l("Continue"), "start"),
    Step.RETAKE: Button(_l("Retake"), "again"),
    Step.RENEW: Button(_l("Renew"), "again"),
}
SHELVES = {
    Shelf.TO_DO: _l("To do"),
    Shelf.UP_TO_DATE: _l("Up to date"),
    Shelf.OPTIONAL: _l("Optional"),
}
STATES = {
    CertificateState.VALID: Badge("valid", _l("VALID")),
    CertificateState.INVALID: Badge("invalid", _l("INVALID")),
    CertificateState.SUSPENDED: Badge("invalid", _l("SUSPENDED")),
    CertificateState.REVOKED: Badge("invalid", _l("REVOKED")),
    CertificateState.ENDED: Badge("plain", _l("ENDED")),
}
RUNS = {
    RunState.OPEN: Badge("info", _l("In progress")),
    RunState.COMPLETED: Badge("valid", _l("Completed")),
    RunState.FAILED: Badge("invalid", _l("Not passed")),
    RunState.ABANDONED: Badge("plain", _l("Ended without a result")),
}
COMPLETED = Badge("valid", _l("Completed"))
CORRECTED = Badge("plain", _l("Corrected"))
SOURCES = {
    CompletionSource.MANUAL: _l("Recorded by hand"),
    CompletionSource.IMPORT: _l("Imported"),
    CompletionSource.LMS_GRADE: _l("Grade in the LMS"),
    CompletionSource.SCORM: "",
    CompletionSource.LTI: "",
}


def tile_view(tile: Tile) -> TileView:
    """The tile in the reader's language."""
    return TileView(
        module_id=tile.module_id,
        title=tile.title,
        badge=COMPLETED if _is_for_ever(tile) else BADGES[tile.verdict],
        facts=tuple(_facts(tile)),
        note=_note(tile),
        percent=tile.percent,
        percent_text="" if tile.percent is None else percent(tile.percent / 100),
        button=_button(tile),
    )


def _button(tile: Tile) -> Button | None:
    """Only what must be done stands out."""
    if tile.step is None:
        return None
    is_pressing = tile.shelf is Shelf.TO_DO or tile.step is Step.CONTINUE
    return replace(BUTTONS[tile.step], look="primary" if is_pressing else "quiet")


def _facts(tile: Tile) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if tile.verdict is Verdict.RENEW_SOON and tile.valid_through:
        found.append((_("Renew by"), day(tile.valid_through)))
    elif tile.valid_through:
        found.append((_through_label(tile), day(tile.valid_through)))
    elif tile.completed_on:
        found.append((_("Completed"), day(tile.completed_on)))
    if tile.due_on and tile.shelf is Shelf.TO_DO:
        found.append((_("Due"), day(tile.due_on)))
    if tile.last_attempt:
        found.append((_("Last attempt"), _attempt(tile.last_attempt)))
    if tile.pass_mark is not None:
        found.append((_("Pass mark"), percent(tile.pass_mark)))
    label = _("Offered by") if tile.shelf is Shelf.OPTIONAL else _("Asked by")
    found.append((label, ", ".join(_asker(asker, tile) for asker in tile.askers)))
    return found


def _asker(asker: Asker, tile: Tile) -> str:
    has_date = tile.valid_through is not None or tile.due_on is not None
    if asker.binds and has_date:
        return _("%(unit)s (sets the date)", unit=asker.unit)
    return asker.unit


def _is_for_ever(tile: Tile) -> bool:
    return tile.verdict is Verdict.DONE and tile.valid_through is None


def _through_label(tile: Tile) -> str:
    if tile.verdict is Verdict.EXEMPT:
        return _("Exempt through")
    has_ended = tile.verdict in {Verdict.EXPIRED, Verdict.OVERDUE, Verdict.OPEN_TO_ALL}
    if has_ended:
        return _("Was exempt through") if tile.is_exempt else _("Was valid through")
    return _("Valid through")


def _attempt(attempt: Attempt) -> str:
    if attempt.score is not None:
        return percent(attempt.score)
    return _("Not passed") if attempt.state is RunState.FAILED else _("Completed")


def _note(tile: Tile) -> str:
    if tile.step is not None:
        return ""
    if tile.kind is ModuleKind.LMS_GRADE:
        return _("You complete this in your LMS course.")
    return _("This training cannot be opened at the moment.")


def proof_view(proof: Proof) -> ProofView:
    """The certificate in the reader's language."""
    todos = _todos(proof)
    rest = len(todos) - MOST_TODOS if len(todos) > MOST_TODOS + 1 else 0
    paper, is_valid = proof.paper, proof.state is CertificateState.VALID
    return ProofView(
        configuration_id=proof.configuration_id,
        title=proof.configuration,
        unit=proof.unit,
        badge=STATES[proof.state],
        headline=_headline(proof),
        advice=_advice(proof),
        todos=tuple(todos[:MOST_TODOS] if rest else todos),
        more=ngettext("and %(num)d more", "and %(num)d more", rest) if rest else "",
        share=ngettext(
            "%(done)d of %(num)d module done",
            "%(done)d of %(num)d modules done",
            proof.required,
            done=proof.satisfied,
        ),
        percent=100 * proof.satisfied // proof.required,
        certificate_id=paper.certificate_id if paper else None,
        edition=paper.printed_edition if paper and is_valid else None,
    )


def _headline(proof: Proof) -> str:
    if proof.state is CertificateState.VALID:
        return through(proof.valid_through)
    if proof.state is CertificateState.INVALID:
        if any(reason.state is RowState.EXPIRED for reason in proof.reasons):
            return _("Expired")
        return _("New training is required") if proof.paper else _("Not complete yet")
    if proof.state is CertificateState.SUSPENDED:
        return _("An administrator has suspended this certificate.")
    return _("An administrator has revoked this certificate.")


def _advice(proof: Proof) -> str:
    if proof.state is CertificateState.INVALID:
        return ngettext(
            "To make it valid, complete this module:",
            "To make it valid, complete these %(num)d modules:",
            len(proof.reasons),
        )
    if proof.state is not CertificateState.VALID:
        return _("Please ask the people in charge of your training what to do.")
    if proof.renewal:
        return _("What to do next:")
    if proof.paper is None or proof.paper.printed_edition is None:
        return _("Your certificate is being prepared. It will be here in a minute.")
    return _("There is nothing you need to do now.")


def _todos(proof: Proof) -> list[Todo]:
    found = [
        Todo(
            module_id=reason.module_id,
            text=_("%(module)s: %(reason)s", module=reason.title, reason=_because(reason)),
        )
        for reason in proof.reasons
    ]
    if proof.renewal:
        renewal = proof.renewal
        words = {"module": renewal.title, "date": day(renewal.by)}
        text = (
            _("Complete %(module)s by %(date)s", **words)
            if renewal.is_exempt
            else _("Renew %(module)s by %(date)s", **words)
        )
        found.append(Todo(module_id=renewal.module_id, text=text))
    return found


def _because(reason: Reason) -> str:
    if reason.on is None:
        return _("not completed yet")
    if reason.state is RowState.NEW_REQUIREMENT:
        return _("required since %(date)s", date=day(reason.on))
    if reason.is_exempt:
        return _("the exemption ended on %(date)s", date=day(reason.on))
    return _("expired on %(date)s", date=day(reason.on))


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
    state = sitting.state or (RunState.COMPLETED if sitting.passed else RunState.FAILED)
    return SittingView(
        title=sitting.title,
        when=format_date(sitting.at, "medium"),
        badge=CORRECTED if sitting.is_corrected else RUNS[state],
        score="" if sitting.score is None else percent(sitting.score),
        source=str(SOURCES[sitting.source]) if sitting.source else "",
    )


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


def through(last_day: date | None) -> str:
    """Until when something is valid."""
    if last_day is None:
        return _("Valid without an end date")
    return _("Valid through %(date)s", date=format_date(last_day, "long"))


def day(value: date) -> str:
    """A calendar date as the reader writes it."""
    return str(format_date(value, "medium"))
