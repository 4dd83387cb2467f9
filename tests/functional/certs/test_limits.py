"""The verify page counts askers in Redis, and goes on counting by itself when Redis is away."""

from dataclasses import replace

import pytest
from flask import Flask

from plugin.app import create_app
from plugin.core import clock
from plugin.core.settings import Settings
from plugin.web import limits
from tests.conftest import NOW, TOOL
from tests.support.smtp import free_port


@pytest.fixture
def lonely(app: Flask, settings: Settings) -> Flask:
    """The product, told of a Redis that is not there."""
    lonely = create_app(replace(settings, redis_url=f"redis://127.0.0.1:{free_port()}/0"))
    yield lonely
    limits.init_app(app, settings)
    limits.limiter._storage_dead = False  # the next test's counters are there at once


def test_without_redis_the_page_answers_and_the_limit_still_holds(lonely: Flask) -> None:
    client = lonely.test_client()
    with clock.at(NOW):
        answers = [client.get("/verify", base_url=TOOL).status_code for _ in range(61)]
    assert answers == [200] * 60 + [429]


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("", "memory://"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("unix:///run/queue.sock?db=0", "redis+unix:///run/queue.sock?db=0"),
    ],
)
def test_the_counters_are_where_the_queue_is(given: str, used: str) -> None:
    assert limits._storage(given) == used
