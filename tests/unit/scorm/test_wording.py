import re
from pathlib import Path

from plugin.scorm import wording
from plugin.scorm.findings import error, warning

SOURCES = Path(wording.__file__).parent.glob("*.py")
RAISED = re.compile(r"""(?:refuse|error|warning|self\._odd)\(\s*["'](\w+\.\w+)["']""")
MENDED = re.compile(r"""["'](manifest\.\w+)["']: _""")


def test_every_finding_has_its_sentence_and_no_sentence_is_idle() -> None:
    sources = [path.read_text() for path in SOURCES if path.name != "wording.py"]
    raised = {
        code for text in sources for found in (RAISED, MENDED) for code in found.findall(text)
    }
    assert raised == set(wording.SENTENCES)


def test_findings_are_told_in_words_errors_first() -> None:
    kept = wording.stored(
        (warning("zip.folder", "imsmanifest.xml", folder="x"), error("zip.escape", "../a"))
    )
    first, second = wording.sentences(kept)
    assert (first.is_error, first.file) == (True, "../a")
    assert "points outside the package" in first.text
    assert second.text == "The manifest lies in the folder x; that folder was used."


def test_of_many_of_a_kind_the_first_are_kept_and_the_rest_counted() -> None:
    many = [warning("zip.case_double", f"{n}.html", other="x") for n in range(20_000)]
    kept = wording.stored((*many[:10_000], error("zip.bomb", "b"), *many[10_000:]))
    assert len(kept) == wording.MAX_OF_A_KIND + 1
    said = wording.sentences(kept)
    assert [said[0].code, said[-1].code] == ["zip.bomb", "zip.case_double"]
    assert [each.more for each in said if each.more] == [20_000 - wording.MAX_OF_A_KIND]
    assert wording.how_many(said) == 20_001
