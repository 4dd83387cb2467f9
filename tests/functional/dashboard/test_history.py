"""What the person did, and the proofs they hold: all of it, and nobody else's."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from plugin.certs.models import CertificateEvent
from plugin.certs.rules import EventKind
from plugin.core import clock
from plugin.core.db import transaction
from plugin.modules import actions
from plugin.modules.by_lms import Mark, read_marks
from plugin.modules.models import Completion, CompletionSource, ModuleKind, RunState
from plugin.web.roles import Role
from tests.conftest import NOW
from tests.functional.assign.places import row, training
from tests.functional.dashboard.test_home import Learner, certificate, edition, run_of
from tests.support.html import Element, read
from tests.support.world import World

DAY = timedelta(days=1)


@pytest.fixture
def ada(world: World, client: FlaskClient) -> Learner:
    person, site = world.person("Ada Byron"), world.unit("North Quay")
    world.member(person, site)
    world.sign_in(client, person)
    return Learner(person, site, client)


def lines(page: Element) -> list[str]:
    return [each.words for each in page.all("ul", **{"class": "entries"})[0].all("li")]


def test_sittings_and_completions_stand_newest_first(world: World, ada: Learner) -> None:
    one, other = world.module("Alpha"), world.module("Beta")
    for days, state, score in (
        (9, RunState.FAILED, 0.4),
        (7, RunState.COMPLETED, 0.9),
        (3, RunState.OPEN, None),
        (1, RunState.ABANDONED, None),
    ):
        with clock.at(NOW - days * DAY):
            run_of(world, ada.person, one, state, score=score)
    with clock.at(NOW - 5 * DAY):
        world.completion(ada.person, other, score=0.75)
        world.completion(ada.person, other, passed=False, happened_at=NOW - 8 * DAY)
    assert lines(ada.page("/history")) == [
        "Alpha Mar 9, 2027 Ended without a result",
        "Alpha Mar 7, 2027 In progress",
        "Beta Mar 5, 2027 · Recorded by hand Score 75% Completed",
        "Alpha Mar 3, 2027 Score 90% Completed",
        "Beta Mar 2, 2027 · Recorded by hand Not passed",
        "Alpha Mar 1, 2027 Score 40% Not passed",
    ]


def test_a_run_with_its_completion_is_one_line_and_a_better_score_changes_it(
    world: World, ada: Learner
) -> None:
    module = world.module()
    run = run_of(world, ada.person, module, RunState.COMPLETED, score=0.95)
    first = world.add(
        Completion(
            organization_id=run.organization_id,
            person_id=run.person_id,
            module_id=run.module_id,
            passed=True,
            score=0.8,
            happened_at=NOW,
            learned_at=NOW,
            source=CompletionSource.SCORM,
            evidence={},
            run_id=run.id,
        )
    )
    world.add(
        Completion(
            organization_id=run.organization_id,
            person_id=run.person_id,
            module_id=run.module_id,
            passed=True,
            score=0.95,
            happened_at=NOW,
            learned_at=NOW,
            source=CompletionSource.SCORM,
            evidence={},
            supersedes_id=first.id,
        )
    )
    assert lines(ada.page("/history")) == ["Working at height Mar 10, 2027 Score 95% Completed"]


def test_a_correction_shows_both_facts(world: World, ada: Learner) -> None:
    completion = world.completion(ada.person, world.module(), score=0.9)
    grace = world.person("Grace Hopper")
    with transaction() as tx:
        actions.correct_completion(
            tx,
            tx.session.merge(completion),
            passed=False,
            valid_until_on=None,
            score=None,
            by=grace.id,
            reason="the wrong person was recorded",
            now=NOW,
        )
    found = lines(ada.page("/history"))
    assert found == [
        "Working at height Mar 10, 2027 · Recorded by hand Not passed",
        "Working at height Mar 10, 2027 · Recorded by hand Score 90% Corrected",
    ]


def test_a_grade_that_the_lms_changed_or_removed_is_shown_as_it_is_now(
    world: World, ada: Learner
) -> None:
    module = world.module("Ladders", kind=ModuleKind.LMS_GRADE)
    person_id, shares = ada.person.id, (0.75, 0.3, None)
    for days, share in enumerate(shares):
        marks = [] if share is None else [Mark(person_id=person_id, share=share, at=None)]
        with transaction() as tx:
            module = tx.session.merge(module)
            module.pass_share = 0.6
            read_marks(tx, module, "column:1", marks, facts={}, now=NOW - (5 - days) * DAY)
    assert lines(ada.page("/history")) == [
        "Ladders Mar 7, 2027 · Grade in the LMS Ended without a result",
        "Ladders Mar 6, 2027 · Grade in the LMS Score 30% Corrected",
        "Ladders Mar 5, 2027 · Grade in the LMS Score 75% Corrected",
    ]


def test_long_histories_come_in_pages(world: World, ada: Learner) -> None:
    modules = [world.module(f"Module {number}") for number in range(51)]
    for place, module in enumerate(modules):
        world.completion(ada.person, module, happened_at=NOW - place * DAY)
    first = ada.page("/history")
    assert len(lines(first)) == 50
    [older] = first.all("a", rel="next")
    assert lines(ada.page(older.attributes["href"])) == [
        "Module 50 Jan 19, 2027 · Recorded by hand Completed"
    ]


def test_every_edition_of_ones_certificates_can_be_fetched(world: World, ada: Learner) -> None:
    module = world.module()
    own = certificate(world, ada.person, training(ada.site, row(module, validity_months=12)))
    world.completion(ada.person, module)
    edition(world, own)
    edition(world, own, 2, ready=False)
    grace = world.person("Grace Hopper")
    edition(world, certificate(world, grace, own.configuration_id))
    page = ada.page("/certificates")
    [found] = page.all("article")
    assert found.words == (
        "Basic safety North Quay VALID Valid through March 10, 2028 "
        f"Credential ID: {own.credential_id} Why Basic safety Verify page (opens a new window) "
        "Edition 2, issued Mar 10, 2027 being prepared "
        "Edition 1, issued Mar 10, 2027 "
        "Download Basic safety, Edition 1, issued Mar 10, 2027 (PDF)"
    )
    assert {each.attributes["href"] for each in found.all("a")} == {
        f"/v/{own.token}",
        f"/why/{own.configuration_id}",
        f"/certificates/{own.id}/1.pdf",
    }


def test_a_certificate_that_ended_or_was_revoked_stays_in_the_list(
    world: World, ada: Learner
) -> None:
    elsewhere = world.unit("Elsewhere")
    membership = world.member(ada.person, elsewhere, since=NOW - DAY)
    certificate(world, ada.person, training(elsewhere, row(world.module()), name="One"))
    revoked = certificate(world, ada.person, training(ada.site, row(world.module()), name="Two"))
    world.add(
        CertificateEvent(
            organization_id=revoked.organization_id,
            certificate_id=revoked.id,
            kind=EventKind.REVOKED,
            at=NOW,
            reason="private",
        )
    )
    membership.until_at = NOW
    world.add(membership)
    found = ada.page("/certificates").all("article")
    assert [" ".join(each.words.split()[:4]) for each in found] == [
        "One Elsewhere ENDED Credential",
        "Two North Quay REVOKED",
    ]
    assert "private" not in ada.page("/certificates").words


def test_without_a_certificate_the_page_says_how_to_get_one(world: World, ada: Learner) -> None:
    assert "No certificate yet" in ada.page("/certificates").words


def test_the_navigation_shows_each_person_only_what_they_may_open(
    world: World, ada: Learner, client: FlaskClient
) -> None:
    own = ["My training", "History", "Certificates"]
    nav = ada.page("/history").all("nav", **{"aria-label": "Main"})[0]
    assert [each.words for each in nav.all("a")] == own
    assert [each.words for each in nav.all("a", **{"aria-current": "page"})] == ["History"]
    world.grant(ada.person, Role.ADMIN)
    nav = read(client.get("/admin/sites").get_data(as_text=True)).all("nav")[0]
    words = [each.words for each in nav.all("a")]
    assert words == [
        *own,
        "Overview",
        "Organization",
        "Training",
        "Modules",
        "Certificates issued",
    ]
    assert [each.words for each in nav.all("a", **{"aria-current": "page"})] == ["Organization"]
