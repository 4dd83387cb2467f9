"""What is ours of the words about an LMS is said in the reader's language; theirs stay theirs."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

import plugin
from plugin.core import http
from plugin.core.db import db
from plugin.lti.tool import checks
from plugin.lti.tool.our_words import CODES, SENTENCES, in_the_readers_words
from plugin.lti.tool.service_models import InstallCheck
from tests.functional.lti.campus import Peer, registration
from tests.support.work import work_off

CODE = Path(plugin.__file__).parent
FILES = [CODE / "core" / "http.py", *sorted((CODE / "lti" / "tool").glob("*.py"))]
TOLD = {"OutgoingError": 0, "ServiceError": 2, "_FailedError": 0, "_PartlyError": 0}
"""Which argument of what is raised holds the words."""


@pytest.fixture(autouse=True)
def english(app: Flask) -> None:
    """Words are looked up for somebody."""


def literals(node: ast.expr, constants: dict[str, str]) -> list[str]:
    """The texts an expression may be, numbers standing for what is filled in."""
    if isinstance(node, ast.IfExp):
        return literals(node.body, constants) + literals(node.orelse, constants)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        parts = [each.value if isinstance(each, ast.Constant) else "1" for each in node.values]
        return ["".join(map(str, parts))]
    if isinstance(node, ast.Name) and node.id in constants:
        return [constants[node.id]]
    if isinstance(node, ast.Attribute) and node.attr in constants:
        return [constants[node.attr]]
    return []


def all_told() -> set[str]:
    """Every sentence of ours that is raised as the reason of a trouble with an LMS."""
    trees = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
    constants = {
        target.id: each.value.value
        for tree in trees.values()
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
        for target in each.targets
        if isinstance(target, ast.Name) and isinstance(each.value.value, str)
    }
    found: set[str] = set()
    for name, tree in trees.items():
        for each in ast.walk(tree):
            if not isinstance(each, ast.Call):
                continue
            called = getattr(each.func, "attr", getattr(each.func, "id", ""))
            if called in TOLD and len(each.args) > TOLD[called]:
                found |= set(literals(each.args[TOLD[called]], constants))
            if called == "no_answer":
                kinds = literals(each.args[2], constants)
                found |= {f"the answer is no {kind}" for kind in kinds}
            if called == "lines":
                (kind,) = [word.value for word in each.keywords if word.arg == "kind"]
                found |= {f"the answer is no {text}" for text in literals(kind, constants)}
        if name == "checks.py":
            for each in ast.walk(tree):
                if isinstance(each, ast.Return) and each.value is not None:
                    found |= set(literals(each.value, constants)) - {""}
    return found


def test_every_reason_of_ours_is_a_sentence_that_is_translated() -> None:
    told = all_told()
    assert len(told) > 20
    assert {each for each in told if re.sub(r"\d+", "#", each) not in SENTENCES} == set()


def test_the_troubles_of_a_network_are_sentences_that_are_translated() -> None:
    kinds = [
        http.requests.exceptions.SSLError,
        http.requests.ConnectTimeout,
        http.requests.ReadTimeout,
        http.requests.ConnectionError,
        ValueError,
    ]
    for kind in kinds:
        said = http._words(kind())
        assert said.endswith(f" ({kind.__name__})")
        assert said.partition(" (")[0] in SENTENCES


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("frame", ["{}", "404 {}", "{}: Not here", "500 {}: 7 people", "{} (E)"])
def test_ours_is_found_in_whatever_stands_around_it(sentence: str, frame: str) -> None:
    kept = frame.format(sentence.replace("#", "12"))
    said = in_the_readers_words(kept)
    assert "%(" not in said
    assert said.count("12") == sentence.count("#")
    if not sentence.endswith("# s"):
        assert said == kept


@pytest.mark.parametrize(
    "words",
    ["", None, "404 Not Found", "7 people: no", "it is down (soon)", "%(first)s", "12", ": x"],
)
def test_the_lmss_own_words_stay_as_they_are(words: str | None) -> None:
    assert in_the_readers_words(words) == (words or "")


@pytest.mark.parametrize("code", CODES)
def test_it_is_said_in_the_readers_language(code: str) -> None:
    assert in_the_readers_words(code) == str(CODES[code])
    with force_locale("ar"):
        assert not re.search("[a-z]", in_the_readers_words(code))


def test_every_answer_of_the_checks_is_ours_or_the_lmss(peer: Peer) -> None:
    peer.launch("lars")
    work_off()
    checks.run(registration().id, with_trial=True)
    db.session.rollback()
    kept = {each.name: each.words for each in db.session.query(InstallCheck)}
    said = {name: words for name, words in kept.items() if words}
    assert set(said) >= {"columns", "roster", "trial"}
    for words in said.values():
        assert re.sub(r"\d+", "#", words) in SENTENCES
