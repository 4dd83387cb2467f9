"""Refusals of the learner's pages."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class NothingAskedError(PluginError):
    code = "dashboard.nothing_asked"
    http_status = 404
    public_message = _l("There is no such training of yours.")
