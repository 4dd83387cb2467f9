"""What a list is asked for, read from an address."""

import pytest
from flask import Flask

from plugin.web.listing import Asked, Slice, asked, like

SORTS = ("name", "members")
FILTERS = {"state": {"open", "closed"}, "text": None}


@pytest.fixture
def bare() -> Flask:
    return Flask("bare")


def ask(app: Flask, address: str) -> Asked:
    with app.test_request_context(address):
        return asked(sorts=SORTS, filters=FILTERS)


def test_an_empty_address_asks_for_the_first_page_in_the_usual_order(bare: Flask) -> None:
    found = ask(bare, "/x")
    assert (found.q, found.filters, found.sort, found.descending, found.page) == (
        "", {}, "name", False, 1,
    )  # fmt: skip
    assert not found.is_narrowed


def test_what_the_list_does_not_know_is_left_out(bare: Flask) -> None:
    found = ask(bare, "/x?state=odd&sort=password&dir=desc&page=minus&other=1")
    assert (found.filters, found.sort, found.descending, found.page) == ({}, "name", False, 1)


@pytest.mark.parametrize(("page", "number"), [("0", 1), ("-4", 1), ("7", 7), ("9" * 40, 1_000_000)])
def test_a_page_is_never_before_the_first_nor_absurd(bare: Flask, page: str, number: int) -> None:
    assert ask(bare, f"/x?page={page}").page == number


def test_the_same_list_with_one_thing_changed(bare: Flask) -> None:
    found = ask(bare, "/x?q=a+b&state=open&sort=members&dir=desc&page=3")
    assert found.query_string(page=4) == "q=a+b&state=open&sort=members&dir=desc&page=4"
    assert found.query_string(page="", state="") == "q=a+b&sort=members&dir=desc"


def test_a_header_asked_again_turns_the_order_round(bare: Flask) -> None:
    assert ask(bare, "/x?sort=members").order("members") == "sort=members&dir=desc"
    assert ask(bare, "/x?sort=members&dir=desc").order("members") == "sort=members"
    assert ask(bare, "/x?sort=members&page=9").order("name") == "sort=name"


def test_a_slice_counts_from_one() -> None:
    request = Asked(sort="name", page=2, size=50)
    assert request.offset == 50
    page = Slice(items=list(range(7)), total=57, asked=request)
    assert (page.first, page.last, page.pages) == (51, 57, 2)
    empty = Slice(items=[], total=0, asked=Asked(sort="name"))
    assert (empty.first, empty.last, empty.pages) == (0, 0, 1)


def test_words_are_words_in_a_pattern() -> None:
    assert like("50%_\\") == "%50\\%\\_\\\\%"
