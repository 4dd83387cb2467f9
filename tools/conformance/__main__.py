"""Run ADL's SCORM 2004 4th edition LMS test suite against the real player, in Chromium.

Example: python -m tools.conformance ~/SCORM-2004-4ed-Test-Suite

The suite is not part of this project: give its folder. Its parts are played unmodified. Cases
passed are printed per group; `docs/scorm-conformance.json` keeps the best result, and a worse one
fails. Other packages (zips) in the folder are brought in, opened and left; there may be only such.
"""

import argparse
import io
import json
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser

from tools.conformance import cases, packages
from tools.conformance.playing import Result, a_browser, playground

WORDS, INSTRUCTIONS = "Commands.properties", "Instructions.properties"
RATCHET = Path(__file__).resolve().parents[2] / "docs" / "scorm-conformance.json"


def main() -> None:
    """The suite, or the cases that were named."""
    arguments = _arguments()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    if not arguments.corpus.is_dir() or not arguments.corpus.name:
        sys.exit("Name the suite's folder: make conformance CORPUS=<folder>")
    more = [] if arguments.only else packages.others(arguments.corpus)
    is_suite = not more or bool(_list(arguments.corpus, WORDS))
    chosen = cases_of(arguments.corpus, arguments.only) if is_suite else []
    with a_browser() as browser:
        results = run(arguments.corpus, chosen, browser)
        opened = try_out(more, browser)
    report([*results, *opened], is_verbose=arguments.verbose)
    if is_suite and not arguments.only and is_worse(_passed(results), arguments.best):
        sys.exit("This is worse than the best result so far.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="the suite's folder")
    parser.add_argument("only", nargs="*", help="names of cases; default: all")
    parser.add_argument("--best", type=Path, default=RATCHET, help="where the best result is kept")
    parser.add_argument("--verbose", action="store_true", help="say what failed")
    return parser.parse_args()


def cases_of(corpus: Path, only: Sequence[str] = ()) -> list[Path]:
    """Every case that has a package, or of those the ones named; says so where there is none."""
    for name in (WORDS, INSTRUCTIONS):
        if not _list(corpus, name):
            sys.exit(f"There is no {name} below {corpus}.")
    known = packages.of_cases(corpus)
    found = {
        path.stem: path for path in sorted(corpus.rglob("TestCases/*.properties"), reverse=True)
    }
    chosen = [found[name] for name in sorted(found) if name in known and (not only or name in only)]
    if not chosen:
        sys.exit(f"There is no case with a package ({packages.PREFIX}…) below {corpus}.")
    return chosen


def _list(corpus: Path, name: str) -> dict[str, str]:
    found = sorted(corpus.rglob(name))
    return cases.words(found[0]) if found else {}


def run(corpus: Path, chosen: Sequence[Path], browser: Browser) -> list[Result]:
    """Each of these cases, played in a new installation."""
    known, told = _list(corpus, WORDS), _list(corpus, INSTRUCTIONS)
    sources_of, results = packages.of_cases(corpus), []
    with tempfile.TemporaryDirectory() as folder, playground(Path(folder), browser, told) as tester:
        for path in chosen:
            sources = {
                packages.name_of(each): packages.package(each, corpus)
                for each in sources_of[path.stem]
            }
            results.append(tester.play(cases.read(path, known), sources))
            print("." if results[-1].is_passed else "F", end="", flush=True)
    print()
    return results


def try_out(paths: Sequence[Path], browser: Browser) -> list[Result]:
    """Each of these packages, brought in, opened and left in a new installation."""
    if not paths:
        return []
    with tempfile.TemporaryDirectory() as folder, playground(Path(folder), browser, {}) as tester:
        return [tester.try_out(path.name, io.BytesIO(path.read_bytes())) for path in paths]


def report(results: list[Result], *, is_verbose: bool) -> None:
    """Cases passed per group, and single checks."""
    passed, groups = _passed(results), Counter(each.group for each in results)
    for group in sorted(groups):
        print(f"{group:6} {passed.get(group, 0):4} of {groups[group]}")
    checks = [is_right for each in results for is_right, _ in each.checks]
    print(
        f"cases  {sum(passed.values()):4} of {len(results)}; checks {sum(checks)} of {len(checks)}"
    )
    if is_verbose:
        for each in results:
            for is_right, text in each.checks:
                if not is_right:
                    print(f"{each.name}: {text}")


def _passed(results: list[Result]) -> dict[str, int]:
    return dict(Counter(each.group for each in results if each.is_passed))


def is_worse(passed: dict[str, int], ratchet: Path) -> bool:
    """Keep a better result; whether this one is worse than the best so far, in any group."""
    best = json.loads(ratchet.read_text()) if ratchet.exists() else {}
    if any(passed.get(group, 0) < count for group, count in best.items()):
        return True
    ratchet.write_text(json.dumps(dict(sorted(passed.items())), indent=1) + "\n")
    return False


if __name__ == "__main__":
    main()
