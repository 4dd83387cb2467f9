"""What waits for an admin in parts of the product that the reports stand beside, not above."""

from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import ScalarSelect

_EXTENSION = "plugin_tools_to_accept"
CountTools = Callable[[int], ScalarSelect[int]]
"""By organization: how many external tools wait to be accepted."""


def install(extensions: dict[str, Any], count_tools: CountTools) -> None:
    extensions[_EXTENSION] = count_tools


def count_tools(extensions: dict[str, Any], organization_id: int) -> ScalarSelect[int]:
    return cast(CountTools, extensions[_EXTENSION])(organization_id)
