"""Last days where clocks change, at ends of months, in leap years and in a unit that moves."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from plugin.core import clock
from tests.functional.assign.places import messages, row
from tests.functional.examples.scene import SECOND, Scene
from tests.functional.examples.test_life_of_a_certificate import submits


def held(
    scene: Scene, zone: str, passed: date, months: int, *, has_zone: bool = True
) -> tuple[int, int]:
    """Ada passed on that day at a site of this zone; the ids of the training and of the site.

    `has_zone`: the site says so itself, else only its organization.
    """
    unit = scene.world.unit(time_zone=zone if has_zone else None)
    module = scene.world.module("Ladders")
    if not has_zone:
        scene.world.organization.time_zone = zone
        scene.world.add(scene.world.organization)
    at_ten = datetime(passed.year, passed.month, passed.day, 10, tzinfo=ZoneInfo(zone))
    with clock.at(at_ten.astimezone(UTC)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=months))
        unit_id = unit.id
        scene.takes(module)
    return asked, unit_id


@pytest.mark.parametrize(
    ("zone", "passed", "months", "end"),
    [
        ("Europe/London", date(2027, 2, 27), 1, datetime(2027, 3, 28, 0, tzinfo=UTC)),
        ("Europe/London", date(2027, 2, 28), 1, datetime(2027, 3, 28, 23, tzinfo=UTC)),
        ("Europe/London", date(2027, 9, 30), 1, datetime(2027, 10, 30, 23, tzinfo=UTC)),
        ("Europe/London", date(2027, 8, 31), 2, datetime(2027, 11, 1, 0, tzinfo=UTC)),
        # there is no midnight: clocks go from 24:00 to 01:00
        ("Asia/Beirut", date(2027, 2, 27), 1, datetime(2027, 3, 27, 22, tzinfo=UTC)),
        # midnight comes twice: the day ends with the first
        ("America/Havana", date(2027, 10, 6), 1, datetime(2027, 11, 7, 4, tzinfo=UTC)),
    ],
)
def test_the_last_day_ends_at_midnight_also_where_the_clocks_change(
    scene: Scene, zone: str, passed: date, months: int, end: datetime
) -> None:
    asked, _unit = held(scene, zone, passed, months)
    with clock.at(end - SECOND):
        assert scene.verify(asked).startswith("VALID")
        assert scene.state() == "Valid, ends soon"
    with clock.at(end):
        assert scene.verify(asked).startswith("INVALID")
        assert scene.state() == "Invalid: expired"


@pytest.mark.parametrize(
    ("passed", "months", "last"),
    [
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2027, 2, 28), 12, date(2028, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2027, 3, 31), 1, date(2027, 4, 30)),
    ],
)
def test_a_period_ends_with_the_month_at_the_latest_also_in_leap_years(
    scene: Scene, passed: date, months: int, last: date
) -> None:
    asked, _unit = held(scene, "Europe/London", passed, months)
    assert scene.editions(asked) == [(1, "first", last)]
    end = datetime(last.year, last.month, last.day, tzinfo=ZoneInfo("Europe/London"))
    after = (end + timedelta(days=1)).astimezone(UTC)
    with clock.at(after - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(after):
        assert scene.verify(asked).startswith("INVALID")


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("Pacific/Kiritimati", datetime(2027, 9, 10, 10, tzinfo=UTC)),
        ("Etc/GMT+12", datetime(2027, 9, 11, 12, tzinfo=UTC)),
    ],
)
def test_a_unit_without_a_zone_lives_by_the_days_of_its_organization(
    scene: Scene, zone: str, end: datetime
) -> None:
    asked, _unit = held(scene, zone, date(2027, 3, 10), 6, has_zone=False)
    scene.mails()
    with clock.at(end - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(end):
        assert scene.verify(asked).startswith("INVALID")
        assert scene.state() == "Invalid: expired"
    with clock.at(end + timedelta(hours=9) - SECOND):
        scene.time_passes()
        assert "Your training ran out: T" not in scene.mails()
    with clock.at(end + timedelta(hours=9, minutes=5)):
        scene.time_passes()
        assert scene.mails() == ["Your training ran out: T"]


def moves(scene: Scene, unit_id: int, zone: str) -> None:
    submits(scene, f"/admin/units/{unit_id}/edit", time_zone=zone)


def test_a_unit_that_moves_has_its_certificates_judged_by_its_new_days(scene: Scene) -> None:
    asked, unit_id = held(scene, "Pacific/Kiritimati", date(2027, 3, 10), 6)
    scene.mails()
    ends_there = datetime(2027, 9, 10, 10, tzinfo=UTC)  # 10 September is over at UTC+14
    with clock.at(ends_there - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(datetime(2027, 6, 1, 22, tzinfo=UTC)):
        moves(scene, unit_id, "Etc/GMT+12")
        assert "Valid through September 9, 2027" in scene.verify(asked), "it was 9 March there"
        assert scene.editions(asked) == [(1, "first", date(2027, 9, 10))], "no earlier edition"
        assert scene.mails() == []
    ends_here = datetime(2027, 9, 10, 12, tzinfo=UTC)  # 9 September is over at UTC-12
    with clock.at(ends_here - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(ends_here):
        assert scene.verify(asked).startswith("INVALID")


def test_who_was_told_of_an_expiry_is_not_told_again_by_a_unit_that_moves(scene: Scene) -> None:
    asked, unit_id = held(scene, "Europe/London", date(2027, 3, 10), 6)
    with clock.at(datetime(2027, 9, 11, 8, 5, tzinfo=UTC)):
        scene.time_passes()
        assert scene.verify(asked).startswith("INVALID")
        moves(scene, unit_id, "Pacific/Honolulu")
        scene.time_passes()
        assert scene.verify(asked).startswith("VALID"), "10 September goes on there"
    for day in range(12, 20):
        with clock.at(datetime(2027, 9, day, 22, tzinfo=UTC)):
            scene.time_passes()
            assert scene.verify(asked).startswith("INVALID")
    said = [each.kind.value for each in messages(scene.ada) if each.state.value == "sent"]
    assert said.count("expired") == 1
