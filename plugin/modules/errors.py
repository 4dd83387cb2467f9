"""What the catalogue and its players refuse, and why."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class ModuleNotFoundHereError(PluginError):
    """Also the answer for a module that is hidden: nothing tells the two apart."""

    code = "modules.not_found"
    http_status = 404
    public_message = _l("This training does not exist or is not assigned to you.")


class NotPlayableError(PluginError):
    code = "modules.not_playable"
    http_status = 409
    public_message = _l("This training cannot be opened at the moment.")


class RunNotFoundError(PluginError):
    code = "modules.run_not_found"
    http_status = 404
    public_message = _l("This sitting does not exist or is not yours.")


class VersionNotFoundHereError(PluginError):
    code = "modules.version_not_found"
    http_status = 404
    public_message = _l("There is no such version, or none came before it.")


class RetrainingChangedError(PluginError):
    code = "modules.retraining_changed"
    http_status = 409
    public_message = _l("Somebody has decided this meanwhile. Please look at it again.")


class CompletionNotFoundError(PluginError):
    code = "modules.completion_not_found"
    http_status = 404
    public_message = _l("This completion does not exist or is not yours to see.")
