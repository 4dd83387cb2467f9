"""Stored standings, the mails about new duties, and the certificate's step."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from plugin.assign import judgement
from plugin.assign.models import StoredStanding, Waiver
from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName
from plugin.notify.emails import wording_of
from plugin.notify.models import Message, MessageKind, MessageState
from plugin.org import actions as org_actions
from plugin.org.models import Membership, Unit, UnitKind
from tests.conftest import NOW
from tests.functional.assign.places import (
    HIDDEN,
    OPTIONAL,
    evaluate_later,
    judge,
    messages,
    publish,
    row,
    steps,
    stored,
    training,
    versions,
)
from tests.support.world import World

DAY = timedelta(days=1)


def test_publishing_judges_everybody_in_the_unit(world: World) -> None:
    site, module = world.unit(), world.module()
    ada, lars = world.person("Ada Byron"), world.person("Lars Learner", email="l@example.test")
    outsider = world.person("Eve Other", email="e@example.test")
    world.member(ada, site)
    world.member(lars, site)
    world.member(outsider, world.unit("Elsewhere"))
    world.completion(ada, module, happened_at=NOW)
    asked = training(site, row(module, validity_months=12))
    judge()
    done, missing = stored(ada, asked), stored(lars, asked)
    assert done is not None
    assert missing is not None
    assert (done.covered, done.complete, done.valid_through) == (True, True, date(2028, 3, 10))
    assert done.ends_at == datetime(2028, 3, 11, tzinfo=UTC)
    assert (missing.complete, missing.valid_through, missing.ends_at) == (False, None, None)
    assert [each["module_id"] for each in missing.missing] == [module.id]
    assert stored(outsider, asked) is None


def test_only_who_has_something_to_do_is_mailed_and_only_who_is_done_goes_on(
    world: World,
) -> None:
    site, module = world.unit(), world.module("Working at height")
    ada, lars = world.person("Ada Byron"), world.person("Lars Learner", email="l@example.test")
    lars.locale = "fr"
    for person in (ada, lars):
        world.member(person, site)
    world.completion(ada, module)
    asked = training(site, row(module, due_days=14), name="Basic safety")
    judge()
    (mail,) = messages()
    assert (mail.person_id, mail.kind) == (lars.id, MessageKind.NEW_TRAINING)
    assert mail.facts["modules"] == [{"title": "Working at height", "due_on": "24 mars 2027"}]
    assert (mail.facts["unit_name"], mail.facts["configuration"]) == ("North Quay", "Basic safety")
    assert steps(JobName.ISSUE_CERTIFICATE) == [[ada.id, asked]]


@pytest.mark.parametrize("certified", [True, False])
def test_the_mail_names_the_unit_and_everything_to_do(world: World, certified: bool) -> None:
    site, first, added = world.unit("North Quay"), world.module("A"), world.module("Hot work")
    ada = world.person()
    world.member(ada, site)
    world.completion(ada, first)
    asked = training(site, row(first), certificate=certified)
    judge()
    with clock.at(NOW + DAY):
        publish(asked, row(first), row(added, due_days=14), certificate=certified)
        judge()
    (mail,) = messages()
    assert (mail.kind is MessageKind.NEW_REQUIREMENT) is certified
    facts = mail.facts | {"person_name": "Ada Byron", "organization_name": "Harbour Works"}
    words = wording_of(mail.kind, facts, locale="en")
    assert "North Quay" in words.subject
    for body in (words.text, words.html):
        assert "Hot work" in body
        assert "Mar 25, 2027" in body
        assert "INVALID" in body or not certified


def test_judging_again_changes_nothing_mails_nobody_and_issues_nothing(world: World) -> None:
    site, module, other = world.unit(), world.module(), world.module("Confined spaces")
    ada, lars = world.person("Ada Byron"), world.person("Lars Learner", email="l@example.test")
    for person in (ada, lars):
        world.member(person, site)
    world.completion(ada, module)
    asked = training(site, row(module), row(other, OPTIONAL))
    judge()
    before = stored(ada, asked)
    assert before is not None
    with clock.at(NOW + DAY):
        for person in (ada, lars, ada):
            evaluate_later(person)
        judge()
    after = stored(ada, asked)
    assert after is not None
    assert after.updated_at == before.updated_at
    assert len(messages()) == 1
    assert len(steps(JobName.ISSUE_CERTIFICATE)) == 1


def test_a_hidden_row_mails_nobody_and_is_not_in_the_standing(world: World) -> None:
    site, shown, secret = world.unit(), world.module(), world.module("Secret")
    ada = world.person()
    world.member(ada, site)
    asked = training(site, row(secret, HIDDEN), row(shown, OPTIONAL))
    judge()
    standing = stored(ada, asked)
    assert standing is not None
    assert (standing.missing, standing.complete) == ([], False)
    assert messages() == []
    assert steps(JobName.ISSUE_CERTIFICATE) == []


def test_example_5_an_added_requirement_is_one_mail_and_passing_it_goes_on(world: World) -> None:
    site, first, added = world.unit(), world.module("A"), world.module("C")
    ada = world.person()
    world.member(ada, site)
    world.completion(ada, first)
    asked = training(site, row(first, validity_months=12))
    judge()
    assert messages() == []
    with clock.at(NOW + DAY):
        publish(asked, row(first, validity_months=12), row(added))
        judge()
        evaluate_later(ada)
        judge()
    (mail,) = messages()
    assert mail.kind is MessageKind.NEW_REQUIREMENT
    assert [each["title"] for each in mail.facts["modules"]] == ["C"]
    standing = stored(ada, asked)
    assert standing is not None
    assert (standing.complete, standing.valid_through) == (False, None)
    assert standing.missing[0]["reason"] == "new_requirement"
    with clock.at(NOW + 2 * DAY):
        world.completion(ada, added)
        evaluate_later(ada)
        judge()
    standing = stored(ada, asked)
    assert standing is not None
    assert standing.continuous_since_at == NOW + 2 * DAY
    assert len(messages()) == 1
    assert steps(JobName.ISSUE_CERTIFICATE) == [[ada.id, asked], [ada.id, asked]]


def test_example_6_what_was_done_while_hidden_is_no_news(world: World) -> None:
    site, first, hidden = world.unit(), world.module("A"), world.module("C")
    ada = world.person()
    world.member(ada, site)
    world.completion(ada, first)
    asked = training(site, row(first), row(hidden, HIDDEN))
    judge()
    with clock.at(NOW + DAY):
        world.completion(ada, hidden)
    with clock.at(NOW + 20 * DAY):
        publish(asked, row(first), row(hidden))
        judge()
    standing = stored(ada, asked)
    assert standing is not None
    assert (standing.complete, standing.continuous_since_at) == (True, NOW)
    assert messages() == []
    assert len(steps(JobName.ISSUE_CERTIFICATE)) == 1, "the dates did not change"


def test_who_was_mailed_about_one_duty_is_not_mailed_about_it_again_when_another_is_met(
    world: World,
) -> None:
    site, first, second = world.unit(), world.module("A"), world.module("B")
    ada = world.person()
    asked = training(site, row(first))
    publish(asked, row(first), row(second))
    judge()
    world.member(ada, site)
    evaluate_later(ada)
    judge()
    with clock.at(NOW + DAY):
        world.completion(ada, second)
        evaluate_later(ada)
        judge()
    assert len(messages(ada)) == 1


def test_what_runs_out_is_no_new_training(world: World) -> None:
    site, module, other = world.unit(), world.module("A"), world.module("B")
    ada = world.person()
    world.member(ada, site)
    world.completion(ada, module)
    training(site, row(module, validity_months=1))
    judge()
    with clock.at(NOW + 60 * DAY):
        world.completion(ada, other)
        evaluate_later(ada)
        judge()
    assert messages() == []


def test_who_joins_later_is_mailed_once_also_after_leaving_and_coming_back(world: World) -> None:
    site, module, ada = world.unit(), world.module(), world.person()
    asked = training(site, row(module))
    judge()
    for number in range(2):
        with clock.at(NOW + number * 10 * DAY):
            with transaction() as tx:
                org_actions.add_member(
                    tx,
                    tx.session.merge(site),
                    tx.session.merge(ada),
                    source="manual",  # type: ignore[arg-type]
                    by=None,
                    now=clock.now(),
                )
            judge()
        with clock.at(NOW + (number * 10 + 5) * DAY):
            with transaction() as tx:
                membership = tx.session.scalars(
                    select(Membership).where(Membership.until_at.is_(None))
                ).one()
                org_actions.end_membership(tx, membership, by=None, now=clock.now())
            judge()
            standing = stored(ada, asked)
            assert standing is not None
            assert not standing.covered
    assert len(messages()) == 1


def test_example_9_leaving_and_coming_back_with_a_valid_completion(world: World) -> None:
    site, module, ada = world.unit(), world.module(), world.person()
    member = world.member(ada, site)
    world.completion(ada, module)
    asked = training(site, row(module, validity_months=12))
    judge()
    with clock.at(NOW + DAY):
        member.until_at = clock.now()
        world.add(member)
        evaluate_later(ada)
        judge()
        left = stored(ada, asked)
        assert left is not None
        assert not left.covered
    with clock.at(NOW + 20 * DAY):
        world.member(ada, site)
        evaluate_later(ada)
        judge()
        back = stored(ada, asked)
        assert back is not None
        assert (back.covered, back.valid_through) == (True, date(2028, 3, 10))
    assert messages() == []


@pytest.mark.parametrize(
    ("at", "not_before"),
    [
        ("2027-07-01T03:30", "2027-07-01T08:00"),  # 04:30 in London: at 09:00
        ("2027-07-01T12:00", "2027-07-01T12:00"),
    ],
)
def test_mail_rests_until_nine_where_the_unit_is(world: World, at: str, not_before: str) -> None:
    site, ada = world.unit(time_zone="Europe/London"), world.person()
    world.member(ada, site)
    with clock.at(datetime.fromisoformat(f"{at}+00:00")):
        training(site, row(world.module()))
        judge()
    assert messages()[0].not_before == datetime.fromisoformat(f"{not_before}+00:00")


def test_who_has_no_address_gets_the_row_all_the_same(world: World) -> None:
    site, ada = world.unit(), world.person(email=None)
    world.member(ada, site)
    training(site, row(world.module()))
    judge()
    assert messages()[0].state is MessageState.UNDELIVERABLE


def test_the_toggle_switched_on_later_goes_on_for_everybody_who_is_done(world: World) -> None:
    site, module = world.unit(), world.module()
    ada, lars = world.person("Ada Byron"), world.person("Lars Learner", email="l@example.test")
    for person in (ada, lars):
        world.member(person, site)
    world.completion(ada, module)
    asked = training(site, row(module), certificate=False)
    judge()
    assert steps(JobName.ISSUE_CERTIFICATE) == []
    with clock.at(NOW + DAY):
        publish(asked, row(module), certificate=True)
        judge()
        evaluate_later(ada)
        judge()
    with_the_bulk_and_at_once = [[ada.id, asked]] * 2
    assert steps(JobName.ISSUE_CERTIFICATE) == with_the_bulk_and_at_once
    assert [mail.person_id for mail in messages()] == [lars.id], "publishing again is no news"


def test_example_4_a_retake_that_moves_no_date_asks_for_no_edition(world: World) -> None:
    site, a, b, ada = world.unit(), world.module("A"), world.module("B"), world.person()
    world.member(ada, site)
    world.completion(ada, a, happened_at=NOW - 200 * DAY)
    world.completion(ada, b, happened_at=NOW - 100 * DAY)
    asked = training(site, row(a, validity_months=12), row(b, validity_months=12))
    judge()
    assert len(steps(JobName.ISSUE_CERTIFICATE)) == 1
    for module, number in ((b, 1), (a, 2)):
        with clock.at(NOW + number * DAY):
            world.completion(ada, module)
            evaluate_later(ada)
            judge()
        assert len(steps(JobName.ISSUE_CERTIFICATE)) == number
    standing = stored(ada, asked)
    assert standing is not None
    assert standing.valid_through == date(2028, 3, 11)


def test_a_member_of_a_site_is_judged_by_the_regions_training_too(world: World) -> None:
    region = world.unit("North", kind=UnitKind.REGION)
    site, ada = world.unit(region=region), world.person()
    world.member(ada, site)
    asked = training(region, row(world.module()))
    judge()
    assert stored(ada, asked) is not None
    db.session.execute(update(Unit).where(Unit.id == site.id).values(region_id=None))
    db.session.commit()
    evaluate_later(ada)
    judge()
    standing = stored(ada, asked)
    assert standing is not None
    assert not standing.covered


def test_a_waiver_counts_and_its_end_is_the_last_day(world: World) -> None:
    site, module = world.unit(), world.module()
    ada, boss = world.person(), world.person("Grace Hopper", email="g@example.test")
    world.member(ada, site)
    asked = training(site, row(module))
    world.add(
        Waiver(
            organization_id=ada.organization_id,
            configuration_id=asked,
            module_id=module.id,
            person_id=ada.id,
            reason="medical",
            approved_by=boss.id,
            from_at=NOW,
            until_on=date(2027, 6, 30),
        )
    )
    judge()
    standing = stored(ada, asked)
    assert standing is not None
    assert (standing.complete, standing.valid_through) == (True, date(2027, 6, 30))


def test_a_large_unit_is_judged_in_steps_and_everybody_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgement, "CHUNK", 3)
    site, module = world.unit(), world.module()
    for number in range(7):
        world.member(world.person(f"P{number} X", email=f"p{number}@example.test"), site)
    asked = training(site, row(module))
    assert judge() == 3
    assert len(messages()) == 7
    found = db.session.scalars(
        select(StoredStanding.person_id).where(StoredStanding.configuration_id == asked)
    ).all()
    assert len(found) == 7


def test_a_version_replaced_before_its_steps_ran_has_nothing_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgement, "CHUNK", 1)
    site, a, b, ada = world.unit(), world.module("A"), world.module("B"), world.person()
    world.member(ada, site)
    asked = training(site, row(a))
    with clock.at(NOW + DAY):
        publish(asked, row(b))
        assert judge() == 3, "one that stops, one for Ada, one that finds nobody more"
    (mail,) = messages()
    assert [each["title"] for each in mail.facts["modules"]] == ["B"]


def test_a_completion_learned_by_a_faster_clock_counts(world: World) -> None:
    site, module, ada = world.unit(), world.module(), world.person()
    world.member(ada, site)
    asked = training(site, row(module))
    with clock.at(NOW + timedelta(seconds=2)):
        world.completion(ada, module)
    evaluate_later(ada)
    judge()
    standing = stored(ada, asked)
    assert standing is not None
    assert standing.complete


def test_people_of_another_organization_are_never_judged(world: World) -> None:
    site, module = world.unit(), world.module()
    other = world.new_organization("Other")
    stranger = world.person("Eve Other", organization=other)
    asked = training(site, row(module))
    organization_id, stranger_id = site.organization_id, stranger.id
    with transaction() as tx:
        judgement.refresh_standings(tx, organization_id, [asked], [stranger_id], now=NOW)
    assert db.session.scalars(select(StoredStanding)).all() == []
    assert db.session.scalars(select(Message)).all() == []


def test_who_left_is_not_mailed_about_new_duties_until_they_return(world: World) -> None:
    site, first, added, ada = world.unit(), world.module("A"), world.module("C"), world.person()
    member = world.member(ada, site)
    world.completion(ada, first)
    asked = training(site, row(first))
    judge()
    with clock.at(NOW + DAY):
        member.until_at = clock.now()
        world.add(member)
        evaluate_later(ada)
        judge()
        publish(asked, row(first), row(added))
        judge()
    assert messages() == []
    with clock.at(NOW + 9 * DAY):
        world.member(ada, site)
        evaluate_later(ada)
        judge()
    (mail,) = messages()
    assert [each["title"] for each in mail.facts["modules"]] == ["C"]


def test_who_left_before_the_training_existed_has_no_standing(world: World) -> None:
    site, ada = world.unit(), world.person()
    world.member(ada, site, since=NOW - DAY, until=NOW)
    asked = training(site, row(world.module()))
    evaluate_later(ada)
    judge()
    assert stored(ada, asked) is None


def test_a_version_published_by_a_faster_clock_is_applied(world: World) -> None:
    site, ada = world.unit(), world.person()
    world.member(ada, site)
    with clock.at(NOW + timedelta(seconds=2)):
        asked = training(site, row(world.module()))
    version_id = versions(asked)[0].id
    with transaction() as tx:
        judgement.apply_version(tx, version_id, 0, now=NOW)
    assert stored(ada, asked) is not None
