"""The language of pages, mails and papers: the launch's, the person's, the browser's."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from plugin.core import languages
from plugin.core.db import db
from plugin.notify.emails import wording_of
from plugin.notify.models import MessageKind
from plugin.org.models import SignIn
from plugin.web.roles import Role
from tests.functional.assign.places import row, training
from tests.support.html import read
from tests.support.world import World

TOOL = "https://tool.example.test"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("ar", "ar"),
        ("ar_EG", "ar_EG"),
        ("ar-SA", "ar_SA"),
        ("en_GB", "en_GB"),
        ("de", "en"),
        ("he", "en"),
        ("klingon!", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_the_nearest_language_there_are_words_in(wanted: str | None, found: str) -> None:
    assert languages.nearest(wanted, "en") == found


@pytest.mark.parametrize("locale", ["ar", "ar_EG"])
def test_a_visit_in_arabic_has_arabic_words_from_the_right(
    world: World, client: FlaskClient, locale: str
) -> None:
    ada, quay = world.person("Ada Byron"), world.unit("Quay")
    world.member(ada, quay)
    training(quay, row(world.module("Height")))
    visit = world.sign_in(client, ada)
    db.session.get_one(SignIn, visit.id).locale = locale
    db.session.commit()
    page = read(client.get("/").text)
    html = page.all("html")[0].attributes
    assert (html["lang"], html["dir"]) == (locale.replace("_", "-"), "rtl")
    assert "غير سارية" in page.words
    assert "Height" in page.words


def test_a_language_without_words_is_not_claimed_nor_mirrored(
    world: World, client: FlaskClient
) -> None:
    ada = world.person("Ada Byron")
    ada.locale = "he"
    world.add(ada)
    world.sign_in(client, ada)
    html = read(client.get("/").text).all("html")[0].attributes
    assert (html["lang"], html["dir"]) == ("en", "ltr")


def test_admins_read_their_pages_in_it_too(world: World, client: FlaskClient) -> None:
    admin = world.person("Grace Hopper")
    admin.locale = "ar"
    world.add(admin)
    world.grant(admin, Role.ADMIN)
    world.sign_in(client, admin)
    assert "المستخدمون" in client.get("/admin/people").text
    refused = client.post("/admin/units/new", data={"kind": "site", "name": " "})
    assert refused.status_code == 422
    assert "أعطِ الوحدة اسمًا." in refused.text or "هذا الحقل" in refused.text


def test_whoever_checks_a_certificate_reads_their_browsers_language(client: FlaskClient) -> None:
    for asked, words in [("ar,en;q=0.5", "التحقق من شهادة"), ("de", "Check a certificate")]:
        answer = client.get("/verify", base_url=TOOL, headers={"Accept-Language": asked})
        assert words in answer.text


def test_a_mail_says_its_language_and_direction(app: Flask) -> None:
    facts = {
        "person_name": "Ada",
        "organization_name": "Harbour Works",
        "unit_name": "Quay",
        "configuration": "Basic safety",
        "modules": [{"title": "Height", "due_on": None}],
    }
    arabic = wording_of(MessageKind.NEW_TRAINING, facts, locale="ar_EG")
    assert arabic.subject == "تدريب جديد لك في Quay"
    assert '<html lang="ar-EG" dir="rtl">' in arabic.html
    german = wording_of(MessageKind.NEW_TRAINING, facts, locale="de")
    assert '<html lang="en" dir="ltr">' in german.html
