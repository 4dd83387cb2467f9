"""How pages speak of mail: its kinds, what became of a message, and why."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.notify.mail_models import TopicState
from plugin.notify.models import CancelReason, Hindrance, MessageKind, MessageState

KINDS: Mapping[MessageKind, LazyString] = {
    MessageKind.NEW_TRAINING: _l("New training"),
    MessageKind.NEW_REQUIREMENT: _l("New requirement"),
    MessageKind.REMINDER: _l("Reminder"),
    MessageKind.EXPIRED: _l("Training ran out"),
    MessageKind.CERTIFICATE_ISSUED: _l("Certificate issued"),
    MessageKind.CERTIFICATE_RENEWED: _l("Certificate renewed"),
    MessageKind.CERTIFICATE_RESTORED: _l("Certificate restored"),
    MessageKind.CERTIFICATE_SUSPENDED: _l("Certificate suspended"),
    MessageKind.CERTIFICATE_REVOKED: _l("Certificate revoked"),
    MessageKind.EVIDENCE_APPROVED: _l("External certificate approved"),
    MessageKind.EVIDENCE_REJECTED: _l("External certificate rejected"),
    MessageKind.SESSION_CHANGED: _l("Session changed"),
    MessageKind.SESSION_CANCELLED: _l("Session cancelled"),
    MessageKind.MANAGER_DIGEST: _l("Overview for managers"),
    MessageKind.TEST: _l("Test"),
}
STATES: Mapping[MessageState, tuple[str, LazyString]] = {
    MessageState.QUEUED: ("soon", _l("Waiting")),
    MessageState.SENDING: ("soon", _l("Being sent")),
    MessageState.SENT: ("valid", _l("Sent")),
    MessageState.FAILED: ("invalid", _l("Refused")),
    MessageState.BOUNCED: ("invalid", _l("Came back")),
    MessageState.UNDELIVERABLE: ("invalid", _l("Undeliverable")),
    MessageState.SUPPRESSED: ("plain", _l("Held back")),
    MessageState.CANCELLED: ("plain", _l("Not needed any more")),
}
REASONS: Mapping[str, LazyString] = {
    Hindrance.DEACTIVATED: _l("The person’s access was switched off before."),
    Hindrance.NO_ADDRESS: _l("The person has no email address."),
    Hindrance.DEAD_ADDRESS: _l("Mail to this address came back for good."),
    Hindrance.SWITCHED_OFF: _l("The organization does not mail this kind."),
    Hindrance.UNSUBSCRIBED: _l("The person wants no reminders by mail."),
    CancelReason.DONE: _l("What it asked for was done before."),
    CancelReason.CHANGED: _l("The day it spoke of changed before."),
    CancelReason.LEFT: _l("The training no longer covered the person."),
    CancelReason.SUPERSEDED: _l("A more urgent mail about the same went instead."),
}

TOPIC_STATES: Mapping[TopicState, tuple[str, LazyString]] = {
    TopicState.WAITING: ("soon", _l("Waiting to be confirmed")),
    TopicState.DONE: ("valid", _l("Confirmed")),
    TopicState.REFUSED: ("invalid", _l("Refused: not signed by Amazon SNS")),
    TopicState.FAILED: ("invalid", _l("Not confirmed: ask for the confirmation again at Amazon")),
}


def reason(state: MessageState, error: str | None) -> str:
    """Why it is in this state: our words, or the mail server's."""
    if state in {MessageState.UNDELIVERABLE, MessageState.SUPPRESSED, MessageState.CANCELLED}:
        return str(REASONS.get(error or "", error or ""))
    return error or ""
