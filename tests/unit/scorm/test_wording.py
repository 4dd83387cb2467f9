import re
from pathlib import Path

from plugin.scorm import wording
from plugin.scorm.findings import error, warning

SOURCES = Path(wording.__file__).parent.glob("*.py")
RAISED = re.compile(r"""(?:refuse|error|warning|self\._odd)\(\s*["'](\w+\.\w+)["']""")


def test_every_finding_has_its_sentence_and_no_sentence_is_idle() -> None:
    raised = {code for path in SOURCES for code in RAISED.findall(path.read_text())}
    assert raised == set(wording.SENTENCES)


def test_findings_are_told_in_words_errors_first() -> None:
    kept = wording.stored(
        (warning("zip.folder", "imsmanifest.xml", folder="x"), error("zip.escape", "../a"))
    )
    first, second = wording.sentences(kept)
    assert (first.is_error, first.file) == (True, "../a")
    assert "points outside the package" in first.text
    assert second.text == "The manifest lies in the folder x; that folder was used."
