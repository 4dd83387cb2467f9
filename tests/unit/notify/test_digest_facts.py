"""A day's mail says the most urgent first, and each module once."""

from typing import Any

from plugin.notify.digests import facts_of
from plugin.notify.models import MessageKind

DUTY: dict[str, Any] = {
    "configuration_id": 1,
    "unit_name": "Quay",
    "modules": [{"title": "Height", "due_on": "24 March"}, {"title": "Gas", "due_on": None}],
}


def reminder(*titles: str, configuration_id: int = 1) -> dict[str, Any]:
    items = [{"title": title, "unit": "Quay"} for title in titles]
    return {"configuration_id": configuration_id, "unit_name": "Quay", "items": items}


def lists(facts: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [
        (each["kind"], [line["title"] for line in each.get("items", []) + each.get("modules", [])])
        for each in facts["messages"]
    ]


def test_a_module_that_is_new_and_due_is_listed_once() -> None:
    said = facts_of(
        [
            (MessageKind.REMINDER, reminder("Height", "First aid")),
            (MessageKind.NEW_TRAINING, DUTY),
        ]
    )
    assert lists(said) == [("new_training", ["Height", "Gas"]), ("reminder", ["First aid"])]


def test_a_reminder_of_what_is_listed_already_needs_no_paragraph() -> None:
    said = facts_of(
        [(MessageKind.NEW_REQUIREMENT, DUTY), (MessageKind.REMINDER, reminder("Gas", "Height"))]
    )
    assert lists(said) == [("new_requirement", ["Height", "Gas"])]


def test_what_ran_out_comes_first_and_keeps_its_sentence() -> None:
    said = facts_of([(MessageKind.NEW_TRAINING, DUTY), (MessageKind.EXPIRED, reminder("Height"))])
    assert lists(said) == [("expired", ["Height"]), ("new_training", ["Gas"])]


def test_the_same_module_of_another_training_is_another_thing_to_do() -> None:
    said = facts_of(
        [
            (MessageKind.REMINDER, reminder("Height")),
            (MessageKind.REMINDER, reminder("Height", configuration_id=2)),
        ]
    )
    assert lists(said) == [("reminder", ["Height"]), ("reminder", ["Height"])]
