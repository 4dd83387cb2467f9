"""Other systems report and read completions with a key."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.api import actions, openapi
from plugin.api.models import ApiAnswer, ApiKey, Scope
from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.db import db, transaction
from plugin.modules.models import (
    Completion,
    CompletionSource,
    Module,
    ModuleKind,
    ModuleState,
)
from plugin.org.models import Identity, Person
from plugin.web.limits import limiter
from tests.conftest import NOW
from tests.functional.assign.places import judge, row, stored, training
from tests.functional.lti.platform import ABSENT
from tests.support.work import work_off
from tests.support.world import World


class Caller:
    """Another system that holds a key."""

    def __init__(self, client: FlaskClient, world: World, *scopes: Scope) -> None:
        self.client = client.application.test_client(use_cookies=False)
        self.admin = world.person("Ada Admin")
        with transaction() as tx:
            key, self.text = actions.create_key(
                tx.session,
                world.organization.id,
                name="Payroll",
                scopes=scopes or tuple(Scope),
                by=self.admin.id,
                now=clock.now(),
            )
            self.key_id = key.id

    def get(self, path: str, text: str | None = None) -> TestResponse:
        bearer = {"Authorization": f"Bearer {self.text if text is None else text}"}
        return self.client.get(f"/api/v1{path}", headers=bearer)

    def report(self, said: Any, once: str | None = "one", **headers: str) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.text}", **headers}
        if once is not None:
            sent["Idempotency-Key"] = once
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        kind = sent.pop("Content-Type", "application/json")
        return self.client.post("/api/v1/completions", data=body, headers=sent, content_type=kind)


@pytest.fixture
def caller(client: FlaskClient, world: World) -> Caller:
    return Caller(client, world)


@pytest.fixture
def lars(world: World) -> Person:
    person = world.person("Lars Learner", email=None)
    person.employee_id = "E-1042"
    db.session.commit()
    return person


@pytest.fixture
def module(world: World) -> Module:
    return world.module("Forklift")


def said(module: Module, **changes: Any) -> dict[str, Any]:
    report = {
        "person": {"employee_id": "E-1042"},
        "module_id": module.id,
        "score": 0.92,
        "happened_at": "2027-03-01T10:00:00+01:00",
        **changes,
    }
    return {name: value for name, value in report.items() if value is not ABSENT}


def recorded() -> list[Completion]:
    db.session.rollback()
    return list(db.session.query(Completion).order_by(Completion.id))


def test_a_completion_is_recorded_and_judged(
    caller: Caller, lars: Person, module: Module, world: World, client: FlaskClient
) -> None:
    unit = world.unit("Quay")
    world.member(lars, unit)
    training(unit, row(module))
    answer = caller.report(said(module, note="Course at Quay 4"))
    assert answer.status_code == 201, answer.text
    (made,) = recorded()
    assert (made.person_id, made.module_id, made.passed, made.score) == (
        lars.id,
        module.id,
        True,
        0.92,
    )
    assert made.source is CompletionSource.API
    assert made.happened_at.isoformat() == "2027-03-01T09:00:00+00:00"
    assert made.evidence == {"api_key_id": caller.key_id, "note": "Course at Quay 4"}
    assert answer.get_json() == {
        "id": made.id,
        "person_id": lars.id,
        "module_id": module.id,
        "passed": True,
        "score": 0.92,
        "happened_at": "2027-03-01T09:00:00Z",
        "recorded_at": "2027-03-10T09:30:00Z",
        "valid_until_on": None,
        "source": "api",
        "supersedes_id": None,
    }
    work_off()
    world.sign_in(client, lars)
    assert "Reported by another system" in client.get("/history").text


def test_a_person_is_named_by_number_or_by_an_lms_too(
    caller: Caller, lars: Person, module: Module, world: World
) -> None:
    world.add(
        Identity(
            organization_id=lars.organization_id,
            person_id=lars.id,
            issuer="https://lms.example.test",
            client_id="c",
            subject="6",
            created_at=clock.now(),
        )
    )
    lms = {"issuer": "https://lms.example.test", "client_id": "c", "subject": "6"}
    assert caller.report(said(module, person={"id": lars.id}), "a").status_code == 201
    assert caller.report(said(module, person={"lms": lms}), "b").status_code == 201
    assert {each.person_id for each in recorded()} == {lars.id}


def test_the_same_request_again_is_answered_as_before(
    caller: Caller, lars: Person, module: Module
) -> None:
    first = caller.report(said(module))
    again = caller.report(said(module))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert len(recorded()) == 1
    other = caller.report(said(module, score=0.5))
    assert (other.status_code, other.get_json()["title"]) == (422, "idempotency_key_reused")
    assert len(recorded()) == 1


def test_two_systems_may_use_the_same_idempotency_key(
    caller: Caller, client: FlaskClient, world: World, lars: Person, module: Module
) -> None:
    other = Caller(client, world)
    assert caller.report(said(module)).status_code == 201
    assert other.report(said(module)).status_code == 201
    assert len(recorded()) == 2


def test_a_refused_request_does_not_use_its_key_up(
    caller: Caller, lars: Person, module: Module
) -> None:
    assert caller.report(said(module, person={"employee_id": "nobody"})).status_code == 422
    assert caller.report(said(module)).status_code == 201
    assert db.session.query(ApiAnswer).count() == 1


@pytest.mark.parametrize("once", [None, "", "with space", "ä", "x" * 256])
def test_an_idempotency_key_is_needed(
    caller: Caller, lars: Person, module: Module, once: str | None
) -> None:
    answer = caller.report(said(module), once)
    assert answer.status_code == 400
    assert recorded() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"person": ABSENT}, "person"),
        ({"person": "E-1042"}, "person"),
        ({"person": {}}, "person"),
        ({"person": {"id": 1, "employee_id": "E-1042"}}, "person"),
        ({"person": {"employee_id": "E-1042", "email": "x"}}, "person"),
        ({"person": {"email": "lars@example.test"}}, "person"),
        ({"person": {"employee_id": "nobody"}}, "person.employee_id"),
        ({"person": {"employee_id": ""}}, "person.employee_id"),
        ({"person": {"employee_id": 7}}, "person.employee_id"),
        ({"person": {"employee_id": "a\x00b"}}, "person.employee_id"),
        ({"person": {"id": 999_999}}, "person.id"),
        ({"person": {"id": True}}, "person.id"),
        ({"person": {"id": 2**63}}, "person.id"),
        ({"person": {"lms": {"issuer": "x"}}}, "person.lms"),
        ({"module_id": ABSENT}, "module_id"),
        ({"module_id": "7"}, "module_id"),
        ({"module_id": 999_999}, "module_id"),
        ({"passed": "yes"}, "passed"),
        ({"passed": 1}, "passed"),
        ({"score": 92}, "score"),
        ({"score": -0.1}, "score"),
        ({"score": "0.9"}, "score"),
        ({"score": True}, "score"),
        ({"happened_at": ABSENT}, "happened_at"),
        ({"happened_at": "2027-03-01"}, "happened_at"),
        ({"happened_at": "2027-03-01T10:00:00"}, "happened_at"),
        ({"happened_at": 1830000000}, "happened_at"),
        ({"happened_at": "1989-12-31T23:00:00Z"}, "happened_at"),
        ({"happened_at": (NOW + timedelta(minutes=6)).isoformat()}, "happened_at"),
        ({"valid_until_on": "2027-02-27"}, "valid_until_on"),
        ({"valid_until_on": "2027-02-30"}, "valid_until_on"),
        ({"valid_until_on": "2028-W10-1"}, "valid_until_on"),
        ({"valid_until_on": "2028-03-01T00:00:00Z"}, "valid_until_on"),
        ({"valid_until_on": 20280301}, "valid_until_on"),
        ({"note": ""}, "note"),
        ({"note": "x" * 1001}, "note"),
        ({"passt": True}, "passt"),
    ],
)
def test_a_report_that_cannot_be_is_refused_by_its_field(
    caller: Caller, lars: Person, module: Module, change: dict[str, Any], field: str
) -> None:
    answer = caller.report(said(module, **change))
    assert answer.status_code == 422, answer.text
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["field"] == field
    assert recorded() == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"nonsense", b"\xff", b'{"a": NaN}', b'{"a":1,"a":2}', b"[" * 5000],
)
def test_a_body_that_is_no_json_object_is_refused(caller: Caller, body: bytes) -> None:
    answer = caller.report(body)
    assert (answer.status_code, answer.get_json()["title"]) == (400, "not_json")


def test_other_media_types_and_large_bodies_are_refused(caller: Caller, module: Module) -> None:
    answer = caller.report(said(module), **{"Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert caller.report(said(module, note="x" * 70_000)).status_code == 413


def test_people_who_are_off_and_modules_that_are_drafts_are_refused(
    caller: Caller, lars: Person, module: Module
) -> None:
    module.state = ModuleState.DRAFT
    db.session.commit()
    assert caller.report(said(module)).get_json()["field"] == "module_id"
    module.state = ModuleState.PUBLISHED
    lars.deactivated_at = clock.now()
    db.session.commit()
    assert caller.report(said(module)).get_json()["field"] == "person.employee_id"


def test_what_was_passed_counts_also_of_an_archived_module(
    caller: Caller, lars: Person, module: Module
) -> None:
    module.state = ModuleState.ARCHIVED
    db.session.commit()
    (item,) = caller.get("/modules").get_json()["items"]
    assert (item["id"], item["archived"]) == (module.id, True)
    assert caller.report(said(module)).status_code == 201


def test_another_organizations_people_and_modules_do_not_exist(
    caller: Caller, lars: Person, module: Module, world: World
) -> None:
    elsewhere = world.new_organization("Elsewhere")
    stranger = world.person("Eve", organization=elsewhere)
    theirs = world.module("Theirs", organization=elsewhere)
    assert caller.report(said(module, person={"id": stranger.id})).status_code == 422
    assert caller.report(said(module, module_id=theirs.id)).status_code == 422
    for path in ("/people", "/modules"):
        text = caller.get(path).text
        assert "Eve" not in text
        assert "Theirs" not in text


def test_modules_of_one_title_are_told_apart(caller: Caller, module: Module, world: World) -> None:
    other = world.module(module.title, kind=ModuleKind.LMS_GRADE)
    items = caller.get("/modules").get_json()["items"]
    assert [(each["id"], each["kind"], each["version"]) for each in items] == [
        (module.id, "scorm", 1),
        (other.id, "lms_grade", 1),
    ]
    assert {each["created_at"] for each in items} == {"2027-03-10T09:30:00Z"}


@pytest.mark.parametrize("text", ["", "ma_wrong", "nonsense", "ma_"])
def test_without_a_valid_key_nothing_is_answered(caller: Caller, text: str) -> None:
    answer = caller.get("/modules", text)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_opens_nothing(caller: Caller) -> None:
    assert caller.get("/modules").status_code == 200
    with transaction() as tx:
        organization_id = tx.session.get_one(ApiKey, caller.key_id).organization_id
        actions.revoke_key(
            tx.session, organization_id, caller.key_id, by=caller.admin.id, now=clock.now()
        )
    assert caller.get("/modules").status_code == 401
    assert [each.action for each in db.session.query(AuditEntry)][-1] == "api_key.revoked"


def test_each_scope_opens_its_own(client: FlaskClient, world: World, module: Module) -> None:
    paths = {
        Scope.COMPLETIONS_READ: "/completions",
        Scope.PEOPLE_READ: "/people",
        Scope.MODULES_READ: "/modules",
    }
    for scope in Scope:
        caller = Caller(client, world, scope)
        for needed, path in paths.items():
            assert caller.get(path).status_code == (200 if needed is scope else 403)
        may_write = caller.report(said(module)).status_code != 403
        assert may_write is (scope is Scope.COMPLETIONS_WRITE)


def test_the_database_keeps_no_key(caller: Caller) -> None:
    key = db.session.query(ApiKey).one()
    assert caller.text not in {key.key_hash, key.hint}
    assert caller.text.startswith(key.hint)


def test_lists_come_page_by_page(
    caller: Caller, lars: Person, module: Module, world: World
) -> None:
    for number in range(5):
        caller.report(said(module), f"n{number}")
    seen: list[int] = []
    path: str | None = f"/completions?person_id={lars.id}&limit=2"
    while path:
        page = caller.get(path).get_json()
        seen += [each["id"] for each in page["items"]]
        path = page["next"] and str(page["next"]).partition("/api/v1")[2]
    assert seen == [each.id for each in recorded()]
    assert caller.get("/completions?module_id=999").get_json()["items"] == []
    assert caller.get("/completions?limit=many").status_code == 400
    (person,) = caller.get("/people?employee_id=E-1042").get_json()["items"]
    assert person == {"id": lars.id, "employee_id": "E-1042", "name": "Lars Learner"}


def test_who_reads_on_after_the_last_number_misses_nothing_that_was_written_slowly(
    caller: Caller, lars: Person, module: Module
) -> None:
    """A number is given before its transaction ends: 1001 may be there when 1000 is not yet."""
    seen: list[int] = []

    def written(number: int) -> None:
        made = Completion(id=number, learned_at=NOW, happened_at=NOW, passed=True, evidence={})
        made.organization_id, made.person_id = lars.organization_id, lars.id
        made.module_id, made.source = module.id, CompletionSource.MANUAL
        db.session.add(made)
        db.session.commit()

    def listed(words: str) -> list[int]:
        items = caller.get(f"/completions?{words}").get_json()["items"]
        return [each["id"] for each in items]

    written(1001)
    for minute in range(1, 20, 3):
        with clock.at(NOW + timedelta(minutes=minute)):
            seen += listed(f"after={max(seen, default=0)}")
            if minute == 1:
                assert listed(f"person_id={lars.id}") == [1001]
                written(1000)
    assert seen == [1000, 1001]


def test_the_document_names_every_route_and_its_example_is_accepted(
    caller: Caller, client: FlaskClient, lars: Person, module: Module
) -> None:
    said = client.get("/api/v1/openapi.json").get_json()
    described = {
        (f"/api/v1{path}", method.upper())
        for path, methods in said["paths"].items()
        for method in methods
    }
    served = {
        (rule.rule, method)
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods or ()
        if method in {"GET", "POST", "PUT", "DELETE"}
    }
    assert described == served
    example = {**openapi.EXAMPLE, "module_id": module.id, "happened_at": NOW.isoformat()}
    assert caller.report(example).status_code == 201


def test_unknown_addresses_say_so_in_json(client: FlaskClient) -> None:
    answer = client.get("/api/v1/nothing")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    answer = client.delete("/api/v1/completions")
    assert (answer.status_code, answer.get_json()["title"]) == (405, "method_not_allowed")
    assert "completions" not in client.get("/nothing").text


def test_the_use_of_a_key_is_noted(caller: Caller, lars: Person, module: Module) -> None:
    caller.report(said(module))
    db.session.rollback()
    assert db.session.query(ApiKey).one().used_at == NOW


@pytest.mark.parametrize("path", ["/completions", "/modules", "/people"])
def test_reading_is_use_too(caller: Caller, path: str) -> None:
    assert caller.get(path).status_code == 200
    db.session.rollback()
    assert db.session.query(ApiKey).one().used_at == NOW


def test_a_number_no_score_can_be_is_refused(caller: Caller, lars: Person, module: Module) -> None:
    answer = caller.report({**said(module), "score": 10**400})
    assert (answer.status_code, answer.get_json()["field"]) == (422, "score")


@pytest.mark.parametrize("text", ["%00", "a" * 256])
def test_an_employee_id_that_is_none_is_refused(caller: Caller, text: str) -> None:
    answer = caller.get(f"/people?employee_id={text}")
    assert (answer.status_code, answer.get_json()["field"]) == (400, "employee_id")


def test_who_tries_keys_is_counted_by_address(caller: Caller) -> None:
    limiter.reset()
    answers = {caller.get("/modules", f"ma_{number}").status_code for number in range(120)}
    assert answers == {401}
    assert caller.get("/modules", "ma_one_more").status_code == 429
    limiter.reset()


def test_a_completion_with_an_end_of_its_own_counts_no_longer_than_that(
    caller: Caller, lars: Person, module: Module, world: World
) -> None:
    unit = world.unit("Quay")
    world.member(lars, unit)
    asked = training(unit, row(module, validity_months=24))
    answer = caller.report(said(module, valid_until_on="2027-09-30"))
    assert (answer.status_code, answer.get_json()["valid_until_on"]) == (201, "2027-09-30")
    judge()
    found = stored(lars, asked)
    assert found is not None
    assert str(found.valid_through) == "2027-09-30"
    (listed,) = caller.get(f"/completions?person_id={lars.id}").get_json()["items"]
    assert listed["valid_until_on"] == "2027-09-30"
