"""Custom parameters as a tool names them: what we keep and tell it again (pure; LTI core 5.4.6)."""

from collections.abc import Mapping

from plugin.lti.tool.claim_values import is_id, text_of

MAX_CUSTOM = 50


def custom_of(said: object) -> dict[str, str]:
    """The parameters that are texts, without what no database holds; at most `MAX_CUSTOM`."""
    if not isinstance(said, Mapping):
        return {}
    pairs = [(name, value) for name, value in said.items() if is_id(name)]
    texts = {name: text_of(value) or "" for name, value in pairs if isinstance(value, str)}
    return dict(list(texts.items())[:MAX_CUSTOM])
