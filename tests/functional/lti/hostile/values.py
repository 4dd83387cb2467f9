"""What an attacker, or a broken LMS, puts where something sensible belongs."""

from typing import Any

from werkzeug.test import TestResponse

from plugin.core.db import db
from plugin.org.models import Grant, Identity, Membership, Person, SignIn

SCRIPT = "<script>alert(document.domain)</script>\"'><img src=x onerror=alert(1)>"


def nested(depth: int) -> Any:
    """Lists in lists, as deep as the writer of JSON can still write."""
    inner: Any = "x"
    for _ in range(depth):
        inner = [inner]
    return inner


NASTY: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -1,
    "float": 1.5,
    "huge float": 1.7e308,
    "large int": 2**63,
    "very large int": 10**4000,
    "empty": "",
    "space": " ",
    "digits": "1",
    "64 KB": "a" * 40_000,
    "NUL": "a\x00b",
    "lone surrogate": "\ud800",
    "broken pair": "\udc00\ud800",
    "right to left": "\u202egnp.exe\u2066",
    "line breaks": "a\r\nSet-Cookie: x=y\r\n\r\n<b>",
    "markup": SCRIPT,
    "template": "{{7*7}}{% x %}${7*7}#{7*7}%(x)s{0}",
    "sql": "' OR 1=1 --",
    "path": "../../../../etc/passwd",
    "address": "javascript:alert(1)//",
    "emoji": "👩\u200d🚀" * 300,
    "list": [],
    "list of nothing": [None, [], {}, "", 0],
    "list of texts": ["a", SCRIPT],
    "deep list": nested(300),
    "object": {},
    "object of nothing": {"": None, "id": None, "title": {}, "return_url": []},
    "object of markup": {
        "id": SCRIPT, "title": SCRIPT, "return_url": SCRIPT, "locale": SCRIPT, SCRIPT: SCRIPT,
    },
    "object of numbers": {"id": 7, "title": 7, "return_url": 7, "locale": 7, "guid": 7},
    "many names": {f"name{i}": "x" for i in range(3000)},
}  # fmt: skip

RAW: dict[str, str] = {
    "1e400": "1e400",
    "-1e400": "-1e400",
    "NaN": "NaN",
    "Infinity": "-Infinity",
    "five thousand digits": "1" * 5000,
    "deep list": "[" * 1000 + "]" * 1000,
    "very deep list": "[" * 20_000 + "]" * 20_000,
    "deep object": '{"a":' * 1000 + "1" + "}" * 1000,
    "not JSON": "{x}",
    "a comment": "1 /* */",
    "two values": "1, 2",
    "bad escape": '"\\x"',
    "surrogates": '"\\ud800\\udfff\\udfff"',
}
"""JSON that Python would not write."""


def refusal(answer: TestResponse, *, statuses: tuple[int, ...] = (400, 401, 403)) -> str:
    """The page of a refusal: for people, with a code, and nothing in it that was sent."""
    page = answer.get_data(as_text=True)
    assert answer.status_code in statuses, page
    assert answer.mimetype == "text/html"
    assert "Code: <code>" in page
    assert "Reference: <code>" in page
    assert_nothing_raw(page)
    return page


def assert_nothing_raw(page: str) -> None:
    for raw in (
        "<script>alert",
        "onerror=alert(1)>",
        "Traceback",
        "File &#34;/",
        'href="javascript:',
    ):
        assert raw not in page


def nobody_is_here() -> None:
    """Nothing was half written: no person, no visit, no right."""
    db.session.rollback()
    for table in (Person, Identity, Membership, Grant, SignIn):
        assert db.session.query(table).count() == 0, table
