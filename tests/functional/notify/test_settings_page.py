"""An admin settles how mail looks and what goes, looks at each kind, and sends a test."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.audit import AuditEntry
from plugin.core.context import storage
from plugin.core.db import db
from plugin.notify.letterhead import ALWAYS_MAILED, letterhead
from plugin.notify.models import Message, MessageKind
from plugin.notify.preview import preview
from plugin.notify.samples import SAMPLES
from plugin.org.models import Organization, Person
from plugin.web.roles import Role
from tests.support import smtp
from tests.support.html import read
from tests.support.pages import values_of
from tests.support.work import work_off
from tests.support.world import World

PATH = "/admin/mail/settings"


@pytest.fixture
def admin(world: World, client: FlaskClient) -> Person:
    person = world.person("Grace Hopper", email="grace@example.test")
    world.grant(person, Role.ADMIN)
    world.sign_in(client, person)
    return person


def picture(kind: str = "PNG", size: tuple[int, int] = (60, 20), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 90, 130)).save(out, kind, **more)
    return out.getvalue()


def save(client: FlaskClient, **what: Any) -> Any:
    on = [kind.value for kind in SAMPLES if kind not in ALWAYS_MAILED]
    return client.post(PATH, data={"kinds": on} | what, content_type="multipart/form-data")


def logo(content: bytes, name: str = "logo.png") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def head(world: World) -> Any:
    db.session.rollback()
    return letterhead(db.session(), world.organization.id)


def kept_logo(world: World) -> bytes | None:
    db.session.rollback()
    key = db.session.scalars(
        select(Organization.logo_key).where(Organization.id == world.organization.id)
    ).one()
    return storage().read(key) if key else None


def test_what_is_saved_is_how_mails_go_out(
    world: World, admin: Person, client: FlaskClient
) -> None:
    wishes = {"sender_name": " Harbour  Training ", "reply_to": "help@x.test", "per_minute": "90"}
    answer = save(client, **wishes)
    assert answer.status_code == 303
    found = head(world)
    assert (found.sender_name, found.reply_to, found.per_minute) == (
        "Harbour Training",
        "help@x.test",
        90,
    )
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.by_person_id) == ("mail.settings_changed", admin.id)
    assert entry.after is not None
    assert entry.after["reply_to"] == "help@x.test"
    save(client, **wishes)
    assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == 1


def test_the_page_shows_what_is_settled(world: World, admin: Person, client: FlaskClient) -> None:
    save(client, sender_name="Harbour Training", per_minute="90", kinds=["new_training"])
    page = client.get(PATH).text
    form = read(page).by_id("main").all("form")[0]
    values = values_of(form)
    assert (values["sender_name"], values["per_minute"]) == ("Harbour Training", "90")
    assert values["kinds"] == "new_training"
    assert read(page).words.count("Not mailed") == len(SAMPLES) - 3


def test_kinds_are_switched_off_but_never_issued_and_revoked_certificates(
    world: World, admin: Person, client: FlaskClient
) -> None:
    save(client, kinds=["new_training"])
    assert {kind for kind in SAMPLES if head(world).mails(kind)} == {
        MessageKind.NEW_TRAINING,
        MessageKind.CERTIFICATE_ISSUED,
        MessageKind.CERTIFICATE_REVOKED,
    }


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("reply_to", "nobody", "This is not an email address."),
        ("per_minute", "9", "A whole number from 10 to 6000."),
        ("per_minute", "many", "A whole number from 10 to 6000."),
    ],
)
def test_mistakes_are_said_at_their_field_and_nothing_is_saved(
    world: World, admin: Person, client: FlaskClient, field: str, value: str, words: str
) -> None:
    answer = save(client, sender_name="New", **{field: value})
    assert answer.status_code == 422
    assert words in answer.text
    assert head(world).sender_name == "Harbour Works"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_logo_is_drawn_anew_so_that_nothing_else_is_kept(
    world: World, admin: Person, client: FlaskClient, kind: str
) -> None:
    content = picture(kind, (2400, 800)) + b"<script>alert(1)</script>"
    assert save(client, logo=logo(content)).status_code == 303
    kept = kept_logo(world)
    assert kept is not None
    assert b"script" not in kept
    with Image.open(io.BytesIO(kept)) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (1200, 400))
    save(client, remove_logo="y")
    assert kept_logo(world) is None


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\nnonsense",
        picture("GIF"),
        picture()[:60],
        picture(size=(5000, 5000)),
        picture("BMP", (700, 700)),
    ],
)
def test_what_is_no_picture_of_a_size_we_take_is_refused(
    world: World, admin: Person, client: FlaskClient, content: bytes
) -> None:
    answer = save(client, logo=logo(content), sender_name="New")
    assert answer.status_code == 422
    assert "Use a PNG or JPEG picture of at most 1 MB." in answer.text
    assert kept_logo(world) is None
    assert head(world).sender_name == "Harbour Works", "all of it or nothing"


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_each_kind_is_looked_at_in_each_language(
    world: World, admin: Person, client: FlaskClient, kind: MessageKind, language: str
) -> None:
    page = client.get(f"{PATH}/{kind}?language={language}")
    assert page.status_code == 200
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    answer = client.get(f"{PATH}/{kind}/html?language={language}")
    html = read(answer.text)
    attributes = html.all("html")[0].attributes
    assert (attributes["lang"], attributes["dir"]) == (
        language,
        "rtl" if language == "ar" else "ltr",
    )
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "frame-ancestors 'self' https://lms.example.test" in policy
    assert "Grace Hopper" in html.words
    assert "Harbour Works" in html.words


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_html_says_what_the_text_says(
    world: World, admin: Person, client: FlaskClient, kind: MessageKind
) -> None:
    text = read(client.get(f"{PATH}/{kind}?language=en").text).all("pre")[0].words
    html = read(client.get(f"{PATH}/{kind}/html?language=en").text).words
    titles = [str(each["title"]) for each in SAMPLES[kind].get("modules", [])]
    titles += [str(each["title"]) for each in SAMPLES[kind].get("items", [])]
    for words in (*titles, "Hello Grace Hopper", SAMPLES[kind].get("credential_id", "")):
        assert words in text
        assert words in html


@pytest.mark.parametrize("kind", [*SAMPLES, "digest"])
def test_the_text_has_an_empty_line_between_paragraphs_and_none_within_a_list(
    admin: Person, client: FlaskClient, kind: str
) -> None:
    page = client.get(f"{PATH}/{kind}?language=en").text
    text = page.partition("<pre")[2].partition("</pre>")[0]
    assert "\n\n" in text
    assert "\n\n\n" not in text
    assert re.search(r"\n- .*\n\n- ", text) is None


def test_news_of_the_day_can_be_looked_at_and_lists_each_module_once(
    admin: Person, client: FlaskClient
) -> None:
    words = read(client.get("/admin/mail/settings/digest").get_data(as_text=True)).words
    assert words.count("Working at height") == 1
    assert words.count("First aid") == 1
    assert "Send a test" not in words


def test_a_preview_shows_the_logo_and_fetches_nothing(
    world: World, admin: Person, client: FlaskClient
) -> None:
    save(client, logo=logo(picture()))
    html = client.get(f"{PATH}/reminder/html").text
    assert 'src="data:image/png;base64,' in html
    assert "cid:" not in html
    for element in read(html).all("img"):
        assert element.attributes["src"].startswith("data:")


def test_a_test_goes_to_the_admins_own_address_and_says_what_it_is(
    world: World, admin: Person, client: FlaskClient, inbox: smtp.Inbox
) -> None:
    save(client, logo=logo(picture()), sender_name="Harbour Training")
    assert client.post(f"{PATH}/certificate_issued/test").status_code == 303
    work_off()
    (mail,) = inbox.mails
    assert mail["To"] == "Grace Hopper <grace@example.test>"
    assert mail["Subject"] == "Test: Your certificate for Basic safety"
    for kind in ("plain", "html"):
        assert "This is a test with invented contents." in smtp.text_of(mail, kind)
    assert 'src="cid:logo"' in smtp.text_of(mail, "html")
    (image,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert image["Content-ID"] == "<logo>"
    assert image.get_content_disposition() == "inline"
    assert "multipart/related" in [part.get_content_type() for part in mail.walk()]
    db.session.rollback()
    message = db.session.scalars(select(Message)).one()
    assert (message.kind, message.person_id) == (MessageKind.TEST, admin.id)


def test_ten_tests_an_hour_are_enough(
    world: World, admin: Person, client: FlaskClient, inbox: smtp.Inbox
) -> None:
    for _ in range(12):
        client.post(f"{PATH}/reminder/test")
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Message)) == 10
    assert "That is enough for now" in client.get(f"{PATH}/reminder").text
    with clock.at(clock.now().replace(hour=11)):
        client.post(f"{PATH}/reminder/test")
    assert db.session.scalar(select(func.count()).select_from(Message)) == 11


def test_the_secret_is_shown_once_and_kept_encrypted(
    world: World, admin: Person, client: FlaskClient
) -> None:
    page = read(client.post(f"{PATH}/secret").text)
    secret = page.all("code")[0].words
    assert len(secret) == 32
    assert secret not in client.get(PATH).text
    assert f"https://tool.example.test/mail/bounces/{world.organization.slug}" in page.words
    said = {"bounces": [{"address": "nobody@x.test", "permanent": True}]}
    path = f"/mail/bounces/{world.organization.slug}"
    answer = client.post(path, json=said, headers={"Authorization": f"Bearer {secret}"})
    assert answer.json == {"recorded": 0, "unknown": 1}


def test_only_admins_settle_mail(world: World, client: FlaskClient) -> None:
    manager, unit = world.person("Mary Manager"), world.unit()
    world.grant(manager, Role.MANAGER, unit)
    world.sign_in(client, manager)
    for path in (PATH, f"{PATH}/reminder", f"{PATH}/reminder/html"):
        assert client.get(path).status_code == 403
    for path in (PATH, f"{PATH}/secret", f"{PATH}/reminder/test"):
        assert client.post(path).status_code == 403


def test_an_unknown_kind_is_not_found(world: World, admin: Person, client: FlaskClient) -> None:
    assert client.get(f"{PATH}/everything").status_code == 404
    assert client.post(f"{PATH}/test/test").status_code == 404


@pytest.mark.parametrize(
    "kind", [MessageKind.CERTIFICATE_ISSUED, MessageKind.CERTIFICATE_REVOKED], ids=str
)
def test_a_long_name_breaks_no_label_beside_it_within_a_word(
    world: World, app: Flask, kind: MessageKind
) -> None:
    head = letterhead(db.session(), world.organization.id)
    with app.test_request_context("/"):
        page = read(preview(kind.value, head, person_name="Ada", locale="en").html)
    labels = [each for each in page.all("td") if each.words in {"Training", "Credential ID"}]
    assert len(labels) == 2
    assert all("overflow-wrap:normal" in each.attributes["style"] for each in labels)
