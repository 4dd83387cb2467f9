"""What the player and the import refuse, and why."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class LaunchNotFoundError(PluginError):
    code = "scorm.launch_not_found"
    http_status = 404
    public_message = _l("This training was not opened from your list. Please open it from there.")


class LaunchClosedError(PluginError):
    code = "scorm.launch_closed"
    http_status = 410
    public_message = _l("This visit is over. Please open the training again from your list.")


class OpenedElsewhereError(PluginError):
    code = "scorm.opened_elsewhere"
    http_status = 409
    public_message = _l("This training was opened in another window, which now saves your work.")


class MalformedCommitError(PluginError):
    code = "scorm.malformed_commit"
    http_status = 400
    public_message = _l("What the course sent could not be understood.")


class CommitTooLargeError(PluginError):
    code = "scorm.commit_too_large"
    http_status = 413
    public_message = _l("The course tried to save more than is allowed.")


class PackageNotFoundError(PluginError):
    code = "scorm.package_not_found"
    http_status = 404
    public_message = _l("This package does not exist or is not yours to see.")


class NoCourseError(PluginError):
    code = "scorm.no_course"
    http_status = 404
    public_message = _l(
        "This module is no course, so it takes no package. Import the package as a new module, or "
        "choose the course it is a version of."
    )


class NotTriedAgainError(PluginError):
    code = "scorm.not_tried_again"
    http_status = 409
    public_message = _l(
        "This import is under way, done, or its file is no longer here. Look at its page again."
    )


class UploadsByOperatorError(PluginError):
    code = "scorm.uploads_by_operator"
    http_status = 403
    public_message = _l("Packages are brought in by whoever runs this server. Please ask there.")
