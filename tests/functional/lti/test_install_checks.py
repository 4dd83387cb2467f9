"""The install page tries everything for real and says what is wrong in the LMS's words."""

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.core.http import Reply
from plugin.lti.tool import checks, findings
from plugin.lti.tool.check_wording import LABELS, WHERE, where
from plugin.lti.tool.findings import Name
from plugin.lti.tool.profiles import PROFILES, profile_of
from plugin.lti.tool.service_models import CheckState, InstallCheck, LmsCourse
from plugin.org.models import Identity, Person
from plugin.web import visits
from plugin.web.roles import Role
from tests.functional.lti.campus import Peer, registration
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World

pytestmark = pytest.mark.once


@pytest.fixture
def launched(peer: Peer) -> Peer:
    peer.launch("lars")
    work_off()
    return peer


@pytest.fixture
def admin(world: World, launched: Peer, client: FlaskClient) -> FlaskClient:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    return client


def tried(*, with_trial: bool = False) -> dict[str, tuple[CheckState, str | None]]:
    checks.run(registration().id, with_trial=with_trial)
    db.session.rollback()
    return {each.name: (each.state, each.words) for each in db.session.query(InstallCheck)}


def test_everything_passes_at_an_lms_that_allows_everything(launched: Peer) -> None:
    found = tried(with_trial=True)
    assert {name: state for name, (state, _words) in found.items()} == dict.fromkeys(
        (
            "their_keys", "token", "line_item", "line_item_read", "results", "score", "members",
            "columns", "roster", "trial",
        ),
        CheckState.PASSED,
    )  # fmt: skip
    assert found["columns"][1] == "1 listed by the LMS, 1 of them known here"
    assert found["roster"][1] == "5 people on the first page, 5 of them named"
    assert found["trial"][1] == "made, scored, removed"
    assert list(launched.grades.columns) == [1]


def test_a_trial_column_is_asked_for_first(launched: Peer) -> None:
    assert "trial" not in tried()
    assert launched.posted() == []


def test_without_access_each_service_says_so(launched: Peer) -> None:
    launched.grades.behaviour.gives_access = False
    found = tried()
    assert found["columns"][0] is CheckState.FAILED
    assert (found["columns"][1] or "").startswith("401")
    assert found["token"][0] is CheckState.PASSED


def test_a_trial_that_goes_wrong_is_removed_and_told(launched: Peer) -> None:
    launched.grades.learners.clear()
    found = tried(with_trial=True)
    assert found["trial"][0] is CheckState.FAILED
    assert (found["trial"][1] or "").startswith("400")
    assert list(launched.grades.columns) == [1]


def test_a_trial_column_that_stays_is_told(launched: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    call = launched.call

    def keeping(settings: Any, method: str, url: str, **more: Any) -> Reply:
        return Reply(403, {}, b"") if method == "DELETE" else call(settings, method, url, **more)

    monkeypatch.setattr("plugin.core.http.call", keeping)
    state, words = tried(with_trial=True)["trial"]
    assert state is CheckState.FAILED
    assert (words or "").startswith("made, but not removed (403)")


@pytest.mark.parametrize("silent_from", ["DELETE", "/scores"])
def test_a_trial_column_that_may_have_stayed_is_told(
    launched: Peer, monkeypatch: pytest.MonkeyPatch, silent_from: str
) -> None:
    call = launched.call

    def ending(settings: Any, method: str, url: str, **more: Any) -> Reply:
        launched.silent = launched.silent or silent_from in f"{method} {url}"
        return call(settings, method, url, **more)

    monkeypatch.setattr("plugin.core.http.call", ending)
    state, words = tried(with_trial=True)["trial"]
    assert state is CheckState.FAILED
    assert words == "made, but maybe not removed: look for the trial there"


@pytest.mark.parametrize("since", ["", "x", "-1", "1e9", "9" * 30, "2000000000"])
def test_a_page_asked_for_with_another_moment_is_the_usual_page(
    admin: FlaskClient, since: str
) -> None:
    answer = admin.get(f"/admin/lms/{registration().id}", query_string={"since": since})
    assert answer.status_code == 200
    assert "Refresh" not in answer.headers


def test_an_lms_nobody_can_reach(launched: Peer) -> None:
    launched.silent = True
    found = tried()
    assert found["token"] == (CheckState.FAILED, "ConnectTimeout")


@pytest.mark.parametrize(("seconds", "state"), [(0, "passed"), (-20, "passed"), (95, "failed")])
def test_the_clocks_are_compared(
    launched: Peer, monkeypatch: pytest.MonkeyPatch, seconds: int, state: str
) -> None:
    moment = datetime.fromtimestamp(clock.now().timestamp() + seconds, UTC)
    call = launched.call

    def dated(*words: Any, **more: Any) -> Reply:
        reply = call(*words, **more)
        return Reply(reply.status, {"date": format_datetime(moment, usegmt=True)}, reply.body)

    monkeypatch.setattr("plugin.core.http.call", dated)
    assert tried()["clock"] == (state, f"{seconds:+d} s")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"keys": []}', b"<html><h1>Not here</h1>"])
def test_keys_that_cannot_be_used(
    launched: Peer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    call = launched.call

    def broken(*words: Any, **more: Any) -> Reply:
        reply = call(*words, **more)
        return Reply(404, {}, body) if words[2].endswith("/jwks") else reply

    monkeypatch.setattr("plugin.core.http.call", broken)
    assert tried()["their_keys"][0] is CheckState.FAILED


def test_the_words_kept_name_nobody(launched: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    call = launched.call

    def telling(*words: Any, **more: Any) -> Reply:
        reply = call(*words, **more)
        if "memberships" in words[2]:
            return Reply(400, {}, b'{"message": "no lars@northwind.example, userId 6 Lars"}')
        return reply

    monkeypatch.setattr("plugin.core.http.call", telling)
    words = tried()["roster"][1] or ""
    assert "lars" not in words.lower()
    assert words.startswith("400")


def test_before_the_first_launch_the_rest_waits(world: World, peer: Peer) -> None:
    found = tried()
    assert "roster" not in found
    names = {each.name: each.state for each in findings.findings(db.session, registration())}
    assert names[Name.LAUNCH] is None
    assert names[Name.DEEP_LINKING] is None
    assert set(names) == set(Name)


@pytest.mark.parametrize("product", [None, *PROFILES])
def test_what_to_do_first_is_said_until_somebody_has_opened_the_tool(
    world: World, peer: Peer, client: FlaskClient, product: str | None
) -> None:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    registration().product = product
    db.session.commit()
    steps, address = profile_of(product).next_steps, f"/admin/lms/{registration().id}"
    world.sign_in(client, grace)
    before = read(client.get(address).text).words
    assert [each for each in steps if str(each) not in before] == []
    peer.launch("lars")
    world.sign_in(client, grace)
    after = read(client.get(address).text).words
    said = [each for each in steps if str(each) in after]
    assert said == list(profile_of(product).lasting_steps)
    assert not any("open it once" in str(each).lower() for each in said)
    assert "once as a teacher" not in after


def test_nobody_is_sent_to_open_what_was_opened(
    world: World, peer: Peer, client: FlaskClient
) -> None:
    """A course without a gradebook service: to open the tool once more would change nothing."""
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    first = "Open the tool once from a course, then press Check now."
    address = f"/admin/lms/{registration().id}"
    world.sign_in(client, grace)
    assert first in read(client.get(address).text).words
    peer.launch("lars")
    work_off()
    course = db.session.query(LmsCourse).one()
    course.line_items_url = course.members_url = None
    db.session.commit()
    checks.run(registration().id, with_trial=False)
    world.sign_in(client, grace)
    said = read(client.get(address).text).words
    assert first not in said
    assert said.count("the LMS does not offer this to its courses: allow it there") == 2


def test_the_page_shows_it_and_where_to_mend_it(admin: FlaskClient, launched: Peer) -> None:
    registration().product = "moodle"
    db.session.commit()
    launched.grades.behaviour.gives_access = False
    address = f"/admin/lms/{registration().id}"
    answer = admin.post(f"{address}/check")
    goal = answer.headers["Location"]
    assert goal == f"{address}?since={int(clock.now().timestamp())}#checks"
    running = admin.get(goal)
    next_turn = goal.replace("#checks", "&turn=1#checks")
    assert running.headers["Refresh"] == f"3; url={next_turn}"
    assert "The checks are running" in running.text
    work_off()
    assert "Refresh" not in admin.get(goal).headers
    words = read(admin.get(address).text).words
    assert "Somebody has opened the tool Passed" in words
    assert "People of the last course Failed 401" in words
    assert "IMS LTI Names and Role Provisioning" in words
    assert "Somebody has picked content for a course Not seen yet In a course, add" in words
    assert "The LMS has read our keys Passed" in words
    assert "Open this page from within the LMS." in words


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_error_of_the_lms_itself_is_not_blamed_on_its_settings(
    admin: FlaskClient, launched: Peer, status: int
) -> None:
    registration().product = "moodle"
    db.session.commit()
    launched.grades.behaviour.fails_with[:] = [status] * 9
    assert (tried()["roster"][1] or "").startswith(str(status))
    words = read(admin.get(f"/admin/lms/{registration().id}").text).words
    assert f"People of the last course Failed {status}" in words
    assert "The LMS itself is in trouble or busy" in words
    assert "IMS LTI Names and Role Provisioning" not in words


def test_an_admin_from_the_lms_sees_the_variables_and_the_frame(
    world: World, launched: Peer, client: FlaskClient
) -> None:
    person = db.session.query(Person).join(Identity, Identity.person_id == Person.id).one()
    world.grant(person, Role.ADMIN)
    launched.launch("lars", context_history="7,5")
    address = f"/admin/lms/{registration().id}"
    page = read(client.get(address, headers={"Sec-Fetch-Dest": "iframe"}).text).words
    assert "Cookies and frame in this browser Passed" in page
    assert "What your launch said for custom parameters: context_history: said" in page
    assert "city: not said" in page
    assert "Cookies work, in a window of its own" in client.get(address).text


def test_who_came_from_the_lms_is_asked_before_it_is_disabled(
    world: World, launched: Peer, client: FlaskClient
) -> None:
    person = db.session.query(Person).join(Identity, Identity.person_id == Person.id).one()
    world.grant(person, Role.ADMIN)
    launched.launch("lars")
    address = f"/admin/lms/{registration().id}/disable"
    asked = client.post(address)
    assert asked.status_code == 200
    assert f"plugin lms enable {registration().uid}" in read(asked.text).words
    assert registration().state == "active"
    assert client.post(address, data={"sure": "1"}).status_code == 303
    db.session.rollback()
    assert registration().state == "disabled"


def test_the_report_has_no_secret_and_nobody_in_it(admin: FlaskClient, launched: Peer) -> None:
    tried(with_trial=True)
    report = admin.get(f"/admin/lms/{registration().id}/report.txt")
    assert report.mimetype == "text/plain"
    assert "passed       2027-03-10 09:30  roster" in report.text
    for word in ("lars", "northwind", registration().client_id, registration().uid):
        assert word not in report.text.lower()


def test_every_check_has_a_name_and_each_lms_a_place_to_mend_it() -> None:
    assert set(LABELS) == set(Name)
    for make in (*WHERE, None, "unknown"):
        for name in (Name.SCORE, Name.MEMBERS, Name.TOKEN, Name.ROSTER):
            assert where(make, name)


def test_others_may_not_check(world: World, launched: Peer, client: FlaskClient) -> None:
    world.sign_in(client, world.person())
    number = registration().id
    assert client.post(f"/admin/lms/{number}/check").status_code == 403
    assert client.get(f"/admin/lms/{number}/report.txt").status_code == 403
    stranger = world.person(organization=world.new_organization("Elsewhere"))
    world.grant(stranger, Role.ADMIN)
    world.sign_in(client, stranger)
    assert client.post(f"/admin/lms/{number}/check").status_code == 404
    assert client.get(f"/admin/lms/{number}/report.txt").status_code == 404


def test_an_admin_whose_browser_keeps_no_cookie_is_not_told_that_cookies_work(
    world: World, app: Flask, launched: Peer, client: FlaskClient
) -> None:
    person = db.session.query(Person).join(Identity, Identity.person_id == Person.id).one()
    world.grant(person, Role.ADMIN)
    launched.launch("lars")
    with client.session_transaction(base_url="https://tool.example.test") as held:
        session, name = visits.seal(held[visits.TOKEN]), visits.name_of(held[visits.TOKEN])
    page = app.test_client(use_cookies=False).get(
        f"{visits.PATH}{name}/admin/lms/{registration().id}",
        headers={"Authorization": f"Bearer {session}"},
    )
    words = read(page.text).words
    assert "Cookies and frame in this browser No cookies here" in words
    assert "Cookies work" not in words


def test_a_trial_that_graded_nobody_has_passed_in_part(
    world: World, peer: Peer, client: FlaskClient
) -> None:
    peer.launch("marco")  # who teaches
    work_off()
    state, words = tried(with_trial=True)["trial"]
    assert state is CheckState.PARTLY
    assert "nothing graded" in (words or "")
    assert peer.posted() == []
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    page = read(client.get(f"/admin/lms/{registration().id}").text).words
    assert "· 1 in part ·" in page
    assert "A trial column: made, graded, removed In part" in page


def test_columns_of_ours_are_told_from_those_of_others(launched: Peer) -> None:
    launched.grades.columns[77] = replace(launched.grades.columns[1], number=77, resource_id="x")
    assert tried()["columns"][1] == "2 listed by the LMS, 1 of them known here"
