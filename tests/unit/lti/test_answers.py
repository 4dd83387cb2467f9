"""What an LMS answered, in a line for people."""

import pytest

from plugin.lti.tool.answers import told


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
