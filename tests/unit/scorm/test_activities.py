"""The activity tree a SCORM 2004 manifest means."""

import json
from typing import Any

import pytest

from plugin.scorm.described import described
from plugin.scorm.manifest import parse
from tests.support.packages2004 import (
    BOTH,
    CHOICE,
    FLOW,
    cluster,
    manifest,
    part,
    rule,
    rules,
    sequencing,
)


def tree(*inside: str, **facts: str) -> dict[str, Any]:
    found: dict[str, Any] = described(parse(manifest(*inside, **facts)))["tree"]
    return found


def first(*inside: str, **facts: str) -> dict[str, Any]:
    """The first activity below the course."""
    found: dict[str, Any] = tree(*inside, **facts)["children"][0]
    return found


def of_a_part(inside: str, **facts: str) -> dict[str, Any]:
    return first(part("A", sequencing(inside)), **facts)


def told(inside: str, **facts: str) -> dict[str, Any]:
    """What playing keeps of a part, besides its activity."""
    found: dict[str, Any] = described(parse(manifest(part("A", inside), **facts)))["items"][0]
    return found


def test_activities_nest_and_get_names_the_engine_understands() -> None:
    found = tree(part("a.b c"), cluster("K", part("x-y_z")))
    assert (found["id"], found["identifier"]) == ("a0", "ORG")
    one, chapter = found["children"]
    assert (one["id"], one["identifier"]) == ("a1", "a.b c")
    assert (chapter["id"], chapter["children"][0]["id"]) == ("a2", "a3")
    items = described(parse(manifest(part("a.b c"), cluster("K", part("x-y_z")))))["items"]
    assert [(each["identifier"], each["activity"]) for each in items] == [
        ("a.b c", "a1"),
        ("x-y_z", "a3"),
    ]


def test_without_rules_the_defaults_of_the_specification_hold() -> None:
    controls = first(part("A"))["sequencingControls"]
    assert (controls["choice"], controls["flow"], controls["forwardOnly"]) == (True, False, False)
    assert (controls["choiceExit"], controls["tracked"]) == (True, True)
    assert (controls["completionSetByContent"], controls["objectiveSetByContent"]) == (False, False)
    assert (controls["rollupObjectiveSatisfied"], controls["objectiveMeasureWeight"]) == (True, 1.0)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (CHOICE, {"choice": True, "flow": False}),
        (FLOW, {"choice": False, "flow": True}),
        ('<imsss:controlMode forwardOnly="true"/>', {"forwardOnly": True}),
        ('<imsss:controlMode choiceExit="false"/>', {"choiceExit": False}),
        ('<imsss:deliveryControls tracked="false"/>', {"tracked": False}),
        ('<imsss:deliveryControls completionSetByContent="1"/>', {"completionSetByContent": True}),
        (
            (
                '<adlseq:constrainedChoiceConsiderations preventActivation="true" '
                'constrainChoice="true"/>'
            ),
            {"preventActivation": True, "constrainChoice": True},
        ),
        (
            '<imsss:rollupRules rollupProgressCompletion="false" objectiveMeasureWeight="0.25"/>',
            {"rollupProgressCompletion": False, "objectiveMeasureWeight": 0.25},
        ),
        (
            (
                '<imsss:randomizationControls randomizationTiming="onEachNewAttempt" '
                'selectCount="2" selectionTiming="once" reorderChildren="true"/>'
            ),
            {
                "randomizationTiming": "onEachNewAttempt",
                "selectionTiming": "once",
                "selectCount": 2,
                "randomizeChildren": True,
            },
        ),
    ],
)
def test_each_control_is_passed_on(inside: str, expected: dict[str, Any]) -> None:
    controls = of_a_part(inside)["sequencingControls"]
    assert {name: controls[name] for name in expected} == expected


def test_rules_keep_their_order_conditions_and_objectives() -> None:
    found = of_a_part(
        rules(
            rule("pre", "skip", "not satisfied@o1", "attempted", combination="any"),
            rule("exit", "exitParent", "completed"),
            rule("post", "retryAll", "always"),
        )
    )["sequencingRules"]
    assert found["preConditionRules"] == [
        {
            "action": "skip",
            "conditionCombination": "any",
            "conditions": [
                {"condition": "satisfied", "operator": "not", "referencedObjective": "o1"},
                {"condition": "attempted"},
            ],
        }
    ]
    assert found["exitConditionRules"][0]["action"] == "exitParent"
    assert found["postConditionRules"][0]["conditions"] == [{"condition": "always"}]


def test_a_stop_is_minded_by_the_player_and_hides_no_other_rule() -> None:
    inside = rules(
        rule("pre", "stopForwardTraversal", "always"), rule("pre", "disabled", "attempted")
    )
    found = of_a_part(inside)["sequencingRules"]["preConditionRules"]
    assert [each["action"] for each in found] == ["disabled", "stop"]


def test_a_measure_of_a_condition_is_its_threshold() -> None:
    inside = rules(
        "<imsss:preConditionRule><imsss:ruleConditions><imsss:ruleCondition "
        'condition="objectiveMeasureLessThan" measureThreshold="0.6"/></imsss:ruleConditions>'
        '<imsss:ruleAction action="disabled"/></imsss:preConditionRule>'
    )
    (only,) = of_a_part(inside)["sequencingRules"]["preConditionRules"]
    assert only["conditions"] == [
        {"condition": "objectiveMeasureLessThan", "parameters": {"threshold": 0.6}}
    ]


def test_roll_up_rules_count_children_in_percent() -> None:
    inside = (
        '<imsss:rollupRules><imsss:rollupRule childActivitySet="atLeastPercent" '
        'minimumPercent="0.5"><imsss:rollupConditions conditionCombination="all">'
        '<imsss:rollupCondition operator="not" condition="activityProgressKnown"/>'
        '</imsss:rollupConditions><imsss:rollupAction action="completed"/></imsss:rollupRule>'
        "</imsss:rollupRules>"
    )
    assert of_a_part(inside)["rollupRules"]["rules"] == [
        {
            "action": "completed",
            "consideration": "atLeastPercent",
            "minimumCount": 0,
            "minimumPercent": 50.0,
            "conditionCombination": "all",
            "conditions": [{"condition": "progressKnown", "operator": "not"}],
        }
    ]


def test_roll_up_considerations_have_their_defaults() -> None:
    found = of_a_part('<adlseq:rollupConsiderations requiredForCompleted="ifAttempted"/>')
    assert found["rollupConsiderations"] == {
        "requiredForSatisfied": "always",
        "requiredForNotSatisfied": "always",
        "requiredForCompleted": "ifAttempted",
        "requiredForIncomplete": "always",
        "measureSatisfactionIfActive": True,
    }


OBJECTIVES = (
    '<imsss:objectives><imsss:primaryObjective satisfiedByMeasure="true">'
    "<imsss:minNormalizedMeasure> 0.6 </imsss:minNormalizedMeasure></imsss:primaryObjective>"
    '<imsss:objective objectiveID=" odd%20id "><imsss:mapInfo targetObjectiveID="G" '
    'writeSatisfiedStatus="true" readNormalizedMeasure="false"/></imsss:objective>'
    "</imsss:objectives>"
    '<adlseq:objectives><adlseq:objective objectiveID="odd%20id"><adlseq:mapInfo '
    'targetObjectiveID="G" writeRawScore="true"/></adlseq:objective></adlseq:objectives>'
)


def test_objectives_map_to_shared_ones_as_ims_and_adl_say_together() -> None:
    (only,) = of_a_part(OBJECTIVES)["objectives"]
    assert only["objectiveID"] == "odd id"
    (shared,) = only["mapInfo"]
    assert shared["targetObjectiveID"] == "G"
    said = {name for name, value in shared.items() if value is True}
    assert said == {
        "readSatisfiedStatus",
        "writeSatisfiedStatus",
        "readRawScore",
        "readMinScore",
        "readMaxScore",
        "readCompletionStatus",
        "readProgressMeasure",
        "writeRawScore",
    }


def test_a_primary_objective_without_id_is_kept_and_not_shown_to_content() -> None:
    assert of_a_part(OBJECTIVES)["primaryObjective"] == {
        "objectiveID": " ",
        "satisfiedByMeasure": True,
        "minNormalizedMeasure": 0.6,
        "mapInfo": [],
    }
    heading = first(cluster("K", part("A"), sequencing(OBJECTIVES)))
    assert heading["primaryObjective"]["objectiveID"] == "primary-a1"


def test_an_objective_has_one_name_however_manifests_spell_it() -> None:
    """Addresses in attributes: spaces around and in a row mean nothing, %-codes mean letters."""
    inside = rules(rule("post", "previous", "objectiveStatusKnown@  ob%20%20%20j%20%201  "))
    inside += (
        "<imsss:objectives><imsss:primaryObjective/>"
        '<imsss:objective objectiveID=" ob%20j%201   ">'
        '<imsss:mapInfo targetObjectiveID="caf%C3%A9" writeSatisfiedStatus="1"/>'
        "</imsss:objective></imsss:objectives>"
        '<adlseq:objectives><adlseq:objective objectiveID="ob j%201">'
        '<adlseq:mapInfo targetObjectiveID="café" writeRawScore="true"/>'
        "</adlseq:objective></adlseq:objectives>"
    )
    found = of_a_part(inside)
    (objective,) = found["objectives"]
    assert objective["objectiveID"] == "ob j 1"
    (mapped,) = objective["mapInfo"]
    assert mapped["targetObjectiveID"] == "café"
    assert (mapped["writeSatisfiedStatus"], mapped["writeRawScore"]) == (True, True)
    (condition,) = found["sequencingRules"]["postConditionRules"][0]["conditions"]
    assert condition["referencedObjective"] == "ob j 1"


def test_a_mark_is_told_to_content_when_the_measure_decides() -> None:
    assert told(sequencing(OBJECTIVES))["scaled_passing_score"] == "0.6"
    without = OBJECTIVES.replace('satisfiedByMeasure="true"', "")
    assert told(sequencing(without))["scaled_passing_score"] == ""
    unsaid = OBJECTIVES.replace(" 0.6 ", "")
    assert told(sequencing(unsaid))["scaled_passing_score"] == "1.0"


def test_a_limit_of_time_is_told_to_content_and_not_to_the_engine() -> None:
    inside = sequencing(
        '<imsss:limitConditions attemptLimit="2" attemptAbsoluteDurationLimit="PT10M"/>'
    )
    assert told(inside)["max_time_allowed"] == "PT10M"
    found = first(part("A", inside))
    assert found["attemptLimit"] == 2
    assert "attemptAbsoluteDurationLimit" not in str(found)


def test_a_threshold_of_progress_is_attributes_in_the_4th_edition_and_text_before() -> None:
    fourth = (
        '<adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.7" '
        'progressWeight="0.5"/>'
    )
    assert told(fourth)["completion_threshold"] == "0.7"
    assert first(part("A", fourth))["completionThreshold"] == {
        "completedByMeasure": True,
        "minProgressMeasure": 0.7,
        "progressWeight": 0.5,
    }
    third = "<adlcp:completionThreshold>0.8</adlcp:completionThreshold>"
    assert told(third, schema="2004 3rd Edition")["completion_threshold"] == "0.8"
    assert "completionThreshold" not in first(part("A", third), schema="2004 3rd Edition")
    assert (
        told('<adlcp:completionThreshold minProgressMeasure="0.7"/>')["completion_threshold"] == ""
    )


def test_shared_data_and_hidden_controls_are_passed_on() -> None:
    found = first(
        part(
            "A",
            '<adlcp:data><adlcp:map targetID="S" readSharedData="false"/></adlcp:data>'
            "<adlnav:presentation><adlnav:navigationInterface>"
            "<adlnav:hideLMSUI>continue</adlnav:hideLMSUI>"
            "</adlnav:navigationInterface></adlnav:presentation>",
        )
    )
    assert found["sharedDataMaps"] == [
        {"targetID": "S", "readSharedData": False, "writeSharedData": True}
    ]
    assert found["hideLmsUi"] == ["continue"]


COLLECTION = (
    '<imsss:sequencingCollection><imsss:sequencing ID="Seq01">'
    '<imsss:controlMode choice="false" flow="true"/><imsss:limitConditions attemptLimit="3"/>'
    "</imsss:sequencing></imsss:sequencingCollection>"
)


@pytest.mark.parametrize("name", ["Seq01", "  Seq01 ", "SEQ01"])
def test_what_an_item_says_itself_replaces_whole_what_it_refers_to(name: str) -> None:
    inside = sequencing('<imsss:controlMode forwardOnly="true"/>', idref=name)
    found = first(part("A", inside), collection=COLLECTION)
    controls = found["sequencingControls"]
    assert (controls["choice"], controls["flow"], controls["forwardOnly"]) == (True, False, True)
    assert found["attemptLimit"] == 3


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", False),
        (sequencing(BOTH), False),
        (sequencing('<imsss:rollupRules rollupProgressCompletion="false"/>'), True),
        (sequencing('<adlseq:rollupConsiderations requiredForCompleted="ifAttempted"/>'), True),
        ('<adlcp:completionThreshold completedByMeasure="true"/>', True),
    ],
)
def test_a_course_that_says_itself_when_it_is_complete_is_known(
    inside: str, *, expected: bool
) -> None:
    assert described(parse(manifest(part("A", inside))))["has_own_rollup"] is expected


ODD = ["NaN", "inf", "-inf", "1e999", "²", "٣", "9" * 5000, "", "many", "0x1"]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:8])
def test_what_is_no_number_that_can_be_kept_is_the_default(odd: str) -> None:
    inside = sequencing(
        f'<imsss:limitConditions attemptLimit="{odd}"/>'
        f'<imsss:rollupRules objectiveMeasureWeight="{odd}"><imsss:rollupRule'
        f' minimumCount="{odd}" minimumPercent="{odd}"/></imsss:rollupRules>'
        '<imsss:objectives><imsss:primaryObjective objectiveID="p" satisfiedByMeasure="true">'
        f"<imsss:minNormalizedMeasure>{odd}</imsss:minNormalizedMeasure>"
        "</imsss:primaryObjective></imsss:objectives>"
        f'<imsss:randomizationControls selectCount="{odd}"/>'
    )
    threshold = (
        f'<adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="{odd}"'
        f' progressWeight="{odd}"/>'
    )
    found = described(parse(manifest(part("ONE", threshold + inside))))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    (leaf,) = found["tree"]["children"]
    assert "attemptLimit" not in leaf
    assert "selectCount" not in leaf["sequencingControls"]
    assert leaf["sequencingControls"]["objectiveMeasureWeight"] in {1.0, 3.0}
    assert leaf["primaryObjective"]["minNormalizedMeasure"] in {1.0, 3.0}
