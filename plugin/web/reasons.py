"""What went wrong, as it is kept in English, in the reader's language (pure).

Others' own words stay as they are; ours stand before or around them: a status, our sentence, then
theirs after a colon, or the kind of a network's trouble in brackets.
"""

import re
from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from plugin.core import http

CALLS: Mapping[str, LazyString] = {
    http.TOO_LONG: _l("the answer takes too long"),
    "the answer is too large": _l("the answer is too large"),
    "plain http is accepted on this machine only": _l(
        "plain http is accepted on this machine only"
    ),
    "the host name is unknown": _l("the host name is unknown"),
    "the address is in a private network (see PLUGIN_OUTGOING_ALLOW)": _l(
        "the address is in a private network (see PLUGIN_OUTGOING_ALLOW)"
    ),
    "this is no address": _l("this is no address"),
    "only http and https addresses can be called": _l(
        "only http and https addresses can be called"
    ),
    "the certificate of the server cannot be trusted": _l(
        "the certificate of the server cannot be trusted"
    ),
    "no connection in time": _l("no connection in time"),
    "no answer in time": _l("no answer in time"),
    "no connection": _l("no connection"),
    "the call failed": _l("the call failed"),
}
"""Calls of ours that were not made, or did not end well."""
_STATUS = re.compile(r"(\d{3} )(.+)", re.DOTALL)
_THEIRS = re.compile(r"(.+?)(: .+| \(\w+\))", re.DOTALL)
_NUMBER = re.compile(r"\d+")


def translated(words: str | None, sentences: Mapping[str, LazyString] = CALLS) -> str:
    """The words, with those `sentences` that are in them in the reader's language.

    Numbers of a sentence are `#` in its key, in their order.
    """
    text = words or ""
    status = _STATUS.fullmatch(text)
    found = _told(text, sentences)
    if found is None and status is not None:
        rest = _told(status[2], sentences)
        found = None if rest is None else status[1] + rest
    return text if found is None else found


def _told(text: str, sentences: Mapping[str, LazyString]) -> str | None:
    whole = _sentence(text, sentences)
    if whole is not None:
        return whole
    parts = _THEIRS.fullmatch(text)
    ours = _sentence(parts[1], sentences) if parts else None
    return None if parts is None or ours is None else ours + parts[2]


def _sentence(text: str, sentences: Mapping[str, LazyString]) -> str | None:
    found = sentences.get(_NUMBER.sub("#", text))
    if found is None:
        return None
    numbers = dict(zip(("first", "second"), _NUMBER.findall(text), strict=False))
    return str(found) % numbers if numbers else str(found)
