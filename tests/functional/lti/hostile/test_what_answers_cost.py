"""What a service's answer could cost: our token, a secret in words people read, a job's time, or a
list taken for whole. Each is refused, with a reason."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count, cycle
from typing import Any

import pytest
from flask import Flask

from plugin.core import clock, http
from plugin.core.context import current_settings
from plugin.core.db import db, read_session
from plugin.core.http import Reply
from plugin.core.outbox import JobName, OutboxRow
from plugin.core.queue import JOB_TIMEOUT_SECONDS
from plugin.lti.tool import checks, columns, rosters, service_tokens, services
from plugin.lti.tool.answers import link, no_answer, told
from plugin.lti.tool.claim_values import web_address
from plugin.lti.tool.configuration import words_of
from plugin.lti.tool.members import members
from plugin.lti.tool.results import results
from plugin.lti.tool.scores import send_grade
from plugin.lti.tool.service_models import GradeState, InstallCheck, LineItem, LmsCourse
from plugin.lti.tool.services import SCORE, Client, ServiceError
from plugin.modules.models import Module
from tests.conftest import NOW
from tests.functional.lti.campus import URL, Peer, grade, registration
from tests.functional.lti.grade_story import Done, complete, completed, module, work
from tests.functional.lti.roster_facts import answering as listing_instead
from tests.functional.lti.roster_facts import learner, listing, problem, remarks
from tests.functional.lti.roster_facts import members as people_in_unit
from tests.support.work import work_off

pytestmark = pytest.mark.once

__all__ = ["complete", "module"]
EVIL = "https://evil.example.test/columns/1"
LISTS = f"{URL}/lists"
Answer = Callable[[str, str, dict[str, Any]], Reply | None]


@pytest.fixture
def answer(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[str]]:
    """The LMS answers so from now on; None: as it does. Who was given a token is remembered."""

    def set_to(said: Answer) -> list[str]:
        trusted: list[str] = []

        def call(settings: Any, method: str, url: str, **more: Any) -> Reply:
            if "Authorization" in (more.get("headers") or {}):
                trusted.append(url)
            found = said(method, url, more)
            return found or peer.call(settings, method, url, **more)

        monkeypatch.setattr(http, "call", call)
        return trusted

    return set_to


@pytest.fixture
def client_(peer: Peer, app: Flask) -> Client:
    return services.client_of(read_session(), current_settings(), registration().id, "1")


def said(value: Any, **headers: str) -> Reply:
    return Reply(200, headers, json.dumps(value).encode())


def is_list_of_columns(method: str, url: str) -> bool:
    return method == "GET" and url.partition("?")[0].endswith("/lineitems")


@pytest.mark.parametrize("place", [EVIL, "https://campus.example.test:8443/1", "https://10.0.0.1/"])
def test_a3_a_column_that_lies_elsewhere_is_none_and_our_token_does_not_go_there(
    peer: Peer, module: Module, complete: Done, answer: Any, place: str
) -> None:
    column = {"id": place, "resourceId": f"module:{module.id}", "label": "Fire safety"}
    trusted = answer(lambda m, url, _: said([column]) if is_list_of_columns(m, url) else None)
    completed(peer, module, complete, score=0.8)
    columns.read_columns(db.session.query(LmsCourse).one().id)
    work()
    assert {each.url for each in db.session.query(LineItem)} == {peer.address(peer.column)}
    assert trusted
    assert all(url.startswith(f"{URL}/") for url in trusted)


@pytest.mark.parametrize(
    "place", [EVIL, None, 7, ["x"], "/columns/1", "http://campus.example.test/1"]
)
def test_a_trial_column_that_is_made_elsewhere_is_told_of_and_never_called(
    peer: Peer, answer: Any, place: Any
) -> None:
    peer.launch()
    work_off()
    trusted = answer(
        lambda method, url, _: (
            said({"id": place}) if method == "POST" and "/lineitems" in url else None
        )
    )
    checks.run(registration().id, with_trial=True)
    db.session.rollback()
    trial = db.session.query(InstallCheck).filter_by(name="trial").one()
    assert (trial.state, "look for the trial there" in (trial.words or "")) == ("failed", True)
    assert all(url.startswith(f"{URL}/") for url in trusted)


@pytest.mark.parametrize("number", [[], {}, ["x"], {"a": 1}, None, 7, True])
def test_a_list_of_columns_with_odd_ids_is_counted(peer: Peer, answer: Any, number: Any) -> None:
    peer.launch()
    work_off()
    known = {"id": peer.address(peer.column)}
    answer(
        lambda m, url, _: said([known, {"id": number}, 3]) if is_list_of_columns(m, url) else None
    )
    checks.run(registration().id, with_trial=False)
    db.session.rollback()
    found = db.session.query(InstallCheck).filter_by(name="columns").one()
    assert found.words == "3 listed by the LMS, 1 of them known here"


@pytest.mark.parametrize("relation", ["rel=“next”", 'rel="next"', "REL=next", "rel='next'; x=1"])
def test_n4_a_link_is_read_as_it_comes_over_the_wire(relation: str) -> None:
    """HTTP hands headers over as Latin-1; one LMS writes curly quotes in UTF-8 (moodle 4.2)."""
    header = f"<{LISTS}?a=1&amp;from=1>; {relation}".encode().decode("latin-1")
    assert link(Reply(200, {"Link": header}, b""), "next", base=LISTS) == f"{LISTS}?a=1&from=1"


@pytest.mark.parametrize(
    "header",
    [
        f'{LISTS}?page=2; rel="next"',
        '; rel="next"',
        f'<{LISTS}?page=2; rel="next"',
        f"<{LISTS}>; rel=first, {LISTS}?page=2; rel=next",
        f"<{LISTS}>; rel=first, " * 400,
    ],
)
def test_n8_a_next_page_without_a_readable_address_makes_no_whole_list(
    client_: Client, answer: Any, header: str
) -> None:
    bodies: dict[Any, Any] = {members: {"members": []}, results: [], columns.columns: []}
    for read, body in bodies.items():
        answer(lambda _m, url, _, body=body: None if "/token" in url else said(body, Link=header))
        with pytest.raises(ServiceError, match="pages"):
            read(client_, LISTS)


def test_n4_the_word_next_elsewhere_in_a_link_is_no_next_page(client_: Client, answer: Any) -> None:
    header = f'<{LISTS}/next?rel=next>; rel="first"; title="what is next"'
    answer(lambda _m, url, _: None if "/token" in url else said({"members": []}, Link=header))
    assert members(client_, LISTS) == {}


@pytest.mark.parametrize(
    ("kind", "is_usable"),
    [
        *((each, True) for each in ("Bearer", "bearer", " BEARER ", "", None, 7, [])),
        *((each, False) for each in ("mac", "DPoP", "N_A", "Basic", "bearer-ish")),
    ],
)
def test_k3_a_token_of_a_kind_we_do_not_know_is_not_used(
    client_: Client, answer: Any, kind: Any, is_usable: bool
) -> None:
    answer(lambda *_: said({"access_token": "a-token", "token_type": kind, "expires_in": 60}))
    if is_usable:
        assert services.access_token(client_, [SCORE]) == "a-token"
        return
    with pytest.raises(ServiceError) as refused:
        services.access_token(client_, [SCORE])
    assert "of a kind" in refused.value.words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "invalid_client"}', "the answer has no token in it: invalid_client"),
        (b"<html>Sign in</html>", "the answer has no token in it"),
        (b"access_token=secret-of-the-lms&expires_in=60", "the answer has no token in it"),
        (b'{"access_token": ["secret-of-the-lms"]}', "the answer has no token in it"),
    ],
)
def test_k3_why_there_is_no_token_is_said_without_what_may_be_one(
    client_: Client, answer: Any, body: bytes, words: str
) -> None:
    answer(lambda *_: Reply(200, {}, body))
    with pytest.raises(ServiceError) as refused:
        services.access_token(client_, [SCORE])
    assert refused.value.words == words


def test_what_an_lms_repeats_of_our_token_or_assertion_is_in_no_words(
    peer: Peer, module: Module, complete: Done, answer: Any
) -> None:
    peer.launch(module=str(module.id))
    work()
    complete(module, score=0.8)
    secrets: list[str] = []

    def repeats(_method: str, url: str, more: dict[str, Any]) -> Reply | None:
        if url.endswith("/token"):
            secrets.append(more["data"]["client_assertion"])
            words = f"not believed: {secrets[-1]}"
            return Reply(400, {}, json.dumps({"error_description": words}).encode())
        if "/scores" in url:
            secrets.append(more["headers"]["Authorization"].removeprefix("Bearer "))
            return Reply(403, {}, b"", f"No access with {secrets[-1]}")
        return None

    peer.forget_tokens()
    db.session.execute(db.text("DELETE FROM service_token"))
    db.session.commit()
    answer(repeats)
    work()
    assert (grade().state, "not believed: …" in (grade().words or "")) == (GradeState.FAILED, True)
    answer(lambda method, url, more: None if "/token" in url else repeats(method, url, more))
    found = grade()
    found.state, found.attempts, found.due_at = GradeState.WAITING, 0, clock.now()
    db.session.commit()
    services_asked = len(secrets)
    send_grade(found.id)
    assert len(secrets) > services_asked
    assert (grade().state, grade().words) == (GradeState.REFUSED, "403 No access with …")


def test_broken_json_is_not_shown_since_it_may_hold_people_or_tokens() -> None:
    people = json.dumps([{"name": "Lars Learner", "user_id": str(n)} for n in range(500)])
    assert words_of(people.encode()) == ""
    assert words_of(people[:9000].encode()) == ""
    assert words_of(b' {"access_token": "secret-of-the-lms"') == ""
    assert words_of(json.dumps({"x": "y" * 9000, "error": "too many"}).encode()) == "too many"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, {}, b"{}"), "200 the answer is no list"),
        (Reply(204, {}, b""), "204 the answer is no list"),
        (Reply(200, {}, b"<h1>Sign in</h1>"), "200 the answer is no list: Sign in"),
        (
            Reply(302, {"Location": EVIL}, b"<a href='https://evil.example.test/'>here</a>"),
            "302 it sends us to another address, which is not followed",
        ),
        (Reply(500, {}, b"", "Internal Server Error"), "500 Internal Server Error"),
    ],
)
def test_an_answer_that_is_none_has_a_reason(reply: Reply, words: str) -> None:
    error = no_answer("list", reply, "list")
    assert told(error.status, error.words) == words


def test_n8_a_slow_roster_ends_before_its_job_is_stopped_and_after_an_hour_altogether(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = services.LONG_LIST["deadline"] + service_tokens.ASKING.total_seconds()
    assert services.PATIENCE_SECONDS + 2 * longest < JOB_TIMEOUT_SECONDS
    rosters.sync(tie)
    before = people_in_unit()
    page, turns = count(), cycle([False, True])  # in time for a call, and late after its page

    def endless(_url: str) -> Reply:
        return listing(learner(6), Link=f"<?page={next(page)}>; rel=next")

    monkeypatch.setattr(http, "call", listing_instead(peer, endless))
    monkeypatch.setattr(Client, "is_late", property(lambda _: next(turns)))
    with clock.at(NOW + timedelta(minutes=1)):
        rosters.sync(tie)
        assert (problem(), next(page)) == (None, 1)
    with clock.at(NOW + timedelta(minutes=30)):
        rosters.sync(tie)
        assert (problem(), next(page)) == (None, 3)
    asked = db.session.query(OutboxRow).filter_by(job=JobName.SYNC_ROSTER).count()
    with clock.at(NOW + timedelta(minutes=50)):
        rosters.sync(tie)
    assert problem() == services.TOO_SLOW
    assert db.session.query(OutboxRow).filter_by(job=JobName.SYNC_ROSTER).count() == asked
    assert people_in_unit() == before


def test_a3_a_list_of_more_columns_than_anybody_has_is_no_list(
    client_: Client, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "MAX_COLUMNS", 10)
    turn = iter(range(1000))

    def endless(_method: str, url: str, _more: dict[str, Any]) -> Reply | None:
        if "/token" in url:
            return None
        page = [{"id": f"{LISTS}/{next(turn)}"} for _ in range(4)]
        return said(page, Link=f"<?page={next(turn)}>; rel=next")

    answer(endless)
    with pytest.raises(ServiceError, match="columns"):
        columns.columns(client_, LISTS)
    assert next(turn) < 20


def test_n6_an_id_no_launch_could_have_is_nobody_and_ends_nobody(
    peer: Peer, tie: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rosters.sync(tie)
    before = people_in_unit()
    odd = learner("\U0001f680" * 255)
    monkeypatch.setattr(http, "call", listing_instead(peer, lambda _url: listing(learner(6), odd)))
    rosters.sync(tie)
    assert people_in_unit() == before
    assert ["nameless", "1"] in remarks()


def test_an_address_is_measured_as_it_is_stored() -> None:
    assert web_address("https://lms.example.test/" + "a" * 2000) is not None
    assert web_address("https://lms.example.test/" + "漢" * 1000) is None
