"""Which visit an answer leads into, and which page of it."""

import re
from http.cookies import SimpleCookie

from werkzeug.test import TestResponse

from plugin.web.visits import COOKIE, PATH

_IN_VISIT = re.compile(rf"^{PATH}([0-9a-f]{{16}})(/.*)$")


def visit_and_page(answer: TestResponse) -> tuple[str, str]:
    """The name of the visit an answer redirects into, and the page there."""
    found = _IN_VISIT.match(answer.headers["Location"])
    assert found, answer.headers["Location"]
    return found[1], found[2]


def page_of(answer: TestResponse) -> str:
    """The page an answer redirects to inside its visit."""
    return visit_and_page(answer)[1]


def kept_visits(answer: TestResponse) -> dict[str, bool]:
    """The visits an answer speaks of in cookies, by name: True kept, False dropped."""
    found = {}
    for line in answer.headers.getlist("Set-Cookie"):
        for name, morsel in SimpleCookie(line.replace("Partitioned", "")).items():
            if name.startswith(COOKIE):
                found[name.removeprefix(COOKIE)] = bool(morsel.value)
    return found
