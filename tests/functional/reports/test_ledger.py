"""The ledger: every mail, to whom, why and what became of it; within one's reach only."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.certs.models import Certificate
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.jobs.periodic import erase_mail_bodies
from plugin.notify import bounce_actions
from plugin.notify.actions import queue_message
from plugin.notify.bounces import Report
from plugin.notify.mail_models import AddressSource, SentMail
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later
from tests.functional.reports.crowd import Crowd, elsewhere, rows, seen
from tests.support import smtp
from tests.support.html import read
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World

PATH = "/admin/mail"


@pytest.fixture
def inbox(app: Flask) -> Iterator[smtp.Inbox]:
    with smtp.server() as server:
        app.extensions["mail"].port = server.port
        app.extensions["mail"].use_tls = False
        yield server


@pytest.fixture
def told(crowd: Crowd, inbox: smtp.Inbox) -> Crowd:
    """Quay asks for training: Ann passed it and has her certificate by mail; Ben is told of it."""
    crowd.asks("Quay")
    crowd.person("Ann Able", "Quay", passed={"Quay": 10})
    crowd.person("Ben Begin", "Quay")
    crowd.person("Yan Yard", "Yard")
    work_off()
    return crowd


def bounce(words: str = "550 5.1.1 unknown") -> None:
    """Ann's mail comes back."""
    db.session.rollback()
    mail = db.session.scalars(
        select(SentMail).where(SentMail.address == "ann@example.test")
    ).first()
    assert mail is not None
    report = Report(header_id=mail.header_id, address=None, is_hard=True, gave_up=True, words=words)
    with transaction() as tx:
        bounce_actions.record(
            tx.session,
            [report],
            organization_id=None,
            source=AddressSource.REPORT,
            now=clock.now(),
        )


def message_id(kind: MessageKind) -> int:
    db.session.rollback()
    return db.session.scalars(select(Message.id).where(Message.kind == kind)).one()


def admin(crowd: Crowd, client: FlaskClient) -> None:
    crowd.world.sign_in(client, crowd.admin)


def test_every_mail_is_there_with_person_cause_and_outcome(
    told: Crowd, client: FlaskClient
) -> None:
    admin(told, client)
    lines = {line[1].split()[0]: line for line in rows(seen(client, PATH))}
    assert set(lines) == {"Ann", "Ben"}
    assert lines["Ann"][2].startswith("Certificate issued")
    assert "ann@example.test" in lines["Ann"][1]
    credential = db.session.scalars(select(Certificate.credential_id)).one()
    assert lines["Ann"][4] == f"{credential}, edition 1"
    assert lines["Ben"][2].startswith("New training")
    assert lines["Ben"][4] == "Basics of Quay, version 1"
    assert all(line[3].startswith("Sent") for line in lines.values())


def test_the_cause_leads_to_the_version_and_the_certificate(
    told: Crowd, client: FlaskClient
) -> None:
    admin(told, client)
    page = client.get(PATH).text
    certificate_id = db.session.scalars(select(Certificate.id)).one()
    ann = db.session.scalars(select(Person.id).where(Person.full_name == "Ann Able")).one()
    assert f"/admin/people/{ann}/training" in page
    assert f"/admin/certificates/{certificate_id}" in page
    assert f"/admin/training/{told.trainings['Quay']}/versions/1" in page


def test_one_mail_shows_the_words_that_were_sent_and_the_seal_of_its_file(
    told: Crowd, inbox: smtp.Inbox, client: FlaskClient
) -> None:
    admin(told, client)
    page = seen(client, f"{PATH}/{message_id(MessageKind.CERTIFICATE_ISSUED)}").words
    (mail,) = [each for each in inbox.mails if "ann@" in str(each["To"])]
    for line in smtp.text_of(mail).split("\n"):
        assert " ".join(line.split()) in page
    assert str(mail["Subject"]) in page
    sha = db.session.scalars(select(Message.attachments)).all()
    assert next(each for each in sha if each)[0]["sha256"] in page


def test_a_bounce_is_shown_with_its_time_and_the_servers_words(
    told: Crowd, client: FlaskClient
) -> None:
    bounce()
    admin(told, client)
    (line,) = rows(seen(client, f"{PATH}?state=bounced"))
    assert line[3].startswith("Came back")
    assert "550 5.1.1 unknown" in line[3]
    page = seen(client, f"{PATH}/{message_id(MessageKind.CERTIFICATE_ISSUED)}").words
    assert "The address takes no mail" in page


def test_the_list_narrows_by_state_kind_unit_period_and_words(
    told: Crowd, client: FlaskClient
) -> None:
    admin(told, client)

    def people(query: str) -> list[str]:
        return [line[1].split()[0] for line in rows(seen(client, f"{PATH}?{query}"))]

    assert people("kind=certificate_issued") == ["Ann"]
    assert people("q=ben") == ["Ben"]
    assert people(f"unit={told.units['Quay'].id}") == people(f"unit={told.units['North'].id}")
    assert sorted(people(f"unit={told.units['North'].id}")) == ["Ann", "Ben"]
    assert people("sort=person") == ["Ann", "Ben"]
    for empty in (f"unit={told.units['Yard'].id}", "state=failed", "state=stuck"):
        assert "Nothing matches." in seen(client, f"{PATH}?{empty}").words
    with clock.at(clock.now() + timedelta(days=8)):
        assert sorted(people("period=30")) == ["Ann", "Ben"]
        assert "Nothing matches." in seen(client, f"{PATH}?period=7").words


def test_what_is_stuck_is_seen_with_its_age_and_counted_on_the_overview(
    told: Crowd, world: World, client: FlaskClient
) -> None:
    message = db.session.scalars(select(Message).where(Message.id == 1)).one()
    message.state, message.sent_at = MessageState.QUEUED, None
    world.add(message)
    admin(told, client)
    assert "stuck" not in seen(client, "/admin/overview").words
    with clock.at(clock.now() + timedelta(hours=3)):
        (line,) = rows(seen(client, f"{PATH}?state=stuck"))
        assert "should have left 3 hours ago" in line[3]
        assert "1 mails stuck for half an hour or more" in seen(client, "/admin/overview").words


def test_a_mail_that_waits_for_its_minute_or_the_morning_is_not_stuck(
    told: Crowd, world: World, client: FlaskClient
) -> None:
    message = db.session.scalars(select(Message).where(Message.id == 1)).one()
    message.state, message.turn_at = MessageState.QUEUED, clock.now() + timedelta(hours=3)
    world.add(message)
    admin(told, client)
    with clock.at(clock.now() + timedelta(hours=2)):
        assert "Nothing matches." in seen(client, f"{PATH}?state=stuck").words


def test_the_ledger_is_downloaded(told: Crowd, client: FlaskClient) -> None:
    bounce("=cmd|' /C calc'!A0")
    admin(told, client)
    text = client.get(f"{PATH}.csv").get_data(as_text=True)
    assert "Ann Able,,ann@example.test,Certificate issued," in text
    assert '"Basics of Quay, version 1"' in text
    assert "'=cmd" in text, "a server's words are no formula"
    assert client.get(f"{PATH}.xlsx").get_data()[:2] == b"PK"
    narrowed = client.get(f"{PATH}.csv?kind=new_training").get_data(as_text=True)
    assert "Ann" not in narrowed


def test_a_managers_ledger_holds_their_units_people_only(told: Crowd, client: FlaskClient) -> None:
    number = message_id(MessageKind.CERTIFICATE_ISSUED)
    told.world.sign_in(client, told.manager("Quay"))
    assert len(rows(seen(client, PATH))) == 2
    seen(client, f"{PATH}/{number}")
    told.world.sign_in(client, told.manager("Yard", name="Max Other"))
    assert "Nothing matches." in seen(client, PATH).words
    seen(client, f"{PATH}/{number}", 404)
    assert "Ann" not in client.get(f"{PATH}.csv").get_data(as_text=True)


def test_what_a_manager_is_told_of_other_units_is_not_in_the_ledger_of_these(
    told: Crowd, world: World, client: FlaskClient
) -> None:
    both = told.manager("Yard", name="Max Other")
    world.member(both, told.units["Quay"])
    with transaction() as tx:
        queue_message(
            tx,
            organization_id=world.organization.id,
            person_id=both.id,
            kind=MessageKind.MANAGER_DIGEST,
            key="manager_digest",
            facts={"matters": {}, "unreachable": 1},
            now=clock.now() - timedelta(hours=1),
        )
    number = message_id(MessageKind.MANAGER_DIGEST)
    world.sign_in(client, told.manager("Quay"))
    assert "Max" not in seen(client, PATH).words
    assert "Max" not in seen(client, f"{PATH}?state=stuck").words
    seen(client, f"{PATH}/{number}", 404)
    admin(told, client)
    seen(client, f"{PATH}/{number}")


def test_learners_and_other_organizations_see_none_of_it(
    told: Crowd, world: World, client: FlaskClient
) -> None:
    number = message_id(MessageKind.CERTIFICATE_ISSUED)
    ann = db.session.scalars(select(Person).where(Person.full_name == "Ann Able")).one()
    ann_id = ann.id
    world.sign_in(client, ann)
    for path in (PATH, f"{PATH}.csv", f"{PATH}/{number}", f"/admin/people/{ann_id}/mail"):
        assert client.get(path).status_code == 403
    world.sign_in(client, elsewhere().admin)
    assert "Nothing matches." in seen(client, PATH).words
    seen(client, f"{PATH}/{number}", 404)
    seen(client, f"/admin/people/{ann_id}/mail", 404)


def test_a_persons_page_shows_their_mails(told: Crowd, client: FlaskClient) -> None:
    ann = db.session.scalars(select(Person.id).where(Person.full_name == "Ann Able")).one()
    admin(told, client)
    (line,) = rows(seen(client, f"/admin/people/{ann}/mail"))
    assert line[1].startswith("Certificate issued")
    text = client.get(f"/admin/people/{ann}/mail.csv").get_data(as_text=True)
    assert "Ann" in text
    assert "Ben" not in text


def test_the_ledger_asks_no_more_for_more_mails(told: Crowd, client: FlaskClient) -> None:
    admin(told, client)
    with counted() as few:
        seen(client, PATH)
    for number in range(8):
        told.person(f"More{number} People", "Quay", passed={"Quay": 10})
    work_off()
    with counted() as many:
        seen(client, PATH)
    assert len(rows(seen(client, PATH))) == 10
    assert len(few) == len(many) <= 6


def test_whose_mail_came_back_is_listed_and_cleared_by_an_admin(
    told: Crowd, client: FlaskClient
) -> None:
    bounce()
    ann = db.session.scalars(select(Person.id).where(Person.full_name == "Ann Able")).one()
    admin(told, client)
    (line,) = rows(seen(client, "/admin/unreachable"))
    assert line[0] == "Ann Able"
    assert "Mail came back" in line[2]
    assert "550 5.1.1 unknown" in line[2]
    assert len(rows(seen(client, "/admin/unreachable?cause=dead"))) == 1
    assert "Nothing matches." in seen(client, "/admin/unreachable?cause=failed").words
    told.world.sign_in(client, told.manager("Quay"))
    assert client.post(f"/admin/people/{ann}/address/clear").status_code == 403
    admin(told, client)
    assert client.post(f"/admin/people/{ann}/address/clear").status_code == 303
    assert "Nothing matches." in seen(client, "/admin/unreachable").words


def test_who_cannot_be_reached_is_told_so_at_the_next_visit(
    told: Crowd, world: World, client: FlaskClient
) -> None:
    ann = db.session.scalars(select(Person).where(Person.full_name == "Ann Able")).one()
    world.sign_in(client, ann)
    assert "Mail to you comes back" not in client.get("/").text
    bounce()
    page = client.get("/").text
    assert "Mail to you comes back" in page
    assert "ann@example.test" in page
    silent = world.person("Sil Ent", email=None)
    world.sign_in(client, silent)
    assert "We have no email address of yours" in client.get("/").text


def test_reminders_are_switched_off_and_on_from_the_learners_own_page(
    told: Crowd, world: World, client: FlaskClient
) -> None:
    ann = db.session.scalars(select(Person).where(Person.full_name == "Ann Able")).one()
    world.sign_in(client, ann)
    client.post("/reminders", data={"wanted": "no"})
    page = client.get("/").text
    assert "You get no reminders by mail." in page
    client.post("/reminders", data={"wanted": "yes"})
    assert "You get no reminders by mail." not in client.get("/").text


def test_the_html_is_shown_as_it_was_sent_in_a_frame_that_loads_nothing(
    told: Crowd, inbox: smtp.Inbox, client: FlaskClient
) -> None:
    admin(told, client)
    place = f"{PATH}/{message_id(MessageKind.CERTIFICATE_ISSUED)}"
    frame = read(client.get(place).text).all("iframe")[0]
    assert frame.attributes["src"].endswith("/html")
    assert frame.attributes["sandbox"] == ""
    answer = client.get(f"{place}/html")
    (mail,) = [each for each in inbox.mails if "ann@" in str(each["To"])]
    assert answer.text.split() == smtp.text_of(mail, "html").split()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-")


def test_words_are_erased_when_they_were_kept_long_enough_and_the_row_stays(
    told: Crowd, client: FlaskClient
) -> None:
    admin(told, client)
    place = f"{PATH}/{message_id(MessageKind.CERTIFICATE_ISSUED)}"
    before = rows(seen(client, PATH))
    subject = db.session.scalars(
        select(SentMail.subject).where(SentMail.address == "ann@example.test")
    ).one()
    with clock.at(clock.now() + timedelta(days=3650)):
        erase_mail_bodies()
    assert client.get(f"{place}/html").status_code == 200, "the last day is a day too"
    with clock.at(clock.now() + timedelta(days=3651)):
        erase_mail_bodies()
    assert rows(seen(client, PATH)) == before
    page = seen(client, place).words
    assert "Its words were kept long enough and erased on" in page
    assert subject in page
    assert client.get(f"{place}/html").status_code == 404
    db.session.rollback()
    assert {(each.text, each.html) for each in db.session.scalars(select(SentMail))} == {("", None)}
    assert {str(facts) for facts in db.session.scalars(select(Message.facts))} == {"{}"}


def test_words_may_be_kept_for_ever(told: Crowd, app: Flask) -> None:
    before = app.extensions["plugin_settings"]
    app.extensions["plugin_settings"] = replace(before, mail_keep_days=0)
    with clock.at(clock.now() + timedelta(days=20_000)):
        erase_mail_bodies()
    app.extensions["plugin_settings"] = before
    db.session.rollback()
    assert all(db.session.scalars(select(SentMail.text)))


def test_html_is_within_ones_reach_only(told: Crowd, client: FlaskClient) -> None:
    place = f"{PATH}/{message_id(MessageKind.CERTIFICATE_ISSUED)}/html"
    told.world.sign_in(client, elsewhere().admin)
    assert client.get(place).status_code == 404


def test_the_ledger_of_a_past_moment_says_what_had_become_of_each_mail_by_then(
    told: Crowd, client: FlaskClient
) -> None:
    with clock.at(NOW + timedelta(days=2)):
        bounce()
    with clock.at(NOW + timedelta(days=10)):
        admin(told, client)
        ann = db.session.scalars(select(Person.id).where(Person.full_name == "Ann Able")).one()

        def states(asked: str, path: str = PATH) -> dict[str, str]:
            lines = rows(seen(client, f"{path}?{asked}"))
            place = 3 if path == PATH else 2
            return {line[1].split()[0]: line[place].split()[0] for line in lines}

        assert states("as_of=2027-03-09") == {}
        assert states("as_of=2027-03-10") == {"Ann": "Sent", "Ben": "Sent"}
        assert states("as_of=2027-03-12") == {"Ann": "Came", "Ben": "Sent"}
        assert states("as_of=2027-03-10&state=sent") == {"Ann": "Sent", "Ben": "Sent"}
        assert states("as_of=2027-03-10&state=bounced") == {}
        assert list(states("as_of=2027-03-12&state=bounced")) == ["Ann"]
        of_ann = f"/admin/people/{ann}/mail"
        assert "Came back" not in client.get(f"{of_ann}?as_of=2027-03-10").text
        assert "Came back" in client.get(of_ann).text
        file = client.get(f"{PATH}.csv?as_of=2027-03-10").text
        assert "550" not in file
        assert "As of" in file
        assert "550" in client.get(f"{PATH}.csv").text


def test_what_was_not_sent_yet_waited(crowd: Crowd, inbox: smtp.Inbox, client: FlaskClient) -> None:
    crowd.asks("Quay")
    crowd.person("Ben Begin", "Quay")
    una = crowd.world.person("Una Unknown", email=None)
    crowd.world.member(una, crowd.units["Quay"])
    evaluate_later(una)
    with clock.at(NOW + timedelta(days=3)):
        work_off()
        admin(crowd, client)
        for asked in db.session.scalars(select(Message)):
            asked.created_at = NOW
        db.session.commit()
        for state in ("queued", "stuck"):
            (line,) = rows(seen(client, f"{PATH}?as_of=2027-03-11&state={state}"))
            assert (line[1].split()[0], line[3]) == ("Ben", "Waiting")
        (line,) = rows(seen(client, f"{PATH}?as_of=2027-03-11&state=undeliverable"))
        assert line[1].startswith("Una"), "she never had an address"
        (line,) = rows(seen(client, f"{PATH}?state=sent"))
        assert line[1].startswith("Ben")
