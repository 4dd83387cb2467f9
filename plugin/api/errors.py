"""What the API refuses, in the form of RFC 9457; and what its pages refuse."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """A refused request: status, a permanent code, and what is wrong, by field where it is one."""

    def __init__(self, status: int, code: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.detail, self.field = status, code, detail, field


class KeyUnknownError(PluginError):
    code = "api.key_unknown"
    http_status = 404
    public_message = _l("This key does not exist or is not yours to see.")


class WebhookEndedError(PluginError):
    code = "api.webhook_ended"
    http_status = 409
    public_message = _l("This webhook was ended; nothing is sent to it any more.")


class WebhookUnknownError(PluginError):
    code = "api.webhook_unknown"
    http_status = 404
    public_message = _l("This webhook does not exist or is not yours to see.")
