"""The training matrix: every cell is the rules' answer, read a part at a time."""

import csv
import io
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from plugin.assign.models import Waiver
from plugin.core import clock
from plugin.modules.models import Module
from tests.functional.assign.places import HIDDEN, OPTIONAL, judge, publish, row, training
from tests.functional.reports.crowd import Crowd, elsewhere, rows, seen
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def quay(crowd: Crowd) -> Crowd:
    """Quay requires two modules, offers one, hides one; North requires another."""
    for name in ("Lifting", "Diving", "Reading", "Secret"):
        crowd.modules[name] = crowd.world.module(name)
    crowd.trainings["Quay"] = training(
        crowd.units["Quay"],
        row(crowd.modules["Lifting"], validity_months=12),
        row(crowd.modules["Diving"]),
        row(crowd.modules["Reading"], OPTIONAL, validity_months=1),
        row(crowd.modules["Secret"], HIDDEN),
        name="Basics",
    )
    judge()
    crowd.asks("North")
    return crowd


def path(crowd: Crowd, unit: str = "Quay", ending: str = "") -> str:
    return f"/admin/units/{crowd.units[unit].id}/matrix{ending}"


def test_each_cell_says_how_a_person_stands_with_a_module(quay: Crowd, client: FlaskClient) -> None:
    quay.person("Ann Done", "Quay", passed={"Lifting": 10, "Diving": 10, "Reading": 1})
    quay.person("Ben Soon", "Quay", passed={"Lifting": 340})
    quay.person("Cat Late", "Quay", passed={"Lifting": 500, "Reading": 90})
    exempt = quay.person("Dee Exempt", "Quay")
    quay.world.add(
        Waiver(
            organization_id=exempt.organization_id,
            configuration_id=quay.trainings["Quay"],
            module_id=quay.modules["Diving"].id,
            person_id=exempt.id,
            reason="as agreed",
            approved_by=quay.admin.id,
            from_at=clock.now(),
            until_on=date(2027, 6, 30),
        )
    )
    quay.world.sign_in(client, quay.admin)
    page = seen(client, path(quay))
    headers = [each.words for each in page.by_id("list").all("th", scope="col")]
    assert headers[0].startswith("Person")
    assert headers[1:] == [
        "Lifting Basics · required",
        "Diving Basics · required",
        "Reading Basics · optional",
    ]
    assert rows(page) == [
        ["Ann Done", "Valid Feb 28, 2028", "Valid", "Valid Apr 9, 2027"],
        ["Ben Soon", "Ends soon Apr 4, 2027", "Missing", "Not done"],
        ["Cat Late", "Expired Oct 26, 2026", "Missing", "Lapsed Jan 10, 2027"],
        ["Dee Exempt", "Missing", "Exempt Jun 30, 2027", "Not done"],
    ]
    assert "Secret" not in page.words


def test_a_cell_changes_the_second_its_last_day_ends(quay: Crowd, client: FlaskClient) -> None:
    quay.person("Ben Soon", "Quay", passed={"Lifting": 340})
    quay.world.sign_in(client, quay.admin)
    ends_at = clock.now().replace(month=4, day=4, hour=23, minute=0)
    with clock.at(ends_at - timedelta(seconds=1)):
        assert rows(seen(client, path(quay)))[0][1].startswith("Ends soon")
    with clock.at(ends_at):
        assert rows(seen(client, path(quay)))[0][1].startswith("Expired")


def test_what_is_newly_asked_reads_new(quay: Crowd, client: FlaskClient) -> None:
    quay.person("Ann Done", "Quay", passed={"Lifting": 10, "Diving": 10})
    added = quay.world.module("Welding")
    with clock.at(clock.now() + timedelta(hours=1)):
        publish(quay.trainings["Quay"], row(quay.modules["Lifting"]), row(added))
        judge()
        quay.world.sign_in(client, quay.admin)
        assert rows(seen(client, path(quay)))[0][2] == "New"


def test_a_regions_matrix_has_the_people_of_its_sites(quay: Crowd, client: FlaskClient) -> None:
    quay.person("Ann Done", "Quay", passed={"North": 10})
    quay.person("Yan Yard", "Yard")
    quay.person("Dan Diver", "Divers")
    quay.world.sign_in(client, quay.admin)
    assert rows(seen(client, path(quay, "North"))) == [
        ["Ann Done", "Valid Feb 28, 2028"],
        ["Yan Yard", "Missing"],
    ]


def test_who_left_or_was_deactivated_is_not_in_it(quay: Crowd, client: FlaskClient) -> None:
    gone, off = quay.world.person("Gone By"), quay.world.person("Off Line")
    quay.world.member(gone, quay.units["Quay"], until=clock.now())
    quay.world.member(off, quay.units["Quay"])
    off.deactivated_at = clock.now()
    quay.world.add(off)
    quay.world.sign_in(client, quay.admin)
    assert "Nothing matches." in seen(client, path(quay)).words


def many_modules(crowd: Crowd) -> list[Module]:
    modules = [crowd.world.module(f"Module {number:02}") for number in range(23)]
    training(crowd.units["Divers"], *(row(each) for each in modules), name="Much")
    judge()
    return modules


def test_modules_are_paged_sideways_and_people_down(crowd: Crowd, client: FlaskClient) -> None:
    many_modules(crowd)
    for number in range(51):
        crowd.world.member(crowd.world.person(f"Pat {number:02}"), crowd.units["Divers"])
    crowd.world.sign_in(client, crowd.admin)
    first = seen(client, path(crowd, "Divers"))
    assert len(rows(first)) == 50
    assert len(rows(first)[0]) == 11
    assert "Modules 1 to 10 of 23" in first.words
    more = next(each for each in first.all("a") if each.words == "More modules")
    second = seen(client, path(crowd, "Divers") + more.attributes["href"])
    assert "Modules 11 to 20 of 23" in second.words
    following = next(each for each in second.all("a") if each.words == "Next")
    corner = seen(client, path(crowd, "Divers") + following.attributes["href"])
    assert "Modules 11 to 20 of 23" in corner.words
    assert [line[0] for line in rows(corner)] == ["Pat 50"]
    last = seen(client, path(crowd, "Divers", "?columns=99"))
    assert "Modules 21 to 23 of 23" in last.words
    assert [line[0] for line in rows(seen(client, path(crowd, "Divers", "?q=pat 07")))] == [
        "Pat 07"
    ]
    assert rows(seen(client, path(crowd, "Divers", "?dir=desc&sort=person")))[0][0] == "Pat 50"


def test_the_page_asks_no_more_for_more_people(quay: Crowd, client: FlaskClient) -> None:
    quay.world.sign_in(client, quay.admin)
    numbers = []
    for size in (2, 30):
        for number in range(size):
            quay.world.member(quay.world.person(f"Pat {size}{number}"), quay.units["Quay"])
        address = path(quay)
        with counted() as statements:
            seen(client, address)
        numbers.append(len(statements))
    assert numbers[0] == numbers[1] <= 7


def test_the_whole_matrix_is_downloaded_in_chunks(
    crowd: Crowd, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugin.reports.matrix.CHUNK", 20)
    modules = many_modules(crowd)
    for number in range(55):
        person = crowd.world.person(f"Pat {number:02}")
        crowd.world.member(person, crowd.units["Divers"])
    crowd.world.completion(person, modules[22])
    crowd.world.sign_in(client, crowd.admin)
    text = client.get(path(crowd, "Divers", ".csv")).get_data(as_text=True)
    header, *lines = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    assert header[3:5] == ["Much: Module 00", "Much: Module 00, valid through"]
    assert len(header) == 3 + 2 * 23
    assert len(lines) == 55
    assert lines[0][3:5] == ["Missing", ""]
    assert lines[54][-2:] == ["Valid", ""]
    assert client.get(path(crowd, "Divers", ".xlsx")).get_data()[:2] == b"PK"


def test_the_matrix_is_a_tab_of_its_unit(quay: Crowd, client: FlaskClient) -> None:
    quay.world.sign_in(client, quay.admin)
    tabs = seen(client, path(quay)).all("nav", **{"aria-label": "Unit"})[0].all("a")
    current = [each for each in tabs if each.attributes.get("aria-current")]
    assert [each.words for each in current] == ["Matrix"]
    assert "Training" in [each.words for each in tabs]


def test_a_unit_without_training_says_so(crowd: Crowd, client: FlaskClient) -> None:
    crowd.world.sign_in(client, crowd.admin)
    assert "No training yet" in seen(client, path(crowd, "Yard")).words


def test_only_who_reaches_the_unit_sees_its_matrix(
    quay: Crowd, world: World, client: FlaskClient
) -> None:
    ann = quay.person("Ann Done", "Quay")
    both = (path(quay), path(quay, ending=".csv"))
    for person, status in (
        (quay.manager("Quay"), 200),
        (quay.manager("North", name="Nora North"), 200),
        (quay.manager("Yard", name="Max Other"), 404),
        (ann, 403),
        (elsewhere().admin, 404),
    ):
        world.sign_in(client, person)
        assert [client.get(each).status_code for each in both] == [status, status]
