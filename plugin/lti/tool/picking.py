"""Whether who opened the page to pick content still builds the course when they send the choice."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.lti.tool.deep_linking import course_of
from plugin.lti.tool.errors import NotForLearnersError
from plugin.lti.tool.models import ContentRequest
from plugin.lti.tool.roles import roles_named, roles_of
from plugin.lti.tool.service_models import CourseMember


def check_may_pick(session: Session, request: ContentRequest, said: Sequence[str]) -> None:
    """The visit, whose roles are `said`, may pick, and the LMS has not called the person a learner
    of the course since; raises NotForLearnersError."""
    roles = roles_named(said)
    if not roles.may_pick_content:
        raise NotForLearnersError
    if roles.teaches and not roles.learns and not roles.is_lms_administrator:
        _check_is_no_learner_now(session, request)


def _check_is_no_learner_now(session: Session, request: ContentRequest) -> None:
    """By a later launch into the course, or a later list of its people."""
    listed = session.scalar(
        select(CourseMember.roles).where(
            CourseMember.course_id == course_of(session, request),
            CourseMember.person_id == request.person_id,
            CourseMember.learns.is_(True),
            CourseMember.seen_at > request.created_at,
        )
    )
    if listed is not None and not roles_of(listed).teaches:
        raise NotForLearnersError
