"""Every rule of LTI that the product claims has a test that carries its name."""

import re
from pathlib import Path

from tools.lti_conformance import NOT_USED, RULES, TARGET, TESTS, rules_of

ROOT = Path(__file__).resolve().parents[2]
NAMES = re.compile(r"def (test_\w+)|\(\s*\"((?:b\d+)_\w+)\"")


def test_every_rule_has_a_test_of_its_name() -> None:
    found: set[str] = set()
    for folder in TESTS:
        for path in (ROOT / folder).rglob("test_*.py"):
            for name, case in NAMES.findall(path.read_text(encoding="utf-8")):
                found.update(rules_of(name or f"[{case}_"))
    assert set(RULES) - found == set()
    assert found - set(RULES) == set()
    assert not set(RULES) & set(NOT_USED)


def test_the_table_in_the_docs_has_every_rule_and_no_failure() -> None:
    lines = TARGET.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if re.match(r"\| [A-Z]{1,2}\d+ ", line)]
    assert {row[1].strip() for row in rows} == set(RULES)
    assert all(int(row[3]) > 0 and row[4].strip() == "–" for row in rows)
