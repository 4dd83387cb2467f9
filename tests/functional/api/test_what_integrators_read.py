"""The page for those who connect other systems: what stands there is what happens."""

import re
import textwrap
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from plugin.modules.models import Module
from plugin.org.models import Person
from tests.conftest import NOW
from tests.functional.api.test_webhooks import (
    Receiver,
    collect,
    configuration,
    lars,
    module,
    passed,
    receiver,
    secret,
)
from tests.support.world import World

__all__ = ["configuration", "lars", "module", "receiver", "secret"]
PAGE = (Path(__file__).parents[3] / "docs" / "other-systems.md").read_text()


def checking(at: float) -> Any:
    """The function the page gives to receivers, at this moment."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(textwrap.dedent(code), names)
    names["time"] = SimpleNamespace(time=lambda: at)
    return names["is_ours"]


def documented(event: str) -> set[str]:
    """The fields the page's table names for the event."""
    (line,) = [each for each in PAGE.splitlines() if each.startswith("|") and f"`{event}`" in each]
    return set(re.findall(r"`([a-z_]+)`", line.split("|")[2]))


def test_its_code_tells_our_requests_from_others(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module
) -> None:
    world.completion(lars, module)
    collect()
    ((headers, body),) = receiver.heard
    sent = (NOW + timedelta(minutes=1)).timestamp()
    is_ours = checking(sent)
    assert is_ours(headers, body, secret)
    assert is_ours(
        {**headers, "webhook-signature": f"v1,x {headers['webhook-signature']}"}, body, secret
    )
    assert not is_ours(headers, body + b" ", secret)
    assert not is_ours({**headers, "webhook-id": "msg_other"}, body, secret)
    assert not is_ours(headers, body, "whsec_" + "A" * 32)
    assert not checking(sent + 3600)(headers, body, secret)


def test_its_table_names_what_events_carry(
    world: World, receiver: Receiver, secret: str, lars: Person, module: Module, configuration: int
) -> None:
    passed(world, lars, module)
    collect()
    collect(timedelta(days=60))
    told = dict(receiver.events())
    assert set(told) == {"completion.recorded", "certificate.issued", "certificate.invalid"}
    for event in ("completion.recorded", "certificate.issued"):
        assert set(told[event]) == documented(event), event
    words = {"edition", "expired", "new_requirement", "suspended", "revoked"}
    invalid = documented("certificate.issued") | documented("certificate.invalid")
    assert set(told["certificate.invalid"]) == invalid - words
