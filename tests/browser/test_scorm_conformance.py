"""The runner of ADL's suite, tried with a suite of our own in the same layout."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.packages2004 import BOTH, manifest, part, sequencing
from tools.conformance import __main__ as conformance
from tools.conformance import cases

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
unk=unknown
M.n=normal
N.c=continue
t=true
tar={target=%s}
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
<object id="NNLMSTestSCODriver"></object>
<script>
addEventListener("load", () => {
  const driver = document.getElementById("NNLMSTestSCODriver");
  const asked = new URLSearchParams(location.search);
  if (!driver.evalID(`${asked.get("tc")}!${asked.get("act")}`)) return;
  driver.getUITestQuestions();
  driver.runCommands();
  driver.curUserInstructions();
  doTerminate("");
});
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
Act2V1.CUI=Choice~Activity 3
Act3V1.commands.0=I->->t->0
Act3V1.CUI=Exit
Act3V2.commands.0=I->->t->0
Act3V2.CUI=Exit
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A suite of two cases: one that holds, and one that expects what is not so."""
    root = tmp_path / "TestSuite"
    files = {
        "resources/Commands.properties": WORDS,
        "Courses/common/functions.js": FUNCTIONS,
        "Courses/SCODepot/Part.htm": PAGE,
        "Courses/TestCases/XX-01.properties": GOOD,
        "Courses/TestCases/XX-02.properties": GOOD.replace("->unk->0", "->comp->0"),
    }
    for case in ("XX-01", "XX-02"):
        items = "".join(
            part(f"activity_{n}", title=f"Activity {n}").replace(
                f"?part=activity_{n}", f"?tc={case}&amp;act={n}"
            )
            for n in (1, 2, 3)
        )
        content = manifest(items, sequencing(BOTH)).replace(
            b'href="part.html"/>',
            b'href="resources/Part.htm"><file href="resources/Part.htm"/>'
            b'<file href="common/functions.js"/></resource>',
        )
        files[f"Courses/LMSTestPackage_{case}/imsmanifest.xml"] = content.decode()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


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


def test_the_command_plays_a_folder_prints_the_numbers_and_keeps_the_best(
    corpus: Path, tmp_path: Path
) -> None:
    best = tmp_path / "best.json"
    command = [sys.executable, "-m", "tools.conformance", str(corpus), "--best", str(best)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1:3] == [
        "XX        1 of 2",
        "cases     1 of 2; checks 45 of 46",
    ]
    assert "GET /" not in done.stderr, "no word of every request"
    assert json.loads(best.read_text()) == {"XX": 1}


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
