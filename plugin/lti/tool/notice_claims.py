"""A notice read from its verified claims, or refused (pure; Platform Notification Service 1.0)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugin.lti.tool.claim_errors import (
    ClaimError,
    DeploymentClaimError,
    NoticeTypeError,
    VersionError,
)
from plugin.lti.tool.claim_values import is_id
from plugin.lti.tool.claims import LTI, VERSION, Context, context_of

COURSE_COPY = "LtiContextCopyNotice"
KNOWN_TYPES = (COURSE_COPY,)
MAX_ORIGINS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One verified notice, cleaned. `once` is what no other notice may carry again."""

    id: str
    type: str
    deployment_id: str
    once: str
    context: Context
    origins: tuple[str, ...]
    """Ids of the courses the context was copied from."""


def read_notice(claims: Mapping[str, Any]) -> Notice:
    """The notice these verified claims are; raises an LtiError that names what is wrong."""
    if claims.get(LTI + "version") != VERSION:
        raise VersionError("version")
    deployment_id = claims.get(LTI + "deployment_id")
    if not is_id(deployment_id):
        raise DeploymentClaimError("deployment_id")
    notice = claims.get(LTI + "notice")
    if not isinstance(notice, Mapping) or not is_id(notice.get("id")):
        raise ClaimError("notice.id")
    if notice.get("type") not in KNOWN_TYPES:
        raise NoticeTypeError("notice.type")
    context = context_of(claims.get(LTI + "context"))
    if context is None:
        raise ClaimError("context.id")
    return Notice(
        id=notice["id"],
        type=notice["type"],
        deployment_id=str(deployment_id),
        once=_once(claims),
        context=context,
        origins=_origins(claims.get(LTI + "origin_contexts")),
    )


def _once(claims: Mapping[str, Any]) -> str:
    """Its nonce, else its jti: without either a replay could not be told."""
    for name in ("nonce", "jti"):
        if is_id(claims.get(name)):
            return f"{name}:{claims[name]}"
    raise ClaimError("nonce")


def _origins(said: Any) -> tuple[str, ...]:
    """Ids as texts, or as contexts of their own."""
    listed = said if isinstance(said, list) else []
    ids = (each.get("id") if isinstance(each, Mapping) else each for each in listed)
    return tuple(dict.fromkeys(str(each) for each in ids if is_id(each)))[:MAX_ORIGINS]
