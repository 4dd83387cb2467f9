"""The fonts that are built: every script the product promises, a licence for each, and names."""

import json
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from plugin.certs import faces
from tools import fonts


@pytest.mark.parametrize(
    ("group", "characters"),
    [
        ("text", "AzßŁőŞțẬỹΩάῶЖђїҚ–’…·€"),
        ("bold", "AzßŁőŞțẬỹΩάῶЖђї"),
        ("name", "AzßŁőŞțẬỹΩάῶЖђї"),
        ("shaped", "عאกकকગਕಕകକකதతកကກ"),
        ("plain", "ԱაአႠ"),
        ("sc", "王龙"),
        ("tc", "陳龍"),
        ("jp", "橋さク髙"),
        ("kr", "김뷁힣"),
    ],
)
def test_every_promised_script_has_a_face(group: str, characters: str) -> None:
    for each in characters:
        assert any(face.draws(ord(each)) for face in faces.catalogue()[group]), each


def test_what_the_index_says_is_in_the_file() -> None:
    (face,) = (each for each in faces.catalogue()["shaped"] if each.name == "noto-sans-thai")
    points = set(TTFont(face.path).getBestCmap())
    assert {point for point in range(0x3000) if face.draws(point)} == {
        point for point in points if point < 0x3000
    }


def test_every_face_is_plain_truetype_with_a_name_of_its_own() -> None:
    names = []
    for group in faces.catalogue().values():
        for face in group[:5]:
            font = TTFont(face.path, lazy=True)
            assert "glyf" in font
            assert "fvar" not in font
            names.append(font["name"].getDebugName(6))
    assert len(set(names)) == len(names)


def test_the_licences_come_along() -> None:
    licences = list(faces.FOLDER.glob("LICENSE-*.txt"))
    assert len(licences) == len(fonts._packages())
    assert all("SIL Open Font License" in each.read_text() for each in licences)


def test_a_missing_package_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(fonts.MissingPackageError, match="is not installed; run `make assets`"):
        fonts.build(tmp_path / "node_modules", tmp_path / "out")


def test_what_is_already_built_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "fonts"
    target.mkdir()
    (target / "stamp").write_text((faces.FOLDER / "stamp").read_text())
    assert fonts.build(fonts.SOURCE, target) is False
    assert json.loads((faces.FOLDER / "index.json").read_text())["faces"]
