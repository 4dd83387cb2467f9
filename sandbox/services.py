"""The services of the miniature LMS: grades (AGS 2.0) and people (Names and Roles 2.0)."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox import courses, notices
from sandbox.gradebook import Column, Gradebook, RefusedScoreError
from sandbox.people import LEARNER, LmsPerson
from sandbox.tokens import LTI, Course

bp = Blueprint("services", __name__)
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
LINE_ITEM = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS = "application/vnd.ims.lis.v2.resultcontainer+json"
SCORE = "application/vnd.ims.lis.v1.score+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


def gradebook() -> Gradebook:
    found: Gradebook = current_app.extensions["gradebook"]
    return found


def claims_of_services(url: str, course: Course, link_id: str, grades: Gradebook) -> dict[str, Any]:
    """What a launch says of the services; the activity's own column if it is graded."""
    coupled = next((each for each in grades.columns.values() if each.link_id == link_id), None)
    endpoint: dict[str, Any] = {
        "scope": [AGS + name for name in ("lineitem", "lineitem.readonly", "result.readonly")]
        + [AGS + "score"],
        "lineitems": f"{url}/services/{course.id}/lineitems{grades.behaviour.column_query}",
    }
    if coupled is not None:
        endpoint["lineitem"] = address(url, coupled, grades.behaviour.column_query)
    return {
        **(notices.claim(url) if grades.behaviour.offers_notices else {}),
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": endpoint,
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {
            "context_memberships_url": f"{url}/services/{course.id}/memberships",
            "service_versions": ["1.0", "2.0"],
        },
    }


def address(url: str, column: Column, query: str = "?type_id=1") -> str:
    """A column's address; with a query, as a Moodle's has."""
    return f"{url}/services/{column.course_id}/lineitems/{column.number}/lineitem{query}"


@bp.before_request
def _be_difficult() -> Response | None:
    behaviour = gradebook().behaviour
    if behaviour.slow_seconds:
        time.sleep(behaviour.slow_seconds)
    if behaviour.fails_with:
        status = behaviour.fails_with.pop(0)
        page = f"<html><body><h1>{status}</h1><p>Coding error detected</p></body></html>"
        return Response(page, status=status, mimetype="text/html")
    return None


@bp.errorhandler(RefusedScoreError)
def _refused(error: RefusedScoreError) -> Response:
    answer = jsonify(error.body)
    answer.status = f"{error.status} {error.words}".strip().replace("\n", " ")
    return answer


@bp.get("/services/<course>/lineitems")
def line_items(course: str) -> Response:
    _check(course, AGS + "lineitem.readonly", AGS + "lineitem", accept=LINE_ITEMS)
    wanted = {
        "resource_id": request.args.get("resource_id"),
        "tag": request.args.get("tag"),
        "link_id": request.args.get("resource_link_id"),
    }
    found = [
        _line(each)
        for each in gradebook().columns.values()
        if each.course_id == course
        and all(value is None or getattr(each, name) == value for name, value in wanted.items())
    ]
    return _json(found, LINE_ITEMS)


@bp.post("/services/<course>/lineitems")
def add_line_item(course: str) -> Response:
    _check(course, AGS + "lineitem", content=LINE_ITEM)
    if not gradebook().behaviour.makes_columns:
        raise RefusedScoreError(403, body={"detail": "The tool may only post scores."})
    said = request.get_json(force=True)
    if not said.get("label") or not isinstance(said.get("scoreMaximum"), int | float):
        raise RefusedScoreError(400, "Missing label or scoreMaximum")
    column = gradebook().add(
        said["label"],
        float(said["scoreMaximum"]),
        resource_id=said.get("resourceId"),
        tag=said.get("tag"),
        link_id=said.get("resourceLinkId"),
        course_id=course,
    )
    answer = _json(_line(column), LINE_ITEM)
    answer.status_code = 201
    return answer


@bp.route("/services/<course>/lineitems/<int:number>/lineitem", methods=["GET", "PUT", "DELETE"])
def line_item(course: str, number: int) -> Response:
    column = gradebook().column(number)
    if request.method == "DELETE":
        _check(course, AGS + "lineitem")
        del gradebook().columns[number]
        return Response(status=204)
    if request.method == "PUT":
        _check(course, AGS + "lineitem", content=LINE_ITEM)
        said = request.get_json(force=True)
        column.label, column.maximum = said["label"], float(said["scoreMaximum"])
        column.resource_id, column.tag = said.get("resourceId"), said.get("tag")
    else:
        _check(course, AGS + "lineitem.readonly", AGS + "lineitem", accept=LINE_ITEM)
    return _json(_line(column), LINE_ITEM)


@bp.post("/services/<course>/lineitems/<int:number>/lineitem/scores")
def score(course: str, number: int) -> Response:
    _check(course, AGS + "score", content=SCORE)
    gradebook().score(number, request.get_json(force=True, silent=True))
    return Response(status=200)


@bp.get("/services/<course>/lineitems/<int:number>/lineitem/results")
def results(course: str, number: int) -> Response:
    _check(course, AGS + "result.readonly", accept=RESULTS)
    if "limit" in request.args and gradebook().behaviour.breaks_on_limit:
        raise RefusedScoreError(404, "<html>")
    return _json(gradebook().results(number, request.args.get("user_id")), RESULTS)


@bp.get("/services/<course>/memberships")
def memberships(course: str) -> Response:
    _check(course, NRPS, accept=MEMBERS)
    found = courses.all_courses()[course]
    behaviour, link_id = gradebook().behaviour, request.args.get("rlid")
    if link_id is not None and link_id not in courses.placements():
        raise RefusedScoreError(404, f"Resource link {link_id} doesn't exist")
    everybody = [
        _member(person, link_id)
        for person in courses.members(found)
        if "Administrator" not in person.roles[0]
        and (link_id is None or person.sub not in behaviour.hidden_from)
    ]
    everybody += [_one_of_many(number) for number in range(1, behaviour.crowd + 1)]
    if behaviour.has_test_student:
        everybody.append(_test_student())
    if behaviour.most_members and len(everybody) > behaviour.most_members:
        raise RefusedScoreError(403, body={"error": "above_response_limit"})
    limit = request.args.get("limit", "")
    size = behaviour.page_size or (int(limit) if limit.isdecimal() else 0)
    start = int(request.args.get("from", 0))
    shown = everybody[start : start + size] if size else everybody
    answer = _json(
        {
            "id": request.base_url,
            "context": {"id": course, "label": found.label, "title": found.title},
            "members": shown,
        },
        MEMBERS,
    )
    if size and start + size < len(everybody):
        more = {"from": start + size, **({} if link_id is None else {"rlid": link_id})}
        if limit and not behaviour.page_size:
            more["limit"] = size
        answer.headers["link"] = f'<{request.path}?{urlencode(more)}>; rel="next"'
    return answer


def _member(person: LmsPerson, link_id: str | None) -> dict[str, Any]:
    """One line; through an activity also what a launch of it would say of the person."""
    said: dict[str, Any] = {
        "status": "Active",
        "roles": _roles(person),
        "user_id": person.sub,
        "lis_person_sourcedid": person.employee_number,
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "email": person.email,
    }
    if link_id is not None:
        custom = gradebook().behaviour.member_variables.get(person.sub)
        said["message"] = [
            {
                LTI + "message_type": "LtiResourceLinkRequest",
                "https://purl.imsglobal.org/spec/lti-bo/claim/basicoutcome": {
                    "lis_result_sourcedid": f"{link_id}:{person.sub}"
                },
                **({} if custom is None else {LTI + "custom": custom}),
            }
        ]
    return said


def _roles(person: LmsPerson) -> list[str]:
    if not gradebook().behaviour.short_roles:
        return list(person.roles)
    return [role.rpartition("#")[2] for role in person.roles[:1]]


def _one_of_many(number: int) -> dict[str, Any]:
    """A learner who is on the list and never comes."""
    return {"status": "Active", "roles": list(LEARNER), "user_id": f"many-{number}"}


def _test_student() -> dict[str, Any]:
    """Whoever a teacher looks at the course as: not a person."""
    roles = [*LEARNER, "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"]
    return {"status": "Active", "roles": roles, "user_id": "test-student", "name": "Test Student"}


def _line(column: Column) -> Mapping[str, Any]:
    url = current_app.extensions["campus"].url
    said = {
        "id": address(url, column, gradebook().behaviour.column_query),
        "label": column.label,
        "scoreMaximum": column.maximum,
        "resourceId": column.resource_id,
        "tag": column.tag,
        "resourceLinkId": column.link_id,
    }
    return {name: value for name, value in said.items() if value is not None}


def _json(said: Any, media_type: str) -> Response:
    answer = jsonify(said)
    answer.headers["Content-Type"] = media_type
    return answer


def _check(course: str, *scopes: str, accept: str = "", content: str = "") -> None:
    """A bearer token with one of the scopes, and the exact media types."""
    if course not in courses.all_courses():
        raise RefusedScoreError(404, f"Course {course} doesn't exist")
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    held = current_app.extensions["tokens"].scopes_of(token)
    if not gradebook().behaviour.gives_access or not held.intersection(scopes):
        raise RefusedScoreError(401, "Unauthorized")
    if accept and request.headers.get("Accept") not in {accept, "*/*"}:
        raise RefusedScoreError(400, "No handler found")
    if content and request.headers.get("Content-Type", "").partition(";")[0] != content:
        raise RefusedScoreError(400, "No handler found")
