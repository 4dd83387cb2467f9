"""What every page shares: the wall between origins, headers, cookies, forms, failures."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.web.roles import Role
from tests.support.world import World

CONTENT = "https://content.example.test"


def test_pages_of_the_tool_do_not_answer_on_the_content_origin(client: FlaskClient) -> None:
    assert client.get("/admin/sites", base_url=CONTENT).status_code == 404
    assert client.get("/admin/sites").status_code == 401


def test_health_answers_on_any_host(client: FlaskClient) -> None:
    assert client.get("/healthz", base_url="https://10.0.0.7").status_code == 200


def test_a_page_may_be_framed_by_the_lms_of_the_visit_only(
    world: World, client: FlaskClient
) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    headers = client.get("/admin/sites").headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors https://lms.example.test" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_the_cookie_of_a_visit_is_host_only_secure_partitioned_and_unreadable_by_scripts(
    world: World, client: FlaskClient
) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    answer = client.post(
        f"/admin/units/{world.unit().id}/members/add", data={"person_id": admin.id}
    )
    cookie = answer.headers["Set-Cookie"]
    for part in ("__Host-visit-", "Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"):
        assert part in cookie
    assert "Domain" not in cookie


def test_a_form_without_its_token_changes_nothing(
    app: Flask, world: World, client: FlaskClient
) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = client.post(f"/admin/units/{world.unit().id}/members/add", data={"person_id": 1})
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert answer.status_code == 400
    assert "This form has expired" in answer.get_data(as_text=True)


def test_a_visit_ends_after_twelve_hours_or_when_it_is_ended(
    world: World, client: FlaskClient
) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    visit = world.sign_in(client, admin)
    visit.expires_at = clock.now() + timedelta(hours=12)
    db.session.commit()
    assert client.get("/admin/sites").status_code == 200
    with clock.at(clock.now() + timedelta(hours=12)):
        assert client.get("/admin/sites").status_code == 401
    visit.ended_at = clock.now()
    db.session.commit()
    assert client.get("/admin/sites").status_code == 401


def test_a_deactivated_person_is_out_at_once(world: World, client: FlaskClient) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    admin.deactivated_at = clock.now()
    db.session.commit()
    assert client.get("/admin/sites").status_code == 401


def test_a_revoked_grant_ends_the_right(world: World, client: FlaskClient) -> None:
    admin = world.person()
    granted = world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    granted.revoked_at = clock.now()
    db.session.commit()
    assert client.get("/admin/sites").status_code == 403


@pytest.mark.parametrize("path", ["/nowhere", "/nowhere?<script>alert(1)</script>"])
def test_an_error_page_reflects_nothing(client: FlaskClient, path: str) -> None:
    page = client.get(path).get_data(as_text=True)
    assert "<script>alert" not in page
    assert "nowhere" not in page


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/admin/sites", "access.sign_in_required"),
        ("/nowhere", "http.not_found"),
        (f"/admin/units/{10**30}", "http.not_found"),
    ],
)
def test_a_refusal_shows_in_the_frame_of_an_lms_we_do_not_know(
    client: FlaskClient, path: str, code: str
) -> None:
    answer = client.get(path)
    assert code in answer.get_data(as_text=True)
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]


def test_an_expired_form_is_told_inside_the_frame(
    app: Flask, world: World, client: FlaskClient
) -> None:
    world.sign_in(client, world.person())
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = client.post("/admin/claim")
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert answer.status_code == 400
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]


def test_a_refusal_to_somebody_we_know_is_for_their_lms_only(
    world: World, client: FlaskClient
) -> None:
    world.sign_in(client, world.person())
    answer = client.get("/admin/sites")
    assert answer.status_code == 403
    assert "frame-ancestors https://lms.example.test" in answer.headers["Content-Security-Policy"]


def test_a_page_number_beyond_every_list_is_the_end_of_the_list(
    world: World, client: FlaskClient
) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    assert client.get(f"/admin/units/{world.unit().id}/members?page={10**30}").status_code == 200


def test_a_text_the_database_cannot_hold_is_no_failure_of_ours(
    world: World, client: FlaskClient
) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    said = {"kind": "group", "name": "North\0Quay", "region_id": 0}
    holds_everything = db.engine.dialect.name == "sqlite"
    status = client.post("/admin/units/new", data=said).status_code
    assert status == (302 if holds_everything else 400)


def test_a_failure_of_ours_is_a_page_with_a_reference_and_no_trace(
    world: World, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = world.person()
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)

    def broken(*_args: object) -> None:
        raise ZeroDivisionError("a detail nobody should see")

    monkeypatch.setattr("plugin.org.unit_queries.units", broken)
    answer = client.get("/admin/sites")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "http.failed" in page
    assert "detail nobody" not in page
    assert "Traceback" not in page
