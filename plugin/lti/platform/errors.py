"""What we refuse an external tool, and what we tell people about one."""

from flask_babel import lazy_gettext as _l

from plugin.core.errors import PluginError


class ToolUnknownError(PluginError):
    code = "external.tool_unknown"
    http_status = 404
    public_message = _l("This external tool does not exist or is not yours to see.")


class ToolDisabledError(PluginError):
    code = "external.tool_disabled"
    http_status = 403
    public_message = _l("This module is played by an external tool that is switched off here.")
    learner_advice = _l("Please ask your training department.")


class LaunchRefusedError(PluginError):
    """The tool's request can neither be answered nor be sent back to an address we trust."""

    code = "external.launch_refused"
    http_status = 400
    public_message = _l("The external tool asked for something it is not registered for.")
    learner_advice = _l("Please ask your training department.")
    admin_advice = _l(
        "Compare the tool's client id and redirect addresses with those on its page here: they "
        "must be the same, letter by letter."
    )


class PickRefusedError(PluginError):
    """What came back from the tool's picker is not its answer to our question."""

    code = "external.pick_refused"
    http_status = 400
    public_message = _l("The external tool's answer could not be accepted. Nothing was added.")
    admin_advice = _l("Open the tool's page here and choose the content again.")


class ServiceRefusal(Exception):  # noqa: N818 - the words of RFC 6749 and AGS, not a crash
    """A service call that is refused: HTTP status, a code, what is wrong in English, and in how
    many seconds it may be asked again, if that is why."""

    def __init__(self, status: int, code: str, words: str, *, again_in: int | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.words, self.again_in = status, code, words, again_in
