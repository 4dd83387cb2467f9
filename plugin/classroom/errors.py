"""What sessions refuse, and why."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class SessionNotFoundError(PluginError):
    code = "classroom.session_not_found"
    http_status = 404
    public_message = _l("This session does not exist or is not yours to see.")


class SessionFullError(PluginError):
    code = "classroom.full"
    http_status = 409
    public_message = _l("The last seat has just been taken. Choose another session.")


class SignUpOverError(PluginError):
    code = "classroom.sign_up_over"
    http_status = 409
    public_message = _l("Nobody signs up for this session any more. Choose another one.")


class NotRunningError(PluginError):
    code = "classroom.not_running"
    http_status = 409
    public_message = _l(
        "Presence is taken from 30 minutes before the session until 2 hours after it."
    )


class CodeOverError(PluginError):
    code = "classroom.code_over"
    http_status = 409
    public_message = _l(
        "This is not the code that is shown now. Scan or type it again: "
        "it changes every half minute."
    )


class SessionOverError(PluginError):
    code = "classroom.over"
    http_status = 409
    public_message = _l("This session was cancelled and changes no more.")
