"""What the organization's pages and commands refuse, and why."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class OrganizationNotFoundError(PluginError):
    code = "org.organization_not_found"
    http_status = 404
    public_message = _l("This organization does not exist.")


class UnitNotFoundError(PluginError):
    code = "org.unit_not_found"
    http_status = 404
    public_message = _l("This unit does not exist or is not yours to see.")


class PersonNotFoundError(PluginError):
    code = "org.person_not_found"
    http_status = 404
    public_message = _l("This person does not exist or is not yours to see.")


class PersonDeactivatedError(PluginError):
    code = "org.person_deactivated"
    http_status = 403
    public_message = _l("Your access has been switched off. Please ask your training department.")


class InstallCodeError(PluginError):
    code = "org.install_code"
    http_status = 403
    public_message = _l("This install code is not valid, has expired or has been used.")


class MergeNotFoundError(PluginError):
    code = "org.merge_not_found"
    http_status = 404
    public_message = _l("These two entries are not merged.")


class PersonMergedError(PluginError):
    code = "org.person_merged"
    http_status = 409
    public_message = _l(
        "This entry was merged into another person. Change that person, or undo the merge."
    )


class ImportNotFoundError(PluginError):
    code = "org.import_not_found"
    http_status = 404
    public_message = _l("This import does not exist.")


class ImportOverError(PluginError):
    code = "org.import_over"
    http_status = 409
    public_message = _l("This import was already applied, cancelled or is not checked yet.")


class ImportHasErrorsError(PluginError):
    code = "org.import_has_errors"
    http_status = 409
    public_message = _l("Some rows have errors. Say that only the good rows are to be applied.")


class ImportBusyError(PluginError):
    code = "org.import_busy"
    http_status = 409
    public_message = _l("Another import is being applied. Wait until it is done, then try again.")


class RuleNotFoundError(PluginError):
    code = "org.rule_not_found"
    http_status = 404
    public_message = _l("This rule does not exist.")


class HeldSyncNotFoundError(PluginError):
    code = "org.held_sync_not_found"
    http_status = 404
    public_message = _l("This held sync does not exist.")


class HeldSyncOverError(PluginError):
    code = "org.held_sync_over"
    http_status = 409
    public_message = _l("Somebody has decided this already, or a later sync has answered it.")


class FieldError(PluginError):
    """A value that cannot be saved; `field` names the form field or column."""

    code = "org.field"
    http_status = 422

    def __init__(self, field: str, message: object) -> None:
        super().__init__(field)
        self.field = field
        self._message = message

    @property
    def message(self) -> str:
        return str(self._message)
