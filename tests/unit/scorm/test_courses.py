"""The demo's courses are packages like any other, without a word of complaint."""

import json
from pathlib import Path

import pytest

from plugin.scorm.editions import Version
from plugin.scorm.package import unpack
from tools import courses

SOURCES = sorted(each.parent for each in courses.SOURCES.glob("*/course.json"))
pytestmark = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)


def test_a_course_builds_to_a_package_without_findings(source: Path, tmp_path: Path) -> None:
    path = courses.build(source)
    with path.open("rb") as stream:
        found = unpack(stream, tmp_path / "out", on_progress=lambda _percent: None)
    assert found.findings == ()
    assert found.manifest is not None
    course = json.loads((source / "course.json").read_text())
    assert found.manifest.title == course["title"]
    if course.get("edition") == "2004":
        assert found.manifest.version is Version.SCORM_2004_4TH
        titles = [each.title for each in found.manifest.playable()]
        assert titles == [each["title"] for each in course["parts"]]
        return
    (only,) = found.manifest.playable()
    assert found.manifest.version is Version.SCORM_12
    assert only.mastery_score == str(course["passMark"])


def test_the_same_sources_give_the_same_bytes(source: Path) -> None:
    first = courses.build(source).read_bytes()
    assert courses.build(source).read_bytes() == first


def test_every_question_has_an_answer_among_its_options(source: Path) -> None:
    for question in json.loads((source / "course.json").read_text())["quiz"]:
        assert 0 <= question["right"] < len(question["answers"])
        assert question["why"]


def test_a_course_needs_nothing_from_elsewhere(source: Path) -> None:
    for text in (*source.iterdir(), *(courses.SOURCES / "shared").iterdir()):
        assert "://" not in text.read_text()
