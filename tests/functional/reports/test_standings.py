"""The list of standings: what it shows, how it narrows, who may see it."""

import csv
import io
import re
import zipfile
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from plugin.assign.actions import Effect
from plugin.core import clock
from plugin.core.db import db
from plugin.org.models import Membership
from tests.functional.assign.places import OPTIONAL, evaluate_later, judge, publish, row, training
from tests.functional.reports.crowd import Crowd, elsewhere, rows, seen
from tests.support.queries import counted
from tests.support.world import World

RAN_OUT = (
    "Training of Quay: Expired. Completed Oct 26, 2025 (by hand). Oct 26, 2025 + 12 months → "
    "Oct 26, 2026; it ends at midnight, Europe/London. That day is over."
)


@pytest.fixture
def people(crowd: Crowd) -> Crowd:
    """One person in each state at Quay, a region's training beside it, and one diver."""
    quay = crowd.asks("Quay")
    crowd.person("Ann Valid", "Quay", passed={"Quay": 10})
    crowd.person("Ben Soon", "Quay", passed={"Quay": 340})
    crowd.person("Cat Later", "Quay", passed={"Quay": 290})
    crowd.person("Dee Expired", "Quay", passed={"Quay": 500})
    crowd.person("Eli Never", "Quay")
    gone = crowd.person("Fay Gone", "Quay", passed={"Quay": 10})
    membership = db.session.query(Membership).filter_by(person_id=gone.id).one()
    membership.until_at = clock.now() - timedelta(days=1)
    crowd.world.add(membership)
    evaluate_later(gone)
    judge()
    assert quay
    training(crowd.units["Divers"], row(crowd.world.module("Sharks"), OPTIONAL), name="Sharks")
    judge()
    crowd.person("Gus Diver", "Divers")
    return crowd


def states(client: FlaskClient, query: str = "") -> dict[str, str]:
    return {line[0]: line[1] for line in rows(seen(client, f"/admin/standings{query}"))}


def test_everybody_is_listed_with_the_state_of_now(people: Crowd, client: FlaskClient) -> None:
    people.world.sign_in(client, people.admin)
    assert states(client) == {
        "Ann Valid": "Valid",
        "Ben Soon": "Valid, ends soon",
        "Cat Later": "Valid",
        "Dee Expired": "Invalid: expired",
        "Eli Never": "Invalid: never completed",
        "Fay Gone": "Ended",
        "Gus Diver": "Nothing required",
    }
    lines = rows(seen(client, "/admin/standings"))
    assert lines[0] == ["Ann Valid", "Valid", "Feb 28, 2028", "Quay Basics of Quay"]
    with clock.at(clock.now() + timedelta(days=30)):
        assert states(client)["Ben Soon"] == "Invalid: expired"


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("valid", {"Ann Valid", "Ben Soon", "Cat Later"}),
        ("expiring_30", {"Ben Soon"}),
        ("expiring_60", {"Ben Soon"}),
        ("expiring_90", {"Ben Soon", "Cat Later"}),
        ("invalid", {"Dee Expired", "Eli Never"}),
        ("never_completed", {"Eli Never"}),
        ("expired", {"Dee Expired"}),
        ("new_requirement", set()),
        ("newly_invalid", set()),
        ("nothing_required", {"Gus Diver"}),
        ("ended", {"Fay Gone"}),
        (
            "no such state",
            {"Ann Valid", "Ben Soon", "Cat Later", "Dee Expired", "Eli Never"}
            | {"Fay Gone", "Gus Diver"},
        ),
    ],
)
def test_each_state_shows_its_people(
    people: Crowd, client: FlaskClient, state: str, names: set[str]
) -> None:
    people.world.sign_in(client, people.admin)
    assert set(states(client, f"?state={state}")) == names


def test_what_is_newly_asked_is_a_new_requirement_until_done(
    people: Crowd, client: FlaskClient
) -> None:
    added = people.world.module("Ladders")
    with clock.at(clock.now() + timedelta(hours=1)):
        publish(
            people.trainings["Quay"],
            row(people.modules["Quay"], validity_months=12),
            row(added, validity_months=12),
        )
        judge()
        people.world.sign_in(client, people.admin)
        assert set(states(client, "?state=new_requirement")) == {
            "Ann Valid",
            "Ben Soon",
            "Cat Later",
            "Dee Expired",
        }
        people.modules["Ladders"] = added
        assert states(client)["Ann Valid"] == "Invalid: new requirement"


def test_the_list_is_searched_and_narrowed_to_places(people: Crowd, client: FlaskClient) -> None:
    people.world.sign_in(client, people.admin)
    north, divers = people.units["North"].id, people.units["Divers"].id
    assert set(states(client, "?q=ann")) == {"Ann Valid"}
    assert set(states(client, "?q=BEN@EXAMPLE")) == {"Ben Soon"}
    assert set(states(client, f"?unit={divers}")) == {"Gus Diver"}
    assert len(states(client, f"?unit={north}")) == 6  # those of its sites
    assert len(states(client, f"?configuration={people.trainings['Quay']}")) == 6


def test_the_list_is_sorted_each_way(people: Crowd, client: FlaskClient) -> None:
    people.world.sign_in(client, people.admin)

    def names(query: str) -> list[str]:
        return [line[0].split()[0] for line in rows(seen(client, f"/admin/standings?{query}"))]

    assert names("sort=person&dir=desc") == ["Gus", "Fay", "Eli", "Dee", "Cat", "Ben", "Ann"]
    assert names("sort=unit")[0] == "Gus"
    assert names("sort=through")[:3] == ["Dee", "Ben", "Cat"]


def test_long_lists_have_pages(crowd: Crowd, client: FlaskClient) -> None:
    crowd.asks("Quay")
    for number in range(52):
        person = crowd.world.person(f"Pat {number:02}")
        crowd.world.member(person, crowd.units["Quay"])
        evaluate_later(person)
    judge()
    crowd.world.sign_in(client, crowd.admin)
    first, second = (rows(seen(client, f"/admin/standings?page={page}")) for page in (1, 2))
    assert (len(first), len(second)) == (50, 2)
    assert "1 to 50 of 52" in seen(client, "/admin/standings").words
    assert len({line[0] for line in first + second}) == 52
    with counted() as many:
        seen(client, "/admin/standings")
    with counted() as few:
        seen(client, "/admin/standings?q=pat 51")
    assert len(many) == len(few) <= 5


def test_the_narrowed_list_is_downloaded(people: Crowd, client: FlaskClient) -> None:
    people.world.sign_in(client, people.admin)
    text = client.get("/admin/standings.csv?state=expired").get_data(as_text=True)
    header, *lines = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    assert header[:2] == ["Name", "Email"]
    assert header[-2:] == ["Version", "To do"]
    assert [line[0] for line in lines] == ["Dee Expired"]
    assert lines[0][1:] == [
        "dee@example.test",
        "",
        "Quay",
        "Basics of Quay",
        "Invalid: expired",
        "2026-10-26",
        "1",
        RAN_OUT,
    ]
    book = client.get("/admin/standings.xlsx").get_data()
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert len(re.findall("<row ", sheet)) == 8


def in_file(client: FlaskClient, query: str = "") -> dict[str, list[str]]:
    """The lines of the file by name: state, valid through, version, and what is still to do."""
    text = client.get(f"/admin/standings.csv{query}").get_data(as_text=True)
    _header, *lines = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    return {line[0]: [line[5], *line[6:9]] for line in lines}


def test_the_file_says_by_which_version_and_what_is_still_to_do_and_why(
    people: Crowd, client: FlaskClient
) -> None:
    people.world.sign_in(client, people.admin)
    ladders = people.world.module("Ladders")
    with clock.at(clock.now() + timedelta(days=1)):
        publish(
            people.trainings["Quay"],
            row(people.modules["Quay"], validity_months=12),
            row(ladders, validity_months=12),
        )
        judge()
        now = in_file(client)
        assert now["Ann Valid"] == [
            "Invalid: new requirement",
            "",
            "2",
            "Ladders: New requirement. Required since Mar 11, 2027, not completed.",
        ]
        assert now["Dee Expired"][2:] == [
            "2",
            f"{RAN_OUT} | Ladders: New requirement. Required since Mar 11, 2027, not completed.",
        ]
        assert now["Fay Gone"] == ["Ended", "", "2", ""]
        assert now["Gus Diver"] == ["Nothing required", "", "1", ""]
        then = in_file(client, "?as_of=2027-03-10")
        assert then["Ann Valid"] == ["Valid", "2028-02-28", "1", ""]
        assert then["Dee Expired"][2] == "1"
        assert then["Dee Expired"][3].startswith("Training of Quay: Expired.")
        assert "Ladders" not in then["Dee Expired"][3]
        assert then["Eli Never"][1:] == [
            "",
            "1",
            "Training of Quay: Never completed. Required since Mar 10, 2027, not completed.",
        ]


def test_a_grace_is_still_to_do_while_the_standing_is_valid(
    people: Crowd, client: FlaskClient
) -> None:
    people.world.sign_in(client, people.admin)
    with clock.at(clock.now() + timedelta(hours=1)):
        publish(
            people.trainings["Quay"],
            row(people.modules["Quay"], validity_months=12),
            row(people.world.module("Ladders")),
            effect=Effect(grace_until=date(2027, 4, 30)),
        )
        judge()
        assert in_file(client)["Ann Valid"] == [
            "Valid",
            "2027-04-30",
            "2",
            "Ladders: In grace. Required since Mar 10, 2027; the grace ends with Apr 30, 2027.",
        ]


@pytest.mark.parametrize("asked", ["", "?as_of=2027-03-10"])
def test_the_file_of_many_asks_no_more_often_than_that_of_few(
    crowd: Crowd, client: FlaskClient, asked: str
) -> None:
    crowd.asks("Quay")
    crowd.world.sign_in(client, crowd.admin)
    crowd.person("Una First", "Quay", passed={"Quay": 500})

    def statements() -> int:
        with clock.at(clock.now() + timedelta(days=1)), counted() as found:
            client.get(f"/admin/standings.csv{asked}").get_data()
        return len(found)

    few = statements()
    for number in range(12):
        crowd.person(f"Pat {number:02}", "Quay", passed={"Quay": 500} if number % 2 else None)
    assert statements() == few


def test_a_manager_sees_the_people_of_the_units_granted(people: Crowd, client: FlaskClient) -> None:
    people.world.sign_in(client, people.manager("Quay"))
    assert set(states(client)) == {
        "Ann Valid",
        "Ben Soon",
        "Cat Later",
        "Dee Expired",
        "Eli Never",
    }
    assert "Divers" not in seen(client, "/admin/standings").words
    people.world.sign_in(client, people.manager("Divers", name="Max Other"))
    assert set(states(client)) == {"Gus Diver"}
    assert set(states(client, f"?unit={people.units['Quay'].id}")) == {"Gus Diver"}
    text = client.get("/admin/standings.csv").get_data(as_text=True)
    assert "Ann" not in text


def test_learners_and_other_organizations_see_none_of_it(
    people: Crowd, world: World, client: FlaskClient
) -> None:
    world.sign_in(client, people.person("Lea Learner", "Quay"))
    for path in ("/admin/standings", "/admin/standings.csv", "/admin/standings.xlsx"):
        assert client.get(path).status_code == 403
    world.sign_in(client, elsewhere().admin)
    page = seen(client, f"/admin/standings?unit={people.units['Quay'].id}")
    assert "Nothing matches." in page.words
    assert "Ann" not in page.words
