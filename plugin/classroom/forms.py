"""The forms of sessions."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    IntegerField,
    RadioField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from plugin.classroom.models import SessionState
from plugin.classroom.planning import MAX_NOTE, MAX_SEATS, MAX_WORDS, Plan
from plugin.web.forms import Between

LOCAL = "%Y-%m-%dT%H:%M"


class ModuleForm(FlaskForm):  # type: ignore[misc]
    """A module that is completed by being there."""

    title = StringField(_l("Title"), [DataRequired(), Length(max=MAX_WORDS)])
    words = TextAreaField(
        _l("For learners"),
        [Optional(), Length(max=MAX_NOTE)],
        description=_l("What to bring, what to know before, whom to ask."),
    )
    confirms = BooleanField(
        _l("The instructor confirms who was there"),
        default=True,
        description=_l(
            "Without it, the code shown in the room completes the module at once for whoever "
            "scans or types it."
        ),
    )


class SessionForm(FlaskForm):  # type: ignore[misc]
    """One date of the module."""

    starts = DateTimeLocalField(_l("Starts"), [DataRequired()], format=LOCAL)
    ends = DateTimeLocalField(_l("Ends"), [DataRequired()], format=LOCAL)
    zone = StringField(
        _l("Time zone"),
        [DataRequired(), Length(max=64)],
        description=_l("Of the place, such as Europe/London."),
    )
    place = StringField(_l("Place"), [DataRequired(), Length(max=MAX_WORDS)])
    instructor = StringField(
        _l("Instructor"),
        [Optional(), Length(max=MAX_WORDS)],
        description=_l("Employee ID, email address or full name of a user."),
    )
    capacity = IntegerField(
        _l("Seats"),
        [Optional(), Between(1, MAX_SEATS, _l("Use %(least)d to %(most)d."))],
        description=_l("Empty: as many as come."),
    )
    note = TextAreaField(_l("Note"), [Optional(), Length(max=MAX_NOTE)])
    state = RadioField(
        _l("State"),
        choices=[
            SelectChoice(SessionState.DRAFT.value, _l("Draft: learners do not see it")),
            SelectChoice(SessionState.OPEN.value, _l("Open: learners sign up")),
            SelectChoice(SessionState.CLOSED.value, _l("Closed: nobody signs up any more")),
        ],
        default=SessionState.OPEN.value,
    )

    @property
    def plan(self) -> Plan:
        return Plan(
            starts=self.starts.data,
            ends=self.ends.data,
            zone=(self.zone.data or "").strip(),
            place=self.place.data or "",
            instructor=self.instructor.data or "",
            capacity=self.capacity.data,
            note=self.note.data or "",
            state=SessionState(self.state.data),
        )


class CancelForm(FlaskForm):  # type: ignore[misc]
    """Why a session does not take place."""

    reason = StringField(
        _l("Reason"),
        [DataRequired(), Length(max=MAX_WORDS)],
        description=_l("Everybody with a seat reads it in a mail."),
    )


class AddForm(FlaskForm):  # type: ignore[misc]
    """Somebody who came without a seat."""

    who = StringField(
        _l("Employee ID, email address or full name"), [DataRequired(), Length(max=MAX_WORDS)]
    )
