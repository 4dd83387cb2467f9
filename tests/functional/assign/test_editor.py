"""The editor: periods, order, modules to add, saves as you go, two admins, and back."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.assign import queries
from plugin.assign.models import Configuration
from plugin.core.db import db
from plugin.modules.models import Module, ModuleKind
from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.support.html import read
from tests.support.pages import last_form, values_of
from tests.support.queries import counted
from tests.support.world import World


@pytest.fixture
def admin(world: World, client: FlaskClient) -> FlaskClient:
    person = world.person("Grace Hopper")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return client


@pytest.fixture
def modules(world: World) -> list[Module]:
    return [world.module(title) for title in ("Confined spaces", "Height", "Lifting")]


@pytest.fixture
def asked(world: World, modules: list[Module]) -> int:
    return training(world.unit(), *(row(each, validity_months=12) for each in modules))


def draft_form(page: str) -> dict[str, Any]:
    (form,) = [each for each in read(page).all("form") if each.attributes.get("id") == "draft"]
    return values_of(form)


def send(admin: FlaskClient, asked: int, **changed: Any) -> Any:
    """Open the editor, change some fields, press a button."""
    address = f"/admin/training/{asked}"
    return admin.post(address, data=draft_form(admin.get(address).text) | changed)


def drafted(asked: int) -> list[dict[str, Any]]:
    db.session.rollback()
    configuration = db.session.get_one(Configuration, asked)
    return list(queries.draft_of(db.session, configuration).rows)


@pytest.mark.parametrize(
    ("period", "months", "kept"),
    [
        ("", "", None),
        ("3", "", 3),
        ("6", "", 6),
        ("12", "", 12),
        ("24", "", 24),
        ("other", "9", 9),
        ("", "9", None),
        ("12", "9", 12),
    ],
)
def test_a_period_is_chosen_or_written(
    admin: FlaskClient, asked: int, period: str, months: str, kept: int | None
) -> None:
    changed = {"rows-0-period": period, "rows-0-validity_months": months, "save": "1"}
    assert send(admin, asked, **changed).status_code == 302
    assert drafted(asked)[0]["validity_months"] == kept
    shown = draft_form(admin.get(f"/admin/training/{asked}").text)
    assert shown["rows-0-period"] == ("other" if kept == 9 else str(kept or ""))
    assert shown["rows-0-validity_months"] == ("9" if kept == 9 else "")


def test_other_needs_its_number(admin: FlaskClient, asked: int) -> None:
    answer = send(
        admin, asked, **{"rows-0-period": "other", "rows-0-validity_months": "", "save": "1"}
    )
    assert answer.status_code == 422
    assert "Write the number of months." in answer.text
    assert drafted(asked)[0]["validity_months"] == 12


def test_rows_change_places_with_buttons(
    admin: FlaskClient, asked: int, modules: list[Module]
) -> None:
    one, two, three = (each.id for each in modules)
    send(admin, asked, down="0")
    assert [each["module_id"] for each in drafted(asked)] == [two, one, three]
    send(admin, asked, up="2")
    assert [each["module_id"] for each in drafted(asked)] == [two, three, one]
    for nowhere in ({"up": "0"}, {"down": "2"}, {"up": "99"}, {"down": "x"}):
        send(admin, asked, **nowhere)
    assert [each["module_id"] for each in drafted(asked)] == [two, three, one]


def test_modules_are_found_by_words_and_several_are_added_at_once(
    world: World, admin: FlaskClient, asked: int
) -> None:
    new = [world.module(title) for title in ("Gas testing", "Gas rescue", "Welding")]
    found = send(admin, asked, find="gas", search="1").text
    assert "Gas testing" in found
    assert "Gas rescue" in found
    assert "Welding" not in found
    chosen = [new[0].id, new[1].id]
    assert send(admin, asked, add_module=chosen, add="1").status_code == 302
    assert [each["module_id"] for each in drafted(asked)][3:] == chosen
    nothing = send(admin, asked, find="zzz", search="1").text
    assert "No published module matches." in nothing


def test_a_save_on_the_way_answers_with_the_page_and_the_time(
    admin: FlaskClient, asked: int
) -> None:
    page = admin.get(f"/admin/training/{asked}").text
    filled = draft_form(page) | {"rows-1-due_days": "20", "autosave": "1"}
    for days in ("20", "21"):  # a page that saves itself is never refused for its own save
        answer = admin.post(f"/admin/training/{asked}", data=filled | {"rows-1-due_days": days})
        assert answer.status_code == 200
        assert "Draft saved" in read(answer.text).by_id("saved").words
    assert drafted(asked)[1]["due_days"] == 21
    bad = admin.post(f"/admin/training/{asked}", data=filled | {"rows-1-due_days": "soon"})
    assert bad.status_code == 422
    assert "Not saved: Height: Use 1 to 3650 days" in read(bad.text).by_id("saved").words


def test_a_save_on_the_way_that_comes_after_the_button_brings_nothing_back(
    admin: FlaskClient, asked: int
) -> None:
    page = draft_form(admin.get(f"/admin/training/{asked}").text)
    pressed = admin.post(f"/admin/training/{asked}", data=page | {"remove": "1"})
    assert pressed.status_code == 302
    after = drafted(asked)
    late = admin.post(f"/admin/training/{asked}", data=page | {"autosave": "1"})
    assert late.status_code == 409
    assert drafted(asked) == after
    by_hand = admin.post(f"/admin/training/{asked}", data=page | {"save": "1"})
    assert by_hand.status_code == 302
    assert len(drafted(asked)) == len(after) + 1


def test_another_admins_save_is_told_with_the_name_and_the_difference(
    world: World, admin: FlaskClient, asked: int, modules: list[Module]
) -> None:
    mine = draft_form(admin.get(f"/admin/training/{asked}").text)
    ada = world.person("Ada Byron")
    world.grant(ada, Role.ADMIN)
    world.sign_in(admin, ada)
    send(admin, asked, **{"rows-0-status": "optional", "save": "1"})
    grace = admin.post(
        f"/admin/training/{asked}",
        data=mine | {"rows-1-due_days": "20", "autosave": "1", "certificate_on": ""},
    )
    assert grace.status_code == 409
    page = read(grace.text)
    assert "Ada Byron changed this training on" in page.by_id("warnings").words
    assert "Not saved" in page.by_id("saved").words
    assert "Confined spaces: Optional → Required" in grace.text
    assert "Height: no due days → due after 20 days" in grace.text
    assert drafted(asked)[0]["status"] == "optional"
    kept = admin.post(
        f"/admin/training/{asked}", data=values_of(last_form(grace.text)) | {"mine": 1}
    )
    assert kept.status_code == 302
    assert (drafted(asked)[0]["status"], drafted(asked)[1]["due_days"]) == ("required", 20)


def test_close_saves_and_returns_to_the_units_training(admin: FlaskClient, asked: int) -> None:
    answer = send(admin, asked, close="1", **{"rows-0-due_days": "5"})
    unit_id = db.session.get_one(Configuration, asked).unit_id
    assert answer.location == f"/admin/units/{unit_id}/training"
    assert drafted(asked)[0]["due_days"] == 5


def test_discarding_the_draft_brings_back_what_is_published(
    world: World, admin: FlaskClient, asked: int
) -> None:
    before = drafted(asked)
    send(admin, asked, remove="0")
    assert len(drafted(asked)) == 2
    assert "With unpublished changes" in admin.get("/admin/training?state=changed").text
    admin.post(f"/admin/training/{asked}/discard")
    assert drafted(asked) == before
    assert "Nothing matches." in admin.get("/admin/training?state=changed").text


def test_the_editor_costs_the_same_for_any_number_of_rows(
    world: World, admin: FlaskClient, asked: int
) -> None:
    with counted() as few:
        admin.get(f"/admin/training/{asked}")
    many = training(world.unit("Yard"), *(row(world.module(f"M{n}")) for n in range(20)))
    with counted() as more:
        admin.get(f"/admin/training/{many}")
    assert len(more) == len(few) <= 10


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (ModuleKind.DOCUMENT, "nobody ever reaches the pass mark of 80 %"),
        (ModuleKind.CERTIFICATE, "nobody ever reaches the pass mark of 80 %"),
        (ModuleKind.SESSION, "unless whoever leads the session enters one"),
        (ModuleKind.SCORM, None),
    ],
)
def test_a_mark_that_a_kind_of_module_never_reaches_is_said(
    world: World, admin: FlaskClient, kind: ModuleKind, says: str | None
) -> None:
    module = world.module("Site rules")
    module.kind = kind
    db.session.commit()
    asked = training(world.unit(), row(module))
    send(admin, asked, **{"rows-0-pass_mark": "80", "save": "1"})
    for page in (f"/admin/training/{asked}", f"/admin/training/{asked}/publish"):
        words = read(admin.get(page).text).words
        assert (says or "pass mark of 80 %") in words if says else "never reached" not in words
    send(admin, asked, **{"rows-0-pass_mark": "", "save": "1"})
    assert "pass mark of" not in read(admin.get(f"/admin/training/{asked}").text).words
