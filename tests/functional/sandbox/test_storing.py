"""Platform storage in the miniature LMS: a switch, off as in Moodle."""

import re

from flask.testing import FlaskClient

from tests.functional.sandbox.test_lms import sign_in


def fields_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))


def test_without_storage_nothing_names_a_frame(lms: FlaskClient) -> None:
    sign_in(lms)
    assert "lti_storage_target" not in fields_of(lms.get("/launch/17").text)
    assert "lti_storage" not in lms.get("/course/17").text


def test_an_administrator_switches_it_on_and_the_login_names_the_frame(lms: FlaskClient) -> None:
    sign_in(lms)
    assert lms.post("/storage", data={"on": "1"}).status_code == 403
    sign_in(lms, "astrid")
    lms.post("/storage", data={"on": "1"})
    assert fields_of(lms.get("/launch/17").text)["lti_storage_target"] == "lti_storage"
    page = lms.get("/course/17").text
    assert page.index('name="lti_storage"') < page.index('name="contentframe"')
    lms.post("/storage")
    assert "lti_storage" not in lms.get("/course/17").text
