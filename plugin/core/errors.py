"""Refusals: what went wrong, in a permanent code, a status and a sentence to act on."""

from typing import Any

from flask_babel import lazy_gettext as _l


class PluginError(Exception):
    """The root of every refusal; subclasses live in each feature's `errors`."""

    code = "error"
    http_status = 400
    public_message = _l("This did not work. Please try again.")
    learner_advice: Any = ""
    """What whoever came to learn can do now."""
    admin_advice: Any = ""
    """What an administrator of the LMS or of the tool can do."""
    return_url: str | None = None
    """A trusted way back for the person, if there is one."""
    template = "error.html"
    """The page; one that extends the usual may offer something to do."""

    def __init__(self, detail: object = "", **facts: object) -> None:
        """`detail` and `facts` go to the log: ids only, never names, addresses or tokens."""
        super().__init__(f"{self.code} {detail}".strip())
        self.facts = facts

    @property
    def message(self) -> str:
        """The sentence for the person, in the language of the request."""
        return str(self.public_message)


class ForbiddenError(PluginError):
    code = "access.forbidden"
    http_status = 403
    public_message = _l("You do not have the rights to see this page.")


class SignInRequiredError(PluginError):
    code = "access.sign_in_required"
    http_status = 401
    public_message = _l("Your visit has ended. Please open the activity again from your course.")


class DiskFullError(PluginError):
    code = "storage.full"
    http_status = 507
    public_message = _l("The server's disk is full. Nothing of what was sent was kept.")
    learner_advice = _l("Please tell whoever runs your training, and send it again later.")
    admin_advice = _l("Ask whoever runs this server to make room, then send it again.")


class SettingError(Exception):
    """A setting is missing or too weak to start with; the message names it."""
