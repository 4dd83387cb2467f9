"""The eleven examples of docs/rules.md, each through the real pages, jobs and inbox."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from plugin.assign.models import Configuration
from plugin.certs.models import Certificate, Edition
from plugin.core import clock
from plugin.core.db import db
from plugin.org.models import UnitKind
from tests.functional.assign.places import (
    HIDDEN,
    OPTIONAL,
    evaluate_later,
    messages,
    row,
)
from tests.functional.certs.test_impact import prepare
from tests.functional.certs.test_publish_pages import numbers
from tests.functional.examples.scene import SECOND, Scene, london
from tests.functional.reports.crowd import seen
from tests.support.pages import press, press_publish
from tests.support.scale import scale
from tests.support.work import work_off

MANY = 100_000
READY = scale(400, usually=40, on_server=20)


def test_example_1_months_end_with_the_month_and_are_counted_from_the_completion(
    scene: Scene,
) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    long_one = scene.world.module("Ropes")
    with clock.at(london(2027, 1, 31)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=1))
        scene.takes(module)
        assert "Valid through February 28, 2027" in scene.dashboard()
        why = seen(scene.client, f"/why/{asked}").by_id("main").words
        assert (
            "Jan 31, 2027 + 1 month → Feb 28, 2027, the month's last day; "
            "it ends at midnight, Europe/London." in why
        )
    with clock.at(london(2027, 2, 28, 23, 59)):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(london(2027, 3, 1, 0)):
        assert scene.verify(asked).startswith("INVALID")
    with clock.at(london(2027, 8, 31)):
        half = scene.asks(unit, row(long_one, validity_months=6), name="Half-yearly")
        scene.takes(long_one)
    for last in (date(2028, 2, 29), date(2028, 8, 29), date(2029, 2, 28), date(2029, 8, 28)):
        assert scene.editions(half)[-1][2] == last, "never later than the calendar allows"
        with clock.at(london(last.year, last.month, last.day)):
            scene.takes(long_one)


def test_example_2_two_units_ask_with_two_periods(scene: Scene) -> None:
    group = scene.world.unit("Divers", kind=UnitKind.GROUP)
    site = scene.world.unit("North Quay", time_zone="Europe/Oslo")
    module = scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(group, site)
        yearly = scene.asks(group, row(module, validity_months=12), name="Yearly")
        half = scene.asks(site, row(module, validity_months=6), name="Half-yearly")
        scene.takes(module)
        assert scene.editions(yearly) == [(1, "first", date(2028, 3, 10))]
        assert scene.editions(half) == [(1, "first", date(2027, 9, 10))]
    with clock.at(london(2027, 8, 20)):
        assert "Renew Ladders by Sep 10, 2027" in scene.dashboard()
        assert "North Quay (sets the date)" in scene.dashboard()
    midnight = datetime(2027, 9, 11, tzinfo=ZoneInfo("Europe/Oslo")).astimezone(UTC)
    with clock.at(midnight - SECOND):
        assert scene.verify(half).startswith("VALID")
    with clock.at(midnight):
        assert scene.verify(half).startswith("INVALID")
        assert scene.verify(yearly).startswith("VALID")
    with clock.at(london(2027, 9, 12)):
        scene.takes(module)
        assert scene.verify(half).startswith("VALID")
        assert scene.editions(half)[1:] == [(2, "restoration", date(2028, 3, 12))]


def test_example_3_hidden_takes_nothing_away_and_required_beats_optional(scene: Scene) -> None:
    region = scene.world.unit("North", kind=UnitKind.REGION)
    site, group = scene.world.unit(region=region), scene.world.unit("G", kind=UnitKind.GROUP)
    shown, both = scene.world.module("Ladders"), scene.world.module("Ropes")
    with clock.at(london(2027, 3, 10)):
        scene.joins(site, group)
        scene.asks(site, row(shown, HIDDEN), row(both), name="Of the site")
        scene.asks(region, row(shown), name="Of the region")
        scene.asks(group, row(both, OPTIONAL), name="Of the group")
        scene.world.sign_in(scene.client, scene.ada)
        page = seen(scene.client, "/")
        tiles = [each for each in page.all("article") if "tile" in each.attributes["class"]]
        assert sorted(each.all("h3")[0].words for each in tiles) == ["Ladders", "Ropes"]
        assert len(page.by_id("shelf-to_do").words) > 0
        with pytest.raises(LookupError):
            page.by_id("shelf-optional")


def test_example_4_only_a_later_last_day_makes_an_edition(scene: Scene) -> None:
    unit = scene.world.unit()
    first, second = scene.world.module("A"), scene.world.module("B")
    with clock.at(london(2027, 1, 2)):
        scene.joins(unit)
        asked = scene.asks(unit, row(first, validity_months=5), row(second, validity_months=11))
    with clock.at(london(2027, 1, 1)):
        scene.takes(first)
        scene.takes(second)
    with clock.at(london(2027, 1, 3)):
        evaluate_later(scene.ada)
        work_off()
        assert scene.editions(asked) == [(1, "first", date(2027, 6, 1))]
        name = scene.certificate(asked).credential_id
        scene.mails()
    with clock.at(london(2027, 4, 1)):
        scene.takes(second)
        assert len(scene.editions(asked)) == 1
        assert scene.mails() == []
    with clock.at(london(2027, 5, 1)):
        scene.takes(first)
        assert scene.editions(asked)[1:] == [(2, "renewal", date(2027, 10, 1))]
        assert len(scene.mails()) == 1
        assert scene.certificate(asked).credential_id == name


def test_example_5_a_new_requirement_takes_the_certificate_and_completing_it_gives_it_back(
    scene: Scene,
) -> None:
    unit, first, more = scene.world.unit(), scene.world.module("A"), scene.world.module("C")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(first, validity_months=12))
        scene.takes(first)
        name, token = scene.certificate(asked).credential_id, scene.certificate(asked).token
        scene.mails()
    with clock.at(london(2027, 3, 11)):
        scene.publishes(asked, row(first, validity_months=12), row(more))
        assert scene.verify(asked).startswith("INVALID")
        assert len(scene.mails()) == 1
        assert [each.kind.value for each in messages(scene.ada)][-1] == "new_requirement"
    with clock.at(london(2027, 3, 12)):
        scene.takes(more)
        assert scene.verify(asked).startswith("VALID")
        assert scene.editions(asked)[1:] == [(2, "restoration", date(2028, 3, 10))]
        assert (scene.certificate(asked).credential_id, scene.certificate(asked).token) == (
            name,
            token,
        )
        assert len(scene.mails()) == 1
        scene.world.sign_in(scene.client, scene.ada)
        certificate = scene.certificate(asked).id
        for number in (1, 2):
            pdf = scene.client.get(f"/certificates/{certificate}/{number}.pdf")
            assert pdf.data.startswith(b"%PDF"), "old editions stay retrievable"


def test_example_6_what_was_passed_while_hidden_counts_at_once(scene: Scene) -> None:
    site, elsewhere = scene.world.unit(), scene.world.unit("Elsewhere")
    first, later = scene.world.module("A"), scene.world.module("C")
    with clock.at(london(2027, 3, 1)):
        scene.joins(site, elsewhere)
        asked = scene.asks(site, row(first, validity_months=12), row(later, HIDDEN))
        scene.asks(elsewhere, row(later), certificate=False, name="There")
        scene.takes(first)
    with clock.at(london(2027, 3, 8)):
        scene.takes(later)
        scene.mails()
    with clock.at(london(2027, 3, 20)):
        scene.publishes(asked, row(first, validity_months=12), row(later))
        assert scene.verify(asked).startswith("VALID")
        assert scene.mails() == []
        assert len(scene.editions(asked)) == 1


def test_example_7_ten_days_without_a_worker_over_an_expiry(scene: Scene) -> None:
    unit, module = scene.world.unit(), scene.world.module("A")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=6))
        scene.takes(module)
    with clock.at(london(2027, 8, 11, 9, 5)):
        scene.time_passes()
        scene.mails()
    with clock.at(london(2027, 9, 11, 0) - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(london(2027, 9, 11, 0)):
        assert scene.verify(asked).startswith("INVALID")
    with clock.at(london(2027, 9, 13, 9, 5)):
        scene.time_passes()
        assert len(scene.mails()) == 1
        late = [each.kind.value for each in messages(scene.ada) if each.state.value == "sent"]
        assert late[-1] == "expired"
        scene.time_passes()
        assert scene.mails() == []


def test_example_8_a_shorter_period_changes_no_certificate_there_is(scene: Scene) -> None:
    unit, module = scene.world.unit(), scene.world.module("A")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=12))
        scene.takes(module)
        scene.mails()
    with clock.at(london(2027, 4, 1)):
        scene.publishes(asked, row(module, validity_months=6))
        assert scene.editions(asked) == [(1, "first", date(2028, 3, 10))]
        assert scene.mails() == []
    with clock.at(london(2027, 12, 1)):
        assert scene.verify(asked).startswith("VALID")


def test_example_9_gone_and_back(scene: Scene) -> None:
    unit, module = scene.world.unit(), scene.world.module("A")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=12))
        scene.takes(module)
        name = scene.certificate(asked).credential_id
    with clock.at(london(2027, 4, 1)):
        scene.leaves()
        assert "Ended" in scene.verify(asked)
        assert scene.state() == "Ended"
    with clock.at(london(2027, 4, 20)):
        scene.joins(unit)
        assert scene.verify(asked).startswith("VALID")
        assert scene.certificate(asked).credential_id == name
        assert scene.state() == "Valid"
        assert scene.state(query="?as_of=2027-04-10") == "Ended"
        assert scene.state(query="?as_of=2027-03-20") == "Valid"


def test_example_10_a_failed_retake_changes_nothing(scene: Scene) -> None:
    unit, module = scene.world.unit(), scene.world.module("A")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=1))
        scene.takes(module)
    with clock.at(london(2027, 4, 5)):
        scene.takes(module, passed=False)
        assert scene.verify(asked).startswith("VALID")
        assert scene.editions(asked) == [(1, "first", date(2027, 4, 10))]
    with clock.at(london(2027, 4, 11, 0) - SECOND):
        assert scene.verify(asked).startswith("VALID")
    with clock.at(london(2027, 4, 11, 0)):
        assert scene.verify(asked).startswith("INVALID")


def test_example_11_switched_on_with_nothing_required_gives_nothing_and_says_so(
    scene: Scene,
) -> None:
    unit, module = scene.world.unit(), scene.world.module("A")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, OPTIONAL), certificate=False)
        prepare(asked, [row(module, OPTIONAL)], on=True)
        scene.world.sign_in(scene.client, scene.admin)
        page = scene.client.get(f"/admin/training/{asked}/publish").text
        assert "Certificates are switched on, but no module is required." in page
        scene.publishes(asked, row(module, OPTIONAL))
        scene.takes(module)
        assert db.session.scalars(select(Certificate)).all() == []


def test_example_11_switched_on_for_all_who_are_done_does_what_the_impact_says(
    scene: Scene,
) -> None:
    """The example's 400 at full size; fewer usually, each is a certificate that is printed."""
    unit, module = scene.world.unit(), scene.world.module("A")
    with clock.at(london(2027, 3, 10)):
        asked = scene.asks(unit, row(module, validity_months=12), certificate=False)
        for number in range(READY):
            person = scene.world.person(f"P{number} X", email=f"p{number}@example.test")
            scene.world.member(person, unit)
            scene.world.completion(person, module)
        configuration = db.session.get_one(Configuration, asked)
        assert configuration.current_version_id
        db.session.rollback()
        prepare(asked, [row(module, validity_months=12)], on=True)
        scene.world.sign_in(scene.client, scene.admin)
        path = f"/admin/training/{asked}/publish"
        shown = numbers(press(scene.client, path, "look", reason="Now").text)
        assert shown["Certificates issued for the first time"] == str(READY), shown
        assert press_publish(scene.client, path, reason="Now").status_code == 302
        work_off(MANY)
        editions = db.session.scalars(select(Edition)).all()
        assert (len(editions), {each.number for each in editions}) == (READY, {1})
        assert len(scene.mails()) == READY
