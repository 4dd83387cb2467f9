"""Lists, figures, pages and files asked for a past moment, through the real pages."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from plugin.assign.drafting import archive
from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.org import actions as org_actions
from plugin.org import as_of, unit_actions
from plugin.org.as_of import AsOfError
from plugin.org.models import Membership, Person, Unit
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, judge
from tests.functional.reports.crowd import Crowd, rows, seen
from tests.support.queries import counted

DAY = timedelta(days=1)


@pytest.fixture
def year(crowd: Crowd) -> Crowd:
    """On 10 March Ann is valid until the 20th and Ben never began; Ann left on the 25th."""
    crowd.asks("Quay", months=1)
    crowd.person("Ann Early", "Quay", passed={"Quay": 18})
    crowd.person("Ben Late", "Quay")
    return crowd


def words(client: FlaskClient, path: str) -> str:
    return seen(client, path).by_id("main").words


def leaves(crowd: Crowd, name: str) -> None:
    person = db.session.query(Person).filter_by(full_name=name).one()
    row = db.session.query(Membership).filter_by(person_id=person.id).one()
    with transaction() as tx:
        org_actions.end_membership(
            tx, tx.session.get_one(Membership, row.id), by=None, now=clock.now()
        )
    judge()


def test_who_was_compliant_at_the_site_on_that_day(year: Crowd, client: FlaskClient) -> None:
    year.world.sign_in(client, year.admin)
    with clock.at(NOW + 15 * DAY):
        leaves(year, "Ann Early")
    with clock.at(NOW + 20 * DAY):
        unit = year.units["Quay"].id
        year.person("Cid New", "Quay", passed={"Quay": 1})
        page = seen(client, f"/admin/standings?unit={unit}&as_of=2027-03-12")
        assert "As of Mar 12, 2027, 11:59:59 PM (Europe/London)." in page.words
        assert [line[:2] for line in rows(page)] == [
            ["Ann Early", "Valid, ends soon"],
            ["Ben Late", "Invalid: never completed"],
        ]
        on_20th = rows(seen(client, f"/admin/standings?unit={unit}&as_of=2027-03-20"))
        assert [line[1] for line in on_20th] == ["Valid, ends soon", "Invalid: never completed"]
        on_21st = rows(seen(client, f"/admin/standings?unit={unit}&as_of=2027-03-21"))
        assert [line[1] for line in on_21st] == ["Invalid: expired", "Invalid: never completed"]
        now = rows(seen(client, f"/admin/standings?unit={unit}"))
        assert [line[:2] for line in now] == [
            ["Ann Early", "Ended"],
            ["Ben Late", "Invalid: never completed"],
            ["Cid New", "Valid"],
        ]


def test_a_time_of_the_day_decides_to_the_minute(year: Crowd, client: FlaskClient) -> None:
    year.world.sign_in(client, year.admin)
    with clock.at(NOW + 20 * DAY):
        late = "/admin/standings?state=valid&as_of=2027-03-{}&as_of_time={}"
        assert len(rows(seen(client, late.format(20, "23:59")))) == 1
        assert "Nothing matches" in words(client, late.format(21, "00:00"))


def test_the_day_ends_where_the_unit_is(year: Crowd, client: FlaskClient) -> None:
    """On Kiritimati, fourteen hours ahead, the 22nd begins on the morning of the 21st in UTC."""
    year.world.sign_in(client, year.admin)
    with transaction() as tx:
        unit = tx.session.get_one(Unit, year.units["Quay"].id)
        unit_actions.edit_unit(
            tx,
            unit,
            name=unit.name,
            id_code=None,
            description="",
            time_zone="Pacific/Kiritimati",
            region=tx.session.get_one(Unit, year.units["North"].id),
            by=year.admin.id,
            now=clock.now(),
        )
    judge()
    with clock.at(NOW + 20 * DAY):
        page = seen(client, f"/admin/standings?unit={unit.id}&as_of=2027-03-12")
        assert "11:59:59 PM (Pacific/Kiritimati)" in page.words


def test_every_page_says_of_which_moment_it_speaks_and_keeps_it_in_its_links(
    year: Crowd, client: FlaskClient
) -> None:
    year.world.sign_in(client, year.admin)
    quay, then = year.units["Quay"].id, "as_of=2027-03-11"
    person = db.session.query(Person).filter_by(full_name="Ann Early").one()
    with clock.at(NOW + 30 * DAY):
        for path in (
            "/admin/overview",
            "/admin/standings",
            f"/admin/units/{quay}/matrix",
            f"/admin/people/{person.id}/training",
            "/admin/certificates",
        ):
            page = seen(client, f"{path}?{then}")
            banner = page.by_id("as-of-banner").words
            assert banner.startswith("As of Mar 11, 2027"), path
            assert banner.endswith("Back to now"), path
            assert "as-of-banner" not in client.get(path).text, path
        overview = seen(client, f"/admin/overview?{then}")
        assert "unreachable" not in overview.words, "of the past nobody kept who was reachable"
        assert "50%" in overview.by_id("main").words
        inside = [each.attributes["href"] for each in overview.all("a")]
        assert any(re.search(rf"standings\?.*{then}", link) for link in inside)
        matrix = rows(seen(client, f"/admin/units/{quay}/matrix?{then}"))
        assert matrix[0] == ["Ann Early", "Ends soon Mar 20, 2027"]


def test_files_say_the_moment_in_their_name_and_in_a_column(
    year: Crowd, client: FlaskClient
) -> None:
    year.world.sign_in(client, year.admin)
    quay = year.units["Quay"].id
    with clock.at(NOW + 30 * DAY):
        for path in (
            "/admin/overview.csv",
            "/admin/standings.csv",
            f"/admin/units/{quay}/matrix.csv",
            "/admin/certificates.csv",
        ):
            answer = client.get(f"{path}?as_of=2027-03-11&as_of_time=12:30")
            name = answer.headers["Content-Disposition"]
            assert "-as-of-2027-03-11T1230.csv" in name
            lines = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
            assert lines[0][-1] == "As of"
            assert all(line[-1] == "2027-03-11 12:30:00+00:00" for line in lines[1:])
        lines = list(
            csv.reader(io.StringIO(client.get("/admin/standings.csv?as_of=2027-03-11").text))
        )
        assert [line[0] for line in lines[1:]] == ["Ann Early", "Ben Late"]
        assert client.get("/admin/standings.xlsx?as_of=2027-03-11").status_code == 200


def test_the_persons_page_shows_what_was_known_and_nothing_to_press(
    year: Crowd, client: FlaskClient
) -> None:
    year.world.sign_in(client, year.admin)
    person = db.session.query(Person).filter_by(full_name="Ben Late").one()
    with clock.at(NOW + 5 * DAY):
        year.world.completion(person, year.modules["Quay"], happened_at=NOW - 5 * DAY)
        evaluate_later(person)
        judge()
        path = f"/admin/people/{person.id}/training"
        assert "VALID Valid through Apr 5, 2027" in words(client, path)
        then = words(client, f"{path}?as_of=2027-03-11")
        assert "INVALID Not valid: 1 required module is not satisfied." in then, "it came late"
        assert "Records" not in then
        for press in ("Send a reminder", "Record a completion"):
            assert press in words(client, path)
            assert press not in then
        assert "Waive " not in then


def test_what_was_archived_since_was_in_use_then(year: Crowd, client: FlaskClient) -> None:
    year.world.sign_in(client, year.admin)
    with clock.at(NOW + 2 * DAY):
        with transaction() as tx:
            configuration = tx.session.get_one(Configuration, year.trainings["Quay"])
            archive(tx, configuration, by=year.admin.id, reason="Over", now=clock.now())
        judge()
    with clock.at(NOW + 3 * DAY):
        then = rows(seen(client, "/admin/standings?as_of=2027-03-11"))
        assert [line[1] for line in then] == ["Valid, ends soon", "Invalid: never completed"]
        assert {line[1] for line in rows(seen(client, "/admin/standings"))} == {"Ended"}


def test_a_manager_sees_who_was_then_in_the_units_granted_now(
    year: Crowd, client: FlaskClient
) -> None:
    manager = year.manager("Yard")
    year.world.sign_in(client, manager)
    ann = db.session.query(Person).filter_by(full_name="Ann Early").one()
    with clock.at(NOW + 5 * DAY):
        year.world.member(ann, year.units["Yard"], since=clock.now())
        evaluate_later(ann)
        judge()
    with clock.at(NOW + 6 * DAY):
        assert [line[0] for line in rows(seen(client, "/admin/standings"))] == ["Ann Early"]
        assert "Nothing matches" in words(client, "/admin/standings?as_of=2027-03-12")


@pytest.mark.parametrize(
    "asked",
    [
        "as_of=tomorrow",
        "as_of=2027-03-11",
        "as_of=2027-03-10&as_of_time=10:00",
        "as_of=2027-03-09&as_of_time=late",
        "as_of=9999-12-31",
    ],
)
def test_what_cannot_be_read_or_lies_ahead_is_refused_and_never_taken_for_now(
    crowd: Crowd, client: FlaskClient, asked: str
) -> None:
    crowd.world.sign_in(client, crowd.admin)
    for path in ("/admin/standings", "/admin/standings.csv", "/admin/overview"):
        answer = client.get(f"{path}?{asked}")
        assert answer.status_code == 400
        assert "Ask for a day such as 2027-03-12" in answer.text


def test_today_means_now_and_a_day_means_its_end() -> None:
    assert not as_of.asked_for({"as_of": "2027-03-10"}, "Europe/London", now=NOW).is_past
    assert not as_of.asked_for({"as_of": "2027-03-09"}, "Etc/GMT+12", now=NOW).is_past
    then = as_of.asked_for({"as_of": "2027-03-08"}, "Etc/GMT+12", now=NOW)
    assert then.at == datetime(2027, 3, 9, 12, tzinfo=UTC) - timedelta(microseconds=1)
    with pytest.raises(AsOfError):
        as_of.asked_for({"as_of": "2027-03-09", "as_of_time": "10:00+02:00"}, "UTC", now=NOW)


def test_the_past_costs_the_same_number_of_statements_for_more_people(
    year: Crowd, client: FlaskClient
) -> None:
    year.world.sign_in(client, year.admin)
    with clock.at(NOW + 3 * DAY):
        with counted() as few:
            seen(client, "/admin/standings?as_of=2027-03-12")
        for number in range(8):
            with clock.at(NOW):
                year.person(f"Person {number}", "Quay")
        with counted() as many:
            assert len(rows(seen(client, "/admin/standings?as_of=2027-03-12"))) == 10
    assert len(many) == len(few)


def test_there_is_no_file_of_a_list_that_cannot_be_asked_for_the_past(
    year: Crowd, app: Flask, client: FlaskClient
) -> None:
    year.world.sign_in(client, year.admin)
    person = db.session.query(Person).filter_by(full_name="Ann Early").one()
    ids = {"person_id": person.id, "unit_id": year.units["Quay"].id, "kind": "sites"}
    rules = [each for each in app.url_map.iter_rules() if "file_format" in each.arguments]
    assert len(rules) > 10
    with app.test_request_context(), clock.at(NOW + 30 * DAY):
        for rule in rules:
            values = {name: ids[name] for name in rule.arguments if name in ids}
            path = url_for(rule.endpoint, file_format="csv", as_of="2027-03-11", **values)
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "-as-of-2027-03-11" in answer.headers["Content-Disposition"], path
            assert answer.text.partition("\r\n")[0].endswith(",As of"), path
