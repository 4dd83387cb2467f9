"""Press buttons on pages: what a browser would send for a form, with some fields filled in."""

from typing import Any

from flask.testing import FlaskClient

from tests.support.html import Element, read


def values_of(form: Element) -> dict[str, Any]:
    """What the fields of a form hold: hidden and text inputs, checked boxes, chosen options."""
    found: dict[str, Any] = {}
    for box in form.all("input"):
        attributes = box.attributes
        is_choice = attributes.get("type") in {"checkbox", "radio"}
        if attributes.get("type") == "submit" or (is_choice and "checked" not in attributes):
            continue
        if "name" in attributes:
            found[attributes["name"]] = attributes.get("value", "")
    for box in form.all("textarea"):
        found[box.attributes["name"]] = box.words
    for box in form.all("select"):
        chosen = [each for each in box.all("option") if "selected" in each.attributes]
        first = (chosen or box.all("option"))[:1]
        found[box.attributes["name"]] = first[0].attributes.get("value", "") if first else ""
    return found


def last_form(page: str) -> Element:
    """The last form of a page that posts."""
    forms = [form for form in read(page).all("form") if form.attributes.get("method") == "post"]
    return forms[-1]


def press(client: FlaskClient, address: str, button: str, **filled: Any) -> Any:
    """Open the page, fill its last posting form and press a button; the server's answer."""
    sent = values_of(last_form(client.get(address).text)) | filled | {button: "1"}
    return client.post(address, data=sent)


def press_publish(client: FlaskClient, address: str, **filled: Any) -> Any:
    """Look at the numbers for the choices made, then publish."""
    looked = press(client, address, "look", **filled).text
    return client.post(address, data=values_of(last_form(looked)) | filled | {"publish": "1"})
