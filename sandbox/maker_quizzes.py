"""What the quiz maker offers: quizzes of one question."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiz:
    """One question; `right` is the place of the right choice."""

    name: str
    title: str
    question: str
    choices: Sequence[str]
    right: int


QUIZZES = (
    Quiz(
        name="extinguishers",
        title="Fire extinguishers",
        question="Oil is burning in a pan. What do you reach for?",
        choices=("A bucket of water", "A fire blanket", "A fan"),
        right=1,
    ),
    Quiz(
        name="lifting",
        title="Lifting by hand",
        question="You lift a box from the floor. What does the work?",
        choices=("The legs", "The back", "The arms alone"),
        right=0,
    ),
)
