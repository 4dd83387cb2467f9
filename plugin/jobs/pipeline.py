"""The product's flow, one step per function, top to bottom; each step's row is the next's input."""

from collections.abc import Callable
from typing import TypeVar

from plugin.api import delivering
from plugin.assign import crossings, judgement, retraining
from plugin.certs import actions as certificates
from plugin.certs import news, rendering
from plugin.core import clock
from plugin.core.context import current_settings
from plugin.core.db import Tx
from plugin.jobs import managers
from plugin.lti.tool import (
    checks,
    columns,
    courses,
    grades_in,
    grading,
    notice_handlers,
    notices,
    reconciling,
    rosters,
    scores,
)
from plugin.notify import delivery, topics
from plugin.org import importing as people_importing
from plugin.scorm import importing

F = TypeVar("F", bound=Callable[..., None])
Step = Callable[..., None]


def long_step(function: F) -> F:
    """Mark a step that opens its own short transactions (it must be safe to run again)."""
    function.is_long = True  # type: ignore[attr-defined]
    return function


def evaluate_person(tx: Tx, person_id: int) -> None:
    """A fact about the person changed: their standings are what the facts say."""
    judgement.evaluate_person(tx, person_id, now=clock.now())
    grading.update_grades(tx, person_id, now=clock.now())


def evaluate_people(tx: Tx, *person_ids: int) -> None:
    """A fact about each of these people changed, many at once: as `evaluate_person` for each."""
    judgement.evaluate_people(tx, person_ids, now=clock.now())
    grading.ask_for(tx, person_ids)


def apply_version(tx: Tx, version_id: int, after_person_id: int) -> None:
    """A version was published: the next people by id are judged by it, then the ones after."""
    judged = judgement.apply_version(tx, version_id, after_person_id, now=clock.now())
    grading.ask_for(tx, judged)


def apply_retraining(tx: Tx, retraining_id: int, after_person_id: int) -> None:
    """It was decided whether a version has to be learned anew: the next people by id who completed
    its module are judged by that, and told; then the ones after."""
    judged = retraining.apply(tx, retraining_id, after_person_id, now=clock.now())
    grading.ask_for(tx, judged)


def issue_certificate(tx: Tx, person_id: int, configuration_id: int) -> None:
    """A standing is valid: the certificate and the edition it is owed exist."""
    tool_url = current_settings().tool_url
    certificates.issue(tx, person_id, configuration_id, tool_url=tool_url, now=clock.now())


@long_step
def render_edition(edition_id: int) -> None:
    """An edition is printed: PDF, SHA-256, and the mail that brings it."""
    rendering.render(edition_id)


@long_step
def import_package(package_id: int) -> None:
    """An uploaded package is checked, unpacked, and becomes a version of a module."""
    importing.import_package(package_id)


@long_step
def check_import(import_id: int) -> None:
    """An uploaded list of people is checked: what each row would do, or its errors."""
    people_importing.check(import_id)


@long_step
def apply_import(import_id: int) -> None:
    """The good rows of a checked list are people, memberships and grants; all are judged again."""
    people_importing.apply(import_id)


@long_step
def deliver_message(message_id: int) -> None:
    """Mail leaves: claim, send, mark."""
    delivery.deliver(message_id, news.reread)


@long_step
def read_topic(message_id: int) -> None:
    """Amazon SNS told of bounces, or asks for a yes: believed by its signature, then done."""
    topics.read(message_id)


def tell_managers(tx: Tx, round_id: int) -> None:
    """It is morning in an organization: what its managers should know of their units is mailed."""
    managers.tell(tx, round_id, now=clock.now())


def note_crossings(tx: Tx) -> None:
    """Days of standings have come: reminders and expiries are messages, step by step."""
    crossings.note_crossings(tx, now=clock.now())


def note_launch(tx: Tx, sign_in_id: int) -> None:
    """A launch named its course's services: they are known, and its column is owed a grade."""
    courses.note_launch(tx, sign_in_id, now=clock.now())


def update_grades(tx: Tx, person_id: int, again: int = 0) -> None:
    """Something about the person changed: each gradebook column of theirs is to say it."""
    grading.update_grades(tx, person_id, again=bool(again), now=clock.now())


@long_step
def send_grade(grade_id: int) -> None:
    """A grade leaves, with what else of its column is due: claim, look, send, settle."""
    scores.send_grade(grade_id)


@long_step
def sync_roster(tie_id: int) -> None:
    """A course's people are read from the LMS and fill the unit tied to it."""
    rosters.sync(tie_id)


@long_step
def check_lms(registration_id: int, with_trial: int) -> None:
    """Everything an LMS must let us do is tried; with a trial column too, if an admin said so."""
    checks.run(registration_id, with_trial=bool(with_trial))


@long_step
def read_grades(line_item_id: int) -> None:
    """A column that is graded in the LMS is read: new grades are completions."""
    grades_in.read_grades(line_item_id)


@long_step
def read_columns(course_id: int) -> None:
    """A course nobody had come from before: the columns in it that carry our ids are known."""
    columns.read_columns(course_id)


@long_step
def compare_column(line_item_id: int) -> None:
    """A column is read and compared with what it was told: lost grades are sent again."""
    reconciling.compare_column(line_item_id)


@long_step
def subscribe_notices(handler_id: int) -> None:
    """An LMS offers notices: it is told where to send them."""
    notice_handlers.subscribe(handler_id)


def apply_notice(tx: Tx, notice_id: int) -> None:
    """A verified notice came: what it says is known."""
    notices.apply(tx, notice_id, now=clock.now())


@long_step
def send_webhook(delivery_id: int) -> None:
    """An event leaves for another system: claim, sign, send, mark."""
    delivering.send(delivery_id)
