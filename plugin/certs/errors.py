"""Refusals of certificates."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class CertificateNotFoundError(PluginError):
    code = "certs.not_found"
    http_status = 404
    public_message = _l("This certificate does not exist or is not yours to see.")


class NotYetIssuedError(PluginError):
    code = "certs.not_yet_issued"
    http_status = 404
    public_message = _l("At the moment asked about this certificate had not been issued.")


class EditionNotReadyError(PluginError):
    code = "certs.not_ready"
    http_status = 409
    public_message = _l("The document is being prepared. Please try again in a minute.")


class CertificateRevokedError(PluginError):
    code = "certs.revoked"
    http_status = 409
    public_message = _l("This certificate is revoked. That is final.")
