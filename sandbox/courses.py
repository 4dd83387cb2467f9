"""The courses of the miniature LMS, and copies of them, as a Moodle makes them."""

from collections.abc import Sequence
from dataclasses import replace

from flask import (
    Blueprint,
    abort,
    current_app,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response

from sandbox import notices
from sandbox.gradebook import Gradebook
from sandbox.people import BY_SUB, BY_USERNAME, PEOPLE, LmsPerson
from sandbox.tokens import Course, Placement

bp = Blueprint("courses", __name__)
SAFETY = Course(id="2", title="Safety 101", label="SAFE101", sourced_id="CRS-1")
CONTRACTORS = Course(
    id="3",
    title="Contractor induction",
    label="CONTR1",
    sourced_id="CRS-2",
    subs=("2", "3", "7", "9"),
)
TRAINING = Placement(link_id="17", title="My safety training", custom={"view": "dashboard"})
ADMINISTRATION = Placement(link_id="18", title="Training administration", custom={"view": "admin"})
INDUCTION = Placement(
    link_id="19",
    title="Training for contractors",
    custom={"view": "dashboard"},
    course_id=CONTRACTORS.id,
)
FIRST_COURSES, FIRST_PLACEMENTS = (SAFETY, CONTRACTORS), (TRAINING, ADMINISTRATION, INDUCTION)
MOST_COURSES = 50


def all_courses() -> dict[str, Course]:
    found: dict[str, Course] = current_app.extensions["courses"]
    return found


def placements() -> dict[str, Placement]:
    found: dict[str, Placement] = current_app.extensions["placements"]
    return found


def asked_for() -> Course:
    """The course that the address names (`id`); the first one if it names none."""
    found = all_courses().get(request.args.get("id", SAFETY.id))
    if found is None:
        abort(404)
    return found


def course_of(placement: Placement) -> Course:
    """The course an activity stands in."""
    return all_courses()[placement.course_id]


def members(course: Course) -> Sequence[LmsPerson]:
    """Who is enrolled."""
    return PEOPLE if course.subs is None else [BY_SUB[each] for each in course.subs]


def shown(course: Course, person: LmsPerson) -> list[Placement]:
    """The activities of a course that a person sees."""
    return [
        each
        for each in placements().values()
        if each.course_id == course.id and (person.may_administer or not each.is_for_admins)
    ]


def next_id(taken: dict[str, object]) -> str:
    return str(max((int(each) for each in taken), default=0) + 1)


def copy(course: Course) -> Course:
    """A new course with the same people, activities and columns, and nobody's grades.

    What the tool gave stays (custom, address, resourceId, tag); every id of the LMS is a new one.
    """
    number = 1 + sum(course.id in each.history[:1] for each in all_courses().values())
    made = Course(
        id=next_id({**all_courses()}),
        title=f"{course.title} copy {number}",
        label=f"{course.label}_{number}",
        sourced_id="",
        history=(course.id, *course.history),
        subs=course.subs,
    )
    all_courses()[made.id] = made
    links: dict[str | None, str] = {}
    for each in [each for each in placements().values() if each.course_id == course.id]:
        link_id = links[each.link_id] = next_id({**placements()})
        placements()[link_id] = replace(each, link_id=link_id, course_id=made.id)
    book: Gradebook = current_app.extensions["gradebook"]
    for column in [each for each in book.columns.values() if each.course_id == course.id]:
        book.add(
            column.label,
            column.maximum,
            resource_id=column.resource_id,
            tag=column.tag,
            link_id=links.get(column.link_id),
            course_id=made.id,
        )
    return made


@bp.get("/courses")
def listed() -> str | Response:
    """Every course, and what it is a copy of."""
    person = BY_USERNAME.get(session.get("username", ""))
    if person is None:
        return redirect(url_for("lms.home"), 303)
    found = [each for each in all_courses().values() if person in members(each)]
    return render_template("courses.html", courses=found, known=all_courses())


@bp.post("/courses/<course_id>/copy")
def copied(course_id: str) -> Response:
    """An administrator copies a course; a tool that asked to hear of copies is told."""
    person = BY_USERNAME.get(session.get("username", ""))
    course = all_courses().get(course_id)
    if person is None or not person.may_administer or course is None:
        abort(404)
    if len(all_courses()) >= MOST_COURSES:
        abort(400)
    made = copy(course)
    notices.tell_of_copy(made.id, title=made.title, origins=made.history)
    return redirect(url_for("lms.course", id=made.id), 303)
