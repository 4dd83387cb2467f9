"""People, units, training, mail and one's own record, asked for a past moment on their pages."""

import csv
import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from plugin.assign import drafting, listed, merging
from plugin.assign.errors import TooManyChangedError
from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.modules.models import Completion, CompletionSource
from plugin.notify.mail_models import AddressEvent, AddressFact, AddressSource
from plugin.org import people_actions, person_actions, unit_actions
from plugin.org.merge_models import PersonMerge
from plugin.org.models import Membership, Person, Unit
from plugin.org.people_queries import chosen
from plugin.org.reach import Reach
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import evaluate_later, judge, publish, row
from tests.functional.reports.crowd import Crowd, rows, seen
from tests.support.html import Element

DAY = timedelta(days=1)
THEN = "as_of=2027-03-12"
SAID = "As of Mar 12, 2027"


@pytest.fixture
def month(crowd: Crowd) -> Crowd:
    """Ann is at Quay on 10 March; on the 20th she is at Yard and Ben has come to Quay."""
    crowd.asks("Quay")
    ann = crowd.person("Ann Early", "Quay", passed={"Quay": 18})
    judge(JobName.ISSUE_CERTIFICATE)
    with clock.at(NOW + 10 * DAY):
        crowd.person("Ben Late", "Quay")
        membership = db.session.query(Membership).filter_by(person_id=ann.id).one()
        membership.until_at = clock.now()
        crowd.world.add(membership)
        crowd.world.member(ann, crowd.units["Yard"])
        crowd.world.grant(ann, Role.MANAGER, crowd.units["Yard"])
        evaluate_later(ann)
        judge()
    return crowd


def of(name: str) -> Person:
    return db.session.query(Person).filter_by(full_name=name).one()


def file_of(client: FlaskClient, path: str) -> list[list[str]]:
    """The lines of the CSV, each without its last column, which says the moment."""
    answer = client.get(path)
    assert "-as-of-2027-03-12T2359.csv" in answer.headers["Content-Disposition"]
    lines = list(csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert lines[0][-1] == "As of"
    assert {line[-1] for line in lines[1:]} == {"2027-03-12 23:59:59+00:00"}
    return [line[:-1] for line in lines[1:]]


def then(client: FlaskClient, path: str) -> Element:
    """The page as of then, which says so."""
    page = seen(client, f"{path}{'&' if '?' in path else '?'}{THEN}")
    assert page.by_id("as-of-banner").words.startswith(SAID)
    return page


def test_people_are_listed_with_the_units_rights_and_access_of_then(
    month: Crowd, client: FlaskClient
) -> None:
    month.world.sign_in(client, month.admin)
    ann = of("Ann Early")
    everybody = Reach(organization_id=ann.organization_id, unit_ids=None)
    with clock.at(NOW + 11 * DAY), transaction() as tx:
        people_actions.deactivate_many(
            tx,
            ann.organization_id,
            chosen(everybody, [of("Ben Late").id], clock.now()),
            by=month.admin.id,
            reason="gone",
            now=clock.now(),
        )
    with clock.at(NOW + 20 * DAY):
        now = rows(seen(client, "/admin/people"))
        assert [line[1:] for line in now] == [
            ["Ann Early", "ann@example.test", "", "Yard", "Manager"],
            ["Grace Hopper", "grace@example.test", "", "", "Admin"],
        ]
        page = then(client, "/admin/people")
        assert rows(page) == [
            ["Ann Early", "ann@example.test", "", "Quay", "Learner"],
            ["Grace Hopper", "grace@example.test", "", "", "Admin"],
        ]
        assert "Go on with" not in page.words, "nothing is done to people of the past"
        assert not page.all("input", name="id")
        inside = f"/admin/people?unit={month.units['North'].id}&role=learner"
        assert [line[0] for line in rows(then(client, inside))] == ["Ann Early"]
        assert [line[0] for line in file_of(client, f"/admin/people.csv?{THEN}")] == [
            "Ann Early",
            "Grace Hopper",
        ]
        assert "Ben Late" in seen(client, "/admin/people?as_of=2027-03-20").by_id("list").words


def test_units_and_members_are_those_of_then(month: Crowd, client: FlaskClient) -> None:
    month.world.sign_in(client, month.admin)
    quay = month.units["Quay"].id
    with clock.at(NOW + 12 * DAY):
        with transaction() as tx:
            unit = tx.session.get_one(Unit, quay)
            unit_actions.archive_unit(tx, unit, by=month.admin.id, reason="shut", now=clock.now())
        month.world.unit("Pier")
    with clock.at(NOW + 20 * DAY):
        assert [line[0] for line in rows(seen(client, "/admin/sites"))] == ["Pier", "Yard"]
        assert [line[::3] for line in rows(then(client, "/admin/sites"))] == [
            ["Quay", "1 members of Quay"],
            ["Yard", "0 members of Yard"],
        ]
        assert [line[0] for line in file_of(client, f"/admin/sites.csv?{THEN}")] == ["Quay", "Yard"]
        page = then(client, f"/admin/units/{quay}/members")
        assert [line[0] for line in rows(page)] == ["Ann Early"]
        assert "Remove" not in page.by_id("main").words
        assert "Paste a list" not in page.words
        assert [line[0] for line in file_of(client, f"/admin/units/{quay}/members.csv?{THEN}")] == [
            "Ann Early"
        ]
        log = then(client, f"/admin/units/{quay}/activity").by_id("list").words
        assert "Archived" not in log
        assert "Ben Late" not in log


def test_the_page_of_a_unit_says_its_region_days_and_archiving_of_then(
    month: Crowd, client: FlaskClient
) -> None:
    month.world.sign_in(client, month.admin)
    quay = month.units["Quay"].id
    with clock.at(NOW + 12 * DAY), transaction() as tx:
        unit = tx.session.get_one(Unit, quay)
        unit_actions.edit_unit(
            tx, unit, name="Quay", id_code=None, description="", time_zone="Asia/Tokyo",
            region=None, by=month.admin.id, now=clock.now(),
        )  # fmt: skip
        unit_actions.archive_unit(tx, unit, by=month.admin.id, reason="shut", now=clock.now())
    with clock.at(NOW + 20 * DAY):
        now = seen(client, f"/admin/units/{quay}").by_id("main").words
        assert "Archived on Mar 22, 2027" in now
        assert "Asia/Tokyo" in now
        page = then(client, f"/admin/units/{quay}")
        said = page.by_id("main").words
        assert "Region North" in said
        assert "Time zone the organization’s (Europe/London)" in said
        assert "Archived" not in said
        links = {each.attributes.get("href", "") for each in page.by_id("main").all("a")}
        north = month.units["North"].id
        assert {
            f"/admin/units/{north}?{THEN}",
            f"/admin/units/{quay}/members?{THEN}",
            f"/admin/units/{quay}/matrix?{THEN}",
        } <= links, "what is opened from here is of then too"
        assert f"/admin/units/{quay}/edit" not in links
        assert client.get(f"/admin/units/{quay}?as_of=2028-01-01").status_code == 400


def test_the_page_of_a_person_says_the_units_access_and_merges_of_then(
    month: Crowd, client: FlaskClient
) -> None:
    month.world.sign_in(client, month.admin)
    ann, ben = of("Ann Early").id, of("Ben Late").id
    with clock.at(NOW + 11 * DAY), transaction() as tx:
        made = merging.merge(
            tx, tx.session.get_one(Person, ann), tx.session.get_one(Person, ben),
            by=month.admin.id, reason="one", now=clock.now(),
        )  # fmt: skip
        merge_id = made.id
    with clock.at(NOW + 13 * DAY), transaction() as tx:
        merge = tx.session.get_one(PersonMerge, merge_id)
        merging.unmerge(tx, merge, by=month.admin.id, reason="two", now=clock.now())
    with clock.at(NOW + 20 * DAY):
        now = seen(client, f"/admin/people/{ann}").by_id("main").words
        assert "Yard" in now
        assert "Undone by" in now
        page = then(client, f"/admin/people/{ann}")
        said = page.by_id("main").words
        assert "Quay" in said
        assert "Yard" not in said
        assert "Merge" not in said
        assert "Remove" not in said
        hrefs = {each.attributes.get("href", "") for each in page.by_id("main").all("a")}
        assert f"/admin/people/{ann}/training?{THEN}" in hrefs
        assert f"/admin/units/{month.units['Quay'].id}?{THEN}" in hrefs
        between = seen(client, f"/admin/people/{ben}?as_of=2027-03-22").by_id("main").words
        assert "This entry was merged. Go to Ann Early" in between
        assert "Undone by" not in between


def test_training_is_listed_with_the_version_of_then(month: Crowd, client: FlaskClient) -> None:
    month.world.sign_in(client, month.admin)
    configuration_id, other = month.trainings["Quay"], month.world.module("Another")
    with clock.at(NOW + 5 * DAY):
        publish(configuration_id, row(month.modules["Quay"]), row(other), certificate=False)
        month.asks("Yard")
    with clock.at(NOW + 6 * DAY), transaction() as tx:
        drafting.archive(
            tx,
            tx.session.get_one(Configuration, configuration_id),
            by=month.admin.id,
            reason="over",
            now=clock.now(),
        )
    with clock.at(NOW + 20 * DAY):
        assert [line[0] for line in rows(seen(client, "/admin/training"))] == ["Basics of Yard"]
        page = then(client, "/admin/training")
        assert "Drafts of then are not kept." in page.words
        assert rows(page) == [
            ["Basics of Quay", "Quay Site", "Version 1, Mar 10, 2027", "1", "Certificate"]
        ]
        assert file_of(client, f"/admin/training.csv?{THEN}")[0][2:] == [
            *("Basics of Quay", "1", "2027-03-10 09:30:00+00:00", "1", "yes", "")
        ]
        on_15th = rows(seen(client, "/admin/training?as_of=2027-03-15"))
        assert on_15th[0][2:] == ["Version 2, Mar 15, 2027", "2", ""]


def test_who_could_not_be_reached_then_by_the_address_of_then(
    month: Crowd, client: FlaskClient
) -> None:
    world, ann = month.world, of("Ann Early")
    world.sign_in(client, month.admin)
    with clock.at(NOW + DAY):
        world.add(
            AddressEvent(
                organization_id=ann.organization_id,
                person_id=ann.id,
                address="ann@example.test",
                fact=AddressFact.HARD,
                source=AddressSource.HOOK,
                words="550 unknown",
                at=clock.now(),
                seal="one",
            )
        )
    with clock.at(NOW + 4 * DAY), transaction() as tx:
        person_actions.edit_person(
            tx.session,
            tx.session.get_one(Person, ann.id),
            name=ann.full_name,
            email="new@example.test",
            employee_id=None,
            locale=None,
            by=month.admin.id,
            now=clock.now(),
        )
    with clock.at(NOW + 20 * DAY):
        assert "Nothing matches." in seen(client, "/admin/unreachable").by_id("list").words
        assert [line[:2] for line in rows(then(client, "/admin/unreachable"))] == [
            ["Ann Early", "ann@example.test"]
        ]
        assert "550 unknown" in then(client, "/admin/unreachable?cause=dead").by_id("list").words
        assert "Nothing matches." in then(client, "/admin/unreachable?cause=failed").words
        assert file_of(client, f"/admin/unreachable.csv?{THEN}")[0][2] == "ann@example.test"
        before = seen(client, "/admin/unreachable?as_of=2027-03-10").by_id("list").words
        assert "Nothing matches." in before


def test_the_log_of_a_person_ends_then(month: Crowd, client: FlaskClient) -> None:
    month.world.sign_in(client, month.admin)
    ann = of("Ann Early")
    with clock.at(NOW + 20 * DAY):
        path = f"/admin/people/{ann.id}/activity"
        assert "Left the unit · Quay" in seen(client, path).by_id("list").words
        said = then(client, path).by_id("list").words
        assert "Certificate issued" in said
        assert "Left the unit" not in said
        lines = file_of(client, f"/admin/people/{ann.id}/activity.csv?{THEN}")
        assert {line[2] for line in lines} <= {"", "Quay", "Training of Quay", "Basics of Quay"}


def printed(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    pages = PdfReader(io.BytesIO(answer.data)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def corrected(month: Crowd) -> None:
    """On 20 March Ann's completion is said to have been an error, and another is known."""
    ann = of("Ann Early")
    first = db.session.query(Completion).filter_by(person_id=ann.id).one()
    with clock.at(NOW + 10 * DAY):
        month.world.add(
            Completion(
                organization_id=ann.organization_id,
                person_id=ann.id,
                module_id=first.module_id,
                passed=False,
                happened_at=first.happened_at,
                learned_at=clock.now(),
                source=CompletionSource.MANUAL,
                evidence={},
                supersedes_id=first.id,
                reason="another person",
            )
        )
        month.world.completion(ann, month.world.module("Known since"), happened_at=NOW)


def test_a_transcript_says_what_counted_then(month: Crowd, client: FlaskClient) -> None:
    corrected(month)
    month.world.sign_in(client, month.admin)
    path = f"/admin/people/{of('Ann Early').id}"
    with clock.at(NOW + 20 * DAY):
        now = printed(client, f"{path}/transcript.pdf")
        assert "Known since" in now
        assert "Training of Quay" not in now
        past = printed(client, f"{path}/transcript.pdf?{THEN}")
        assert "As of Mar 12, 2027, 11:59:59" in past
        assert "From what was known then. Names are those of today." in past
        assert "Training of Quay" in past
        assert "Known since" not in past
        name = client.get(f"{path}/transcript.pdf?{THEN}").headers["Content-Disposition"]
        assert "-as-of-2027-03-12T2359.pdf" in name
        assert f"transcript.pdf?{THEN}" in client.get(f"{path}/training?{THEN}").text
        assert client.get(f"{path}/transcript.pdf?as_of=2028-01-01").status_code == 400


def test_learners_ask_their_own_record_for_a_past_moment(month: Crowd, client: FlaskClient) -> None:
    corrected(month)
    ann = of("Ann Early")
    month.world.sign_in(client, ann)
    with clock.at(NOW + 20 * DAY):
        assert "Corrected" in seen(client, "/history").by_id("main").words
        past = then(client, "/history").by_id("main").words
        assert "Training of Quay" in past
        assert "Corrected" not in past
        assert "Known since" not in past
        assert "VALID" not in seen(client, "/certificates").by_id("main").words
        certificate = then(client, "/certificates").by_id("main").words
        assert "VALID Valid through" in certificate
        assert "Edition 1" in certificate
        before = seen(client, "/certificates?as_of=2027-03-09").by_id("main").words
        assert "No certificate yet" in before
        assert "Known since" in printed(client, "/history/transcript.pdf")
        assert "Training of Quay" in printed(client, f"/history/transcript.pdf?{THEN}")
        assert client.get("/history?as_of=soon").status_code == 400


def test_learners_ask_how_they_stood_and_why_at_a_past_moment(
    month: Crowd, client: FlaskClient
) -> None:
    corrected(month)
    asked = month.trainings["Quay"]
    month.world.sign_in(client, of("Ann Early"))
    with clock.at(NOW + 20 * DAY):
        assert "Ended" in seen(client, f"/why/{asked}").by_id("main").words
        why = then(client, f"/why/{asked}").by_id("main").words
        assert "Valid through Feb 20, 2028: of what is required, Training of Quay ends" in why
        assert "Asked by Quay (Basics of Quay), version 1, in force since Mar 10, 2027." in why
        assert "Feb 20, 2027 + 12 months" in why
        page = then(client, "/")
        assert "Basics of Quay Quay VALID Valid through Feb 20, 2028" in page.by_id("main").words
        links = {each.attributes.get("href") for each in page.by_id("main").all("a")}
        assert f"/why/{asked}?{THEN}" in links
        assert not page.by_id("main").all("button", name="start"), "nothing is begun in the past"
        assert f'href="/?{THEN}"' in client.get(f"/history?{THEN}").text
        before = seen(client, "/?as_of=2027-03-09").by_id("main").words
        assert "No training was assigned to you" in before
        assert client.get("/why/999999?" + THEN).status_code == 404
        assert client.get(f"/why/{asked}?as_of=2029-01-01").status_code == 400
        assert client.get("/?as_of=soon").status_code == 400


def test_what_is_hidden_now_is_in_no_past_of_a_learner(month: Crowd, client: FlaskClient) -> None:
    ann = of("Ann Early")
    month.world.sign_in(client, ann)
    with clock.at(NOW + 15 * DAY):
        membership = db.session.query(Membership).filter_by(person_id=ann.id).all()
        assert membership
        month.world.member(ann, month.units["Divers"])
        hidden = month.modules["Quay"]
        month.modules["Divers"] = hidden
        configuration_id = month.asks("Divers")
        publish(configuration_id, row(hidden, status="hidden"), certificate=False)  # type: ignore[arg-type]
    with clock.at(NOW + 20 * DAY):
        assert client.get(f"/why/{month.trainings['Quay']}?{THEN}").status_code == 404
        for path in (f"/history?{THEN}", "/history", f"/?{THEN}"):
            assert "Training of Quay" not in client.get(path).text
        for path in (f"/history/transcript.pdf?{THEN}", "/history/transcript.pdf"):
            assert "Training of Quay" not in printed(client, path)


def test_only_what_has_changed_since_is_judged_anew_and_no_page_waits_for_too_much(
    month: Crowd,
) -> None:
    whole = Reach(organization_id=month.admin.organization_id, unit_ids=None)

    def ask(days: int, most: int) -> None:
        listed.answering(db.session(), whole, NOW + days * DAY, past=True, most=most)

    with clock.at(NOW + 20 * DAY):
        ask(11, most=0)
        with pytest.raises(TooManyChangedError):
            ask(5, most=2)
        ask(5, most=4)
