"""Logs are one JSON object per line, with the id of the request or job they belong to."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from plugin.core import log


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure("INFO")
    out = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(out)
    yield out
    log.unbind()
    root.handlers, root.level = handlers, level


def test_an_event_is_a_json_object_with_its_fields_and_the_bound_id(lines: io.StringIO) -> None:
    log.bind(request_id="abc")
    log.log.info("package.imported", package_id=7)
    (line,) = lines.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["package_id"], said["request_id"]) == ("package.imported", 7, "abc")
    assert said["level"] == "info"
    assert said["timestamp"].endswith("Z")


def test_a_librarys_record_and_a_failure_are_json_too(lines: io.StringIO) -> None:
    logging.getLogger("library").warning("slow %s", "thing")
    try:
        raise ValueError
    except ValueError as error:
        log.log.error("step.failed", exc_info=error)
    first, second = map(json.loads, lines.getvalue().splitlines())
    assert first["event"] == "slow thing"
    assert "ValueError" in second["exception"]


def test_nothing_of_one_request_stays_for_the_next(lines: io.StringIO) -> None:
    log.bind(request_id="abc")
    log.unbind()
    log.log.info("next")
    assert "request_id" not in json.loads(lines.getvalue())
