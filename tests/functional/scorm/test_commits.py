"""The server's side of playing: openings, commits, fencing, the latch."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from plugin.core import clock
from plugin.core.db import db, transaction
from plugin.core.outbox import JobName, OutboxRow
from plugin.modules import actions as module_actions
from plugin.modules.models import Completion, CompletionSource, Module, Run, RunState
from plugin.org.models import Membership, Person
from plugin.scorm import commits
from plugin.scorm.models import CommitEvent, ScormState
from tests.conftest import NOW
from tests.functional.assign.places import learn_anew
from tests.support.packages import item, manifest, package, resource
from tests.support.play import Player, brought_in, scored, started
from tests.support.world import World


@pytest.fixture
def learner(world: World) -> Person:
    return world.person("Lars Learner")


@pytest.fixture
def run(world: World, learner: Person) -> Run:
    return started(brought_in(world, scored()), learner)


@pytest.fixture
def player(client: FlaskClient, run: Run) -> Player:
    found = Player(client, run)
    found.open()
    return found


def completions() -> list[Completion]:
    db.session.rollback()
    return list(db.session.scalars(select(Completion).order_by(Completion.id)))


def evaluations() -> int:
    db.session.rollback()
    return db.session.scalar(
        select(func.count(OutboxRow.id)).where(OutboxRow.job == JobName.EVALUATE_PERSON)
    ) or 0  # fmt: skip


def stored() -> str:
    db.session.rollback()
    return str(db.session.scalars(select(ScormState)).one().cmi["suspend_data"])


def state_of(run: Run) -> RunState:
    db.session.rollback()
    return db.session.get_one(Run, run.id).state


def decided(completion: Completion, admin: Person) -> None:
    """Somebody says that this was not passed."""
    with transaction() as tx:
        module_actions.correct_completion(
            tx,
            tx.session.merge(completion),
            passed=False,
            valid_until_on=None,
            score=None,
            by=admin.id,
            reason="Somebody else sat the test.",
            now=NOW,
        )


def test_opening_tells_the_parts_and_what_they_stored(player: Player, learner: Person) -> None:
    player.say("incomplete", suspend="page 3")
    opened = player.open()
    (part,) = opened["parts"]
    assert (opened["current"], opened["review"], opened["state"]) == ("I1", False, "open")
    assert (part["href"], part["is_sco"], part["is_done"]) == ("index.html", True, False)
    assert not part["is_failed"]
    assert part["cmi"]["suspend_data"] == "page 3"
    core = part["cmi"]["core"]
    assert (core["student_id"], core["student_name"]) == (str(learner.id), "Learner, Lars")
    assert (core["entry"], core["lesson_status"]) == ("resume", "incomplete")
    assert part["cmi"]["student_data"]["mastery_score"] == "80"


def test_a_commit_is_kept_and_acknowledged(player: Player, run: Run) -> None:
    answer = player.say("incomplete", suspend="x", raw="10")
    assert answer.json == {
        "result": "true",
        "errorCode": 0,
        "state": "open",
        "applied": True,
        "done": {"I1": False},
        "failed": {"I1": False},
    }
    assert stored() == "x"
    event = db.session.scalars(select(CommitEvent)).one()
    assert (event.opening, event.seq, event.status, event.score) == (1, 1, "incomplete", 0.1)
    assert completions() == []


def test_passing_is_a_completion_with_its_evidence_in_the_same_transaction(
    player: Player, run: Run, learner: Person
) -> None:
    answer = player.say("passed", raw="90").json or {}
    assert (answer["state"], answer["done"]) == ("completed", {"I1": True})
    (only,) = completions()
    assert (only.person_id, only.module_id, only.module_version_id) == (
        learner.id,
        run.module_id,
        run.module_version_id,
    )
    assert (only.passed, only.score, only.source) == (True, 0.9, CompletionSource.SCORM)
    assert (only.happened_at, only.learned_at, only.run_id) == (NOW, NOW, run.id)
    assert (only.evidence["opening"], only.evidence["seq"]) == (1, 1)
    assert len(only.evidence["package_sha256"]) == 64
    assert state_of(run) is RunState.COMPLETED
    assert evaluations() == 1


def test_a_completion_latches_and_nothing_later_undoes_it(player: Player, run: Run) -> None:
    player.say("passed", raw="90")
    for status, raw in (("failed", "10"), ("incomplete", ""), ("passed", "85")):
        assert player.say(status, raw=raw, finished=True).status_code == 200
    (only,) = completions()
    assert (only.passed, only.score) == (True, 0.9)
    assert state_of(run) is RunState.COMPLETED
    assert evaluations() == 1


def test_a_score_that_comes_after_the_status_is_added_not_lost(player: Player) -> None:
    player.say("passed")
    player.say("passed", raw="85")
    player.say("passed", raw="95")
    player.say("passed", raw="90")
    first, second, third = completions()
    assert [each.score for each in (first, second, third)] == [None, 0.85, 0.95]
    assert (second.supersedes_id, third.supersedes_id) == (first.id, second.id)
    assert {each.happened_at for each in (first, second, third)} == {NOW}
    assert second.reason == "A better score in the same sitting."
    assert evaluations() == 3


def test_failing_is_a_fact_when_the_part_is_finished(player: Player, run: Run) -> None:
    player.say("failed", raw="40")
    assert completions() == []
    player.say("failed", raw="40", finished=True)
    (only,) = completions()
    assert (only.passed, only.score) == (False, 0.4)
    assert state_of(run) is RunState.FAILED


def test_what_was_failed_may_still_be_passed_in_the_same_window(player: Player, run: Run) -> None:
    player.say("failed", raw="40", finished=True)
    with clock.at(NOW + timedelta(minutes=5)):
        answer = player.say("passed", raw="90", finished=True)
    assert (answer.json or {})["state"] == "completed"
    failed, passed = completions()
    assert (passed.passed, passed.score, passed.supersedes_id) == (True, 0.9, failed.id)
    assert passed.happened_at == NOW + timedelta(minutes=5)
    assert passed.reason == "Passed in the same sitting after all."
    assert state_of(run) is RunState.COMPLETED
    assert evaluations() == 2


def test_what_a_person_decided_is_not_undone_by_the_course(player: Player, world: World) -> None:
    player.say("passed", raw="90")
    (first,) = completions()
    decided(first, world.person("Anna Admin"))
    player.say("passed", raw="95")
    assert [each.passed for each in completions()] == [True, False]


def test_a_retake_is_a_new_sitting_and_starts_afresh(
    client: FlaskClient, player: Player, run: Run, world: World, learner: Person
) -> None:
    player.say("failed", raw="40", finished=True, suspend="old")
    again = started(db.session.get_one(Module, run.module_id), learner)
    assert (again.id != run.id, again.number) == (True, 2)
    second = Player(client, again)
    (part,) = second.open()["parts"]
    assert part["cmi"]["core"]["entry"] == "ab-initio"
    assert "suspend_data" not in part["cmi"]
    second.say("passed", raw="100")
    assert [each.passed for each in completions()] == [False, True]


def test_a_sitting_under_way_keeps_its_version(
    client: FlaskClient, player: Player, run: Run, world: World, learner: Person
) -> None:
    module = db.session.get_one(Module, run.module_id)
    brought_in(world, package({"v2.txt": "2"}), module=module)
    db.session.rollback()
    module = db.session.get_one(Module, run.module_id)
    assert started(module, learner).id == run.id
    assert player.get("files/v2.txt").status_code == 404
    player.say("passed", raw="90")
    fresh = started(db.session.get_one(Module, run.module_id), learner)
    assert fresh.module_version_id != run.module_version_id
    other = Player(client, fresh)
    assert other.get("files/v2.txt").status_code == 200


def test_a_sitting_of_a_version_that_is_replaced_by_now_is_not_opened_again(
    client: FlaskClient, player: Player, run: Run, world: World
) -> None:
    module = db.session.get_one(Module, run.module_id)
    brought_in(world, package({"v2.txt": "2"}), module=module)
    day = NOW.date() + timedelta(days=2)
    learn_anew(module, 2, day, by=world.person("Anna Admin").id)
    with clock.at(NOW + timedelta(hours=1)):
        assert player.open()["state"] == "open"
    with clock.at(NOW + timedelta(days=2)):
        assert Player(client, run).post("open", {}).status_code == 410


def test_old_and_repeated_commits_change_nothing_and_are_acknowledged(player: Player) -> None:
    player.say("incomplete", seq=5, suspend="new")
    for seq in (5, 4, 1):
        answer = player.say("passed", raw="100", seq=seq, suspend="old")
        assert (answer.status_code, (answer.json or {})["applied"]) == (200, False)
    assert stored() == "new"
    assert completions() == []


def test_commits_in_any_order_end_with_the_newest(player: Player) -> None:
    late = [player.entry("incomplete", suspend=str(n)) for n in range(1, 4)]
    for entry in (late[2], late[0], late[1]):
        player.post("commit", {"opening": player.opening, "commits": [entry]})
    assert stored() == "3"


def test_a_second_window_takes_over_and_the_first_is_told(
    client: FlaskClient, player: Player, run: Run
) -> None:
    player.say("incomplete", suspend="first")
    second = Player(client, run)
    second.open()
    refused = player.say("passed", raw="100")
    assert refused.status_code == 409
    assert (refused.json or {})["code"] == "scorm.opened_elsewhere"
    assert player.post("heartbeat", {"opening": player.opening}).status_code == 409
    assert second.say("incomplete", suspend="second").status_code == 200
    assert stored() == "second"
    assert completions() == []


def test_the_first_window_can_take_it_back(client: FlaskClient, player: Player, run: Run) -> None:
    second = Player(client, run)
    second.open()
    second.say("incomplete", suspend="second")
    (part,) = player.open()["parts"]
    assert part["cmi"]["suspend_data"] == "second"
    assert player.say("incomplete", suspend="first again").status_code == 200
    assert second.say("incomplete", suspend="second again").status_code == 409
    assert stored() == "first again"


def test_a_reloaded_player_is_a_new_opening_of_the_same_launch(player: Player) -> None:
    stale = player.entry("incomplete", suspend="late beacon")
    old = player.opening
    player.open()
    answer = player.post("commit", {"opening": old, "commits": [stale]})
    assert answer.status_code == 409


def test_what_could_not_be_delivered_is_taken_at_the_next_opening(
    client: FlaskClient, player: Player, run: Run
) -> None:
    player.say("incomplete", suspend="delivered")
    left = {
        "opening": player.opening,
        "commits": [player.entry("passed", raw="90", suspend="left")],
    }
    second = Player(client, run)
    opened = second.open(left)
    assert opened["parts"][0]["cmi"]["suspend_data"] == "left"
    assert opened["state"] == "completed"
    (only,) = completions()
    assert only.score == 0.9


def test_a_replay_never_overwrites_what_is_newer(
    client: FlaskClient, player: Player, run: Run
) -> None:
    left = {"opening": player.opening, "commits": [player.entry("passed", raw="90", suspend="old")]}
    second = Player(client, run)
    second.open()
    second.say("incomplete", suspend="new")
    third = Player(client, run)
    opened = third.open(left, {"opening": 99, "commits": left["commits"]})
    assert opened["parts"][0]["cmi"]["suspend_data"] == "new"
    assert completions() == []


def test_after_the_exit_nothing_more_is_taken_until_it_is_opened_again(player: Player) -> None:
    assert player.say("incomplete", suspend="x", closing=True).status_code == 200
    assert player.say("incomplete", suspend="y").status_code == 410
    assert player.post("heartbeat", {"opening": player.opening}).status_code == 410
    player.open()
    assert player.say("incomplete", suspend="z").status_code == 200


def test_a_launch_lives_twelve_hours_from_the_last_sign_of_life(player: Player) -> None:
    with clock.at(NOW + timedelta(hours=11)):
        assert player.post("heartbeat", {"opening": player.opening}).status_code == 200
    with clock.at(NOW + timedelta(hours=22)):
        assert player.say("incomplete").status_code == 200
    with clock.at(NOW + timedelta(hours=35)):
        assert player.say("incomplete").status_code == 410
        assert player.post("open", {}).status_code == 410
        assert player.get().status_code == 410
        assert player.get("files/index.html").status_code == 410


def test_of_a_person_whose_access_is_off_nothing_is_taken_or_shown(
    player: Player, learner: Person
) -> None:
    learner.deactivated_at = NOW
    db.session.commit()
    assert player.say("passed", raw="90").status_code == 410
    assert player.post("heartbeat", {"opening": player.opening}).status_code == 410
    assert player.post("open", {}).status_code == 410
    assert player.get().status_code == 410
    assert player.get("files/index.html").status_code == 410
    assert completions() == []


def test_who_is_merged_into_another_meanwhile_goes_on(
    player: Player, learner: Person, world: World
) -> None:
    learner.deactivated_at, learner.merged_into_id = NOW, world.person("Lars Again").id
    db.session.commit()
    assert player.say("passed", raw="90").status_code == 200
    assert [each.passed for each in completions()] == [True]


def test_what_is_the_persons_no_more_goes_on_and_is_not_opened_again(
    player: Player, learner: Person
) -> None:
    for each in db.session.scalars(select(Membership)):
        each.until_at = NOW - timedelta(seconds=1)
    db.session.commit()
    assert player.post("open", {}).status_code == 404
    assert player.say("passed", raw="90").status_code == 200
    assert [each.person_id for each in completions()] == [learner.id]


def test_reopening_a_completed_sitting_is_review_and_changes_nothing(player: Player) -> None:
    player.say("passed", raw="85")
    opened = player.open()
    assert opened["review"] is True
    core = opened["parts"][0]["cmi"]["core"]
    assert (core["credit"], core["lesson_mode"]) == ("no-credit", "review")
    assert player.say("passed", raw="100").status_code == 200
    (only,) = completions()
    assert only.score == 0.85


def test_a_token_nobody_gave_out_opens_nothing(player: Player, client: FlaskClient) -> None:
    player.token = "x" * 32
    for path in ("open", "commit", "heartbeat"):
        assert player.post(path, {"opening": 1}).status_code == 404
    assert player.get().status_code == 404
    assert player.get("files/index.html").status_code == 404


MALFORMED = [
    "[]",
    "{",
    "null",
    '{"opening": 0}',
    '{"opening": true}',
    '{"opening": "1"}',
    '{"opening": 1, "commits": {}}',
    '{"opening": 1, "commits": [1]}',
    '{"opening": 1, "commits": [{"seq": 1, "sco": "I1", "trigger": "manual", "cmi": []}]}',
    '{"opening": 1, "commits": [{"seq": 1, "sco": "NO", "trigger": "manual", "cmi": {}}]}',
    '{"opening": 1, "commits": [{"seq": 1, "sco": "I1", "trigger": "hack", "cmi": {}}]}',
    '{"opening": 1, "commits": [{"seq": -1, "sco": "I1", "trigger": "manual", "cmi": {}}]}',
    '{"opening": 1, "commits": [{"seq": 1e99, "sco": "I1", "trigger": "manual", "cmi": {}}]}',
    "[" * 5000,
]


@pytest.mark.parametrize("body", MALFORMED)
def test_nonsense_is_refused_and_keeps_nothing(
    player: Player, client: FlaskClient, body: str
) -> None:
    answer = client.post(
        f"/c/{player.token}/commit", data=body, base_url="https://content.example.test"
    )
    assert answer.status_code == 400
    assert (answer.json or {})["result"] == "false"
    assert db.session.scalar(select(func.count(CommitEvent.id))) == 0


def test_more_than_the_limit_is_refused(player: Player) -> None:
    assert player.say("incomplete", suspend="x" * 64_000).status_code == 200
    answer = player.say("incomplete", suspend="x" * commits.MAX_BYTES)
    assert answer.status_code == 413
    assert (answer.json or {})["result"] == "false"


def test_characters_a_database_cannot_keep_do_not_lose_the_rest(player: Player) -> None:
    assert player.say("incomplete", suspend="a\0b\ud800c\\u0000").status_code == 200
    assert stored() == "ab?c\\u0000"


def test_a_beacon_needs_no_headers(player: Player, client: FlaskClient) -> None:
    body = json.dumps({"opening": 1, "commits": [player.entry("passed", raw="90")]})
    answer = client.post(
        f"/c/{player.token}/commit",
        data=body,
        content_type="text/plain;charset=UTF-8",
        base_url="https://content.example.test",
    )
    assert answer.status_code == 200
    assert len(completions()) == 1


def test_several_parts_complete_the_sitting_together(
    client: FlaskClient, world: World, learner: Person
) -> None:
    parts = item("A", "One", "R1") + item("B", "Two", "R2") + item("C", "Reading", "R3")
    files = resource("R1") + resource("R2", "two.html") + resource("R3", "three.html", "asset")
    source = package(
        {"two.html": "2", "three.html": "3"}, manifest_bytes=manifest(items=parts, resources=files)
    )
    run = started(brought_in(world, source), learner)
    player = Player(client, run)
    assert player.open()["current"] == "A"
    entries = [player.entry("completed", sco="A"), player.entry("passed", sco="B", raw="70")]
    player.post("commit", {"opening": player.opening, "commits": entries})
    assert completions() == []
    assert player.open()["current"] == "C"
    player.say("not attempted", sco="C")
    (only,) = completions()
    assert (only.passed, only.score) == (True, 0.7)


def test_two_parts_under_one_number_are_refused_and_keep_nothing(
    client: FlaskClient, world: World, learner: Person
) -> None:
    parts = item("A", "One", "R1") + item("B", "Two", "R2")
    files = resource("R1") + resource("R2")
    source = package(manifest_bytes=manifest(items=parts, resources=files))
    run = started(brought_in(world, source), learner)
    player = Player(client, run)
    player.open()
    said = {
        "opening": player.opening,
        "commits": [player.entry("passed", sco=name, seq=3) for name in "AB"],
    }
    assert player.post("commit", said).status_code == 400
    assert Player(client, run).post("open", {"replay": [said]}).status_code == 400
    assert db.session.scalar(select(func.count(CommitEvent.id))) == 0


def test_a_name_longer_than_scorm_promises_is_told_as_far_as_it_goes(
    client: FlaskClient, world: World
) -> None:
    person = world.person(f"{'A' * 200} {'B' * 200}")
    (part,) = Player(client, started(brought_in(world, scored()), person)).open()["parts"]
    name = part["cmi"]["core"]["student_name"]
    assert name.startswith("BBB")
    assert len(name) == 250


def test_a_trusted_package_decides_itself(
    client: FlaskClient, world: World, learner: Person
) -> None:
    run = started(brought_in(world, scored(), trusts_status=True), learner)
    player = Player(client, run)
    player.open()
    player.say("passed", raw="10", finished=True)
    assert [each.passed for each in completions()] == [True]


def test_a_correction_supersedes_with_who_and_why(player: Player, world: World) -> None:
    player.say("passed", raw="90")
    (first,) = completions()
    decided(first, world.person("Anna Admin"))
    _, second = completions()
    assert (second.supersedes_id, second.passed, second.reason) == (
        first.id,
        False,
        "Somebody else sat the test.",
    )
    assert evaluations() == 2


def test_passing_twice_at_the_same_moment_is_one_completion(app: Flask, player: Player) -> None:
    bodies = [{"opening": 1, "commits": [player.entry("passed", raw="90")]} for _ in range(12)]

    def send(body: object) -> int:
        with app.app_context():
            return player.client.application.test_client().post(
                f"/c/{player.token}/commit", json=body, base_url="https://content.example.test"
            ).status_code  # fmt: skip

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(send, bodies)) == {200}
    assert len(completions()) == 1
    assert evaluations() == 1
