"""The forms of launch rules, one for each thing a launch can say."""

from collections.abc import Sequence

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from plugin.org.forms import KINDS
from plugin.org.models import Unit, UnitKind
from plugin.org.rule_actions import MAX_TEXT
from plugin.org.rule_models import RuleSource
from plugin.org.rules import MAX_NAME
from plugin.web.forms import NeededWith

SOURCES: dict[RuleSource, LazyString] = {
    RuleSource.CUSTOM: _l("Custom parameter"),
    RuleSource.ROLE: _l("Role in the LMS"),
    RuleSource.COURSE: _l("LMS course"),
}
ROLES: dict[str, LazyString] = {
    "institution:Student": _l("Student (whole LMS)"),
    "institution:Learner": _l("Learner (whole LMS)"),
    "institution:Staff": _l("Staff (whole LMS)"),
    "institution:Faculty": _l("Faculty (whole LMS)"),
    "institution:Instructor": _l("Instructor (whole LMS)"),
    "institution:Guest": _l("Guest (whole LMS)"),
    "institution:Member": _l("Member (whole LMS)"),
    "institution:Alumni": _l("Alumni (whole LMS)"),
    "institution:Observer": _l("Observer (whole LMS)"),
    "institution:Administrator": _l("Administrator (whole LMS)"),
    "context:Learner": _l("Learner in a course"),
    "context:Instructor": _l("Instructor in a course"),
    "context:ContentDeveloper": _l("Content developer in a course"),
    "context:Manager": _l("Manager in a course"),
    "context:Mentor": _l("Mentor in a course"),
    "context:Officer": _l("Officer in a course"),
    "context:Administrator": _l("Administrator in a course"),
}
BY_CODE, FIXED = "code", "unit"


def unit_choices(units: Sequence[Unit]) -> list[SelectChoice]:
    """Units for a select, with their kind and code."""
    return [
        SelectChoice(0, _("Choose a unit")),
        *(
            SelectChoice(
                unit.id,
                f"{KINDS[unit.kind]}: {unit.name}" + (f" ({unit.id_code})" if unit.id_code else ""),
            )
            for unit in units
        ),
    ]


class CustomRuleForm(FlaskForm):  # type: ignore[misc]
    """A custom parameter names a unit by ID code, or one value leads to one unit."""

    name = StringField(
        _l("Name of the parameter"),
        [DataRequired(_l("Name the parameter.")), Length(max=MAX_TEXT)],
        description=_l("As the LMS sends it, without “custom_”: for example site."),
    )
    mode = RadioField(
        _l("What its value means"),
        choices=[
            SelectChoice(BY_CODE, _l("It is the ID code of a unit")),
            SelectChoice(FIXED, _l("One value leads to one unit")),
        ],
        default=BY_CODE,
    )
    unit_kind = SelectField(
        _l("Kind of unit"),
        choices=[SelectChoice(kind, label) for kind, label in KINDS.items()],
        default=UnitKind.SITE.value,
        description=_l("If it is an ID code."),
    )
    value = StringField(
        _l("Value"),
        [
            NeededWith("mode", FIXED, _l("Say what the parameter must say for this unit.")),
            Optional(),
            Length(max=MAX_NAME),
        ],
        description=_l("If one value leads to one unit: what the parameter must say."),
    )
    unit_id = SelectField(_l("Unit"), coerce=int, description=_l("If one value leads to one unit."))


class RoleRuleForm(FlaskForm):  # type: ignore[misc]
    """A role in the LMS leads to one unit."""

    name = SelectField(
        _l("Role"), choices=[SelectChoice(name, label) for name, label in ROLES.items()]
    )
    unit_id = SelectField(_l("Unit"), coerce=int)


class CourseRuleForm(FlaskForm):  # type: ignore[misc]
    """Launching from a course leads to one unit."""

    name = SelectField(
        _l("Course"), description=_l("Courses that people came from lately, with the LMS's id.")
    )
    unit_id = SelectField(_l("Unit"), coerce=int)


class SwitchOffForm(FlaskForm):  # type: ignore[misc]
    """Whether what a rule gave ends with it."""

    ends_memberships = BooleanField(
        _l("End the memberships it gave, where nothing else says so"),
        description=_l("Otherwise they stay until somebody ends them."),
    )


FORMS: dict[RuleSource, type[FlaskForm]] = {
    RuleSource.CUSTOM: CustomRuleForm,
    RuleSource.ROLE: RoleRuleForm,
    RuleSource.COURSE: CourseRuleForm,
}
