"""Grades that were changed or removed in an LMS after they were read, for admins to look at."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from plugin.lti.tool.models import Registration
from plugin.lti.tool.service_models import LineItem, LmsCourse
from plugin.modules import naming
from plugin.modules.models import Completion, CompletionSource, Module, ModuleKind
from plugin.modules.queries import is_last_word
from plugin.org.models import Person

MAX_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedGrade:
    """What the gradebook says now of somebody of whom it said something else before."""

    person_id: int
    person: str
    module: str
    course: str
    share: float | None
    """None: the grade was removed."""
    passed: bool
    learned_at: datetime


def changed_grades(session: Session, registration: Registration) -> list[ChangedGrade]:
    """The newest of an LMS, each person and column once, in one statement."""
    rows = session.execute(
        select(
            Completion.person_id,
            Person.full_name.label("person"),
            naming.column(registration.organization_id).label("module"),
            LmsCourse.title.label("course"),
            Completion.score.label("share"),
            Completion.passed,
            Completion.learned_at,
        )
        .join(Module, Module.id == Completion.module_id)
        .join(Person, Person.id == Completion.person_id)
        .join(LineItem, LineItem.module_id == Completion.module_id)
        .join(LmsCourse, LmsCourse.id == LineItem.course_id)
        .where(
            LmsCourse.registration_id == registration.id,
            Module.kind == ModuleKind.LMS_GRADE,
            Completion.source == CompletionSource.LMS_GRADE,
            Completion.supersedes_id.is_not(None),
            Completion.source_key.like("column:" + cast(LineItem.id, String) + ":%"),
            is_last_word(),
        )
        .order_by(Completion.learned_at.desc(), Completion.id.desc())
        .limit(MAX_SHOWN)
    ).mappings()
    return [ChangedGrade(**row) for row in rows]
