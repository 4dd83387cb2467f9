"""What a case tells its tester to do next, read from the suite's own sentences. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_CONTROL = re.compile(r"trigger an? (?:<b>)?(.+?)(?:</b>)? Navigation Event")
_TITLE = re.compile(r"(?:target|choose|launch) <b>(.+?)</b>")
_ROOT = re.compile(r'the root of "(.+)"')
_PACKAGE = re.compile(r"launch(?:</b>)? LMS Test Content Package (?:<b>)?([\w-]+)")
_END = re.compile(r"learner attempt .*should (?:have )?end")
EXIT = "exit"
_WAYS = {"Continue": "continue", "Previous": "previous"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """First something to press or choose, then an end by itself, then a package to open."""

    press: str = ""
    choose: str = ""
    is_end_awaited: bool = False
    package: str = ""
    first: str = ""

    @property
    def is_leaving(self) -> bool:
        """Whether the player is left then, and what is still to come needs it opened again."""
        return self.press == EXIT or bool(self.package)


def read(text: str, known: Mapping[str, str]) -> Instruction:
    """`Choice~Activity 3`: a word of the suite's list of instructions, and what fills its gaps."""
    word, *names = text.strip().split("~")
    sentence = known.get(word, word)
    for name in names:
        sentence = sentence.replace("%s", name, 1)
    found = _PACKAGE.search(sentence)
    package, title = found[1] if found else "", _title(sentence)
    return Instruction(
        press=_press(sentence),
        choose="" if package else title,
        is_end_awaited=bool(_END.search(sentence)),
        package=package,
        first=title if package else "",
    )


def _title(sentence: str) -> str:
    found = _TITLE.search(sentence)
    root = found and _ROOT.search(found[1])
    return root[1] if root else found[1] if found else ""


def _press(sentence: str) -> str:
    """The control of the player: every way out of it is its Exit."""
    found = _CONTROL.search(sentence)
    if found:
        return _WAYS.get(found[1], EXIT)
    return EXIT if "exit the package" in sentence else ""
