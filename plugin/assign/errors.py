"""What training configurations refuse, and why."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class ConfigurationNotFoundError(PluginError):
    code = "assign.configuration_not_found"
    http_status = 404
    public_message = _l("This training configuration does not exist or is not yours to see.")


class NotPublishedError(PluginError):
    code = "assign.not_published"
    http_status = 404
    public_message = _l("This training configuration has not been published yet.")


class VersionNotFoundError(PluginError):
    code = "assign.version_not_found"
    http_status = 404
    public_message = _l("This version does not exist.")


class TemplateNotFoundError(PluginError):
    code = "assign.template_not_found"
    http_status = 404
    public_message = _l("This template does not exist or is not yours to see.")


class WaiverNotFoundError(PluginError):
    code = "assign.waiver_not_found"
    http_status = 404
    public_message = _l("This waiver does not exist or is not yours to see.")


class DraftChangedError(PluginError):
    code = "assign.draft_changed"
    http_status = 409
    public_message = _l(
        "Somebody else has changed this training since you opened it. "
        "Nothing of yours was saved. Open it again and repeat your change."
    )


class RowError(PluginError):
    """A row that cannot be saved: its place in the list, the field, and why."""

    code = "assign.row"
    http_status = 422

    def __init__(self, position: int, field: str, message: object) -> None:
        super().__init__(f"{position}.{field}")
        self.position = position
        self.field = field
        self._message = message

    @property
    def message(self) -> str:
        return str(self._message)


class TooManyChangedError(PluginError):
    code = "assign.too_many_changed"
    http_status = 400
    public_message = _l(
        "So much has changed since that moment that a page cannot wait for the answer. Narrow it "
        "to a unit or a training, or download it as a file, which takes a minute or two."
    )
