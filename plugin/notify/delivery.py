"""One message leaves: claimed, sent, marked; each in a short transaction of its own."""

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import transaction
from plugin.core.log import log
from plugin.core.outbox import JobName
from plugin.notify import actions, queries
from plugin.notify.emails import wording_of
from plugin.notify.mailer import File, Mail, RefusedError, UnavailableError, send
from plugin.notify.models import MessageState
from plugin.notify.queries import Envelope


def deliver(message_id: int) -> None:
    """The message is sent, refused for good, or still queued (then the error is raised).

    At least once: a crash between sending and marking sends again, with the same Message-ID.
    """
    found = _claim(message_id)
    if found is None:
        return
    if found.person_address is None:
        with transaction() as tx:
            actions.mark_undeliverable(tx.session, message_id)
        return
    try:
        send(_mail(found, found.person_address))
    except RefusedError as error:
        log.warning("message.refused", message_id=message_id)
        with transaction() as tx:
            actions.mark_failed(tx.session, message_id, words=error.words)
    except Exception as error:  # whatever it was, nobody holds the message any more
        words = error.words if isinstance(error, UnavailableError) else type(error).__name__
        with transaction() as tx:
            actions.give_back(tx.session, message_id, words=words, now=clock.now())
        raise
    else:
        with transaction() as tx:
            actions.mark_sent(tx.session, message_id, now=clock.now())


def _claim(message_id: int) -> Envelope | None:
    """What to send, if it is ours to send; a message in another's hands is looked at later."""
    now = clock.now()
    with transaction() as tx:
        claimed = actions.claim(tx.session, message_id, now=now)
        found = queries.envelope(tx.session, message_id)
        if claimed:
            return found
        if found.state is MessageState.SENDING and found.claimed_at is not None:
            later = found.claimed_at + actions.CLAIM_LIFE
            tx.then(JobName.DELIVER_MESSAGE, message_id, due_at=later)
        return None


def _mail(found: Envelope, address: str) -> Mail:
    facts = {
        **found.facts,
        "person_name": found.person_name,
        "organization_name": found.organization_name,
    }
    wording = wording_of(found.kind, facts, locale=found.locale)
    return Mail(
        key=found.key,
        sender_name=found.organization_name,
        to_name=found.person_name,
        to_address=address,
        subject=wording.subject,
        text=wording.text,
        html=wording.html,
        files=[
            File(
                filename=each["filename"],
                media_type=each["media_type"],
                content=storage().read(each["key"]),
            )
            for each in found.attachments
        ],
    )
