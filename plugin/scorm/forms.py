"""The forms that bring a package and say how its results are read."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, DecimalField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional
from wtforms.widgets import TextInput

from plugin.core.context import current_settings
from plugin.scorm.policy import NeverSet, Policy, ScoreRule
from plugin.web.forms import Between, NeededWith

PERCENT = 100
MOST_WEIGHED = 50
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
    ScoreRule.WEIGHTED: _l("The average, each part by its weight"),
}


def _trusts_status() -> BooleanField:
    return BooleanField(
        _l("Trust the package's own status"),
        description=_l(
            "Normally a score below the course's mastery score counts as not passed, whatever "
            "the course says."
        ),
    )


class PackageForm(FlaskForm):  # type: ignore[misc]
    """A SCORM zip, and how to read its results."""

    file = FileField(
        _l("Package"),
        [FileRequired(_l("Choose the .zip file of the course."))],
    )
    title = StringField(
        _l("Title"), [Optional(), Length(max=200)], description=_l("Empty: the course's own title.")
    )
    trusts_status = _trusts_status()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.file.description = _(
            "A SCORM 1.2 or 2004 package: the .zip file, exactly as exported, at most %(most)s MB.",
            most=current_settings().upload_max_mb,
        )

    @property
    def wanted_on(self) -> date | None:
        """From when what was learned before shall count no more, if at all."""
        return None


EQUIVALENT, RETRAINING = "equivalent", "retraining"


class VersionForm(PackageForm):
    """A new version of a module that exists, and what it does to what was learned before."""

    title = None
    trusts_status = None  # the module's page says how results are read
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
    trusts_status = _trusts_status()
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

    parts: tuple[str, ...] = ()
    """Whose weights are asked for, in the order of the fields `weight_0`, `weight_1` …"""

    @property
    def policy(self) -> Policy:
        mark = self.pass_mark.data
        fields = ((part, self[f"weight_{index}"].data) for index, part in enumerate(self.parts))
        weights = ((part, float(weight)) for part, weight in fields if weight is not None)
        return Policy(
            trusts_status=bool(self.trusts_status.data),
            pass_share=None if mark is None else float(mark / PERCENT),
            never_set=NeverSet(self.never_set.data),
            score_rule=ScoreRule(self.score_rule.data),
            shares_objectives=bool(self.shares_objectives.data),
            weights=tuple(sorted((part, weight) for part, weight in weights if weight != 1)),
        )


def results_form(parts: list[tuple[str, str]], policy: Policy, mark: Decimal | None) -> ResultsForm:
    """The form of a module with these parts; weights are asked for where there are several."""
    weighed = parts if 1 < len(parts) <= MOST_WEIGHED else []
    names = tuple(part for part, _ in weighed)
    fields: dict[str, Any] = {f"weight_{n}": _weight(title) for n, (_, title) in enumerate(weighed)}
    made = type("WeightedResultsForm", (ResultsForm,), {**fields, "parts": names})
    kept = {part: Decimal(str(weight)).normalize() for part, weight in policy.weights}
    weights = {f"weight_{n}": kept.get(part, Decimal(1)) for n, part in enumerate(names)}
    form: ResultsForm = made(data={**asdict(policy), "pass_mark": mark, **weights})
    return form


def _weight(title: str) -> DecimalField:
    return DecimalField(
        _l("Weight of “%(title)s”", title=title),
        [Optional(), Between(0, PERCENT, _l("Use 0 to %(most)d."))],
        places=None,
        description=_l("Counts where the score is the average by weight. Empty: 1."),
        widget=TextInput(),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
