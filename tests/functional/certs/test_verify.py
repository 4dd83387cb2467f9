"""What anybody can find out about a certificate, and what nobody can."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from plugin.assign.facts import RowStatus
from plugin.certs import actions
from plugin.certs.models import Certificate
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.org.models import Membership, UnitKind
from plugin.web.roles import Role
from tests.conftest import CONTENT, NOW, TOOL
from tests.functional.assign.places import publish, row, training
from tests.functional.certs.proofs import certificate, editions, learner
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World

DAY = timedelta(days=1)


def check(client: FlaskClient, at: datetime = NOW) -> str:
    """The page of the only certificate at that moment."""
    token = certificate().token
    with clock.at(at):
        answer = client.get(f"/v/{token}")
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def word_of(page: str) -> str:
    return page.partition('<h1 class="plate-word">')[2].partition("<")[0]


def test_a_valid_certificate_says_so_first_and_then_who_and_what(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world)
    ada.passes()
    page = check(client)
    assert word_of(page) == "VALID"
    order = [
        "VALID",
        "Ada Byron",
        "Harbour Works",
        "North Quay",
        "Basic safety",
        "March 10, 2028",
        "March 10, 2027, 9:30:00",
        "Working at height",
        "Completed March 10, 2027, valid through March 10, 2028",
    ]
    main = page[page.index("<main") :]
    places = [main.index(words) for words in order]
    assert places == sorted(places)


def test_address_score_and_reasons_of_admins_are_never_shown(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world)
    ada.passes()
    found = certificate()
    with transaction() as tx:
        kept = tx.session.merge(found)
        actions.suspend(tx, kept, by=None, reason="caught cheating", now=NOW)
    page = check(client, NOW + DAY)
    for drawn in (found.credential_id, found.token):  # they may hold any digits
        page = page.replace(drawn, "")
    for secret in ("ada@example.test", "0.87", "87", "cheating", found.passcode):
        assert secret not in page
    assert word_of(page) == "INVALID"
    assert "Suspended since March 10, 2027." in page


def test_it_turns_invalid_the_second_the_last_day_ends_with_every_worker_stopped(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world)
    ada.passes()
    midnight = datetime(2028, 3, 11, tzinfo=UTC)
    assert word_of(check(client, midnight - timedelta(seconds=1))) == "VALID"
    page = check(client, midnight)
    assert word_of(page) == "INVALID"
    assert "Expired, was valid through March 10, 2028" in page


def test_the_last_day_ends_at_the_units_midnight(world: World, client: FlaskClient) -> None:
    person, unit = world.person(), world.unit(time_zone="Pacific/Auckland")
    world.member(person, unit, since=NOW - DAY)
    module = world.module()
    training(unit, row(module, validity_months=12))
    world.completion(person, module, happened_at=datetime(2027, 3, 10, 8, tzinfo=UTC))
    work_off()
    midnight = datetime(2028, 3, 10, 11, tzinfo=UTC)  # Auckland is 13 hours ahead
    assert word_of(check(client, midnight - timedelta(seconds=1))) == "VALID"
    assert word_of(check(client, midnight)) == "INVALID"


def test_a_completion_counts_before_any_worker_has_seen_it(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world)
    ada.passes()
    with clock.at(datetime(2028, 3, 11, tzinfo=UTC)):
        world.completion(ada.person, ada.modules[0])
        assert word_of(check(client, clock.now())) == "VALID"


def test_a_new_requirement_shows_at_once_and_with_its_reason(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world)
    ada.passes()
    added = world.module("Confined spaces")
    with clock.at(NOW + DAY):
        publish(ada.configuration_id, row(ada.modules[0]), row(added))
    page = check(client, NOW + DAY)
    assert word_of(page) == "INVALID"
    assert "New requirement since March 11, 2027" in page
    assert "One required module is missing or has expired." in page


def test_hidden_and_optional_modules_leave_no_trace(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    publish(
        ada.configuration_id,
        row(ada.modules[0]),
        row(world.module("Secret project"), RowStatus.HIDDEN),
        row(world.module("First aid"), RowStatus.OPTIONAL),
    )
    ada.passes()
    page = check(client)
    assert "Secret project" not in page
    assert "First aid" not in page


def test_leaving_the_unit_ends_it_and_coming_back_revives_it(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world)
    ada.passes()
    membership = db.session.scalars(select(Membership)).one()
    membership.until_at = NOW + 20 * DAY
    db.session.commit()
    page = check(client, NOW + 21 * DAY)
    assert word_of(page) == "INVALID"
    assert "Ended: this training no longer applies to this person." in page
    world.member(ada.person, ada.unit, since=NOW + 40 * DAY)
    assert word_of(check(client, NOW + 41 * DAY)) == "VALID"


def test_switching_the_certificate_off_ends_it(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    ada.passes()
    with clock.at(NOW + DAY):
        publish(ada.configuration_id, row(ada.modules[0]), certificate=False)
    assert "Ended" in check(client, NOW + DAY)


def test_revoked_unknown_and_erased_are_three_answers(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    ada.passes()
    found = certificate()
    address = f"/v/{found.token}"
    with transaction() as tx:
        actions.revoke(tx, tx.session.merge(found), by=None, reason="fraud", now=NOW)
    revoked = client.get(address)
    unknown = client.get("/v/" + "A" * 32)
    with transaction() as tx:
        kept = tx.session.get_one(Certificate, found.id)
        actions.erase(tx.session, kept, by=None, now=NOW)
    erased = client.get(address)
    assert [revoked.status_code, unknown.status_code, erased.status_code] == [200, 404, 410]
    texts = [answer.get_data(as_text=True) for answer in (revoked, unknown, erased)]
    assert [word_of(text) for text in texts] == ["INVALID", "UNKNOWN", "ERASED"]
    assert "Revoked on March 10, 2027. This is final." in texts[0]
    assert "fraud" not in texts[0]
    assert "Ada" not in texts[2]
    assert "Basic safety" not in texts[2]


def test_revoked_is_stronger_than_everything_else(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    ada.passes()
    found = certificate()
    with transaction() as tx:
        actions.revoke(tx, tx.session.merge(found), by=None, reason="fraud", now=NOW)
    membership = db.session.scalars(select(Membership)).one()
    membership.until_at = NOW + DAY
    db.session.commit()
    assert "Revoked on" in check(client, NOW + 1000 * DAY)


def test_no_engine_keeps_it_no_cookie_is_set_and_no_referrer_leaks(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world)
    ada.passes()
    for path in (f"/v/{certificate().token}", "/verify", "/v/unknown"):
        answer = client.get(path)
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        assert '<meta name="robots" content="noindex, nofollow">' in answer.get_data(as_text=True)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_what_was_said_to_a_visit_is_neither_shown_nor_taken_by_public_pages(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world)
    ada.passes()
    admin = world.person("Grace Hopper", email="grace@example.test")
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    held, said = certificate(), "The certificate is suspended."
    suspended = client.post(f"/admin/certificates/{held.id}/suspend", data={"reason": "As told"})
    for path in (f"/v/{held.token}", "/verify", "/v/unknown", "/no-such-page"):
        answer = client.get(path)
        assert said not in answer.text
        assert "Set-Cookie" not in answer.headers
    assert read(client.get(f"/v/{held.token}").text).by_id("main").words.startswith("INVALID")
    assert said in client.get(suspended.location).text
    assert said not in client.get(suspended.location).text


def test_it_is_not_answered_on_the_packages_origin(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    ada.passes()
    assert client.get(f"/v/{certificate().token}", base_url=CONTENT).status_code == 404


@pytest.mark.parametrize("spelling", ["{}", " {} ", "lower", "without", "letters"])
def test_the_passcode_leads_to_the_address_however_it_is_typed(
    world: World, client: FlaskClient, spelling: str
) -> None:
    ada = learner(world)
    ada.passes()
    found = certificate()
    passcode = found.passcode
    typed = {
        "lower": passcode.lower(),
        "without": passcode.replace("-", " "),
        "letters": passcode.replace("0", "O").replace("1", "l"),
    }.get(spelling, spelling.format(passcode))
    answer = client.post("/verify", data={"passcode": typed})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/v/{found.token}"


@pytest.mark.parametrize("typed", ["0000-0000-0000", "<script>alert(1)</script>", "Ü" * 500])
def test_a_passcode_that_is_none_is_said_so_and_not_reflected_raw(
    app: Flask, client: FlaskClient, typed: str
) -> None:
    answer = client.post("/verify", data={"passcode": typed})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert "No certificate has this passcode." in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("typed", ["", "  "])
def test_whoever_types_nothing_is_asked_for_the_passcode(client: FlaskClient, typed: str) -> None:
    page = client.post("/verify", data={"passcode": typed}).text
    assert "Type the passcode that is printed on the certificate." in page
    assert "No certificate has this passcode." not in page


def test_one_address_may_ask_only_so_often(world: World, client: FlaskClient) -> None:
    ada = learner(world)
    ada.passes()
    path = f"/v/{certificate().token}"
    answers = [client.get(path).status_code for _ in range(61)]
    assert answers == [200] * 60 + [429]
    assert client.post("/verify", data={"passcode": "x"}).status_code == 429
    assert client.get(path, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200


def test_an_answer_costs_few_statements_however_many_modules(
    world: World, client: FlaskClient
) -> None:
    ada = learner(world, titles=[f"Module {number}" for number in range(12)])
    for module in ada.modules:
        world.completion(ada.person, module)
    ada.passes()
    token = certificate().token
    seen: list[str] = []
    listen = (db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    event.listen(*listen)
    try:
        client.get(f"/v/{token}")
    finally:
        event.remove(*listen)
    assert len([each for each in seen if each.lstrip().upper().startswith(("SELECT", "WITH"))]) <= 3


def test_a_regions_certificate_names_the_region(world: World, client: FlaskClient) -> None:
    region = world.unit("Coast", kind=UnitKind.REGION)
    site = world.unit("Pier 4", region=region)
    person, module = world.person(), world.module()
    world.member(person, site, since=NOW - DAY)
    training(region, row(module))
    world.completion(person, module)
    work_off()
    page = check(client)
    assert word_of(page) == "VALID"
    assert "Coast" in page
    assert "Pier 4" not in page
    assert "No end date" in page


def test_the_address_cannot_be_guessed_and_is_the_one_printed(world: World) -> None:
    ada = learner(world)
    ada.passes()
    found = certificate()
    assert len(found.token) >= 128 / 6
    assert editions()[0].facts["verify_url"] == f"{TOOL}/v/{found.token}"
