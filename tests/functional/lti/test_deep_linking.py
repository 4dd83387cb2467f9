"""Content is picked for a course and goes back to the LMS (Deep Linking 2.0; DL1 to DL8)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from plugin.assign.models import Configuration
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.lti.tool.claims import LTI
from plugin.lti.tool.deep_linking import MADE_AFTER
from plugin.lti.tool.models import ContentRequest, Registration, RegistrationState
from plugin.lti.tool.service_models import CourseMember, LineItem, LmsCourse
from plugin.modules.models import Module, ModuleKind, ModuleState
from tests.conftest import NOW
from tests.functional.assign.places import row, training
from tests.functional.lti.platform import ABSENT, LEARNER, TEACHER, Lms
from tests.support.html import read
from tests.support.queries import counted
from tests.support.visits import page_of as page_in_visit
from tests.support.world import World

ADMINISTRATOR = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
BACK = "https://lms.example.test/mod/lti/contentitem_return.php?course=2&sesskey=qLB"
SAMPLES = Path(__file__).parent / "samples"


def settings(**changes: Any) -> dict[str, Any]:
    sample = json.loads((SAMPLES / "moodle-deep-linking-request.json").read_text("utf-8"))
    said = {**sample[SETTINGS], "deep_link_return_url": BACK, **changes}
    return {name: value for name, value in said.items() if value is not ABSENT}


def ask(client: FlaskClient, lms: Lms, said: Any = None, **changes: Any) -> Any:
    """A teacher asks for content; the answer to the launch."""
    told = {
        "message_type": "LtiDeepLinkingRequest",
        "roles": [TEACHER],
        "resource_link": ABSENT,
        SETTINGS: settings() if said is None else said,
        **changes,
    }
    return lms.launch(client, **told)


def page_of(client: FlaskClient, lms: Lms, said: Any = None, **changes: Any) -> str:
    answer = ask(client, lms, said, **changes)
    assert answer.status_code == 303, answer.text
    return page_in_visit(answer)


def sent(client: FlaskClient, lms: Lms, page: str, **data: Any) -> dict[str, Any]:
    """What goes back to the LMS, its signature checked with our published key."""
    answer = client.post(page, data=data)
    assert answer.status_code == 200, answer.text
    form = read(answer.text).all("form")[0]
    assert form.attributes["action"] == BACK
    token = form.all("input", name="JWT")[0].attributes["value"]
    keys = client.get(f"/lti/{lms.uid}/jwks").get_json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    (jwk,) = [each for each in keys if each["kid"] == kid]
    found: dict[str, Any] = jwt.decode(
        token,
        jwt.PyJWK(jwk, algorithm="RS256").key,
        algorithms=["RS256"],
        audience=lms.issuer,
        options={"verify_exp": False, "verify_iat": False},
    )
    return found


@pytest.fixture
def module(world: World) -> Module:
    return world.module('Fire "safety" <1>')


@pytest.fixture
def configuration(world: World, module: Module) -> int:
    return training(world.unit("Site Oslo"), row(module), name="Site access")


def test_dl4_dl7_dl8_the_choice_comes_back_signed(
    client: FlaskClient, lms: Lms, module: Module, configuration: int
) -> None:
    page = page_of(client, lms)
    picked = [f"configuration:{configuration}", f"module:{module.id}", "dashboard"]
    said = sent(client, lms, page, item=picked)
    assert (said["iss"], said["aud"]) == (lms.client_id, lms.issuer)
    assert said["nonce"]
    assert NOW.timestamp() - said["iat"] == 60
    assert 0 < said["exp"] - NOW.timestamp() <= 300
    assert said[LTI + "message_type"] == "LtiDeepLinkingResponse"
    assert said[LTI + "version"] == "1.3.0"
    assert said[LTI + "deployment_id"] == lms.deployment_id
    column, link, home = said[DL + "content_items"]
    assert [each["type"] for each in (column, link, home)] == ["ltiResourceLink"] * 3
    assert [each["url"] for each in (column, link, home)] == [lms.target] * 3
    assert link["title"] == 'Fire "safety" <1>'
    assert link["custom"] == {"module": str(module.id)}
    assert link["lineItem"] == {
        "label": 'Fire "safety" <1>',
        "scoreMaximum": 100,
        "resourceId": f"module:{module.id}",
        "tag": f"module:{module.id}",
        "submissionReview": {
            "reviewableStatus": ["InProgress", "Submitted", "Completed"],
            "url": lms.target,
        },
    }
    assert column["custom"] == {"configuration": str(configuration)}
    assert column["lineItem"]["resourceId"] == f"configuration:{configuration}"
    assert home["custom"] == {"view": "dashboard"}
    assert "lineItem" not in home


@pytest.mark.parametrize(
    "data",
    [
        *("", "abc", 'ä"<>&', "a\x00b", "half \ud800", '"quoted"', "null"),
        *(0, 7, -1.5, 1e300, 2**70, True, False, None),
        *([], [1, ["two", None]], {}, {"b": {"course": 2}, "a": [""], "ä": "\x00"}),
    ],
    ids=ascii,
)
def test_dl5_data_of_any_kind_comes_back_unaltered(
    client: FlaskClient, lms: Lms, data: Any
) -> None:
    page = page_of(client, lms, settings(data=data))
    for said in (sent(client, lms, page, item="dashboard"), sent(client, lms, page, cancel="1")):
        assert json.dumps(said[DL + "data"]) == json.dumps(data)


def test_dl5_what_was_not_sent_does_not_come_back(client: FlaskClient, lms: Lms) -> None:
    said = sent(client, lms, page_of(client, lms, settings(data=ABSENT)), item="dashboard")
    assert DL + "data" not in said


def test_dl5_text_that_was_kept_as_it_came_goes_back_as_it_came(
    client: FlaskClient, lms: Lms
) -> None:
    """A request may have come before the product was brought to this version."""
    page = page_of(client, lms)
    with transaction() as tx:
        found = tx.session.query(ContentRequest).one()
        found.settings = {**found.settings, "data": "opaque"}
    assert sent(client, lms, page, item="dashboard")[DL + "data"] == "opaque"


def test_dl6_cancel_goes_back_with_nothing(client: FlaskClient, lms: Lms) -> None:
    said = sent(client, lms, page_of(client, lms), cancel="1")
    assert said[DL + "content_items"] == []
    assert said[DL + "msg"] == "Nothing was added to the course."
    assert DL + "errormsg" not in said


def test_dl6_a_place_that_takes_no_links_is_told_so(client: FlaskClient, lms: Lms) -> None:
    page = page_of(client, lms, settings(accept_types=["html"]))
    said = sent(client, lms, page, item="dashboard")
    assert said[DL + "content_items"] == []
    assert said[DL + "errormsg"]


def test_dl3_one_only_if_the_lms_takes_one(client: FlaskClient, lms: Lms, module: Module) -> None:
    page = page_of(client, lms, settings(accept_multiple=False))
    assert 'type="radio"' in client.get(page).text
    said = sent(client, lms, page, item=["dashboard", f"module:{module.id}"])
    assert len(said[DL + "content_items"]) == 1


def test_dl3_no_column_if_the_lms_takes_none(client: FlaskClient, lms: Lms, module: Module) -> None:
    page = page_of(client, lms, settings(accept_lineitem=False))
    said = sent(client, lms, page, item=f"module:{module.id}")
    assert "lineItem" not in said[DL + "content_items"][0]


def test_dl1_the_return_form_is_escaped_and_may_post_there_only(
    client: FlaskClient, lms: Lms
) -> None:
    back = 'https://lms.example.test/back?a="><script>alert(1)</script>&b=1'
    page = page_of(client, lms, settings(deep_link_return_url=back.replace(" ", "")))
    answer = client.post(page, data={"item": "dashboard"})
    assert "<script>alert" not in answer.text
    assert read(answer.text).all("form")[0].attributes["action"] == back
    policy = answer.headers["Content-Security-Policy"]
    assert "form-action 'self' https://lms.example.test;" in policy


@pytest.mark.parametrize(
    "said",
    [{}, {"deep_link_return_url": "javascript:alert(1)"}, {"deep_link_return_url": 7}, [], "x"],
)
def test_dl1_without_a_way_back_there_is_no_request(
    client: FlaskClient, lms: Lms, said: Any
) -> None:
    answer = ask(client, lms, said)
    assert answer.status_code == 400
    assert db.session.query(ContentRequest).count() == 0


@pytest.mark.parametrize("absent", ["roles", "context", "email"])
def test_dl2_what_is_optional_may_be_missing(client: FlaskClient, lms: Lms, absent: str) -> None:
    assert client.get(page_of(client, lms, **{absent: ABSENT})).status_code == 200


def test_dl2_without_a_person_it_is_refused_with_a_page(client: FlaskClient, lms: Lms) -> None:
    answer = ask(client, lms, sub=ABSENT)
    assert answer.status_code == 400
    assert "lti.subject" in answer.text


def test_learners_pick_nothing(client: FlaskClient, lms: Lms) -> None:
    answer = ask(client, lms, roles=[LEARNER])
    assert answer.status_code == 403
    assert "lti.not_for_learners" in answer.text


def test_nothing_picked_is_said(client: FlaskClient, lms: Lms) -> None:
    answer = client.post(page_of(client, lms), data={"add": "1"})
    assert answer.status_code == 422
    assert "Choose at least one." in answer.text


def test_only_what_the_organization_has_published_is_offered(
    world: World, client: FlaskClient, lms: Lms, module: Module, configuration: int
) -> None:
    draft = world.module("Secret draft", state=ModuleState.DRAFT)
    theirs = world.module("Theirs", organization=world.new_organization("Elsewhere"))
    page = page_of(client, lms)
    words = read(client.get(page).text).words
    assert "Site access – Site Oslo" in words
    assert "Secret draft" not in words
    assert "Theirs" not in words
    picked = [f"module:{draft.id}", f"module:{theirs.id}", "module:x", "module:" + "9" * 30]
    assert client.post(page, data={"item": picked}).status_code == 422


def test_a_module_that_teachers_grade_is_told_from_the_others(
    world: World, client: FlaskClient, lms: Lms, module: Module
) -> None:
    world.module("Fire drill", kind=ModuleKind.LMS_GRADE)
    words = read(client.get(page_of(client, lms)).text).words
    assert words.count("graded by a teacher in the LMS") == 1
    assert "Fire drill module · Grade from the LMS" in words
    assert f"{module.title} module · Course" in words


def test_a_search_keeps_what_was_picked(
    client: FlaskClient, lms: Lms, module: Module, configuration: int
) -> None:
    page = page_of(client, lms)
    found = client.post(
        page, data={"q": "oslo", "search": "1", "item": [f"module:{module.id}"]}
    ).text
    boxes = {
        each.attributes["value"]: "checked" in each.attributes
        for each in read(found).all("input", name="item")
    }
    assert boxes == {f"module:{module.id}": True, f"configuration:{configuration}": False}


def test_the_page_is_the_teacher_s_own_and_ends(
    world: World, client: FlaskClient, lms: Lms
) -> None:
    page = page_of(client, lms)
    with clock.at(NOW.replace(hour=12)):
        assert client.get(page).status_code == 404
    world.sign_in(client, world.person("Somebody else"))
    assert client.get(page).status_code == 404
    assert client.post(page, data={"item": "dashboard"}).status_code == 404


def test_two_tabs_go_back_each_to_its_own_place(client: FlaskClient, lms: Lms) -> None:
    first = page_of(client, lms, settings(data="one"))
    second = page_of(client, lms, settings(data="two"))
    assert sent(client, lms, first, item="dashboard")[DL + "data"] == "one"
    assert sent(client, lms, second, item="dashboard")[DL + "data"] == "two"


def test_a_browser_without_cookies_gets_there_by_the_button(
    client: FlaskClient, lms: Lms, app: Any
) -> None:
    asked = lms.begin(client)
    claims = lms.claims(
        asked["nonce"],
        message_type="LtiDeepLinkingRequest",
        roles=[TEACHER],
        **{SETTINGS: settings()},
    )
    framed = app.test_client()
    page = lms.post(framed, lms.sign(claims), asked["state"])
    code = read(page.text).all("input", name="code")[0].attributes["value"]
    answer = framed.post(
        f"/lti/{lms.uid}/continue", data={"code": code}, headers={"Origin": lms.tool_url}
    )
    assert page_in_visit(answer).startswith("/content/")
    assert framed.get(answer.headers["Location"]).status_code == 200


def test_the_page_asks_as_much_for_many(
    world: World, client: FlaskClient, lms: Lms, module: Module, configuration: int
) -> None:
    page = page_of(client, lms)
    with counted() as few:
        client.get(page)
    for number in range(8):
        world.module(f"More {number}")
    with counted() as many:
        client.get(page)
    assert len(many) == len(few)


def test_an_archived_training_is_not_offered(
    client: FlaskClient, lms: Lms, configuration: int
) -> None:
    db.session.get_one(Configuration, configuration).archived_at = NOW
    db.session.commit()
    page = page_of(client, lms)
    assert "Site access" not in client.get(page).text
    assert client.post(page, data={"item": f"configuration:{configuration}"}).status_code == 422


def test_an_archived_module_is_not_offered(
    world: World, client: FlaskClient, lms: Lms, module: Module, configuration: int
) -> None:
    page = page_of(client, lms)
    module.state = ModuleState.ARCHIVED
    world.add(module)
    assert module.title not in read(client.get(page).text).words
    assert client.post(page, data={"item": f"module:{module.id}"}).status_code == 422


@pytest.mark.parametrize(
    ("custom", "page"),
    [
        ({"view": "admin"}, "/admin"),
        ({"view": "dashboard"}, "/"),
        ({"module": "7"}, "/#module-7"),
        ({"module": "7' onload="}, "/"),
        ({"module": "٧"}, "/"),
        ({"module": "9" * 40}, "/"),
        ({"configuration": "3"}, "/"),
    ],
)
def test_where_a_link_leads(
    client: FlaskClient, lms: Lms, custom: dict[str, str], page: str
) -> None:
    assert page_in_visit(lms.launch(client, custom=custom)) == page


def test_what_the_course_has_already_is_marked(
    world: World, client: FlaskClient, lms: Lms, module: Module, configuration: int
) -> None:
    registration = db.session.query(Registration).one()
    course = world.add(
        LmsCourse(
            organization_id=registration.organization_id,
            registration_id=registration.id,
            deployment_id=lms.deployment_id,
            context_id=str(lms.claims("n")[f"{LTI}context"]["id"]),
            title="Safety 101",
            scopes=[],
            copied_from=[],
            line_items_url="https://lms.example.test/items",
            seen_at=NOW,
        )
    )
    for subject, ended_at in ({"module_id": module.id}, None), ({"configuration_id": 1}, NOW):
        world.add(
            LineItem(
                organization_id=registration.organization_id,
                course_id=course.id,
                url=f"https://lms.example.test/items/{ended_at}",
                label="",
                created_at=NOW,
                ended_at=ended_at,
                **subject,
            )
        )
    words = read(client.get(page_of(client, lms)).text).words
    assert f"number {module.id} · made on Mar 10, 2027 already in this course" in words
    assert words.count("already in this course") == 1
    elsewhere = page_of(client, lms, context={"id": "other"})
    assert "already in this course" not in client.get(elsewhere).text
    sent(client, lms, page_of(client, lms), item=f"module:{module.id}")
    reading = db.session.query(OutboxRow).filter_by(job=JobName.READ_COLUMNS).all()
    assert [(row.args, row.due_at) for row in reading] == [([course.id], NOW + MADE_AFTER)]


def test_nothing_is_picked_for_an_lms_that_was_disabled_meanwhile(
    client: FlaskClient, lms: Lms
) -> None:
    page = page_of(client, lms)
    db.session.query(Registration).one().state = RegistrationState.DISABLED
    db.session.commit()
    for answer in (client.get(page), client.post(page, data={"item": "dashboard"})):
        assert answer.status_code == 403
        assert "has been switched off" in answer.text


def course_of(world: World, lms: Lms) -> LmsCourse:
    """The course of the request, as known here."""
    registration = db.session.query(Registration).one()
    return world.add(
        LmsCourse(
            organization_id=registration.organization_id,
            registration_id=registration.id,
            deployment_id=lms.deployment_id,
            context_id=str(lms.claims("n")[f"{LTI}context"]["id"]),
            title="Safety 101",
            scopes=[],
            copied_from=[],
            seen_at=NOW,
        )
    )


@pytest.mark.parametrize(
    ("roles", "learns", "called", "minutes", "status"),
    [
        pytest.param([TEACHER], True, [], 5, 403, id="called a learner since"),
        pytest.param([TEACHER], True, [LEARNER, TEACHER], 5, 200, id="listed as both"),
        pytest.param([TEACHER], True, [], -5, 200, id="a learner before"),
        pytest.param([TEACHER], False, [], 5, 200, id="no learner"),
        pytest.param([TEACHER, LEARNER], True, [], 5, 200, id="both from the beginning"),
        pytest.param([TEACHER, ADMINISTRATOR], True, [], 5, 200, id="administrator of the LMS"),
    ],
)
def test_who_teaches_no_more_sends_nothing(
    world: World,
    client: FlaskClient,
    lms: Lms,
    roles: list[str],
    learns: bool,
    called: list[str],
    minutes: int,
    status: int,
) -> None:
    course = course_of(world, lms)
    page = page_of(client, lms, roles=roles)
    request = db.session.query(ContentRequest).one()
    world.add(
        CourseMember(
            organization_id=course.organization_id,
            course_id=course.id,
            person_id=request.person_id,
            subject="7",
            learns=learns,
            roles=called,
            seen_at=NOW + timedelta(minutes=minutes),
        )
    )
    answers = [client.post(page, data={"item": "dashboard"}), client.get(page)]
    assert [each.status_code for each in answers] == [status] * 2
    assert ("JWT" in answers[0].text) is (status == 200)
    assert ("Only somebody who teaches the course" in answers[0].text) is (status == 403)


def test_a_learner_s_later_visit_cannot_use_the_page_of_a_teacher_s(
    client: FlaskClient, lms: Lms
) -> None:
    page = page_of(client, lms)
    lms.launch(client, roles=[LEARNER])
    answer = client.post(page, data={"item": "dashboard"})
    assert answer.status_code == 403
    assert "JWT" not in answer.text
