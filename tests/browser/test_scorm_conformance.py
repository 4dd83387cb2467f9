"""The runner of ADL's suite, tried with a suite of our own in the same layout."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.packages import zip_of
from tests.support.packages2004 import BOTH, CHOICE, course, manifest, part, sequencing
from tools.conformance import __main__ as conformance
from tools.conformance import cases, packages

WORDS = """I=doInitialize
GET=doGetValue
SET=doSetValue
COI=compareObjIds
c=cmi
a=adl
n=nav
r=request
X=exit
CS=completion_status
comp=completed
incomp=incomplete
unk=unknown
M.n=normal
N.c=continue
N.ea=exitAll
t=true
tar={target=%s}
"""
INSTRUCTIONS = """Continue=Please trigger a <b>Continue</b> Navigation Event.
Choice=Please target <b>%s</b> for a Choice Navigation Event.
Exit=Please exit the package/course.
Ended=The current learner attempt should end.
Again=The learner attempt should end. <b>relaunch</b> LMS Test Content Package <b>%s</b>.
"""
FUNCTIONS = """
function api() { return window.parent.API_1484_11; }
function doInitialize(x) { return api().Initialize(x); }
function doTerminate(x) { return api().Terminate(x); }
function doGetValue(x) { return api().GetValue(x); }
function doSetValue(x, y) { return api().SetValue(x, y); }
function doGetLastError() { return api().GetLastError(); }
"""
PAGE = """<!doctype html><meta charset="utf-8"><title>Part</title>
<script src="../common/functions.js"></script>
<object id="NNLMSTestSCODriver"></object><div id="directionText"></div>
<script>
const driver = document.getElementById("NNLMSTestSCODriver");
const place = document.getElementById("directionText");
let questions = [];
addEventListener("load", () => {
  const asked = new URLSearchParams(location.search);
  if (!driver.evalID(`${asked.get("tc")}!${asked.get("act")}`)) return;
  questions = driver.getUITestQuestions().split("~").filter(Boolean);
  if (!questions.length) return play();
  const radio = (yes, at) => `<input type="radio" id="${yes}Radio${at}" name="${at}">`;
  const rows = questions.map((each, at) => radio("t", at) + radio("f", at) + each);
  place.innerHTML = `${rows.join("<br>")}<button onclick="answered()">Submit</button>`;
});
function answered() {
  const yes = (_each, at) => (document.getElementById(`tRadio${at}`).checked ? "Y" : "N");
  driver.evaluateUIResults(questions.map(yes).join("~"));
  play();
}
function play() {
  driver.runCommands();
  driver.curUserInstructions();
  doTerminate("");
}
</script>"""
GOOD = r"""title=XX-01
####
Act1V1.UIQ=continue.enabled~previous.enabled~toc.enabled.selectable@Activity 3
Act1V1.UIA=Y~N~Y
Act1V1.commands.0=I->->t->0
Act1V1.commands.1=GET->c~CS->unk->0
Act1V1.commands.2=SET->c~CS!comp->t->0
Act1V1.commands.3=SET->a~n~r!N.c->t->0
Act2V1.commands.0=I->->t->0
Act2V1.commands.1=SET->c~X!M.n->t->0
Act2V1.commands.2=SET->c~CS!incomp->t->0
Act2V1.CUI=Choice~Activity 3
Act3V1.commands.0=I->->t->0
Act3V1.CUI=Exit
Act3V2.commands.0=I->->t->0
Act3V2.CUI=Exit
"""


SEVERAL = r"""start=YYb
Act1bV1.commands.0=I->->t->0
Act1bV1.commands.1=SET->a~n~r!N.ea->t->0
Act1bV1.CUI=Again~YYa
####
Act2aV1.UIQ=toc.visible@Activity 3
Act2aV1.UIA=Y
Act2aV1.commands.0=I->->t->0
Act2aV1.commands.1=SET->a~n~r!N.ea->t->0
Act2aV1.CUI=Ended
"""
AGAIN = r"""Act1V1.commands.0=I->->t->0
Act1V1.commands.1=SET->c~CS!comp->t->0
Act1V1.commands.2=SET->a~n~r!N.c->t->0
Act2V1.commands.0=I->->t->0
Act2V1.commands.1=SET->c~CS!comp->t->0
Act2V1.commands.2=SET->a~n~r!N.ea->t->0
Act2V1.CUI=Again~ZZ
Act1V2.commands.0=I->->t->0
Act1V2.commands.1=GET->c~CS->unk->0
Act1V2.CUI=Exit
"""
CHOSEN = r"""start=Activity 2
Act2V1.commands.0=I->->t->0
Act2V1.CUI=Choice~Activity 1
Act1V1.commands.0=I->->t->0
Act1V1.CUI=Exit
"""


def a_package(case: str, names: Sequence[str], control: str = BOTH) -> str:
    items = "".join(
        part(f"activity_{name}", title=f"Activity {name[0]}").replace(
            f"?part=activity_{name}", f"?tc={case}&amp;act={name}"
        )
        for name in names
    )
    content = manifest(items, sequencing(control)).replace(
        b'href="part.html"/>',
        b'href="resources/Part.htm"><file href="resources/Part.htm"/>'
        b'<file href="common/functions.js"/></resource>',
    )
    return content.decode()


def a_suite(root: Path, cases_: Mapping[str, str], packages: Mapping[str, str]) -> Path:
    files = {
        "resources/Commands.properties": WORDS,
        "resources/Instructions.properties": INSTRUCTIONS,
        "Courses/common/functions.js": FUNCTIONS,
        "Courses/SCODepot/Part.htm": PAGE,
    }
    files |= {f"Courses/TestCases/{name}.properties": text for name, text in cases_.items()}
    files |= {
        f"Courses/LMSTestPackage_{name}/imsmanifest.xml": text for name, text in packages.items()
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A suite of two cases: one that holds, and one that expects what is not so."""
    return a_suite(
        tmp_path / "TestSuite",
        {"XX-01": GOOD, "XX-02": GOOD.replace("->unk->0", "->comp->0")},
        {name: a_package(name, "123") for name in ("XX-01", "XX-02")},
    )


def test_a_call_is_spelled_out() -> None:
    known = dict(line.split("=", 1) for line in WORDS.splitlines())
    found = cases.call("SET->a~n~r!tar~activity_3~N.c->t->0", known)
    assert (found.function, found.element, found.value) == (
        "doSetValue",
        "adl.nav.request",
        "{target=activity_3}continue",
    )
    assert (found.expected, found.code) == ("true", "0")
    got = cases.call("GET->c~CS->unk->0", known)
    assert (got.element, got.expected) == ("cmi.completion_status", "unknown")


def test_the_last_answer_before_the_code_is_expected() -> None:
    found = cases.call("SET->c~X!a->0->t->0", {"SET": "doSetValue", "t": "true"})
    assert (found.value, found.expected, found.code) == ("a", "true", "0")


def test_packages_and_first_parts_are_opened_as_told(tmp_path: Path, browser: Browser) -> None:
    suite = a_suite(
        tmp_path / "TestSuite",
        {"YY": SEVERAL, "ZZ": CHOSEN},
        {
            "YYa": a_package("YY", ("2a", "3a")),
            "YYb": a_package("YY", ("1b", "4b")),
            "ZZ": a_package("ZZ", "12", CHOICE),
        },
    )
    results = conformance.run(suite, conformance.cases_of(suite), browser)
    failed = [text for each in results for is_right, text in each.checks if not is_right]
    assert not failed
    assert all(each.is_complete for each in results)


def test_a_completed_course_is_begun_anew(tmp_path: Path, browser: Browser) -> None:
    suite = a_suite(tmp_path / "TestSuite", {"ZZ": AGAIN}, {"ZZ": a_package("ZZ", "12")})
    (result,) = conformance.run(suite, conformance.cases_of(suite), browser)
    assert result.is_passed, [text for is_right, text in result.checks if not is_right]


def test_what_the_tester_cannot_do_is_told(tmp_path: Path, browser: Browser) -> None:
    suite = a_suite(
        tmp_path / "TestSuite",
        {"ZZ": CHOSEN.replace("Choice~Activity 1", "Choice~Activity 9")},
        {"ZZ": a_package("ZZ", "12", CHOICE)},
    )
    (result,) = conformance.run(suite, conformance.cases_of(suite), browser)
    failed = [text for is_right, text in result.checks if not is_right]
    assert failed[0].startswith("the tester is stuck at Choice~Activity 9: ")
    assert failed[1] == "1 of 2 turns were had"


def test_a_suite_is_played_and_counted(
    corpus: Path, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = conformance.run(corpus, conformance.cases_of(corpus), browser)
    assert good.checks, "nothing was checked"
    assert good.is_passed, [text for is_right, text in good.checks if not is_right]
    assert not bad.is_passed
    assert [text for is_right, text in bad.checks if not is_right] == [
        "doGetValue(cmi.completion_status,) → unknown [0]; expected completed"
    ]
    conformance.report([good, bad], is_verbose=True)
    told = capsys.readouterr().out
    assert "XX        1 of 2" in told
    assert "XX-02: doGetValue(cmi.completion_status,)" in told


def test_packages_may_be_zips_and_a_suite_may_lie_there_twice(
    tmp_path: Path, browser: Browser
) -> None:
    told = GOOD.replace("XX", "ZZ")
    suite = a_suite(tmp_path / "TestSuite", {"ZZ-01": told}, {"ZZ-01": a_package("ZZ-01", "123")})
    folder = suite / "Courses" / "LMSTestPackage_ZZ-01"
    zipped = folder.with_name("LMSTestPackage_ZZ-01.zip")
    zipped.write_bytes(packages.package(folder, suite).getvalue())
    shutil.rmtree(folder)
    shutil.copytree(suite / "Courses" / "TestCases", tmp_path / "TestSuite" / "src" / "TestCases")
    (result,) = conformance.run(suite, conformance.cases_of(suite), browser)
    assert result.is_passed, result.checks


def test_other_packages_are_brought_in_opened_and_left(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "good.zip").write_bytes(course(part("ONE"), sequencing(BOTH)).getvalue())
    (tmp_path / "none.zip").write_bytes(zip_of({"readme.txt": b"no course"}).getvalue())
    good, none = conformance.try_out(packages.others(tmp_path), browser)
    assert good.is_passed, good.checks
    assert not none.is_passed
    assert "manifest" in none.checks[0][1]


def test_the_command_plays_a_folder_prints_the_numbers_and_keeps_the_best(
    corpus: Path, tmp_path: Path
) -> None:
    best = tmp_path / "best.json"
    command = [sys.executable, "-m", "tools.conformance", str(corpus), "--best", str(best)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:3] == [
        "XX        1 of 2",
        "cases     1 of 2; checks 49 of 50",
    ]
    assert "GET /" not in done.stderr, "no word of every request"
    assert json.loads(best.read_text()) == {"XX": 1}


def test_a_folder_of_packages_alone_is_tried_out_and_changes_no_best_result(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "good.zip").write_bytes(course(part("ONE")).getvalue())
    best = tmp_path / "best.json"
    best.write_text('{"CM": 2}')
    folder = str(tmp_path / "packages")
    command = [sys.executable, "-m", "tools.conformance", folder, "--best", str(best)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "packages    1 of 1" in done.stdout
    assert json.loads(best.read_text()) == {"CM": 2}


@pytest.mark.parametrize("emptied", ["TestSuite/Courses", "TestSuite/resources", "TestSuite"])
def test_a_folder_without_a_suite_is_said_and_nothing_is_kept(
    corpus: Path, tmp_path: Path, emptied: str
) -> None:
    shutil.rmtree(tmp_path / emptied)
    best = tmp_path / "best.json"
    command = [sys.executable, "-m", "tools.conformance", str(corpus), "--best", str(best)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "There is no" in done.stderr or "Name the suite's folder" in done.stderr
    assert not best.exists()


def test_a_worse_result_is_told_from_a_better_one(tmp_path: Path) -> None:
    ratchet = tmp_path / "best.json"
    assert not conformance.is_worse({"API": 1, "CM": 3}, ratchet)
    assert not conformance.is_worse({"API": 1, "CM": 4}, ratchet)
    assert conformance.is_worse({"API": 1, "CM": 3}, ratchet)
    assert conformance.is_worse({"CM": 9}, ratchet)
    assert json.loads(ratchet.read_text()) == {"API": 1, "CM": 4}
