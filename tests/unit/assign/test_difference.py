"""What differs between two states of a configuration."""

from hypothesis import given
from hypothesis import strategies as st

from plugin.assign.difference import Difference, State, What, as_draft, differences
from plugin.assign.draft import DraftRow, publish
from plugin.assign.facts import RowStatus
from tests.unit.assign.facts import A, B, C, on


def state(*rows: DraftRow, name: str = "Safety", on: bool = True) -> State:
    return State(name=name, certificate_on=on, rows=rows)


def row(module_id: int, **what: object) -> DraftRow:
    return DraftRow(module_id=module_id, **what)  # type: ignore[arg-type]


def test_each_thing_that_differs_is_named_once() -> None:
    before = state(row(A, validity_months=12), row(B, status=RowStatus.HIDDEN), name="Old")
    after = state(row(B, status=RowStatus.REQUIRED, due_days=14), row(C), name="New", on=False)
    assert differences(before, after) == (
        Difference(what=What.NAME, before="Old", after="New"),
        Difference(what=What.CERTIFICATE, before=True, after=False),
        Difference(
            what=What.STATUS, module_id=B, before=RowStatus.HIDDEN, after=RowStatus.REQUIRED
        ),
        Difference(what=What.DUE, module_id=B, before=None, after=14),
        Difference(what=What.ADDED, module_id=C, after=row(C)),
        Difference(what=What.REMOVED, module_id=A, before=row(A, validity_months=12)),
    )


def test_another_order_is_a_difference_and_an_addition_in_the_middle_is_not_one() -> None:
    assert [each.what for each in differences(state(row(A), row(B)), state(row(B), row(A)))] == [
        What.ORDER
    ]
    assert [
        each.what for each in differences(state(row(A), row(B)), state(row(A), row(C), row(B)))
    ] == [What.ADDED]


rows = st.lists(
    st.builds(
        DraftRow,
        module_id=st.integers(1, 6),
        status=st.sampled_from(RowStatus),
        validity_months=st.sampled_from([None, 6, 12]),
        pass_mark=st.sampled_from([None, 0.8]),
        due_days=st.sampled_from([None, 14]),
    ),
    unique_by=lambda row: row.module_id,
    max_size=6,
).map(tuple)


@given(rows, rows)
def test_nothing_differs_exactly_when_both_are_the_same(
    one: tuple[DraftRow, ...], other: tuple[DraftRow, ...]
) -> None:
    assert (differences(state(*one), state(*other)) == ()) is (one == other)


@given(rows)
def test_a_version_reads_as_the_draft_it_was_made_of(wanted: tuple[DraftRow, ...]) -> None:
    published = publish((), wanted, now=on("2027-03-10"), apply_to_existing=False)
    assert as_draft(published) == wanted
