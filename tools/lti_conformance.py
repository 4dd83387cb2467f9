"""Write `docs/lti-conformance.md` from a run of the tests: which rule of LTI has which tests.

A test carries the rules it is about in its name: `test_a6_dl8_…` is about A6 and DL8, the case
`b1_no_kid` of a parametrized one about B1.

Run: python -m tools.lti_conformance
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from defusedxml.ElementTree import parse

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "lti-conformance.md"
TESTS = ("tests/functional/lti", "tests/functional/external", "tests/unit/lti")
IN_NAME = re.compile(r"(?:^test_|\[)((?:(?:dl|[lvcbanrksp])\d{1,2}_)+)")

RULES: dict[str, str] = {
    "L1": "Login by GET and POST",
    "L2": "Login needs iss, login_hint and target_link_uri",
    "L3": "Optional and unknown login parameters are tolerated",
    "L4": "The registration is that of the address called, also without client_id",
    "L5": "target_link_uri is ours, and nobody is redirected to it unverified",
    "L6": "The authentication request has every parameter; the registered query is kept",
    "L7": "lti_message_hint goes back unaltered",
    "L8": "state is random, bound to the browser, short-lived, used once",
    "L9": "An OpenID error from the platform is a page",
    "V1": "Signature by the platform's key; none, HS*, foreign keys and crit are refused",
    "V2": "RS256 only",
    "V3": "Key sets: cached, refetched once for an unknown kid, limited",
    "V4": "iss is the registration's, letter by letter",
    "V5": "aud is ours and nobody else's",
    "V6": "azp where there are several audiences",
    "V7": "Not expired",
    "V8": "iat present, not in the future, not old",
    "V9": "nonce is this login's, used up atomically",
    "V10": "sub is present and usable",
    "V11": "Unknown claims are ignored",
    "V12": "TLS, but on loopback",
    "V13": "Refusals are pages with a code and no trace",
    "C1": "Version 1.3.0",
    "C2": "Known message type",
    "C3": "Known deployment; a new one waits for an admin",
    "C4": "target_link_uri equals the login's",
    "C5": "resource_link.id",
    "C6": "Roles read exactly",
    "C7": "context.id",
    "C8": "Custom parameters; unresolved variables are missing",
    "C9": "launch_presentation: return address, locale, target",
    "C10": "People are known by issuer, client and sub, never by email",
    "C11": "Works without any personal data",
    "C12": "Optional claims are used if present",
    "C13": "Resource links, deep linking, submission review",
    "DL1": "Return address: required, escaped, the only place the form may go",
    "DL2": "No resource link; roles, context may be missing",
    "DL3": "accept_multiple and accept_lineitem are honoured",
    "DL4": "Signed response by form post",
    "DL5": "data comes back if it was sent",
    "DL6": "Always back, also with nothing",
    "DL7": "Links with title, address, custom and line item",
    "DL8": "Our id in custom and in resourceId",
    "A1": "Only offered services are used",
    "A2": "Service addresses are those of the last launch",
    "A3": "Lists are followed page by page, as named",
    "A4": "Exact media types",
    "A5": "Columns of a gradebook are never changed, so nothing is put",
    "A6": "A copied course's columns are used, none is made twice",
    "A7": "/scores and /results go to the path; the query is kept",
    "A8": "Scores have every field they need",
    "A9": "Timestamps strictly later, with zone and sub-second",
    "A10": "Always a full grade; nothing is ever cleared",
    "A11": "Comments",
    "A12": "Submission times",
    "A13": "Results read as they come; overrides are respected",
    "A14": "Columns carry no dates of ours",
    "A15": "A coupled column is used",
    "A16": "What LTI 1.1 would use for grades is left alone",
    "N1": "Exact media type of the member list",
    "N2": "Scope of names and roles",
    "N3": "Everybody is asked for; who learns is decided here, since LMSs lose the filter",
    "N4": "next links: any case, several relations, relative",
    "N5": "A missing status is active; others are honoured",
    "N6": "Only user_id and roles are certain",
    "N7": "rlid: custom parameters of each person, who may not open it is not gone",
    "N8": "An incomplete list removes nobody",
    "N9": "The member list is asked for with a bearer token",
    "K1": "Client assertion: claims, life, back-dated",
    "K2": "deployment_id in the assertion",
    "K3": "Tokens cached per registration, deployment, scopes; one new one on 401",
    "K4": "Our key set: kids, overlap at rotation, cache header",
    "K5": "One key set per registration",
    "K6": "Private keys encrypted at rest",
    "R1": "Registration entry needs the configuration's address",
    "R2": "Configuration read within the guard, with the token or without",
    "R3": "The issuer lies where its configuration does",
    "R4": "A complete registration request",
    "R5": "Only what was granted is used; the deployment may come later",
    "R6": "The LMS is told to close the page",
    "R7": "Invitations: once, expiring, for one organization",
    "S1": "The frame that stores: named by the login, or by its capabilities",
    "S2": "Stored with the login address's origin only; two seconds, then on",
    "S3": "At the launch the stored proof is compared",
    "S4": "What is stored cannot be known from what travels",
    "S5": "Where storage does not work, the next step follows",
    "P1": "Platform: a launch begins with hints that work once, in this browser, for five minutes",
    "P2": "Platform: authorize answers registered addresses only, and only who began",
    "P3": "Platform: key set with overlap, configuration",
    "P4": "Platform: tools register themselves by invitation and wait for an admin",
    "P5": "Platform: tokens for signed assertions, once, bound to tool, deployment and scopes",
    "P6": "Platform: line items, results; the one that completes a module stays",
    "P7": "Platform: people only when an admin says so",
    "P8": "Platform: picked content comes back signed, once, by an admin's question",
    "P9": "Platform: storage for the tool's frame and no other",
    "P10": "Platform: the way back shows words as text",
    "P11": "Platform: scores are read strictly, kept raw, ordered, and counted once",
    "B1": "No kid in the header",
    "B2": "Unknown kid",
    "B3": "Wrong LTI version",
    "B4": "No LTI version",
    "B5": "Not an LTI message",
    "B6": "LTI claims missing",
    "B7": "Wrong timestamps",
    "B8": "No message type",
    "B9": "No roles claim",
    "B10": "No deployment id",
    "B11": "No resource link id",
    "B12": "No user",
}
NOT_USED: dict[str, str] = {}


def rules_of(name: str) -> list[str]:
    """The rules in a test's name."""
    return [each.upper() for found in IN_NAME.findall(name) for each in found.strip("_").split("_")]


def _order(rule: str) -> tuple[int, int]:
    groups = ["L", "V", "C", "DL", "A", "N", "K", "R", "S", "P", "B"]
    kind = rule.rstrip("0123456789")
    return groups.index(kind), int(rule.removeprefix(kind))


def main() -> None:
    """Run the tests of LTI and write the table; exits as the tests do."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--junitxml={report}", *TESTS]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        passed: dict[str, int] = defaultdict(int)
        failed: dict[str, int] = defaultdict(int)
        for case in parse(report).iter("testcase"):
            ends = {each.tag for each in case}
            if "skipped" in ends:  # a test that did not run proves nothing
                continue
            is_bad = bool(ends & {"failure", "error"})
            for rule in rules_of(case.get("name") or ""):
                (failed if is_bad else passed)[rule] += 1
    TARGET.write_text(_table(passed, failed), encoding="utf-8")
    sys.exit(code)


def _table(passed: dict[str, int], failed: dict[str, int]) -> str:
    lines = [
        "# LTI conformance",
        "",
        "Made by `python -m tools.lti_conformance` from a run of the tests; do not edit. Each test",
        "names the rules it is about. L, V, C: login, token, claims (LTI core 1.3, security",
        "framework 1.0). DL: deep linking 2.0. A: assignment and grade services 2.0. N: names and",
        "roles 2.0. K: tokens and keys. R: dynamic registration 1.0. S: platform storage. P: we as",
        "the platform of external tools. B: the certification suite's bad payloads.",
        "",
        "| Rule | What it asks | Tests passed | Failed |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {rule} | {RULES[rule]} | {passed.get(rule, 0)} | {failed.get(rule, 0) or '–'} |"
        for rule in sorted(RULES, key=_order)
    ]
    if NOT_USED:
        lines += ["", "Not used, and why:", ""]
    lines += [
        f"- {rule}: {why}" for rule, why in sorted(NOT_USED.items(), key=lambda e: _order(e[0]))
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
