"""Publishing in pages: the numbers first, then the publish, and nothing but what was seen."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.db import db
from plugin.notify.mail_models import MailSettings
from plugin.notify.models import Message, MessageKind
from plugin.org.models import Unit
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import judge, row, training, versions
from tests.functional.assign.test_effect import TODAY
from tests.functional.certs.test_impact import prepare, work
from tests.support.html import read
from tests.support.pages import press, press_publish
from tests.support.queries import counted
from tests.support.work import work_off
from tests.support.world import World

AT_RISK = "Certificates that turn invalid after the grace, if nothing is done"


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Grace Hopper")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


@pytest.fixture
def asked(world: World) -> int:
    """A published training of three people who have done it; its draft asks one module more."""
    site, done, more = world.unit("North Quay"), world.module("A"), world.module("B")
    with clock.at(NOW - timedelta(days=1)):
        asked = training(site, row(done, validity_months=12))
        for number in range(3):
            email = f"p{number}@example.test" if number else None
            person = world.person(f"P{number} X", email=email)
            world.member(person, site)
            world.completion(person, done)
        work()
    prepare(asked, [row(done, validity_months=12), row(more, due_days=14)], on=True)
    return asked


def address(asked: int) -> str:
    return f"/admin/training/{asked}/publish"


def unit_of(asked: int) -> Unit:
    configuration = db.session.get_one(Configuration, asked)
    return db.session.get_one(Unit, configuration.unit_id)


def numbers(page: str) -> dict[str, str]:
    """The table of the impact: label and number."""
    lines = read(page).by_id("impact").all("tr")[1:]
    return {line.all("th")[0].words: line.all("td")[0].words.split()[0] for line in lines}


def test_the_page_shows_what_will_happen_before_anything_does(
    admin: FlaskClient, asked: int
) -> None:
    page = admin.get(address(asked)).text
    found = numbers(page)
    assert found["People covered"] == "3"
    assert found["People with something new to do"] == "3"
    assert found["Certificates that turn invalid"] == "3"
    assert found["Mails about new training"] == "2"
    assert found["People concerned whom mail does not reach"] == "1"
    assert "2 mails will go." in page
    assert len(versions(asked)) == 1
    assert len(told()) == 0


def told() -> list[Message]:
    """Messages about training."""
    db.session.rollback()
    return [each for each in db.session.scalars(select(Message)) if "new" in each.kind]


def test_looking_at_other_choices_changes_the_numbers_and_nothing_else(
    admin: FlaskClient, asked: int
) -> None:
    until = str(TODAY + timedelta(days=20))
    answer = press(admin, address(asked), "look", when="grace", grace_until=until)
    found = numbers(answer.text)
    assert answer.status_code == 200
    assert (found["Certificates that turn invalid"], found[AT_RISK]) == ("0", "3")
    assert len(versions(asked)) == 1


def test_a_number_opens_to_the_names_behind_it(admin: FlaskClient, asked: int) -> None:
    page = read(admin.get(address(asked)).text).by_id("impact")
    (link,) = [each.attributes["href"] for each in page.all("a") if "turn invalid" in each.words]
    names = admin.get(link).text
    listed = read(names).all("bdi", **{"class": "entry-main"})
    assert [each.words for each in listed] == ["P0 X", "P1 X", "P2 X"]
    assert "1 to 3 of 3" in names


def test_what_was_seen_is_published_and_its_progress_can_be_followed(
    admin: FlaskClient, asked: int
) -> None:
    done = press_publish(admin, address(asked), reason="New law")
    assert done.status_code == 302
    begun = admin.get(done.location).text
    assert "It is about to begin." in begun
    assert "every 2s" in begun
    judge()
    after = admin.get(done.location).text
    assert "3 people have been judged by it." in after
    assert [each.words for each in read(after).by_id("progress").all("dd")] == ["2", "0", "1"]
    assert [version.reason for version in versions(asked)] == ["as the regulation asks", "New law"]


def test_mails_of_a_kind_that_is_switched_off_are_not_promised(
    world: World, admin: FlaskClient, asked: int
) -> None:
    off = [MessageKind.NEW_REQUIREMENT.value]
    organization_id = world.organization.id
    world.add(MailSettings(organization_id=organization_id, off_kinds=off, updated_at=NOW))
    page = admin.get(address(asked)).text
    assert "No mail will go." in page
    label = "People not mailed because the organization has switched the kind off"
    assert numbers(page)[label] == "2"
    names = admin.get(f"{address(asked)}/switched_off").text
    assert "1 to 2 of 2" in names
    done = press_publish(admin, address(asked), reason="New law")
    work_off()
    after = read(admin.get(done.location).text).by_id("progress")
    assert [each.words for each in after.all("dd")] == ["0", "0", "1", "2"]


def test_mails_that_wait_for_the_morning_say_so(admin: FlaskClient, asked: int) -> None:
    with clock.at((NOW + timedelta(days=1)).replace(hour=3)):
        done = press_publish(admin, address(asked), reason="New law")
        judge()
        page = admin.get(done.location).text
    assert "The waiting mails go out from Mar 11, 2027, 9:00:00\u202fAM on: not at night." in page
    assert "every 2s" not in page


def test_a_dated_publish_says_that_nothing_happens_before(admin: FlaskClient, asked: int) -> None:
    done = press_publish(
        admin, address(asked), reason="New law", when="date", effective_on="2027-04-01"
    )
    assert "takes effect on" in admin.get(done.location).text
    judge()
    assert told() == []
    assert "Version 2 was to take effect on" in admin.get(address(asked)).text
    with clock.at(NOW + timedelta(days=30)):
        judge()
        assert len(told()) == 3


def sent(page: str, **more: Any) -> dict[str, Any]:
    """What a browser sends that was shown this page."""
    tree = read(page)
    return {
        "revision": tree.all("input", name="revision")[0].attributes["value"],
        "seen": tree.by_id("impact").all("input")[0].attributes["value"],
        "reason": "New law",
        "when": "now",
        "certificates": "mail",
        **more,
    }


def test_numbers_that_have_changed_since_are_shown_again_instead_of_published(
    world: World, admin: FlaskClient, asked: int
) -> None:
    filled = sent(admin.get(address(asked)).text)
    world.member(world.person("Late Comer"), unit_of(asked))
    answer = admin.post(address(asked), data=filled)
    assert answer.status_code == 409
    assert "the numbers have changed" in answer.text
    assert "New law" in answer.text
    assert numbers(answer.text)["People covered"] == "4"
    assert len(versions(asked)) == 1


def test_choices_made_without_looking_are_shown_first(admin: FlaskClient, asked: int) -> None:
    dated = {"reason": "x", "when": "date", "effective_on": "2027-04-01"}
    answer = press(admin, address(asked), "publish", **dated)
    assert answer.status_code == 409
    assert len(versions(asked)) == 1
    assert press_publish(admin, address(asked), **dated).status_code == 302


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"when": "date"}, "Choose a day."),
        ({"when": "grace"}, "Choose a day."),
        ({"when": "date", "effective_on": "2027-03-10"}, "Choose a day after today"),
        ({"when": "grace", "grace_until": "2027-03-01"}, "Choose today or a later day"),
        ({"when": "date", "effective_on": "soon"}, "Not a valid date"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused_at_its_field(
    admin: FlaskClient, asked: int, chosen: dict[str, str], sentence: str
) -> None:
    for button, status in (("look", 200), ("publish", 422)):
        answer = press(admin, address(asked), button, reason="Typed with care", **chosen)
        assert answer.status_code == status
        assert sentence in answer.text
        assert "Typed with care" in answer.text
    assert len(versions(asked)) == 1


def test_publishing_needs_a_reason_and_the_draft_that_was_looked_at(
    admin: FlaskClient, asked: int
) -> None:
    refused = press(admin, address(asked), "publish", reason=" ", apply_to_existing="y")
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert re.search(r'<input[^>]*checked[^>]*id="apply_to_existing"', refused.text)
    stale = press(admin, address(asked), "publish", revision="1", reason="Typed with care")
    assert stale.status_code == 409
    assert "Somebody else has changed" in stale.text
    assert "Typed with care" in stale.text
    assert len(versions(asked)) == 1


def test_a_form_sent_twice_publishes_once(admin: FlaskClient, asked: int) -> None:
    filled = sent(admin.get(address(asked)).text)
    answers = [admin.post(address(asked), data=filled).status_code for _ in range(2)]
    assert answers == [302, 409]
    assert len(versions(asked)) == 2


def test_switching_on_asks_what_of_those_already_done(
    world: World, admin: FlaskClient, asked: int
) -> None:
    question = "Those who have done everything already"
    assert question not in admin.get(address(asked)).text
    module = world.module()
    off = training(world.unit("Yard"), row(module), certificate=False)
    prepare(off, [row(module)], on=True)
    assert question in admin.get(address(off)).text


def test_names_of_an_unknown_number_do_not_exist(admin: FlaskClient, asked: int) -> None:
    assert admin.get(f"{address(asked)}/everybody").status_code == 404
    assert admin.get(f"{address(asked)}/covered?when=date").status_code == 404


def test_the_page_costs_the_same_for_any_number_of_people(
    world: World, admin: FlaskClient, asked: int
) -> None:
    with counted() as few:
        admin.get(address(asked))
    unit = unit_of(asked)
    for number in range(20):
        world.member(world.person(f"Q{number} X"), unit)
    with counted() as many:
        admin.get(address(asked))
    assert len(many) == len(few) <= 16


def test_only_admins_of_the_organization_publish(
    world: World, client: FlaskClient, asked: int
) -> None:
    pages = [address(asked), f"{address(asked)}/covered", f"/admin/training/{asked}/progress"]
    learner, manager = world.person("Lars Learner"), world.person("Mona Manager")
    world.grant(manager, Role.MANAGER, unit_of(asked))
    stranger = world.person("Eve Other", organization=world.new_organization("Other"))
    world.grant(stranger, Role.ADMIN)
    for person, status in ((learner, 403), (manager, 403), (stranger, 404)):
        world.sign_in(client, person)
        assert [client.get(page).status_code for page in pages] == [status] * 3
        assert client.post(pages[0], data={"reason": "mine"}).status_code == status
    assert len(versions(asked)) == 1
