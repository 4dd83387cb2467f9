"""Content that was picked in a tool comes back signed, and becomes modules (deep linking 2.0)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plugin.core import strict
from plugin.lti.platform.custom import custom_of
from plugin.lti.tool.addresses import is_secure_address
from plugin.lti.tool.claim_values import is_id, text_of, web_address
from plugin.lti.tool.claims import DEEP_LINKING, LTI, VERSION

CLAIM = DEEP_LINKING.rpartition("/")[0] + "/"
RESOURCE_LINK = "ltiResourceLink"
MAX_ITEMS = 50
MAXIMUM = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One module to be."""

    title: str
    target_url: str
    custom: Mapping[str, str]
    score_maximum: float
    resource_id: str | None
    tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What came back: items we can use, how many we cannot, and the tool's words."""

    items: tuple[Item, ...] = ()
    unusable: int = 0
    words: str = ""
    problems: tuple[str, ...] = field(default=())


class NotAnAnswerError(Exception):
    """The message does not answer our question; says which claim."""


def read_answer(
    claims: Mapping[str, Any], *, deployment_id: str, data: str, target_url: str, tool_name: str
) -> Picked:
    """The choice in a verified message; raises NotAnAnswerError.

    What has no title of its own, which the standard leaves free, has that of its line item, or the
    name of the tool.

    Only links to the tool become modules; pages, files and HTML of a tool are nothing we show.
    """
    for name, value in (
        ("message_type", "LtiDeepLinkingResponse"),
        ("version", VERSION),
        ("deployment_id", deployment_id),
    ):
        if claims.get(LTI + name) != value:
            raise NotAnAnswerError(name)
    if claims.get(CLAIM + "data") != data:
        raise NotAnAnswerError("data")
    listed = claims.get(CLAIM + "content_items", [])
    if not isinstance(listed, list):
        raise NotAnAnswerError("content_items")
    found = [_item(each, target_url, tool_name) for each in listed[:MAX_ITEMS]]
    items = tuple(each for each in found if each is not None)
    error = text_of(claims.get(CLAIM + "errormsg"))
    return Picked(
        items=items,
        unusable=len(listed) - len(items),
        words=text_of(claims.get(CLAIM + "msg")) or "",
        problems=(error,) if error else (),
    )


def _item(said: object, target_url: str, tool_name: str) -> Item | None:
    if not isinstance(said, Mapping) or said.get("type") != RESOURCE_LINK:
        return None
    address = web_address(said.get("url", target_url))
    line_item = said.get("lineItem", {"scoreMaximum": MAXIMUM})
    if address is None or not is_secure_address(address) or not isinstance(line_item, Mapping):
        return None
    titles = [said.get("title"), line_item.get("label")]
    maximum = strict.number(line_item.get("scoreMaximum"))
    if any(not isinstance(each, str | None) for each in titles) or not maximum or maximum < 0:
        return None
    title = next((text for each in titles if (text := text_of(each))), tool_name)
    return Item(
        title=title[:200],
        target_url=address,
        custom=custom_of(said.get("custom")),
        score_maximum=maximum,
        resource_id=_text(line_item.get("resourceId")),
        tag=_text(line_item.get("tag")),
    )


def _text(value: object) -> str | None:
    return str(value) if is_id(value) else None
