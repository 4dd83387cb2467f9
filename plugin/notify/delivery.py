"""One mail leaves: claimed, sent, marked; each in a short transaction of its own."""

from plugin.core import clock
from plugin.core.context import storage
from plugin.core.db import transaction
from plugin.core.log import log
from plugin.notify import actions, parcels
from plugin.notify.emails import wording_of
from plugin.notify.mailer import File, Mail, RefusedError, UnavailableError, send
from plugin.notify.parcels import Reread, as_written
from plugin.notify.queries import Envelope


def deliver(message_id: int, reread: Reread = as_written) -> None:
    """The message is sent, refused for good, or still queued (then the error is raised).

    News of the day leaves with all that is due to the person then, as `reread` has it now.
    At least once: a crash between sending and marking sends again, with the same Message-ID.
    """
    with transaction() as tx:
        parcel = parcels.claim(tx, message_id, reread, now=clock.now())
    if parcel is None:
        return
    found = parcel.envelope
    if found.person_address is None:
        with transaction() as tx:
            actions.mark_undeliverable(tx.session, parcel.message_ids)
            parcels.release(tx.session, parcel.digest_id)
        return
    try:
        send(_mail(found, found.person_address))
    except RefusedError as error:
        log.warning("message.refused", message_id=message_id)
        with transaction() as tx:
            actions.mark_failed(tx.session, parcel.message_ids, words=error.words)
    except Exception as error:  # whatever it was, nobody holds the message any more
        words = error.words if isinstance(error, UnavailableError) else type(error).__name__
        with transaction() as tx:
            actions.give_back(tx.session, parcel.message_ids, words=words, now=clock.now())
            parcels.release(tx.session, parcel.digest_id)
        raise
    else:
        with transaction() as tx:
            parcels.mark_sent(tx.session, parcel, now=clock.now())


def _mail(found: Envelope, address: str) -> Mail:
    facts = {
        **found.facts,
        "person_name": found.person_name,
        "organization_name": found.organization_name,
    }
    wording = wording_of(found.template, facts, locale=found.locale)
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
