"""The forms that bring a package and say how its results are read."""

from datetime import date

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, DecimalField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional
from wtforms.widgets import TextInput

from plugin.scorm.policy import NeverSet, Policy, ScoreRule
from plugin.web.forms import Between, NeededWith

PERCENT = 100
NEVER_SET = {
    NeverSet.AUTO: _l("Finishing it, in a course of one part without score (recommended)"),
    NeverSet.FINISHED: _l("Finishing it"),
    NeverSet.OPENED: _l("Opening it"),
    NeverSet.NOTHING: _l("Nothing: it stays incomplete"),
}
SCORE_RULES = {
    ScoreRule.AVERAGE: _l("The average of the parts that have one"),
    ScoreRule.HIGHEST: _l("The highest"),
    ScoreRule.LAST: _l("That of the last part"),
    ScoreRule.SUM: _l("The sum, at most the whole"),
}


class PackageForm(FlaskForm):  # type: ignore[misc]
    """A SCORM zip, and how to read its results."""

    file = FileField(
        _l("Package"),
        [FileRequired(_l("Choose the .zip file of the course."))],
        description=_l("A SCORM 1.2 or 2004 package: the .zip file, exactly as exported."),
    )
    title = StringField(
        _l("Title"), [Optional(), Length(max=200)], description=_l("Empty: the course's own title.")
    )
    trusts_status = BooleanField(
        _l("Trust the package's own status"),
        description=_l(
            "Normally a score below the course's mastery score counts as not passed, whatever "
            "the course says."
        ),
    )

    @property
    def wanted_on(self) -> date | None:
        """From when what was learned before shall count no more, if at all."""
        return None


EQUIVALENT, RETRAINING = "equivalent", "retraining"


class VersionForm(PackageForm):
    """A new version of a module that exists, and what it does to what was learned before."""

    title = None
    effect = RadioField(
        _l("What was learned with the version before"),
        choices=[
            SelectChoice(EQUIVALENT, _l("It goes on counting: the new version is equivalent")),
            SelectChoice(
                RETRAINING,
                _l("From a date on it counts no more: the new version is required"),
            ),
        ],
        default=EQUIVALENT,
    )
    from_on = DateField(
        _l("From"),
        [NeededWith("effect", RETRAINING, _l("Choose a day.")), Optional()],
        description=_l("What this will do is shown before it is decided, once the file is here."),
    )

    @property
    def wanted_on(self) -> date | None:
        chosen: date | None = self.from_on.data if self.effect.data == RETRAINING else None
        return chosen


class ResultsForm(FlaskForm):  # type: ignore[misc]
    """How a module reads what its course reports."""

    pass_mark = DecimalField(
        _l("Passed from, in %"),
        [Optional(), Between(1, PERCENT, _l("Use 1 to %(most)d percent."))],
        places=None,
        description=_l("Empty: the course's own mastery score."),
        widget=TextInput(),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    trusts_status = BooleanField(
        _l("Trust the package's own status"),
        description=_l(
            "Normally a score below the course's mastery score counts as not passed, whatever "
            "the course says."
        ),
    )
    never_set = SelectField(
        _l("A part that never says a status is completed by"),
        choices=[SelectChoice(str(value), label) for value, label in NEVER_SET.items()],
    )
    score_rule = SelectField(
        _l("Score of a course of several parts"),
        choices=[SelectChoice(str(value), label) for value, label in SCORE_RULES.items()],
    )

    shares_objectives = BooleanField(
        _l("Share objectives and data with other courses"),
        description=_l(
            "SCORM 2004 only, where the course asks for it. What was learned once is then skipped "
            "in later sittings too, also when training is renewed."
        ),
    )

    @property
    def policy(self) -> Policy:
        mark = self.pass_mark.data
        return Policy(
            trusts_status=bool(self.trusts_status.data),
            pass_share=None if mark is None else float(mark / PERCENT),
            never_set=NeverSet(self.never_set.data),
            score_rule=ScoreRule(self.score_rule.data),
            shares_objectives=bool(self.shares_objectives.data),
        )
