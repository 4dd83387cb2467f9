"""What the pages about mail refuse, and why."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class ReminderLinkError(PluginError):
    code = "mail.reminder_link"
    http_status = 404
    public_message = _l("This address is not complete. Open it from the mail again.")


class MessageNotFoundError(PluginError):
    code = "mail.message_not_found"
    http_status = 404
    public_message = _l("This mail does not exist or is not yours to see.")


class HookRefusedError(PluginError):
    code = "mail.hook_refused"
    http_status = 401
    public_message = _l("The report is not signed with the secret of this address.")


class HookFormError(PluginError):
    code = "mail.hook_form"
    http_status = 400
    public_message = _l("This is no report of bounces in a form that is known here.")
