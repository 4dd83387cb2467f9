"""The cases of ADL's SCORM 2004 4th edition LMS test suite, read from its own data files. Pure.

A case is a sequence of activities: what the learner must see, what the part calls and expects, and
what the tester does next. Words of a call are abbreviations that the suite's word list explains.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ACTIVITY = re.compile(r"Act(?P<name>.+?)V\d+\.(?P<what>UIQ|UIA|CUI|commands\.\d+)$")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_TARGETED = re.compile(r"~tar~(.+)$")
_START = "start"
_NO_START = {"", "."}
ARROW = "->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the run-time: its function, what it is given, what it must answer."""

    function: str
    element: str
    value: str
    expected: str
    code: str


@dataclass(slots=True, kw_only=True)
class Activity:
    """One part's turn."""

    name: str
    questions: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    then: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    start: str
    activities: list[Activity]

    @property
    def group(self) -> str:
        return self.name.partition("-")[0]


def words(path: Path) -> dict[str, str]:
    """A list of the suite: each of its words and what it stands for."""
    return {key: value for key, value in _pairs(path) if not key.startswith("#")}


def read(path: Path, known: Mapping[str, str]) -> Case:
    """The case of one data file."""
    activities: list[Activity] = []
    start = turn = ""
    for key, value in _pairs(path):
        if key == _START and value.strip() not in _NO_START:
            start = value.strip()
        found = _ACTIVITY.match(key)
        if not found:
            continue
        if key.partition(".")[0] != turn:
            turn = key.partition(".")[0]
            activities.append(Activity(name=found["name"]))
        _add(activities[-1], found["what"], value, known)
    return Case(name=path.stem, start=start, activities=activities)


def _add(activity: Activity, what: str, value: str, known: Mapping[str, str]) -> None:
    if what == "UIQ":
        activity.questions = [each for each in value.split("~") if each]
    elif what == "UIA":
        activity.answers = [each for each in value.split("~") if each]
    elif what == "CUI":
        activity.then = value.strip()
    else:
        activity.calls.append(call(value, known))


def call(text: str, known: Mapping[str, str]) -> Call:
    """One call, its abbreviations spelled out; the last two fields are answer and error code."""
    parts = text.split(ARROW)
    function = known.get(parts[0], parts[0])
    given = parts[1] if len(parts) > 1 else ""
    expected = parts[-2] if len(parts) > 3 else ""  # noqa: PLR2004 - objectives and Terminate
    element, value = _given(function, given, known)
    return Call(
        function=function,
        element=element,
        value=value,
        expected=known.get(expected, expected),
        code=parts[-1] if len(parts) > 2 else "",  # noqa: PLR2004 - Terminate expects nothing
    )


def _given(function: str, text: str, known: Mapping[str, str]) -> tuple[str, str]:
    if function == "doSetValue":
        name, _, value = text.partition("!")
        return _element(name, known), _value(value, known)
    if function == "doGetValue":
        return _element(re.sub(r"![^~]*", "", text), known), ""
    return text, ""


def _element(text: str, known: Mapping[str, str]) -> str:
    """`c~S~SCA` is `cmi.score.scaled`; a target keeps its own name."""
    target = _TARGETED.search(text)
    head = text[: target.start()] if target else text
    if "~" not in text:
        return text
    spelled = ".".join(known.get(each, each) for each in head.split("~"))
    return f"{spelled}.{{target={target[1]}}}" if target else spelled


def _value(text: str, known: Mapping[str, str]) -> str:
    """A word of the list, free text, or `tar~NAME~choice`: a request with its target."""
    if text.startswith("tar~"):
        _, name, request = text.split("~", 2)
        return f"{{target={name}}}{known.get(request, request)}"
    return known.get(text, text)


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(encoding="latin-1").replace("\\\r\n", "").replace("\\\n", "")
    for line in text.split("\n"):
        key, mark, value = line.rstrip("\r").partition("=")
        if mark and not line.startswith("#"):
            yield key, _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value)
