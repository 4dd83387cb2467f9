"""Each feature of SCORM 2004's sequencing, in courses of our own, through the real player."""

import io
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.playing import Playing, again, completions, stored, until
from tests.support.browser import Address
from tests.support.packages2004 import (
    BOTH,
    CHOICE,
    FLOW,
    cluster,
    course,
    part,
    rule,
    rules,
    sequencing,
)

BOTHS = sequencing(BOTH)
WRITES = 'writeSatisfiedStatus="true" writeNormalizedMeasure="true" readSatisfiedStatus="false"'


def objectives(*maps: str, identifier: str = "own", kind: str = "primaryObjective") -> str:
    inside = "".join(maps)
    return (
        f'<imsss:objectives><imsss:{kind} objectiveID="{identifier}">{inside}</imsss:{kind}>'
        "</imsss:objectives>"
    )


def shared(target: str, how: str = "") -> str:
    return f'<imsss:mapInfo targetObjectiveID="{target}" {how}/>'


HIDES_NEXT = (
    "<adlnav:presentation><adlnav:navigationInterface>"
    "<adlnav:hideLMSUI>continue</adlnav:hideLMSUI>"
    "</adlnav:navigationInterface></adlnav:presentation>"
)
WRITER = objectives(shared("G", WRITES))
READER = (
    '<imsss:objectives><imsss:primaryObjective objectiveID="own"/>'
    f'<imsss:objective objectiveID="other">{shared("G")}</imsss:objective></imsss:objectives>'
)


ONE_IS_ENOUGH = (
    "<imsss:rollupRules>"
    + "".join(
        f'<imsss:rollupRule childActivitySet="atLeastCount" minimumCount="1">'
        f'<imsss:rollupConditions><imsss:rollupCondition condition="{condition}"/>'
        f'</imsss:rollupConditions><imsss:rollupAction action="{action}"/></imsss:rollupRule>'
        for condition, action in (("completed", "completed"), ("satisfied", "satisfied"))
    )
    + "</imsss:rollupRules>"
)


def skipping_course() -> io.BytesIO:
    """A test, the lesson that who passes it may skip (it does not count), and an end."""
    skipping = sequencing(READER + rules(rule("pre", "skip", "satisfied@other")))
    return course(
        part("TEST", sequencing(WRITER)),
        part("LESSON", skipping),
        part("END"),
        sequencing(FLOW + ONE_IS_ENOUGH),
    )


def known_as(target: str, how: str = "", kind: str = "primaryObjective", tracked: str = "") -> str:
    """An objective `own` that shares progress and completion under this name."""
    return (
        f'<imsss:objectives><imsss:{kind} objectiveID="own"/></imsss:objectives>{tracked}'
        '<adlseq:objectives><adlseq:objective objectiveID="own">'
        f'<adlseq:mapInfo targetObjectiveID="{target}" {how}/></adlseq:objective>'
        "</adlseq:objectives>"
    )


def threshold(least: str) -> str:
    return f'<adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="{least}"/>'


TOLD = 'writeCompletionStatus="true" writeProgressMeasure="true"'
TELLER = sequencing(known_as("G", TOLD))


def passed(playing: Playing, name: str, **more: str) -> None:
    playing.set(name, completion_status="completed", success_status="passed", **more)


def refusal(playing: Playing) -> str:
    """The player says that the course leads nowhere now."""
    message = playing.shell.locator("#message-refused")
    message.wait_for()
    return str(message.inner_text())


def test_without_choice_the_contents_lead_nowhere(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(FLOW)))
    playing.at("ONE")
    assert playing.choices() == {"ONE": False, "TWO": False}
    playing.press("Next part")
    playing.at("TWO")


def test_without_flow_there_is_no_next_part(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(CHOICE)))
    playing.shell.locator("#message-choose").wait_for()
    playing.choose("ONE")
    playing.at("ONE")
    assert not playing.shell.locator("#continue").is_visible()
    assert playing.choices() == {"ONE": True, "TWO": True}


def test_forward_only_knows_no_way_back(play: Any) -> None:
    forward = '<imsss:controlMode choice="true" flow="true" forwardOnly="true"/>'
    playing = play(course(part("ONE"), part("TWO"), sequencing(forward)))
    playing.press("Next part")
    playing.at("TWO")
    assert playing.shell.locator("#previous").is_disabled()
    assert playing.ask("TWO", "adl.nav.request_valid.previous") == "false"
    assert playing.choices()["ONE"] is False


def test_what_is_known_already_is_skipped(play: Any) -> None:
    skipping = sequencing(READER + rules(rule("pre", "skip", "satisfied@other")))
    playing = play(
        course(
            part("TEST", sequencing(WRITER)),
            part("LESSON", skipping),
            part("END"),
            sequencing(FLOW),
        )
    )
    passed(playing, "TEST")
    playing.press("Next part")
    playing.at("END")


def test_what_is_not_known_yet_is_not_skipped(play: Any) -> None:
    skipping = sequencing(READER + rules(rule("pre", "skip", "satisfied@other")))
    playing = play(
        course(
            part("TEST", sequencing(WRITER)),
            part("LESSON", skipping),
            part("END"),
            sequencing(FLOW),
        )
    )
    playing.set("TEST", completion_status="completed", success_status="failed")
    playing.press("Next part")
    playing.at("LESSON")


def test_a_closed_part_opens_when_its_condition_holds(play: Any) -> None:
    locked = sequencing(READER + rules(rule("pre", "disabled", "not satisfied@other")))
    playing = play(course(part("ONE", sequencing(WRITER)), part("TWO", locked), sequencing(BOTH)))
    playing.set("ONE", success_status="failed")
    assert playing.choices()["TWO"] is False
    playing.set("ONE", success_status="passed")
    assert playing.choices()["TWO"] is True
    playing.choose("TWO")
    playing.at("TWO")


def test_what_is_hidden_from_choice_is_reached_in_the_flow_only(play: Any) -> None:
    hidden = sequencing(rules(rule("pre", "hiddenFromChoice", "always")))
    playing = play(course(part("ONE"), part("TWO", hidden), part("END"), sequencing(BOTH)))
    playing.at("ONE")
    assert playing.choices() == {"ONE": True, "END": True}
    assert playing.ask("ONE", "adl.nav.request_valid.choice.{target=TWO}") == "false"
    playing.press("Next part")
    playing.at("TWO")


def test_what_is_in_a_hidden_chapter_is_not_listed_until_it_may_be_chosen(play: Any) -> None:
    hidden = BOTH + READER + rules(rule("pre", "hiddenFromChoice", "not satisfied@other"))
    playing = play(
        course(
            part("ONE", sequencing(WRITER)),
            cluster("A", part("TWO"), sequencing(hidden)),
            part("END"),
            sequencing(BOTH),
        )
    )
    playing.set("ONE", success_status="failed")
    assert playing.choices() == {"ONE": True, "END": True}
    playing.set("ONE", success_status="passed")
    assert playing.choices() == {"ONE": True, "A": True, "TWO": True, "END": True}


def test_a_chapter_and_the_course_itself_can_be_chosen_where_flow_leads_into_them(
    play: Any,
) -> None:
    playing = play(
        course(
            part("ONE"),
            cluster("CHAPTER", part("TWO"), part("THREE"), sequencing(BOTH)),
            cluster("B", part("FOUR"), sequencing(CHOICE)),
            sequencing(BOTH),
        )
    )
    playing.at("ONE")
    found = playing.choices_with_course()
    assert list(found) == ["A course", "ONE", "CHAPTER", "TWO", "THREE", "FOUR"]
    assert all(found.values())
    playing.choose("CHAPTER")
    playing.at("TWO")
    playing.choose("A course")
    playing.at("ONE")


def test_what_is_skipped_in_the_flow_may_be_chosen(play: Any) -> None:
    skipped = sequencing(rules(rule("pre", "skip", "always")))
    playing = play(course(part("ONE"), part("TWO", skipped), part("END"), sequencing(BOTH)))
    playing.at("ONE")
    assert playing.choices()["TWO"] is True
    playing.choose("TWO")
    playing.at("TWO")


def test_a_stop_closes_what_is_in_its_chapter_from_outside(play: Any) -> None:
    stop = sequencing(BOTH + rules(rule("pre", "stopForwardTraversal", "always")))
    inner = cluster("B", part("THREE"), part("FOUR"), stop)
    playing = play(course(part("ONE"), cluster("A", part("TWO"), inner, sequencing(BOTH)), BOTHS))
    playing.at("ONE")
    assert playing.choices() == {
        "ONE": True,
        "A": True,
        "TWO": True,
        "B": True,
        "THREE": False,
        "FOUR": False,
    }
    playing.choose("B")
    playing.at("THREE")
    assert playing.choices()["FOUR"] is True


def test_a_part_that_choices_may_not_leave_offers_none(play: Any) -> None:
    kept = sequencing('<imsss:controlMode choiceExit="false"/>')
    playing = play(course(part("ONE"), part("TWO", kept), part("END"), BOTHS))
    playing.choose("TWO")
    playing.at("TWO")
    assert not any(playing.choices_with_course().values())
    playing.press("Next part")
    playing.at("END")


def test_the_way_back_is_closed_where_the_part_before_is(play: Any) -> None:
    closed = sequencing(rules(rule("pre", "disabled", "always")))
    chapter = cluster("A", part("ONE"), part("TWO", closed), sequencing(BOTH))
    playing = play(course(chapter, part("THREE"), BOTHS))
    playing.at("ONE")
    assert playing.shell.locator("#previous").is_disabled()
    playing.choose("THREE")
    playing.at("THREE")
    assert playing.shell.locator("#previous").is_disabled()
    assert playing.ask("THREE", "adl.nav.request_valid.previous") == "false"


def test_who_goes_back_passes_a_skipped_chapter_that_only_goes_forward(play: Any) -> None:
    skipped = sequencing(rules(rule("pre", "skip", "always")))
    forward = sequencing('<imsss:controlMode flow="true" forwardOnly="true"/>')
    chapter = cluster("A", part("TWO", skipped), part("THREE", skipped), forward)
    playing = play(course(part("ONE"), chapter, part("FOUR"), BOTHS))
    playing.press("Next part")
    playing.at("FOUR")
    playing.press("Previous part")
    playing.at("ONE")


def test_a_chapter_goes_back_within_one_that_only_goes_forward(play: Any) -> None:
    forward = sequencing('<imsss:controlMode flow="true" forwardOnly="true"/>')
    inner = cluster("B", part("TWO"), part("THREE"), sequencing(BOTH))
    playing = play(course(cluster("A", part("ONE"), inner, forward), BOTHS))
    playing.choose("THREE")
    playing.at("THREE")
    playing.press("Previous part")
    playing.at("TWO")
    assert playing.shell.locator("#previous").is_disabled()


def test_a_jump_ends_the_part_it_leaves(play: Any) -> None:
    left = sequencing(rules(rule("pre", "disabled", "completed")))
    playing = play(course(part("ONE", left), part("TWO"), part("THREE"), sequencing(BOTH)))
    playing.finish("ONE", "{target=THREE}jump")
    playing.at("THREE")
    assert playing.choices()["ONE"] is False


def test_a_chapter_that_is_had_once_is_gone_through_to_its_end(play: Any) -> None:
    once = sequencing(BOTH + '<imsss:limitConditions attemptLimit="1"/>')
    playing = play(course(cluster("A", part("ONE"), part("TWO"), once), part("END"), BOTHS))
    playing.press("Next part")
    playing.at("TWO")
    assert playing.choices()["ONE"] is True
    playing.press("Next part")
    playing.at("END")
    assert playing.choices() == {"ONE": False, "TWO": False, "END": True}


def test_a_stop_closes_what_follows_until_its_condition_no_longer_holds(play: Any) -> None:
    unknown = ("not completed", "not activityProgressKnown")
    stop = sequencing(rules(rule("pre", "stopForwardTraversal", *unknown, combination="any")))
    playing = play(course(part("ONE"), part("TWO", stop), part("END"), sequencing(BOTH)))
    playing.at("ONE")
    assert playing.choices() == {"ONE": True, "TWO": True, "END": False}
    assert playing.ask("ONE", "adl.nav.request_valid.choice.{target=END}") == "false"
    playing.press("Next part")
    playing.set("TWO", completion_status="incomplete")
    assert playing.choices()["END"] is False
    playing.set("TWO", completion_status="completed")
    assert playing.choices()["END"] is True
    playing.choose("END")
    playing.at("END")


def test_a_way_that_leads_nowhere_is_said_and_the_part_is_found_again(
    play: Any, address: Address
) -> None:
    locked = sequencing(rules(rule("pre", "disabled", "always")))
    playing = play(course(part("ONE"), part("TWO", locked), sequencing(BOTH)))
    playing.set("ONE", location="here", exit="suspend")
    playing.press("Next part")
    assert "does not lead there now" in refusal(playing)
    playing.exit()
    again(playing, address)
    assert playing.ask("ONE", "cmi.location") == "here"


def test_a_failed_part_is_tried_again_when_the_learner_goes_on(play: Any) -> None:
    retry = sequencing(rules(rule("post", "retry", "not satisfied")))
    playing = play(course(part("ONE", retry), part("TWO"), sequencing(BOTH)))
    playing.set("ONE", suspend_data="first try", success_status="failed")
    playing.finish("ONE")
    playing.page.wait_for_timeout(500)
    assert playing.at("ONE").evaluate("() => scorm.GetLastError()") == "0", "its last page stays"
    playing.press("Next part")
    until(lambda: playing.ask("ONE", "cmi.suspend_data") == "")
    passed(playing, "ONE")
    playing.finish("ONE", "continue")
    playing.at("TWO")


def test_a_failed_part_is_tried_again_at_once_where_there_is_no_way_to_press(play: Any) -> None:
    retry = sequencing(rules(rule("post", "retry", "not satisfied")))
    playing = play(course(part("ONE", retry + HIDES_NEXT), part("TWO"), sequencing(BOTH)))
    playing.set("ONE", suspend_data="first try", success_status="failed")
    playing.finish("ONE")
    until(lambda: playing.ask("ONE", "cmi.suspend_data") == "")


def test_who_leaves_after_the_end_of_a_part_goes_on_where_its_rules_lead(
    play: Any, address: Address
) -> None:
    onward = sequencing(rules(rule("post", "continue", "satisfied")))
    playing = play(course(part("ONE", onward), part("TWO"), part("X"), sequencing(BOTH)))
    passed(playing, "ONE")
    playing.finish("ONE")
    playing.exit()
    again(playing, address)
    playing.at("TWO")


def test_who_goes_on_from_the_last_part_has_ended_the_course(play: Any, address: Address) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(BOTH)))
    playing.set("ONE", completion_status="incomplete")
    playing.choose("TWO")
    playing.set("TWO", completion_status="incomplete")
    playing.press("Next part")
    playing.shell.locator("#message-ended").wait_for()
    assert stored("")["root"]["ended"]
    playing.choose("TWO")
    playing.set("TWO", completion_status="incomplete", location="page 3", exit="suspend")
    playing.exit()
    again(playing, address)
    assert playing.ask("TWO", "cmi.location") == "page 3"
    playing.finish("TWO", "continue")
    playing.shell.locator("#message-ended").wait_for()
    playing.exit()
    again(playing, address)
    playing.at("ONE")


def test_a_chapter_whose_measure_counts_when_it_is_left_is_judged_then(play: Any) -> None:
    measured = (
        '<imsss:objectives><imsss:primaryObjective objectiveID="own" satisfiedByMeasure="true">'
        "<imsss:minNormalizedMeasure>0.6</imsss:minNormalizedMeasure></imsss:primaryObjective>"
        "</imsss:objectives>"
        '<adlseq:rollupConsiderations measureSatisfactionIfActive="false"/>'
    )
    chapter = sequencing(FLOW + rules(rule("pre", "skip", "satisfied")) + measured)
    playing = play(
        course(part("ONE"), cluster("A", part("TWO"), part("THREE"), chapter), part("END"), BOTHS)
    )
    playing.finish("ONE", "continue")
    for name in ("TWO", "THREE"):
        playing.set(name, score__scaled="1")
        playing.finish(name, "continue")
    playing.at("END")
    playing.finish("END", "previous")
    playing.at("ONE")


@pytest.mark.parametrize("way", ["exitAll", "suspendAll"])
def test_a_course_that_was_ended_is_begun_again_from_its_contents(play: Any, way: str) -> None:
    onward = sequencing(rules(rule("post", "continue", "satisfied")))
    playing = play(course(part("ONE"), part("TWO", onward), part("END"), sequencing(BOTH)))
    playing.set("ONE", completion_status="incomplete")
    playing.finish("ONE", way)
    playing.shell.locator("#message-ended").wait_for()
    playing.choose("TWO")
    playing.set("TWO", completion_status="completed", success_status="passed")
    playing.finish("TWO", "{target=ONE}choice")
    playing.at("END")
    assert playing.ask("END", "adl.nav.request_valid.previous") == "true"


def test_a_rule_may_lead_on_and_a_rule_may_end_everything(play: Any) -> None:
    onward = sequencing(rules(rule("post", "continue", "satisfied")))
    ending = sequencing(rules(rule("post", "exitAll", "satisfied")))
    playing = play(course(part("ONE", onward), part("TWO", ending), part("X"), sequencing(BOTH)))
    passed(playing, "ONE")
    playing.finish("ONE")
    playing.press("Next part")
    passed(playing, "TWO")
    playing.finish("TWO")
    playing.press("Next part")
    playing.shell.locator("#message-ended").wait_for()
    assert stored("")["root"]["ended"]


def test_a_rule_of_the_course_itself_ends_it_and_it_begins_anew(
    play: Any, address: Address
) -> None:
    leaving = sequencing(FLOW + rules(rule("exit", "exit", "always")))
    playing = play(course(part("ONE"), part("TWO"), leaving))
    playing.finish("ONE", "continue")
    playing.shell.locator("#message-ended").wait_for()
    assert stored("")["root"]["ended"]
    again(playing, address)
    playing.at("ONE")


def test_a_rule_of_its_heading_ends_a_chapter(play: Any) -> None:
    leaving = sequencing(
        FLOW + rules(rule("exit", "exit", "always"), rule("post", "continue", "always"))
    )
    playing = play(
        course(cluster("CHAPTER", part("ONE"), part("TWO"), leaving), part("END"), sequencing(FLOW))
    )
    passed(playing, "ONE")
    playing.finish("ONE")
    playing.press("Next part")
    playing.at("END")


def test_a_course_is_complete_when_its_own_roll_up_says_so(play: Any) -> None:
    playing = play(
        course(part("ONE"), part("TWO"), part("THREE"), sequencing(BOTH + ONE_IS_ENOUGH))
    )
    passed(playing, "ONE")
    assert completions() == []
    playing.finish("ONE", "continue")
    playing.at("TWO")
    (only,) = until(completions)
    assert only.passed


def test_by_default_every_part_counts(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(FLOW)))
    passed(playing, "ONE", score__scaled="1")
    playing.finish("ONE", "continue")
    playing.at("TWO")
    assert completions() == []
    passed(playing, "TWO", score__scaled="0.5")
    playing.finish("TWO", "exitAll")
    (only,) = until(completions)
    assert (only.passed, only.score) == (True, 0.75)


def test_an_attempt_limit_closes_a_part(play: Any) -> None:
    once = sequencing('<imsss:limitConditions attemptLimit="1"/>')
    playing = play(course(part("ONE", once), part("TWO"), sequencing(BOTH)))
    playing.at("ONE")
    playing.press("Next part")
    playing.at("TWO")
    assert playing.choices() == {"ONE": False, "TWO": True}


def roll_up(kind: str, condition: str, action: str, **more: str) -> str:
    """One roll-up rule; a condition is `[not ]word`."""
    operator = ' operator="not"' if condition.startswith("not ") else ""
    attributes = "".join(f' {name}="{value}"' for name, value in more.items())
    return (
        f'<imsss:rollupRules><imsss:rollupRule childActivitySet="{kind}"{attributes}>'
        f"<imsss:rollupConditions><imsss:rollupCondition{operator}"
        f' condition="{condition.removeprefix("not ")}"/></imsss:rollupConditions>'
        f'<imsss:rollupAction action="{action}"/></imsss:rollupRule></imsss:rollupRules>'
    )


def chapter(inside: str, *, ends_when: str = "completed", of_parts: str = "") -> io.BytesIO:
    """Two parts of a chapter that is left as soon as its status says so, and an end."""
    parts = [part(name, sequencing(of_parts) if of_parts else "") for name in ("ONE", "TWO")]
    ends = sequencing(FLOW + rules(rule("exit", "exit", ends_when)) + inside)
    return course(cluster("K", *parts, ends), part("END"), sequencing(FLOW))


UNTRACKED = '<imsss:deliveryControls tracked="false"/>'


def test_none_of_the_parts_fulfils_a_rule_only_when_of_each_it_is_known(play: Any) -> None:
    playing = play(chapter(roll_up("none", "satisfied", "completed")))
    for name, after in (("ONE", "TWO"), ("TWO", "END")):
        playing.set(name, success_status="failed")
        playing.press("Next part")
        playing.at(after)


def test_what_is_not_known_of_a_part_is_not_denied_either(play: Any) -> None:
    playing = play(chapter(roll_up("all", "not satisfied", "completed")))
    for name, after in (("ONE", "TWO"), ("TWO", "END")):
        playing.set(name, success_status="failed")
        playing.press("Next part")
        playing.at(after)


def test_of_a_chapter_that_is_not_tracked_nothing_is_known(play: Any) -> None:
    one = roll_up("atLeastCount", "completed", "completed", minimumCount="1")
    playing = play(chapter(one + UNTRACKED))
    passed(playing, "ONE")
    playing.press("Next part")
    playing.at("TWO")
    passed(playing, "TWO")
    playing.press("Next part")
    playing.at("END")


def test_of_parts_that_do_not_count_all_are_as_a_rule_wants_them(play: Any) -> None:
    all_unknown = roll_up("all", "not objectiveStatusKnown", "completed")
    playing = play(chapter(all_unknown, of_parts=UNTRACKED))
    passed(playing, "ONE")
    playing.press("Next part")
    playing.at("END")


def test_where_the_measure_decides_no_rule_does(play: Any) -> None:
    by_measure = (
        '<imsss:objectives><imsss:primaryObjective objectiveID="own" satisfiedByMeasure="true">'
        "<imsss:minNormalizedMeasure>0.8</imsss:minNormalizedMeasure></imsss:primaryObjective>"
        "</imsss:objectives>"
    )
    any_is_enough = roll_up("any", "satisfied", "satisfied")
    playing = play(chapter(any_is_enough + by_measure, ends_when="satisfied"))
    passed(playing, "ONE", score__scaled="0.3")
    playing.press("Next part")
    playing.at("TWO")


def test_rules_of_a_chapter_leave_nothing_to_the_default(play: Any) -> None:
    never = roll_up("atLeastCount", "completed", "notSatisfied", minimumCount="9")
    playing = play(chapter(never, ends_when="satisfied"))
    passed(playing, "ONE")
    playing.press("Next part")
    passed(playing, "TWO")
    playing.press("Previous part")
    playing.at("ONE")


def test_a_part_that_would_be_skipped_does_not_count_where_the_course_says_so(play: Any) -> None:
    skipped = sequencing(
        rules(rule("pre", "skip", "attempted"))
        + '<adlseq:rollupConsiderations requiredForCompleted="ifNotSkipped"/>'
    )
    ends = rules(rule("exit", "exit", "completed"))
    chapter = cluster(
        "K",
        part("ONE", skipped),
        part("TWO"),
        part("THREE"),
        sequencing(FLOW + ends + roll_up("any", "not satisfied", "completed")),
    )
    playing = play(course(chapter, part("END"), sequencing(FLOW)))
    for name, status, after in (("ONE", "failed", "TWO"), ("TWO", "failed", "END")):
        playing.set(name, success_status=status)
        playing.press("Next part")
        playing.at(after)


def test_a_part_without_a_score_counts_with_none(play: Any) -> None:
    by_measure = (
        '<imsss:objectives><imsss:primaryObjective objectiveID="own" satisfiedByMeasure="true">'
        "<imsss:minNormalizedMeasure>0.8</imsss:minNormalizedMeasure></imsss:primaryObjective>"
        "</imsss:objectives>"
    )
    playing = play(chapter(by_measure, ends_when="satisfied"))
    for name, after in (("ONE", "TWO"), ("TWO", "END")):
        passed(playing, name, score__scaled="0.9")
        playing.press("Next part")
        playing.at(after)


LIMIT = '<imsss:limitConditions attemptLimit="1"/>'


def test_an_attempt_under_way_goes_on_although_no_more_are_allowed(play: Any) -> None:
    once = cluster("K", part("ONE"), part("TWO"), sequencing(FLOW + LIMIT))
    playing = play(course(once, part("END"), sequencing(FLOW + LIMIT)))
    passed(playing, "ONE")
    for name in ("TWO", "END"):
        playing.press("Next part")
        playing.at(name)


def test_an_objective_written_by_one_part_is_read_by_another(play: Any) -> None:
    playing = play(
        course(part("ONE", sequencing(WRITER)), part("TWO", sequencing(READER)), sequencing(FLOW))
    )
    playing.set("ONE", success_status="passed", score__scaled="0.6")
    playing.finish("ONE", "continue")
    found = {
        playing.ask("TWO", f"cmi.objectives.{index}.id"): (
            playing.ask("TWO", f"cmi.objectives.{index}.success_status"),
            playing.ask("TWO", f"cmi.objectives.{index}.score.scaled"),
        )
        for index in range(int(playing.ask("TWO", "cmi.objectives._count")))
    }
    assert found["other"] == ("passed", "0.6")


def test_an_objective_is_found_and_ruled_by_whatever_its_name_is_spelled_like(play: Any) -> None:
    back = rules(rule("post", "previous", "objectiveStatusKnown@ ob%20%20j%20%201 "))
    objectives = (
        "<imsss:objectives><imsss:primaryObjective/>"
        '<imsss:objective objectiveID="ob%20j%201  "/></imsss:objectives>'
    )
    second = sequencing(back + objectives)
    playing = play(course(part("ONE"), part("TWO", second), part("END"), sequencing(FLOW)))
    playing.finish("ONE", "continue")
    assert playing.ask("TWO", "cmi.objectives._count") == "1"
    assert playing.ask("TWO", "cmi.objectives.0.id") == "ob j 1"
    playing.set("TWO", objectives__0__success_status="passed")
    playing.finish("TWO", "continue")
    playing.at("ONE")


def test_shared_objectives_belong_to_the_sitting(play: Any, address: Address) -> None:
    playing = play(skipping_course())
    passed(playing, "TEST")
    playing.finish("TEST", "continue")
    passed(playing, "END")
    playing.finish("END", "exitAll")
    playing.shell.locator("#message-ended").wait_for()
    until(completions)
    again(playing, address)
    playing.set("TEST", success_status="failed")
    playing.press("Next part")
    playing.at("LESSON")


@pytest.mark.parametrize(("progress", "status"), [("0.7", "completed"), ("0.6", "incomplete")])
def test_progress_completes_a_part_that_has_a_threshold(
    play: Any, progress: str, status: str
) -> None:
    threshold = '<adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.7"/>'
    playing = play(course(part("ONE", threshold), part("TWO"), sequencing(BOTH)))
    assert playing.ask("ONE", "cmi.completion_threshold") == "0.7"
    playing.set("ONE", progress_measure=progress)
    assert playing.ask("ONE", "cmi.completion_status") == status
    playing.finish("ONE", "continue")
    playing.at("TWO")
    playing.press("Contents")
    line = playing.shell.locator("#contents [data-part]").filter(has_text=re.compile("^ONE"))
    assert ("Done" in line.inner_text()) is (status == "completed")


def test_a_part_that_failed_reads_failed_at_once_and_when_the_course_is_opened_again(
    play: Any, address: Address
) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(BOTH)))
    playing.press("Contents")
    first = playing.shell.locator("#contents [data-part]").filter(has_text=re.compile("^ONE"))
    playing.set("ONE", success_status="failed")
    playing.at("ONE").evaluate("() => scorm.Commit('')")
    expect(first).to_have_text("ONE")  # not over yet
    playing.set("ONE", completion_status="completed")
    playing.at("ONE").evaluate("() => scorm.Commit('')")
    expect(first).to_have_text("ONE ✗ Failed")
    playing.finish("ONE", "continue")
    playing.at("TWO")
    playing.exit()
    again(playing, address)
    playing.at("TWO")
    playing.press("Contents")
    first = playing.shell.locator("#contents [data-part]").filter(has_text=re.compile("^ONE"))
    expect(first).to_have_text("ONE ✗ Failed")


@pytest.mark.parametrize(
    ("least", "condition", "said", "where"),
    [
        ("0.5", "completed", {"progress_measure": "0.6", "completion_status": "incomplete"}, "END"),
        ("0.7", "completed", {"progress_measure": "0.6", "completion_status": "completed"}, "TWO"),
        ("0.5", "not activityProgressKnown", {"completion_status": "completed"}, "END"),
    ],
)
def test_who_has_a_threshold_shares_how_far_others_came_not_whether_they_are_done(
    play: Any, least: str, condition: str, said: dict[str, str], where: str
) -> None:
    skipping = sequencing(rules(rule("pre", "skip", condition)) + known_as("G"))
    second = part("TWO", threshold(least) + skipping)
    playing = play(course(part("ONE", TELLER), second, part("END"), sequencing(FLOW)))
    playing.set("ONE", **said)
    playing.finish("ONE", "continue")
    playing.at(where)


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("", {"completion_status": "unknown"}),
        (threshold("0.5"), {"completion_status": "completed"}),
    ],
)
def test_what_content_or_its_threshold_leaves_open_is_not_completed_by_the_end(
    play: Any, first: str, said: dict[str, str]
) -> None:
    open_ended = rules(rule("pre", "skip", "not activityProgressKnown"))
    second = part("TWO", sequencing(open_ended + known_as("G")))
    playing = play(course(part("ONE", first + TELLER), second, part("END"), sequencing(FLOW)))
    playing.set("ONE", **said)
    playing.finish("ONE", "continue")
    playing.at("END")


def test_a_part_that_says_nothing_is_completed_and_counts_where_it_is_known(play: Any) -> None:
    rolled = (
        '<imsss:rollupRules><imsss:rollupRule childActivitySet="all"><imsss:rollupConditions>'
        '<imsss:rollupCondition condition="completed"/></imsss:rollupConditions>'
        '<imsss:rollupAction action="satisfied"/></imsss:rollupRule></imsss:rollupRules>'
    )
    skipping = sequencing(FLOW + rules(rule("pre", "skip", "satisfied")) + rolled)
    chapter = cluster("CHAPTER", part("TWO", sequencing(known_as("G"))), skipping)
    playing = play(course(part("ONE", TELLER), chapter, part("END"), sequencing(FLOW)))
    playing.finish("ONE", "continue")
    playing.at("END")


@pytest.mark.parametrize(("is_tracked", "where"), [("true", "END"), ("false", "TWO")])
def test_a_chapter_nobody_tracks_knows_of_no_progress(
    play: Any, is_tracked: str, where: str
) -> None:
    tracked = f'<imsss:deliveryControls tracked="{is_tracked}"/>'
    skipping = rules(rule("pre", "skip", "activityProgressKnown"))
    chapter = sequencing(FLOW + skipping + known_as("G", tracked=tracked))
    playing = play(
        course(
            part("ONE", TELLER),
            cluster("CHAPTER", part("TWO"), chapter),
            part("END"),
            sequencing(FLOW),
        )
    )
    playing.set("ONE", completion_status="completed")
    playing.finish("ONE", "continue")
    playing.at(where)


def test_progress_of_the_part_itself_beats_that_of_its_objective(play: Any) -> None:
    first = threshold("0.4") + TELLER
    second = part("TWO", sequencing(known_as("G")))
    playing = play(course(part("ONE", first), second, sequencing(FLOW)))
    playing.set("ONE", objectives__0__progress_measure="0.3")
    playing.finish("ONE", "continue")
    status = "cmi.objectives.0.completion_status"
    assert playing.ask("TWO", status) == "incomplete"
    playing.finish("TWO", "previous")
    playing.set("ONE", objectives__0__progress_measure="0.3", progress_measure="0.5")
    playing.finish("ONE", "continue")
    assert playing.ask("TWO", "cmi.objectives.0.progress_measure") == "0.5"
    assert playing.ask("TWO", status) == "completed"


def test_a_chapter_that_constrains_choices_leads_to_its_neighbours_only(play: Any) -> None:
    words = BOTH + '<adlseq:constrainedChoiceConsiderations constrainChoice="true"/>'
    constrained = sequencing(words)
    playing = play(
        course(
            cluster("A", part("A1"), part("A2"), constrained),
            cluster("B", part("B1"), sequencing(BOTH)),
            cluster("C", part("C1"), sequencing(BOTH)),
            constrained,
        )
    )
    playing.at("A1")
    offered = {name: playing.choices()[name] for name in ("A2", "B1", "C1")}
    assert offered == {"A2": True, "B1": True, "C1": False}
    playing.choose("B1")
    playing.at("B1")
    assert playing.choices()["C1"] is True


def test_a_chapter_that_prevents_activation_is_not_entered_from_outside(play: Any) -> None:
    closed = sequencing(BOTH + '<adlseq:constrainedChoiceConsiderations preventActivation="true"/>')
    playing = play(
        course(
            part("ONE"), cluster("CHAPTER", part("TWO"), part("THREE"), closed), sequencing(BOTH)
        )
    )
    playing.at("ONE")
    assert playing.choices()["THREE"] is False
    playing.choose("CHAPTER")
    playing.at("TWO")
    assert playing.choices()["THREE"] is True


def test_a_selection_is_drawn_once_and_kept(play: Any, address: Address) -> None:
    drawn = sequencing(
        BOTH + '<imsss:randomizationControls selectionTiming="once" selectCount="1" '
        'randomizationTiming="once" reorderChildren="true"/>'
    )
    playing = play(course(part("ONE"), part("TWO"), part("THREE"), drawn))
    first = playing.at("").evaluate("() => window.part")
    open_parts = {name for name, is_open in playing.choices().items() if is_open}
    assert open_parts == {first}
    playing.set(first, location="here", exit="suspend")
    playing.exit()
    again(playing, address)
    assert playing.ask(first, "cmi.location") == "here"


def test_shared_data_is_written_by_one_part_and_read_by_another(play: Any) -> None:
    both = '<adlcp:data><adlcp:map targetID="S"/></adlcp:data>'
    reads = '<adlcp:data><adlcp:map targetID="S" writeSharedData="false"/></adlcp:data>'
    playing = play(course(part("ONE", both), part("TWO", reads), sequencing(FLOW)))
    frame = playing.at("ONE")
    assert frame.evaluate("() => scorm.SetValue('adl.data.0.store', 'told')") == "true"
    playing.finish("ONE", "continue")
    assert playing.ask("TWO", "adl.data.0.id") == "S"
    assert playing.ask("TWO", "adl.data.0.store") == "told"
    refused = playing.at("TWO").evaluate("() => scorm.SetValue('adl.data.0.store', 'x')")
    assert refused == "false"


def test_a_control_the_course_hides_is_not_shown(play: Any) -> None:
    playing = play(course(part("ONE", HIDES_NEXT), part("TWO"), sequencing(BOTH)))
    playing.at("ONE")
    assert not playing.shell.locator("#continue").is_visible()
    assert playing.shell.locator("#exit").is_visible()
    playing.finish("ONE", "continue")
    playing.at("TWO")
    assert playing.shell.locator("#continue").is_visible()


@pytest.mark.parametrize("name", ["a.b-c_d", "two words", "ÜBUNG-1"])
def test_a_part_is_found_whatever_its_identifier_looks_like(play: Any, name: str) -> None:
    playing = play(course(part("ONE"), part(name), sequencing(BOTH)))
    element = f"adl.nav.request_valid.choice.{{target={name}}}"
    assert playing.ask("ONE", element) == "true"
    playing.finish("ONE", f"{{target={name}}}choice")
    playing.at(name)


def test_a_part_that_asks_for_nobody_goes_nowhere(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(BOTH)))
    assert playing.ask("ONE", "adl.nav.request_valid.choice.{target=a2x}") == "false"


@pytest.mark.parametrize("request_of_it", ["exit", "abandon"])
def test_a_part_that_asks_to_be_left_is_taken_away(play: Any, request_of_it: str) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(BOTH)))
    playing.finish("ONE", request_of_it)
    playing.shell.locator("#message-choose").wait_for()
    playing.choose("TWO")
    playing.at("TWO")


def test_a_part_may_jump(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO"), part("THREE"), sequencing(FLOW)))
    playing.finish("ONE", "{target=THREE}jump")
    playing.at("THREE")


def test_objectives_and_data_outlive_the_sitting_where_the_module_says_so(
    play: Any, address: Address
) -> None:
    store = '<adlcp:data><adlcp:map targetID="S"/></adlcp:data>'
    skipping = sequencing(READER + rules(rule("pre", "skip", "satisfied@other")))
    playing = play(
        course(
            part("TEST", sequencing(WRITER) + store),
            part("LESSON", skipping),
            part("END"),
            sequencing(FLOW + ONE_IS_ENOUGH),
        ),
        shares_objectives=True,
    )
    assert playing.at("TEST").evaluate("() => scorm.SetValue('adl.data.0.store', 'kept')") == "true"
    passed(playing, "TEST")
    playing.finish("TEST", "continue")
    playing.finish("END", "exitAll")
    until(completions)
    again(playing, address)
    assert playing.ask("TEST", "adl.data.0.store") == "kept"
    playing.press("Next part")
    playing.at("END")


@pytest.mark.parametrize(
    ("keeps_to_itself", "second", "data"),
    [("adlseq:objectives", "LESSON", "kept"), ("adlcp:sharedData", "TEST", "")],
)
def test_a_course_may_share_its_objectives_only_or_its_data_only(
    play: Any, address: Address, keeps_to_itself: str, second: str, data: str
) -> None:
    store = '<adlcp:data><adlcp:map targetID="S"/></adlcp:data>'
    skipping = sequencing(READER + rules(rule("pre", "skip", "satisfied@other")))
    playing = play(
        course(
            part("START", store),
            part("LESSON", skipping),
            part("TEST", sequencing(WRITER)),
            sequencing(FLOW + ONE_IS_ENOUGH),
            attributes=f'{keeps_to_itself}GlobalToSystem="false"',
        ),
        shares_objectives=True,
    )
    frame = playing.at("START")
    assert frame.evaluate("() => scorm.SetValue('adl.data.0.store', 'kept')") == "true"
    playing.press("Next part")
    playing.finish("LESSON", "continue")
    passed(playing, "TEST")
    playing.finish("TEST", "exitAll")
    until(completions)
    again(playing, address)
    assert playing.ask("START", "adl.data.0.store") == data
    playing.press("Next part")
    playing.at(second)


def test_a_part_left_for_later_may_ask_for_itself(play: Any) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(BOTH)))
    playing.set("ONE", location="page 4", exit="suspend")
    playing.finish("ONE", "{target=ONE}choice")
    until(lambda: playing.at("ONE").evaluate("() => scorm.GetValue('cmi.entry') !== ''"))
    playing.at("ONE")
    assert playing.ask("ONE", "cmi.entry") == "resume"
    assert playing.ask("ONE", "cmi.location") == "page 4"


@pytest.mark.parametrize("way", ["time-out", "logout"])
def test_a_part_that_is_out_of_time_ends_the_course_wherever_it_asked_to_go(
    play: Any, way: str
) -> None:
    playing = play(course(part("ONE"), part("TWO"), sequencing(FLOW)))
    playing.set("ONE", exit=way)
    playing.finish("ONE", "continue")
    playing.shell.locator("#message-ended").wait_for()


def test_nothing_a_part_is_told_is_told_to_the_next(play: Any) -> None:
    told = (
        "<adlcp:timeLimitAction>exit,message</adlcp:timeLimitAction>"
        "<adlcp:dataFromLMS>level=3</adlcp:dataFromLMS>"
        '<adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.7"/>'
        + sequencing(
            '<imsss:limitConditions attemptAbsoluteDurationLimit="PT1H"/><imsss:objectives>'
            '<imsss:primaryObjective objectiveID="own" satisfiedByMeasure="true">'
            "<imsss:minNormalizedMeasure>0.6</imsss:minNormalizedMeasure></imsss:primaryObjective>"
            "</imsss:objectives>"
        )
    )
    names = {
        "scaled_passing_score": "0.6",
        "completion_threshold": "0.7",
        "launch_data": "level=3",
        "max_time_allowed": "PT1H",
        "time_limit_action": "exit,message",
    }
    playing = play(course(part("ONE", told), part("TWO"), sequencing(FLOW)))
    assert {name: playing.ask("ONE", f"cmi.{name}") for name in names} == names
    playing.press("Next part")
    playing.at("TWO")
    assert {name: playing.ask("TWO", f"cmi.{name}") for name in names} == {
        **dict.fromkeys(names, ""),
        "time_limit_action": "continue,no message",
    }


def test_what_content_is_told_of_choices_follows_what_it_said(play: Any) -> None:
    locked = sequencing(READER + rules(rule("pre", "disabled", "not satisfied@other")))
    playing = play(course(part("ONE", sequencing(WRITER)), part("TWO", locked), sequencing(BOTH)))
    asked = "adl.nav.request_valid.choice.{target=TWO}"
    playing.set("ONE", success_status="failed")
    assert [playing.ask("ONE", asked) for _ in range(2)] == ["false", "false"]
    playing.set("ONE", success_status="passed")
    assert [playing.ask("ONE", asked) for _ in range(2)] == ["true", "true"]
