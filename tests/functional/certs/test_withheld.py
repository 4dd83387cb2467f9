"""Suspended and revoked certificates: the person is told once, at once, and not why."""

from datetime import timedelta

import pytest

from plugin.certs import actions
from plugin.core import clock
from plugin.core.db import transaction
from plugin.notify.mailer import UnavailableError
from plugin.notify.models import MessageKind, MessageState
from tests.conftest import NOW, TOOL
from tests.functional.assign.places import messages
from tests.functional.certs.proofs import certificate, learner
from tests.support import smtp
from tests.support.work import work_off
from tests.support.world import World


def act(name: str) -> None:
    found = certificate()
    with transaction() as tx:
        act = getattr(actions, name)
        act(tx, tx.session.merge(found), by=None, reason="a secret cause", now=clock.now())
    work_off()


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("suspend", MessageKind.CERTIFICATE_SUSPENDED, "has been suspended"),
        ("revoke", MessageKind.CERTIFICATE_REVOKED, "has been revoked"),
    ],
)
def test_each_is_mailed_once_per_event_without_the_reason(
    world: World, inbox: smtp.Inbox, name: str, kind: MessageKind, words: str
) -> None:
    ada = learner(world)
    ada.passes()
    before = len(inbox.mails)
    act(name)
    act(name)
    (mail,) = inbox.mails[before:]
    assert f"is {name}" in mail["Subject"]
    for text in (smtp.text_of(mail), smtp.text_of(mail, "html")):
        assert "Hello Ada Byron," in text
        assert words in text
        assert certificate().credential_id in text
        assert f"{TOOL}/v/{certificate().token}" in text
        assert "a secret cause" not in text
    assert [each.kind for each in messages()][-1] is kind


def test_a_second_suspension_is_told_again(world: World, inbox: smtp.Inbox) -> None:
    learner(world).passes()
    for name in ("suspend", "lift", "suspend"):
        act(name)
    told = [each for each in messages() if each.kind is MessageKind.CERTIFICATE_SUSPENDED]
    assert len(told) == 2
    assert len({each.key for each in told}) == 2


def test_a_certificate_revoked_before_its_mail_left_is_not_given_by_mail(
    world: World, inbox: smtp.Inbox
) -> None:
    """The mail server was away; nobody hears of a certificate after hearing that it is revoked."""
    ada = learner(world)
    inbox.mails.clear()
    inbox.answers = ["451 4.7.1 come back later"]
    with pytest.raises(UnavailableError):
        ada.passes()
    with clock.at(NOW + timedelta(minutes=10)):
        act("revoke")
    assert ["revoked" in str(mail["Subject"]) for mail in inbox.mails] == [True]
    issued, revoked = messages()[-2:]
    assert (issued.kind, issued.error) == (MessageKind.CERTIFICATE_ISSUED, "superseded")
    assert (issued.state, revoked.state) == (MessageState.CANCELLED, MessageState.SENT)


def test_what_is_not_saved_mails_nobody(world: World) -> None:
    learner(world).passes()
    before = len(messages())
    with pytest.raises(RuntimeError):
        interrupted()
    work_off()
    assert len(messages()) == before


def interrupted() -> None:
    found = certificate()
    with transaction() as tx:
        actions.revoke(tx, tx.session.merge(found), by=None, reason="x", now=clock.now())
        raise RuntimeError


def test_an_erased_certificate_can_be_revoked_and_tells_nobody(world: World) -> None:
    learner(world).passes()
    found = certificate()
    with transaction() as tx:
        actions.erase(tx.session, tx.session.merge(found), by=None, now=clock.now())
    before = len(messages())
    act("revoke")
    assert len(messages()) == before
