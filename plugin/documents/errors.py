"""What documents refuse, and why."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class DocumentNotFoundError(PluginError):
    code = "documents.not_found"
    http_status = 404
    public_message = _l("This document does not exist or is not yours to see.")


class LinkOverError(PluginError):
    code = "documents.link_over"
    http_status = 404
    public_message = _l("This link to the document is over. Open the document from your training.")
