"""Who cannot be reached by mail."""

from datetime import timedelta

from flask.testing import FlaskClient

from plugin.core import clock
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org.models import Person
from tests.functional.reports.crowd import Crowd, elsewhere, rows, seen
from tests.support.queries import counted
from tests.support.world import World

PATH = "/admin/unreachable"


def message(world: World, person: Person, state: MessageState, words: str | None = None) -> None:
    world.add(
        Message(
            organization_id=person.organization_id,
            person_id=person.id,
            kind=MessageKind.NEW_TRAINING,
            key=f"key {world.number()}",
            facts={},
            attachments=[],
            state=state,
            created_at=clock.now(),
            not_before=clock.now(),
            claimed_at=clock.now(),
            error=words,
        )
    )


def people(crowd: Crowd) -> dict[str, Person]:
    found = {
        name: crowd.person(f"{name} Person", "Quay")
        for name in ("Silent", "Bounced", "Mended", "Waiting", "Fine", "Left")
    }
    world = crowd.world
    for name in ("Silent", "Left"):
        found[name].email = None
    found["Left"].deactivated_at = clock.now() - timedelta(days=1)
    world.add(found["Silent"])
    world.add(found["Left"])
    message(world, found["Bounced"], MessageState.SENT)
    message(world, found["Bounced"], MessageState.FAILED, "550 no such mailbox")
    message(world, found["Bounced"], MessageState.QUEUED)
    message(world, found["Mended"], MessageState.FAILED, "550 no such mailbox")
    message(world, found["Mended"], MessageState.SENT)
    message(world, found["Waiting"], MessageState.QUEUED)
    message(world, found["Fine"], MessageState.SENT)
    return found


def test_the_list_names_who_has_no_address_and_whose_last_mail_failed(
    crowd: Crowd, client: FlaskClient
) -> None:
    people(crowd)
    crowd.world.sign_in(client, crowd.admin)
    lines = rows(seen(client, PATH))
    assert [(line[0], line[1]) for line in lines] == [
        ("Bounced Person", "bounced@example.test"),
        ("Silent Person", "–"),
    ]
    assert "Last mail failed" in lines[0][2]
    assert "550 no such mailbox" in lines[0][2]
    assert lines[1][2] == "No email address"
    for cause, name in (("no_address", "Silent Person"), ("failed", "Bounced Person")):
        assert [line[0] for line in rows(seen(client, f"{PATH}?cause={cause}"))] == [name]
    assert rows(seen(client, f"{PATH}?sort=failed&dir=desc"))[0][0] == "Silent Person"
    assert [line[0] for line in rows(seen(client, f"{PATH}?q=silent"))] == ["Silent Person"]


def test_the_list_is_downloaded(crowd: Crowd, client: FlaskClient) -> None:
    people(crowd)
    crowd.world.sign_in(client, crowd.admin)
    text = client.get(f"{PATH}.csv").get_data(as_text=True)
    assert "Bounced Person,,bounced@example.test,2027-03-10 09:30:00+00:00,550" in text
    assert client.get(f"{PATH}.xlsx").get_data()[:2] == b"PK"


def test_a_manager_sees_the_people_in_reach_only(crowd: Crowd, client: FlaskClient) -> None:
    people(crowd)
    crowd.world.sign_in(client, crowd.manager("Quay"))
    assert len(rows(seen(client, PATH))) == 2
    crowd.world.sign_in(client, crowd.manager("Yard", name="Max Other"))
    assert "Nothing matches." in seen(client, PATH).words


def test_learners_and_other_organizations_see_none_of_it(
    crowd: Crowd, world: World, client: FlaskClient
) -> None:
    found = people(crowd)
    world.sign_in(client, found["Fine"])
    for path in (PATH, f"{PATH}.csv"):
        assert client.get(path).status_code == 403
    world.sign_in(client, elsewhere().admin)
    assert "Nothing matches." in seen(client, PATH).words


def test_the_list_asks_no_more_for_more_people(crowd: Crowd, client: FlaskClient) -> None:
    people(crowd)
    crowd.world.sign_in(client, crowd.admin)
    with counted() as few:
        seen(client, PATH)
    for number in range(10):
        crowd.world.person(f"Nobody {number}", email=None)
    with counted() as many:
        seen(client, PATH)
    assert len(few) == len(many) <= 4
