"""The organization at a glance: the numbers are the standings', right the second a day ends."""

import csv
import io
from datetime import timedelta

from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.org.models import Person
from tests.functional.assign.places import OPTIONAL, judge, publish, row, training
from tests.functional.org.rosters import course
from tests.functional.reports.crowd import Crowd, elsewhere, rows, seen
from tests.support.queries import counted
from tests.support.world import World


def small(crowd: Crowd) -> dict[str, Person]:
    """Two at Quay (one valid, one not), one at Yard (ends soon), one diver without training."""
    crowd.asks("North")
    crowd.asks("Quay")
    return {
        "valid": crowd.person("Vera Valid", "Quay", passed={"North": 10, "Quay": 10}),
        "half": crowd.person("Hal Half", "Quay", passed={"Quay": 10}),
        "soon": crowd.person("Sol Soon", "Yard", passed={"North": 350}),
        "diver": crowd.person("Dan Diver", "Divers"),
    }


def test_each_unit_shows_who_is_valid_in_all_it_requires(crowd: Crowd, client: FlaskClient) -> None:
    small(crowd)
    crowd.world.sign_in(client, crowd.admin)
    page = seen(client, "/admin/overview")
    assert rows(page) == [
        ["North Region · 2 sites", "67%", *_bar("North", 1, 1, 1), "3", "1", "1", "1"],
        ["Divers Group", "–", "Divers Nobody has required training", "0", "0", "0", "0"],
    ]
    assert "67%" in page.words


def _bar(name: str, valid: int, soon: int, invalid: int) -> list[str]:
    return [f"{name} {valid} valid, {soon} valid but ending within 30 days, {invalid} invalid"]


def test_a_region_opens_its_sites_and_they_open_their_standings(
    crowd: Crowd, client: FlaskClient
) -> None:
    small(crowd)
    crowd.world.sign_in(client, crowd.admin)
    first = seen(client, "/admin/overview").by_id("list").all("a")
    link = next(each.attributes["href"] for each in first if each.words == "North")
    page = seen(client, link)
    # Each by its own configurations: everybody at Quay passed what Quay asks for.
    assert [(line[0], line[1], line[3]) for line in rows(page)] == [
        ("North Region · 2 sites", "67%", "3"),
        ("Quay Site", "100%", "2"),
        ("Yard Site", "–", "0"),
    ]
    to_site = next(each for each in page.by_id("list").all("a") if each.words == "Quay")
    assert len(rows(seen(client, to_site.attributes["href"]))) == 2


def test_whoever_several_units_oblige_is_counted_once(crowd: Crowd, client: FlaskClient) -> None:
    crowd.asks("Quay")
    crowd.asks("Divers")
    crowd.person("Vera Valid", "Quay", "Divers", passed={"Quay": 10})
    crowd.world.sign_in(client, crowd.admin)
    page = seen(client, "/admin/overview")
    cells = [each.words for each in page.all("section")[0].all("td")]
    assert cells == ["0", "0", "1", "1"]


def test_the_share_falls_the_second_a_last_day_ends(crowd: Crowd, client: FlaskClient) -> None:
    crowd.asks("Quay", months=1)
    crowd.person("Vera Valid", "Quay", passed={"Quay": 0})  # 10 March: through 10 April, London
    crowd.world.sign_in(client, crowd.admin)
    ends_at = clock.now().replace(month=4, hour=23, minute=0)
    for moment, share in ((ends_at - timedelta(seconds=1), "100%"), (ends_at, "0%")):
        with clock.at(moment):
            assert rows(seen(client, "/admin/overview"))[0][1] == share


def test_optional_training_obliges_nobody(crowd: Crowd, client: FlaskClient) -> None:

    training(crowd.units["Quay"], row(crowd.world.module(), OPTIONAL))
    crowd.person("Vera Valid", "Quay")
    crowd.world.sign_in(client, crowd.admin)
    assert rows(seen(client, "/admin/overview"))[0][3] == "0"


def figures(client: FlaskClient, path: str = "/admin/overview") -> dict[str, tuple[int, str]]:
    found = seen(client, path).all("li")
    figures = [each for each in found if "figure" in each.attributes.get("class", "")]
    return {
        each.all("span")[1].words: (
            int(each.all("span")[0].words),
            each.all("a")[0].attributes["href"],
        )
        for each in figures
    }


def test_each_figure_is_the_length_of_the_list_it_leads_to(
    crowd: Crowd, client: FlaskClient
) -> None:
    crowd.asks("Quay")
    for number, days in enumerate((340, 310, 280, 100, 367, 500)):
        crowd.person(f"Pat {number}", "Quay", passed={"Quay": days})
    crowd.world.person("No Mail", email=None)
    crowd.world.sign_in(client, crowd.admin)
    found = figures(client)
    assert {words: number for words, (number, _) in found.items()} == {
        "end within 30 days": 1,
        "end within 60 days": 2,
        "end within 90 days": 3,
        "syncs held for you to confirm": 0,
        "invalid since less than 7 days": 1,
        "people unreachable by mail": 1,
    }
    for number, url in found.values():
        assert len(rows(seen(client, url))) == number


def test_a_new_requirement_makes_newly_invalid_for_a_week(
    crowd: Crowd, client: FlaskClient
) -> None:

    configuration_id = crowd.asks("Quay")
    crowd.person("Vera Valid", "Quay", passed={"Quay": 10})
    crowd.person("Nev Never", "Quay")
    with clock.at(clock.now() + timedelta(days=1)):
        publish(
            configuration_id,
            row(crowd.modules["Quay"], validity_months=12),
            row(crowd.world.module()),
        )
        judge()
        crowd.world.sign_in(client, crowd.admin)
        assert figures(client)["invalid since less than 7 days"][0] == 1
        listed = rows(seen(client, "/admin/standings?state=newly_invalid"))
        assert [line[0] for line in listed] == ["Vera Valid"]
    with clock.at(clock.now() + timedelta(days=9)):
        assert figures(client)["invalid since less than 7 days"][0] == 0


def test_units_are_sorted_narrowed_and_downloaded(crowd: Crowd, client: FlaskClient) -> None:
    small(crowd)
    crowd.asks("Divers")
    crowd.person("Eve Expert", "Divers", passed={"Divers": 1})
    crowd.world.sign_in(client, crowd.admin)
    by_share = rows(seen(client, "/admin/overview?sort=share"))
    assert [line[1] for line in by_share] == ["50%", "67%"]
    by_people = rows(seen(client, "/admin/overview?sort=people&dir=desc"))
    assert [line[3] for line in by_people] == ["3", "2"]
    assert [line[0] for line in rows(seen(client, "/admin/overview?kind=group"))] == [
        "Divers Group"
    ]
    text = client.get("/admin/overview.csv?kind=group").get_data(as_text=True)
    assert list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))[1:] == [
        ["Divers", "Group", "2", "1", "0", "1", "0.5"]
    ]
    assert client.get("/admin/overview.xlsx").get_data()[:2] == b"PK"


def test_the_file_counts_as_the_page_does(crowd: Crowd, client: FlaskClient) -> None:
    """Its columns add up to the people: who is valid but not for long is counted once."""
    crowd.asks("Divers")
    crowd.person("Ann Able", "Divers", passed={"Divers": 10})
    crowd.person("Ben Soon", "Divers", passed={"Divers": 350})
    crowd.person("Cid New", "Divers")
    crowd.world.sign_in(client, crowd.admin)
    text = client.get("/admin/overview.csv?kind=group").get_data(as_text=True)
    _header, line = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    assert line[:6] == ["Divers", "Group", "3", "1", "1", "1"]
    on_page = rows(seen(client, "/admin/overview?kind=group"))[0]
    assert on_page[3:7] == ["3", "1", "1", "1"]


def test_a_manager_sees_the_units_granted(crowd: Crowd, client: FlaskClient) -> None:
    small(crowd)
    crowd.world.sign_in(client, crowd.manager("Quay"))
    page = seen(client, "/admin/overview")
    assert [line[0] for line in rows(page)] == ["Quay Site"]
    assert "Vera" not in page.words
    assert "Yard" not in page.words
    for hidden in ("North", "Divers"):
        answer = client.get(f"/admin/overview?region={crowd.units[hidden].id}")
        assert answer.status_code == 404


def test_a_manager_of_a_region_sees_it_with_its_sites(crowd: Crowd, client: FlaskClient) -> None:
    small(crowd)
    crowd.world.sign_in(client, crowd.manager("North"))
    assert [line[0] for line in rows(seen(client, "/admin/overview"))] == ["North Region · 2 sites"]
    inside = rows(seen(client, f"/admin/overview?region={crowd.units['North'].id}"))
    assert len(inside) == 3


def test_learners_and_strangers_see_nothing(
    crowd: Crowd, world: World, client: FlaskClient
) -> None:
    people = small(crowd)
    assert client.get("/admin/overview").status_code == 401
    world.sign_in(client, people["valid"])
    for path in ("/admin/overview", "/admin/overview.csv"):
        assert client.get(path).status_code == 403
    other = elsewhere()
    world.sign_in(client, other.admin)
    page = seen(client, f"/admin/overview?region={crowd.units['North'].id}", status=404)
    assert "North" not in page.words


def test_the_overview_asks_no_more_of_a_larger_organization(
    crowd: Crowd, client: FlaskClient
) -> None:
    small(crowd)
    crowd.world.sign_in(client, crowd.admin)
    numbers = []
    for size in (1, 8):
        for number in range(size):
            crowd.person(f"More {size}{number}", "Quay", "Divers")
            crowd.world.unit(f"Site {size}{number}", region=crowd.units["North"])
        with counted() as statements:
            seen(client, "/admin/overview")
        numbers.append(len(statements))
    assert numbers[0] == numbers[1] <= 6
    db.session.rollback()


def test_a_held_sync_is_counted_and_leads_to_its_question(
    crowd: Crowd, client: FlaskClient
) -> None:
    quay = course(crowd.world, people=8)
    quay.sync(*quay.people)
    quay.sync(*quay.people[5:])
    crowd.world.sign_in(client, crowd.admin)
    assert figures(client)["syncs held for you to confirm"] == (1, "/admin/rules")
