"""A certificate in the reader's language: one word, why, and what to do next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from plugin.assign.standing import RowState, Standing
from plugin.certs.rules import CertificateState, EventFacts, state
from plugin.dashboard.proofs import Proof, Reason
from plugin.dashboard.wording import STATES, Badge, _, day, ngettext, through


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


def proof_view(proof: Proof) -> ProofView:
    """The certificate in the reader's language."""
    rest = len(proof.reasons) - MOST_TODOS if len(proof.reasons) > MOST_TODOS + 1 else 0
    paper, is_valid = proof.paper, proof.state is CertificateState.VALID
    return ProofView(
        configuration_id=proof.configuration_id,
        title=proof.configuration,
        unit=proof.unit,
        badge=STATES[proof.state],
        headline=_headline(proof),
        advice=_advice(proof),
        todos=tuple(_todos(proof, proof.reasons[:MOST_TODOS] if rest else proof.reasons)),
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


def withheld_words(events: Sequence[EventFacts], standing: Standing, *, at: datetime) -> str:
    """What stands above the facts of one's own certificate, in a sentence; nothing if nothing."""
    match state(events, standing, at=at):
        case CertificateState.SUSPENDED:
            return _("An administrator has suspended this certificate.")
        case CertificateState.REVOKED:
            return _("An administrator has revoked this certificate.")
    return ""


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


def _todos(proof: Proof, reasons: Iterable[Reason]) -> list[Todo]:
    found = [
        Todo(
            module_id=reason.module_id,
            text=_("%(module)s: %(reason)s", module=reason.title, reason=_because(reason)),
        )
        for reason in reasons
    ]
    if proof.renewal:
        renewal = proof.renewal
        words = {"module": renewal.title, "date": day(renewal.by)}
        text = (
            _("Complete %(module)s by %(date)s", **words)
            if renewal.is_first
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
