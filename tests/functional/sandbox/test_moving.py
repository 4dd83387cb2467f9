"""The demo's clock: moved on a page of the LMS, in the demo only, onward or back to real time."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import clock, demo_clock
from plugin.core.db import db
from plugin.core.settings import Settings
from sandbox import moving
from sandbox.lms import Campus, create_lms
from sandbox.serve import server
from tests.functional.assign.places import judge
from tests.support import story
from tests.support.html import read
from tests.support.world import World


@pytest.fixture
def moved(campus: Campus, tmp_path: Path, settings: Settings) -> Campus:
    return replace(campus, clock=tmp_path / "clock.json", database_url=settings.sqlalchemy_url)


@pytest.fixture
def lms_of_demo(app: Flask, moved: Campus) -> Iterator[FlaskClient]:
    with create_lms(moved).test_client() as client:
        yield client


def ahead(moved: Campus) -> timedelta:
    assert moved.clock is not None
    return demo_clock.ahead(moved.clock)


def test_outside_the_demo_there_is_no_such_page(lms: FlaskClient) -> None:
    assert lms.get("/clock").status_code == 404
    assert lms.post("/clock", data={"to": "real"}).status_code == 404
    assert "Clock" not in lms.get("/").text


def test_the_clock_goes_on_a_day_and_back_to_real_time(
    lms_of_demo: FlaskClient, moved: Campus
) -> None:
    page = read(lms_of_demo.get("/clock").text)
    first = page.by_id("general").all("form")[0]
    assert first.words == "1 day on"
    assert lms_of_demo.post("/clock", data={"to": first.all("input")[0].attributes["value"]})
    assert abs(clock.machine() + ahead(moved) - clock.now() - timedelta(days=1)) < timedelta(
        minutes=1
    )
    assert "Back to real time" in lms_of_demo.get("/clock").text
    assert lms_of_demo.post("/clock", data={"to": "real"}).status_code == 303
    assert ahead(moved) == timedelta(0)
    assert "Back to real time" not in lms_of_demo.get("/clock").text


def test_answers_are_dated_by_the_clock_of_the_demo(app: Flask, moved: Campus) -> None:
    now = datetime(2028, 3, 11, 8, 1, tzinfo=UTC)
    web = server("127.0.0.1", 0, create_lms(moved))
    asking = threading.Thread(target=web.handle_request)
    with clock.at(now):
        asking.start()
        answer = requests.get(f"http://127.0.0.1:{web.port}/jwks", timeout=10)
    asking.join()
    web.server_close()
    assert answer.headers["Date"] == format_datetime(now, usegmt=True), "once"


@pytest.mark.parametrize(
    ("now", "morning"),
    [
        (datetime(2028, 3, 10, 23, 0, 1, tzinfo=UTC), datetime(2028, 3, 11, 8, 1, tzinfo=UTC)),
        (datetime(2028, 3, 11, 8, 0, 59, tzinfo=UTC), datetime(2028, 3, 11, 8, 1, tzinfo=UTC)),
        (datetime(2028, 3, 11, 8, 1, tzinfo=UTC), datetime(2028, 3, 12, 8, 1, tzinfo=UTC)),
        (datetime(2028, 3, 25, 12, tzinfo=UTC), datetime(2028, 3, 26, 7, 1, tzinfo=UTC)),
    ],
    ids=["from midnight", "a second too early", "the morning itself", "summer time"],
)
def test_the_next_morning_is_that_of_today_until_it_has_come(
    lms_of_demo: FlaskClient, now: datetime, morning: datetime
) -> None:
    with clock.at(now):
        form = read(lms_of_demo.get("/clock").text).by_id("general").all("form")[1]
    assert form.words == "Next morning, 09:01"
    assert datetime.fromisoformat(form.all("input")[0].attributes["value"]) == morning


@pytest.mark.parametrize(
    "to", ["", "soon", "2027-03-10T09:30:00+00:00", "2027-03-11T09:30:00", "2100-01-01T00:00:00Z"]
)
def test_what_is_not_later_within_reason_is_refused(
    lms_of_demo: FlaskClient, moved: Campus, to: str
) -> None:
    assert lms_of_demo.post("/clock", data={"to": to}).status_code == 400
    assert ahead(moved) == timedelta(0)


def test_the_page_offers_the_reminders_and_the_end_of_what_is_valid(
    lms_of_demo: FlaskClient, world: World
) -> None:
    begun = story.begin(world)
    judge()
    story.complete(begun.person, begun.module)
    judge()
    db.session.rollback()
    page = read(lms_of_demo.get("/clock").text).by_id("lines")
    assert "Ada Byron North Quay, Site safety: valid through 10 Mar 2028" in page.words
    offered = {
        form.words: datetime.fromisoformat(form.all("input")[0].attributes["value"])
        for form in page.all("form")
    }
    assert offered == {
        "30 days before": datetime(2028, 2, 9, 9, 1, tzinfo=UTC),
        "14 days before": datetime(2028, 2, 25, 9, 1, tzinfo=UTC),
        "7 days before": datetime(2028, 3, 3, 9, 1, tzinfo=UTC),
        "1 day before": datetime(2028, 3, 9, 9, 1, tzinfo=UTC),
        "Its end": datetime(2028, 3, 11, 0, 0, 1, tzinfo=UTC),
    }


def test_stops_that_are_past_are_not_offered_again() -> None:
    now = datetime(2028, 3, 3, 12, tzinfo=UTC)
    words = [each.words for each in moving.stops(date(2028, 3, 10), "Europe/London", now=now)]
    assert words == ["1 day before", "Its end"]
