"""The sentences of ADL's suite that tell its tester what to do."""

import pytest

from tools.conformance.instructions import Instruction, read

KNOWN = {
    "Continue": "To proceed, please trigger a <b>Continue</b> Navigation Event.",
    "Choice": "To proceed, please target <b>%s</b> for a Choice Navigation Event.",
    "Launch": "After that, please launch <b>Second Part</b>.",
    "Exit": "Please exit the package/course and refer to the window.",
    "All": "Please trigger an Exit All Navigation Event, the learner attempt should end.",
    "Later": "Please trigger a <b>Suspend All</b> Navigation Event and <b>relaunch</b> "
    "LMS Test Content Package <b>AB-01</b> after you log-out.",
    "Ended": "The current learner attempt should have ended.",
    "Again": "The current learner attempt should end. Please <b>relaunch</b> "
    "LMS Test Content Package AB and choose <b>Part 4</b> to go on.",
    "Other": "Please exit the package/course, <b>launch</b> LMS Test Content Package "
    "<b>%s</b> and launch <b>%s</b> to go on.",
}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("Continue", Instruction(press="continue")),
        ("Choice~Part 3", Instruction(choose="Part 3")),
        ('Choice~the activity that is the root of "Whole AB"', Instruction(choose="Whole AB")),
        ("Launch", Instruction(choose="Second Part")),
        ("Exit", Instruction(press="exit")),
        ("All", Instruction(press="exit", is_end_awaited=True)),
        ("Later", Instruction(press="exit", package="AB-01")),
        ("Ended", Instruction(is_end_awaited=True)),
        ("Again", Instruction(is_end_awaited=True, package="AB", first="Part 4")),
        ("Other~CD~Part 2", Instruction(press="exit", package="CD", first="Part 2")),
        ("", Instruction()),
    ],
)
def test_a_sentence_says_what_to_do(told: str, expected: Instruction) -> None:
    assert read(told, KNOWN) == expected
