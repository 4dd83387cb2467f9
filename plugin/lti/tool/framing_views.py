"""What every address an LMS calls has in common: a size, and who may show the answer."""

from flask import request

from plugin.lti.tool.addresses import origins_of
from plugin.lti.tool.trust_queries import Trust
from plugin.web import headers

MAX_REQUEST = 256 * 1024


def framers(trust: Trust) -> tuple[str, ...]:
    """The origins of the LMS, and those its admin added."""
    return origins_of((trust.issuer, trust.auth_url, *trust.extra_origins))


def before_each_request() -> None:
    """Small requests only; until the LMS is known, a page without secrets may be framed by it."""
    request.max_content_length = MAX_REQUEST
    headers.frame_ancestors("*")


def active(trust: Trust) -> Trust:
    """The registration, whose LMS may frame what we answer; refused when disabled."""
    headers.frame_ancestors(*framers(trust))
    return trust.checked()
