"""What an LMS answered, in a line for people."""

import pytest

from plugin.core.http import Reply
from plugin.lti.tool.answers import told, words_in


@pytest.mark.parametrize(
    ("status", "words", "line"),
    [
        (503, "503 Service Unavailable", "503 Service Unavailable"),
        (503, "Service Unavailable", "503 Service Unavailable"),
        (404, "", "404"),
        (0, "invalid_client", "invalid_client"),
    ],
)
def test_a_status_that_the_words_begin_with_is_not_said_twice(
    status: int, words: str, line: str
) -> None:
    assert told(status, words) == line


def test_words_beside_a_status_hold_nothing_a_database_cannot() -> None:
    reply = Reply(400, {}, b"", "bad\x00 user\x1b\x85 [what was sent]")
    assert words_in(reply) == "bad user"
