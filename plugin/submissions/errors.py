"""What submissions refuse, and why."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class SubmissionNotFoundError(PluginError):
    code = "submissions.not_found"
    http_status = 404
    public_message = _l("This certificate does not exist or is not yours to see.")


class OwnSubmissionError(PluginError):
    code = "submissions.own"
    http_status = 403
    public_message = _l("Nobody decides about their own certificate. Ask somebody else.")


class SubmissionDecidedError(PluginError):
    code = "submissions.decided"
    http_status = 409
    public_message = _l("This was decided or withdrawn in the meantime. Look at it again.")


class SubmissionOutdatedError(PluginError):
    code = "submissions.outdated"
    http_status = 409
    public_message = _l(
        "This was submitted before the certificate had to be shown anew, and its holder has begun "
        "anew. Reject it with a reason, so that they submit it there."
    )
