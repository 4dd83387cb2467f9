"""What dynamic registration asks Canvas for, in Canvas's own form: the JSON a developer key is made
from (pure; Canvas, "Manually Configuring LTI Advantage Tools").

Canvas reads it before there is a client id, so before anything can be registered here: the address
shown then carries a seal.
"""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from plugin.core.secrets import name_of
from plugin.core.settings import Settings
from plugin.lti.tool.addresses import ToolAddresses, tool_addresses
from plugin.lti.tool.configuration import ALL_SCOPES, tool_wishes
from plugin.lti.tool.models import Registration, RegistrationState
from plugin.lti.tool.profiles import CANVAS, code_of, profile_of

MAKE = "canvas"
SEAL = "new"


def is_offered(registration: Registration) -> bool:
    """Whether it is an active Canvas registered by hand: one that registered itself was granted
    services, and has its key."""
    return (
        code_of(registration.product) == MAKE
        and registration.state is RegistrationState.ACTIVE
        and not registration.scopes
    )


def address_of(settings: Settings, registration: Registration) -> str | None:
    """Where Canvas reads it, of a registration."""
    return _address(settings, registration.uid) if is_offered(registration) else None


def address_before(settings: Settings, make: str, uid: str) -> str | None:
    """Where Canvas reads it before the registration `uid` is there."""
    if make != MAKE:
        return None
    return f"{_address(settings, uid)}?{SEAL}={_seal(settings, uid)}"


def is_sealed(settings: Settings, uid: str, seal: str) -> bool:
    """Whether an admin was shown this name for a registration that is yet to be made."""
    return compare_digest(seal.encode(), _seal(settings, uid).encode())


def _address(settings: Settings, uid: str) -> str:
    return f"{settings.tool_url}/lti/{uid}/canvas.json"


def _seal(settings: Settings, uid: str) -> str:
    return name_of("developer key", uid, secret_key=settings.secret_key)


def developer_key(settings: Settings, uid: str) -> dict[str, Any]:
    """All that Canvas is to know of the tool."""
    ours, name = tool_addresses(settings.tool_url, uid), settings.product_name
    wishes = tool_wishes(profile_of(MAKE), ours, product_name=name)
    return {
        "title": name,
        "description": wishes["description"],
        "target_link_uri": ours.launch,
        "oidc_initiation_url": ours.login,
        "public_jwk_url": ours.jwks,
        "redirect_uris": [ours.launch],
        "scopes": list(ALL_SCOPES),
        "custom_fields": wishes["custom_parameters"],
        "extensions": [_extension(wishes, ours, name)],
    }


def _extension(wishes: Mapping[str, Any], ours: ToolAddresses, name: str) -> dict[str, Any]:
    return {
        "platform": "canvas.instructure.com",
        "domain": ours.domain,
        "tool_id": wishes[CANVAS + "tool_id"],
        "privacy_level": wishes[CANVAS + "privacy_level"],
        "settings": {
            "text": name,
            "icon_url": ours.icon,
            "placements": [
                _placement(place, message)
                for message in wishes["messages"]
                for place in message["placements"]
            ],
        },
    }


def _placement(place: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """One place, as Canvas itself would read it from the message of a dynamic registration."""
    found = {
        "placement": place,
        "enabled": True,
        "message_type": message["type"],
        "target_link_uri": message["target_link_uri"],
        "text": message["label"],
    }
    if "custom_parameters" in message:
        found["custom_fields"] = message["custom_parameters"]
    if message.get(f"{CANVAS}{place}/default_enabled") is False:
        found["default"] = "disabled"
    if CANVAS + "visibility" in message:
        found["visibility"] = message[CANVAS + "visibility"]
    return found
