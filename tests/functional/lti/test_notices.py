"""Notices of an LMS: asked for, verified one by one, kept once (Platform Notification Service)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.core import clock
from plugin.core.db import db
from plugin.core.http import Reply
from plugin.jobs import periodic
from plugin.lti.tool.models import Registration
from plugin.lti.tool.notice_models import CourseCopy, LmsNotice, NoticeHandler
from plugin.lti.tool.service_models import LmsCourse, ServiceToken
from plugin.web.roles import Role
from sandbox import notices
from sandbox.notices import COURSE_COPY
from tests.conftest import NOW
from tests.functional.lti.campus import URL, Peer, registration
from tests.functional.lti.platform import LTI
from tests.support.html import read
from tests.support.work import work_off
from tests.support.world import World

DAY = timedelta(days=1)


@pytest.fixture
def subscribed(peer: Peer) -> Peer:
    """An LMS that offers notices, after the first launch."""
    peer.grades.behaviour.offers_notices = True
    assert peer.launch("marco") == 303
    work_off()
    return peer


def handler() -> NoticeHandler:
    db.session.rollback()
    return db.session.query(NoticeHandler).one()


def kept() -> list[str]:
    db.session.rollback()
    return [each.notice_id for each in db.session.query(LmsNotice).order_by(LmsNotice.id)]


def address(peer: Peer) -> str:
    return f"{peer.lms.tool_url}/lti/{peer.lms.uid}/notices"


def test_the_first_launch_tells_the_lms_where_to_send_them(subscribed: Peer) -> None:
    known = subscribed.app.extensions["notice_handlers"]
    assert known.by_type == {COURSE_COPY: address(subscribed)}
    assert known.batch == {COURSE_COPY: 100}
    row = handler()
    assert (row.handler, row.subscribed_at, row.problem) == (address(subscribed), NOW, None)


def test_it_is_asked_once(subscribed: Peer) -> None:
    before = len(subscribed.calls)
    subscribed.launch("lars")
    work_off()
    assert not any("notice-handlers" in url for _method, url in subscribed.calls[before:])


def test_the_token_is_for_notices_alone(subscribed: Peer) -> None:
    scopes = {each.scopes for each in db.session.query(ServiceToken)}
    assert "https://purl.imsglobal.org/spec/lti/scope/noticehandlers" in scopes


def test_an_lms_without_the_service_is_asked_nothing(peer: Peer) -> None:
    peer.launch("marco")
    work_off()
    assert not any("notice-handlers" in url for _method, url in peer.calls)
    assert db.session.query(NoticeHandler).count() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"notice_types_supported": ["LtiHelloWorldNotice"]},
        {"notice_types_supported": None},
        {"scope": []},
        {"platform_notification_service_url": "http://campus.example.test/x"},
        {"platform_notification_service_url": 7},
    ],
)
def test_what_the_lms_does_not_support_is_not_asked_for(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    whole = "https://purl.imsglobal.org/spec/lti/claim/platformnotificationservice"
    from_lms = notices.claim(URL)[whole]
    monkeypatch.setattr("sandbox.notices.claim", lambda _url: {whole: {**from_lms, **change}})
    peer.grades.behaviour.offers_notices = True
    assert peer.launch("marco") == 303
    work_off()
    assert not any("notice-handlers" in url for _method, url in peer.calls)


def test_a_refusal_is_shown_in_the_lmss_words_and_tried_again_at_night(
    world: World, peer: Peer, client: FlaskClient
) -> None:
    peer.grades.behaviour.offers_notices = True
    known = peer.app.extensions["notice_handlers"]
    known.by_type[COURSE_COPY] = "https://other.example.test/handler"
    peer.launch("marco")
    work_off()
    assert handler().problem == "409 there is a handler already"
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    page = f"/admin/lms/{registration().id}"
    words = read(client.get(page).text).words
    assert "Copied courses" in words
    assert "there is a handler already" in words
    before = len(peer.calls)
    peer.launch("lars")
    work_off()
    assert not any("notice-handlers" in url for _method, url in peer.calls[before:])
    known.by_type.clear()
    with clock.at(NOW + DAY):
        periodic.ask_lmss()
        work_off()
    assert handler().problem is None
    assert known.by_type == {COURSE_COPY: address(peer)}
    world.sign_in(client, grace)
    assert "The LMS sends them since" in read(client.get(page).text).words


def test_an_admin_asks_again_with_one_press(
    world: World, subscribed: Peer, client: FlaskClient
) -> None:
    grace = world.person("Grace Hopper")
    world.grant(grace, Role.ADMIN)
    world.sign_in(client, grace)
    subscribed.app.extensions["notice_handlers"].by_type.clear()
    assert client.post(f"/admin/lms/{registration().id}/notices").status_code == 303
    work_off()
    assert COURSE_COPY in subscribed.app.extensions["notice_handlers"].by_type


def test_a_moved_registration_tells_its_new_address(subscribed: Peer) -> None:
    """Otherwise notices would end with the old addresses."""
    known = subscribed.app.extensions["notice_handlers"]
    known.by_type.clear()  # as an LMS that lets a tool replace its own handler
    db.session.rollback()
    db.session.query(Registration).one().uid = "moved"
    db.session.commit()
    subscribed.lms.uid = "moved"
    subscribed.launch("lars")
    work_off()
    assert known.by_type == {COURSE_COPY: address(subscribed)}


def test_a_signed_notice_is_taken_and_applied(subscribed: Peer) -> None:
    answer = subscribed.send(subscribed.notice("9", ("2",)))
    assert (answer.status_code, answer.json) == (200, {"accepted": 1, "refused": []})
    assert len(kept()) == 1
    work_off()
    copy = db.session.query(CourseCopy).one()
    course = db.session.get_one(LmsCourse, copy.course_id)
    assert (course.context_id, course.title) == ("9", "Safety 101 copy")
    assert course.copied_from == ["2"]
    assert db.session.get_one(LmsCourse, copy.origin_id).context_id == "2"
    assert db.session.query(LmsNotice).one().applied_at == NOW


def test_told_twice_it_is_still_one(subscribed: Peer) -> None:
    notice = subscribed.notice()
    same = {LTI + "notice": {"id": "n-1", "type": COURSE_COPY}}
    for each in (notice, notice, subscribed.notice(**same), subscribed.notice(**same)):
        assert subscribed.send(each).status_code == 200
    assert len(kept()) == 2
    assert subscribed.send(notice, notice).json == {"accepted": 2, "refused": []}
    assert len(kept()) == 2
    work_off()
    work_off()
    assert db.session.query(CourseCopy).count() == 1


def test_another_notice_in_the_same_wrapping_is_a_replay(subscribed: Peer) -> None:
    assert subscribed.send(subscribed.notice(nonce="once")).status_code == 200
    answer = subscribed.send(subscribed.notice(nonce="once"))
    assert answer.status_code == 401
    assert answer.json == {"accepted": 0, "refused": [{"index": 0, "code": "lti.nonce"}]}
    jti = {"nonce": None, "jti": "j-1"}
    assert subscribed.send(subscribed.notice(**jti)).status_code == 200
    assert subscribed.send(subscribed.notice(**jti)).status_code == 401
    assert len(kept()) == 2


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"iss": "https://evil.example.test"}, "lti.token_refused"),
        ({"aud": "another"}, "lti.token_refused"),
        ({"aud": ["client-1", "another"]}, "lti.token_refused"),
        ({"exp": 22222}, "lti.token_time"),
        ({"iat": 11111}, "lti.token_time"),
        ({"iat": None}, "lti.token_time"),
        ({"exp": None}, "lti.token_time"),
        ({LTI + "deployment_id": "2"}, "lti.deployment_unknown"),
        ({LTI + "deployment_id": None}, "lti.deployment"),
        ({LTI + "version": "1.2"}, "lti.version"),
        ({LTI + "notice": {"id": "1", "type": "LtiAssetProcessorSubmissionNotice"}}, None),
        ({LTI + "notice": {"id": "1", "type": ["x"]}}, None),
        ({LTI + "notice": {"type": COURSE_COPY}}, None),
        ({LTI + "notice": "x"}, None),
        ({LTI + "context": None}, None),
        ({LTI + "context": {"id": 7}}, None),
        ({"nonce": None}, None),
        ({"nonce": ["x"]}, None),
    ],
)
def test_a_notice_that_is_not_what_it_must_be_is_refused_by_itself(
    subscribed: Peer, said: dict[str, Any], code: str | None
) -> None:
    answer = subscribed.send(subscribed.notice(**said))
    assert answer.status_code == 401
    refused = answer.json["refused"][0]
    assert refused["index"] == 0
    assert code is None or refused["code"].startswith(code)
    assert kept() == []
    mixed = subscribed.send(subscribed.notice(**said), subscribed.notice())
    assert mixed.status_code == 200
    assert mixed.json["accepted"] == 1
    assert len(kept()) == 1


def test_keys_and_algorithms_are_those_of_a_launch(subscribed: Peer) -> None:
    lms = subscribed.lms
    with subscribed.app.app_context():
        claims = notices.course_copy("9", origins=("2",), now=clock.now().timestamp())
    forged = lms.sign(claims)[:-20] + "A" * 20
    tokens = [
        forged,
        lms.sign(claims, kid="another"),
        lms.sign(claims, alg="none"),
        lms.sign(claims, alg="HS256"),
        lms.sign(claims, jku="https://evil.example.test/keys"),
        "",
        "x.y.z",
        "x" * 70_000,
    ]
    for each in tokens:
        assert subscribed.send(each).status_code == 401
    assert kept() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'"x"', b"<xml/>", b'{"notices": {}}', b'{"notices": null}', b"[" * 50_000],
)
def test_a_message_that_is_none_is_refused_whole(subscribed: Peer, body: bytes) -> None:
    answer = subscribed.browser.post(f"/lti/{subscribed.lms.uid}/notices", data=body)
    assert answer.status_code == 400
    assert answer.json == {"accepted": 0, "code": "lti.notices_malformed"}


@pytest.mark.parametrize("line", [None, 7, "x", [], {}, {"jwt": None}, {"jwt": 7}, {"jwt": {}}])
def test_a_line_that_is_no_notice_is_refused_by_itself(subscribed: Peer, line: Any) -> None:
    body = {"notices": [line, {"jwt": subscribed.notice()}]}
    answer = subscribed.browser.post(f"/lti/{subscribed.lms.uid}/notices", json=body)
    assert answer.status_code == 200
    assert (answer.json["accepted"], len(answer.json["refused"])) == (1, 1)


def test_more_than_was_asked_for_is_refused_whole(subscribed: Peer) -> None:
    assert subscribed.send(*["x"] * 101).status_code == 413
    large = json.dumps({"notices": [{"jwt": "x" * 1024 * 1024}]})
    answer = subscribed.browser.post(f"/lti/{subscribed.lms.uid}/notices", data=large)
    assert answer.status_code == 413
    assert kept() == []


def test_no_notices_are_no_mistake(subscribed: Peer) -> None:
    assert subscribed.send().status_code == 200


def test_strangers_and_disabled_lmss_are_refused(subscribed: Peer) -> None:
    body = {"notices": [{"jwt": subscribed.notice()}]}
    assert subscribed.browser.post("/lti/nobody/notices", json=body).status_code == 404
    assert subscribed.browser.get(f"/lti/{subscribed.lms.uid}/notices").status_code == 405
    db.session.query(Registration).one().state = "disabled"
    db.session.commit()
    assert subscribed.send(subscribed.notice()).status_code == 403
    assert kept() == []


def test_while_the_lmss_keys_cannot_be_read_it_is_asked_to_come_again(
    subscribed: Peer, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.extensions["plugin_lti_platform_keys"].forget()
    call = subscribed.call

    def broken(*words: Any, **more: Any) -> Reply:
        return Reply(500, {}, b"") if words[2].endswith("/jwks") else call(*words, **more)

    monkeypatch.setattr("plugin.core.http.call", broken)
    assert subscribed.send(subscribed.notice()).status_code == 503
    app.extensions["plugin_lti_platform_keys"].forget()


def test_a_copy_of_a_course_nobody_knows_is_remembered_and_asks_nobody(subscribed: Peer) -> None:
    subscribed.send(subscribed.notice("9", ("77", "78")))
    work_off()
    course = db.session.query(LmsCourse).filter_by(context_id="9").one()
    assert course.copied_from == ["77", "78"]
    assert db.session.query(CourseCopy).count() == 0


def test_odd_origins_are_left_out(subscribed: Peer) -> None:
    odd: Any = ["2", "", None, 7, {"id": "5"}, {"title": "x"}, "9", "x" * 300]
    subscribed.send(subscribed.notice("9", odd))
    work_off()
    course = db.session.query(LmsCourse).filter_by(context_id="9").one()
    assert course.copied_from == ["2", "5"]


def test_applied_notices_are_forgotten_after_ninety_days_and_what_they_told_stays(
    subscribed: Peer,
) -> None:
    row = {
        "organization_id": registration().organization_id,
        "registration_id": registration().id,
        "deployment_id": "1",
        "notice_type": COURSE_COPY,
        "said": {},
    }
    for name, age, applied in (("old", 91, True), ("open", 91, False), ("new", 89, True)):
        at = NOW - age * DAY
        db.session.add(
            LmsNotice(
                **row,
                notice_id=name,
                nonce_hash=name,
                received_at=at,
                applied_at=at if applied else None,
            )
        )
    db.session.commit()
    periodic.tidy()
    assert kept() == ["open", "new"]
