"""What a learner sees over several configurations."""

from datetime import date
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.assign.facts import ConfigurationFacts, CoverageFacts, RowStatus
from plugin.assign.standing import RowState
from plugin.assign.visible import VisibleModule, visible_modules
from tests.unit.assign.facts import A, B, C, configuration, failed, on, passed, row, standing

AT = on("2027-03-11")
REQUIRED, OPTIONAL, HIDDEN = RowStatus.REQUIRED, RowStatus.OPTIONAL, RowStatus.HIDDEN


def seen(
    *configurations: ConfigurationFacts, done: tuple[int, ...] = ()
) -> dict[int, VisibleModule]:
    completions = [passed(module, on("2027-03-01"), score=0.7) for module in done]
    found = visible_modules(standing(each, *completions, at=AT) for each in configurations)
    return {each.module_id: each for each in found}


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [
        ((REQUIRED, OPTIONAL), REQUIRED),
        ((HIDDEN, REQUIRED), REQUIRED),
        ((HIDDEN, OPTIONAL), OPTIONAL),
        ((HIDDEN, HIDDEN), None),
        ((HIDDEN, OPTIONAL, REQUIRED), REQUIRED),
    ],
)
def test_required_beats_optional_and_hidden_contributes_nothing(
    statuses: tuple[RowStatus, ...], shown: RowStatus | None
) -> None:
    for order in permutations(statuses):
        found = seen(
            *(
                configuration(row(A, status=status), number=number)
                for number, status in enumerate(order, 1)
            )
        )
        assert (found[A].status if A in found else None) == shown


def test_the_earliest_last_day_binds_and_every_asking_unit_is_named() -> None:
    group = configuration(row(A, months=12), number=1)
    site = configuration(row(A, months=6), number=2)
    offered = configuration(row(A, months=1, status=OPTIONAL), number=3)
    found = seen(group, site, offered, done=(A,))[A]
    assert found.valid_through == date(2027, 9, 1)
    assert found.binding.unit_id == 20
    assert [ask.unit_id for ask in found.asks] == [20, 10]
    assert found.state is RowState.SATISFIED


def test_a_mark_not_reached_somewhere_binds_before_any_date() -> None:
    easy = configuration(row(A, months=1, mark=0.5), number=1)
    hard = configuration(row(A, months=12, mark=0.9), number=2)
    found = seen(easy, hard, done=(A,))[A]
    assert (found.state, found.valid_through) == (RowState.NEVER_COMPLETED, None)
    assert found.binding.configuration_id == 2
    assert found.pass_mark == 0.9


def test_the_mark_of_an_offer_does_not_raise_the_mark_of_a_duty() -> None:
    duty = configuration(row(A, mark=0.5), number=1)
    offer = configuration(row(A, mark=0.9, status=OPTIONAL), number=2)
    assert seen(duty, offer)[A].pass_mark == 0.5


def test_what_never_expires_binds_last() -> None:
    for_ever = configuration(row(A), number=1)
    yearly = configuration(row(A, months=12), number=2)
    assert seen(for_ever, yearly, done=(A,))[A].binding.configuration_id == 2


def test_the_earliest_due_date_is_shown_and_late_anywhere_is_late() -> None:
    soon = configuration(row(A, due=1, since=on("2027-03-01")), number=1)
    later = configuration(row(A, due=30, since=on("2027-03-01")), number=2)
    found = seen(soon, later)[A]
    assert (found.due_on, found.overdue) == (date(2027, 3, 2), True)


def test_duties_come_before_offers_each_in_the_order_of_the_rows() -> None:
    facts = configuration(row(A, status=OPTIONAL), row(B), row(C, status=HIDDEN), row(4))
    assert list(seen(facts)) == [B, 4, A]


def test_a_unit_one_has_left_asks_nothing() -> None:
    facts = configuration(row(A))
    gone = standing(facts, at=AT, coverage=CoverageFacts())
    assert visible_modules([gone]) == ()


@given(st.lists(st.lists(st.sampled_from([REQUIRED, OPTIONAL, HIDDEN]), min_size=3, max_size=3)))
def test_hidden_never_shows_whatever_else_is_assigned(table: list[list[RowStatus]]) -> None:
    facts = [
        configuration(
            *(row(module, months=12, status=status) for module, status in enumerate(line, 1)),
            number=number,
        )
        for number, line in enumerate(table, 1)
    ]
    done = [passed(A, on("2027-03-01")), failed(B, on("2027-03-01"))]
    found = visible_modules(standing(each, *done, at=AT) for each in facts)
    without = [
        configuration(
            *(
                row(module, months=12, status=status)
                for module, status in enumerate(line, 1)
                if status is not HIDDEN
            ),
            number=number,
        )
        for number, line in enumerate(table, 1)
    ]
    assert found == visible_modules(standing(each, *done, at=AT) for each in without)
    for module in (A, B, C):
        statuses = {line[module - 1] for line in table} - {HIDDEN}
        shown = {each.module_id for each in found}
        assert (module in shown) == bool(statuses)
