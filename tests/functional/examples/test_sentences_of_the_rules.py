"""The sentences of docs/rules.md that no example tells, through the real pages, jobs and inbox."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy.exc import NoResultFound

from plugin.core import clock
from plugin.modules.models import Module, RunState
from plugin.org.models import Unit, UnitKind
from tests.functional.assign.places import HIDDEN, OPTIONAL, evaluate_later, publish, row
from tests.functional.dashboard.test_home import run_of
from tests.functional.examples.scene import Scene, london
from tests.functional.reports.crowd import seen
from tests.support.work import work_off


def tiles(scene: Scene) -> dict[str, str]:
    """The modules on the learner's page, each with the words of its tile."""
    scene.world.sign_in(scene.client, scene.ada)
    found = [
        each
        for each in seen(scene.client, "/").all("article")
        if "tile" in each.attributes["class"]
    ]
    assert len(found) == len({each.all("h3")[0].words for each in found}), "one tile each"
    return {each.all("h3")[0].words: each.words for each in found}


def evaluate(scene: Scene) -> None:
    evaluate_later(scene.ada)
    work_off()


def test_it_covers_the_active_members_of_its_unit_and_a_regions_those_of_its_sites_too(
    scene: Scene,
) -> None:
    region = scene.world.unit("North", kind=UnitKind.REGION)
    site, elsewhere = scene.world.unit(region=region), scene.world.unit("South Quay")
    of_region, of_site = scene.world.module("Of the region"), scene.world.module("Of the site")
    of_another = scene.world.module("Of another site")
    with clock.at(london(2027, 3, 10)):
        scene.asks(region, row(of_region), name="R")
        scene.asks(site, row(of_site), name="S")
        scene.asks(elsewhere, row(of_another), name="E")
        assert tiles(scene) == {}
        scene.joins(site)
        assert set(tiles(scene)) == {"Of the region", "Of the site"}
    with clock.at(london(2027, 4, 10)):
        scene.leaves()
        assert tiles(scene) == {}


def test_each_configuration_judges_by_its_own_rows_and_one_completion_counts_in_all_that_list_it(
    scene: Scene,
) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    other = scene.world.module("Ropes")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        lenient = scene.asks(unit, row(module, validity_months=12, pass_mark=0.5), name="Lenient")
        strict = scene.asks(unit, row(module, validity_months=6, pass_mark=0.8), name="Strict")
        more = scene.asks(unit, row(module), row(other), name="More")
        scene.takes(module)  # with 90 %
        assert scene.editions(lenient) == [(1, "first", date(2028, 3, 10))]
        assert scene.editions(strict) == [(1, "first", date(2027, 9, 10))]
        with pytest.raises(NoResultFound):
            scene.certificate(more)


def test_a_module_appears_once_with_the_earliest_date_the_highest_mark_and_who_asks(
    scene: Scene,
) -> None:
    site = scene.world.unit()
    group = scene.world.unit("Divers", kind=UnitKind.GROUP)
    crew = scene.world.unit("Crew", kind=UnitKind.GROUP)
    module = scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(site, group, crew)
        scene.asks(site, row(module, due_days=30, pass_mark=0.8), name="S")
        scene.asks(group, row(module, due_days=7, pass_mark=0.6), name="G")
        scene.asks(crew, row(module, OPTIONAL), name="C")
        ((title, words),) = tiles(scene).items()
        assert title == "Ladders"
        assert "Due Mar 17, 2027" in words
        assert "Pass mark 80%" in words
        assert all(each in words for each in ("North Quay", "Divers (sets the date)"))
        assert "Optional" not in scene.dashboard()


def test_hidden_shows_nothing_takes_nothing_away_and_leaves_no_trace(scene: Scene) -> None:
    site, group = scene.world.unit(), scene.world.unit("Divers", kind=UnitKind.GROUP)
    shown, secret = scene.world.module("Ladders"), scene.world.module("Sealed plans")
    with clock.at(london(2027, 3, 10)):
        scene.joins(site, group)
        asked = scene.asks(site, row(shown, HIDDEN), row(secret, HIDDEN), name="S")
        scene.asks(group, row(shown), name="G")
        scene.takes(secret)
        assert set(tiles(scene)) == {"Ladders"}
        for path in ("/", "/history", "/certificates", f"/why/{asked}"):
            answer = scene.client.get(path)
            assert "Sealed plans" not in answer.text
            assert f"module-{secret.id}" not in answer.text
        assert scene.client.post(f"/modules/{secret.id}/start").status_code == 404
        assert not any("Sealed plans" in each for each in scene.mails())


def test_what_counts_has_passed_and_reached_the_mark(scene: Scene) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=12, pass_mark=0.8))
        for passed, score in ((False, 0.95), (True, 0.79)):
            scene.world.completion(scene.ada, module, passed=passed, score=score)
            evaluate(scene)
            assert "To do" in tiles(scene)["Ladders"]
        scene.world.completion(scene.ada, module, score=0.8)
        evaluate(scene)
        assert scene.verify(asked).startswith("VALID")


def test_without_a_period_it_never_ends(scene: Scene) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module))
        scene.takes(module)
        assert scene.editions(asked) == [(1, "first", None)]
    with clock.at(london(2077, 3, 10)):
        assert scene.verify(asked).startswith("VALID")


def test_the_latest_last_day_wins_and_a_failed_or_abandoned_retake_changes_nothing(
    scene: Scene,
) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=12))
        scene.takes(module)
    with clock.at(london(2027, 5, 1)):
        happened = london(2027, 1, 15)  # known late, of an earlier day
        scene.world.completion(scene.ada, module, happened_at=happened, score=0.9)
        evaluate(scene)
        run_of(scene.world, scene.ada, module, RunState.ABANDONED, progress=0.4)
        scene.takes(module, passed=False)
        assert scene.editions(asked) == [(1, "first", date(2028, 3, 10))]
        assert scene.verify(asked).startswith("VALID")


Change = Callable[[Scene, Unit, int, Module], None]


def leaves(scene: Scene, _unit: Unit, _asked: int, _module: Module) -> None:
    scene.leaves()


def asks_nothing(_scene: Scene, _unit: Unit, asked: int, module: Module) -> None:
    publish(asked, row(module, OPTIONAL))
    work_off()


def asks_more(scene: Scene, _unit: Unit, asked: int, module: Module) -> None:
    publish(asked, row(module), row(scene.world.module("Ropes")))
    work_off()


@pytest.mark.parametrize(
    ("change", "words"), [(leaves, "ENDED"), (asks_nothing, "ENDED"), (asks_more, "INVALID")]
)
def test_valid_means_covered_something_is_required_and_all_of_it_is_satisfied(
    scene: Scene, change: Change, words: str
) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module))
        scene.takes(module)
        assert scene.verify(asked).startswith("VALID")
    with clock.at(london(2027, 3, 11)):
        change(scene, unit, asked, module)
        assert not scene.verify(asked).startswith("VALID")
        assert words in scene.verify(asked).upper()


@pytest.mark.parametrize("is_applied", [False, True])
def test_a_changed_pass_mark_judges_what_happens_from_then_on_unless_it_is_applied_to_before(
    scene: Scene,
    is_applied: bool,
) -> None:
    unit, module = scene.world.unit(), scene.world.module("Ladders")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(module, validity_months=12, pass_mark=0.5))
        scene.world.completion(scene.ada, module, score=0.6)
        evaluate(scene)
        assert scene.verify(asked).startswith("VALID")
    with clock.at(london(2027, 4, 1)):
        filled = {"apply_to_existing": "y"} if is_applied else {}
        shown = scene.publishes(asked, row(module, validity_months=12, pass_mark=0.8), **filled)
        assert scene.verify(asked).startswith("INVALID" if is_applied else "VALID")
        assert shown["Certificates that turn invalid"] == str(int(is_applied))
