"""Our addresses in an external tool's eyes (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformAddresses:
    """What a tool must be told about us."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    registration: str
    configuration: str
    line_items: str
    memberships: str

    def line_item(self, uid: str) -> str:
        """One line item; `/scores` and `/results` are appended to its path."""
        return f"{self.line_items}/{uid}"


def platform_addresses(tool_url: str, uid: str) -> PlatformAddresses:
    """The addresses for one tool; each tool has an issuer of its own, so that none can be
    confused with another and none learns what others are called."""
    issuer = f"{tool_url}/platform/{uid}"
    return PlatformAddresses(
        issuer=issuer,
        authorization=f"{issuer}/authorize",
        token=f"{issuer}/token",
        jwks=f"{issuer}/jwks",
        registration=f"{issuer}/register",
        configuration=f"{issuer}/.well-known/openid-configuration",
        line_items=f"{issuer}/lineitems",
        memberships=f"{issuer}/memberships",
    )
