"""Why a standing is what it is: every state, told to the learner, the admin and the auditor."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from plugin.core import clock
from plugin.modules.models import Module
from tests.functional.assign.places import row
from tests.functional.examples.scene import Scene, london
from tests.functional.examples.test_life_of_a_certificate import (
    YEAR,
    decides,
    ends_the_waiver,
    training_page,
    waives,
)
from tests.functional.reports.crowd import seen

ASKED_FIRST = "Asked by North Quay (T), version 1, in force since Mar 10, 2027."
ASKED_ANEW = "Asked by North Quay (T), version 2, in force since Apr 1, 2027."
PASSED = (
    "Completed Mar 10, 2027 (by hand, 90 %). "
    "Mar 10, 2027 + 12 months → Mar 10, 2028; it ends at midnight, Europe/London."
)
LADDERS = f"Ladders Required · this one binds {PASSED}"
VALID = "Valid through Mar 10, 2028: of what is required, Ladders ends first."
ONE_MISSING = "Not valid: 1 required module is not satisfied."


@dataclass
class Told:
    """A certificate of Ada for Ladders, passed on 10 March 2027, and Ropes, not asked for yet."""

    scene: Scene
    asked: int
    ladders: Module
    ropes: Module

    def asks_ropes(self, **filled: str) -> None:
        rows = row(self.ladders, validity_months=YEAR), row(self.ropes)
        self.scene.publishes(self.asked, *rows, **filled)

    def waived(self) -> None:
        self.asks_ropes(when="grace", grace_until="2027-04-30")
        waives(self.scene, self.asked, self.ropes, "2027-06-30")


@dataclass(frozen=True)
class Case:
    """What happens on 1 April, when the pages are looked at, and what they say."""

    happens: Callable[[Told], object]
    conclusion: str
    rows: tuple[str, ...]
    basis: str = ASKED_FIRST
    to_learner: str = ""  # if it is not the conclusion
    looked_at: datetime = london(2027, 4, 2, 12)


CASES = {
    "satisfied": Case(lambda _told: None, VALID, (f"{LADDERS} Satisfied",)),
    "expired": Case(
        lambda _told: None,
        ONE_MISSING,
        (f"{LADDERS} That day is over. Expired",),
        looked_at=london(2028, 3, 11, 0),
    ),
    "new requirement": Case(
        lambda told: told.asks_ropes(),
        ONE_MISSING,
        (
            f"Ladders Required {PASSED} Satisfied",
            (
                "Ropes Required · this one binds Required since Apr 1, 2027, not completed. "
                "New requirement"
            ),
        ),
        basis=ASKED_ANEW,
    ),
    "waived": Case(
        lambda told: told.waived(),
        "Valid through Jun 30, 2027: of what is required, Ropes ends first.",
        (
            f"Ladders Required {PASSED} Satisfied",
            "Ropes Required · this one binds Waived through Jun 30, 2027.",
            "Exempt",
        ),
        basis=ASKED_ANEW,
    ),
    "grace": Case(
        lambda told: told.asks_ropes(when="grace", grace_until="2027-04-30"),
        "Valid through Apr 30, 2027: of what is required, Ropes ends first.",
        (
            f"Ladders Required {PASSED} Satisfied",
            (
                "Ropes Required · this one binds Required since Apr 1, 2027; the grace ends with "
                "Apr 30, 2027. In grace"
            ),
        ),
        basis=ASKED_ANEW,
    ),
    "ended": Case(
        lambda told: told.scene.leaves(),
        "Ended: this training no longer applies to this person.",
        (f"Ladders Required {PASSED} Satisfied",),
    ),
    "suspended": Case(
        lambda told: decides(told.scene, told.asked, "suspend"),
        "Suspended since April 1, 2027.",
        (f"{LADDERS} Satisfied",),
        to_learner="An administrator has suspended this certificate.",
    ),
    "revoked": Case(
        lambda told: decides(told.scene, told.asked, "revoke"),
        "Revoked on April 1, 2027. This is final.",
        (f"{LADDERS} Satisfied",),
        to_learner="An administrator has revoked this certificate.",
    ),
}


@pytest.fixture
def told(scene: Scene) -> Told:
    unit = scene.world.unit("North Quay")
    ladders, ropes = scene.world.module("Ladders"), scene.world.module("Ropes")
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(ladders, validity_months=YEAR))
        scene.takes(ladders)
    return Told(scene, asked, ladders, ropes)


def certificate_page(scene: Scene, asked: int, query: str = "") -> str:
    """What an auditor reads on the certificate's page under Why."""
    number = scene.certificate(asked).id
    scene.world.sign_in(scene.client, scene.admin)
    page = seen(scene.client, f"/admin/certificates/{number}{query}")
    return page.by_id("main").words


def learner_page(scene: Scene, asked: int) -> str:
    scene.world.sign_in(scene.client, scene.ada)
    return seen(scene.client, f"/why/{asked}").by_id("main").words


def says(words: str, conclusion: str, case: Case) -> None:
    for each in (conclusion, case.basis, *case.rows):
        assert each in words


@pytest.mark.parametrize("state", CASES)
def test_every_state_is_explained_to_everybody_now_and_for_a_past_moment(
    told: Told, state: str
) -> None:
    scene, asked, case = told.scene, told.asked, CASES[state]
    with clock.at(london(2027, 4, 1)):
        case.happens(told)
    with clock.at(case.looked_at):
        says(learner_page(scene, asked), case.to_learner or case.conclusion, case)
        says(training_page(scene), case.conclusion, case)
        says(certificate_page(scene, asked), case.conclusion, case)
    day = f"?as_of={case.looked_at.date()}"
    with clock.at(case.looked_at + timedelta(days=500)):
        says(training_page(scene, day), case.conclusion, case)
        says(certificate_page(scene, asked, day), case.conclusion, case)
        before = Case(lambda _told: None, VALID, (f"{LADDERS} Satisfied",))
        says(training_page(scene, "?as_of=2027-03-20"), VALID, before)
        says(certificate_page(scene, asked, "?as_of=2027-03-20"), VALID, before)


def test_what_was_never_completed_is_explained_when_a_waiver_was_all_there_was(
    scene: Scene,
) -> None:
    unit = scene.world.unit("North Quay")
    ladders, ropes = scene.world.module("Ladders"), scene.world.module("Ropes")
    case = Case(
        lambda _told: None,
        ONE_MISSING,
        (
            f"Ladders Required {PASSED} Satisfied",
            (
                "Ropes Required · this one binds Required since Mar 10, 2027, not completed. "
                "Never completed"
            ),
        ),
    )
    with clock.at(london(2027, 3, 10)):
        scene.joins(unit)
        asked = scene.asks(unit, row(ladders, validity_months=YEAR), row(ropes))
        scene.takes(ladders)
        says(learner_page(scene, asked), ONE_MISSING, case)
        says(training_page(scene), ONE_MISSING, case)
        waives(scene, asked, ropes, "2027-12-31")
    with clock.at(london(2027, 4, 1)):
        ends_the_waiver(scene)
        says(learner_page(scene, asked), ONE_MISSING, case)
        says(training_page(scene), ONE_MISSING, case)
        says(certificate_page(scene, asked), ONE_MISSING, case)
    with clock.at(london(2027, 9, 1)):
        for page in (
            training_page(scene, "?as_of=2027-04-02"),
            certificate_page(scene, asked, "?as_of=2027-04-02"),
        ):
            says(page, ONE_MISSING, case)
        exempt = "Ropes Required · this one binds Waived through Dec 31, 2027."
        assert exempt in training_page(scene, "?as_of=2027-03-20")
        assert exempt in certificate_page(scene, asked, "?as_of=2027-03-20")
